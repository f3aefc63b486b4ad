import { BROKER_SCHEMA } from './broker/schema.js'
import { SESSION_SCHEMA } from './session/schema.js'

/** The newest format of each kind of store that this version reads; the kinds of records are known to their services. */
export const STORE_FORMATS: Readonly<Record<string, number>> = {
  [BROKER_SCHEMA.kind]: BROKER_SCHEMA.version,
  [SESSION_SCHEMA.kind]: SESSION_SCHEMA.version,
}
