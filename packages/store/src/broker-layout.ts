import { fromVersion1 } from './broker-migration.js'
import type { Layout } from './layout.js'

export const BROKER_LAYOUT: Layout = {
  kind: 'jamey broker store',
  version: 2,
  migrations: new Map([[1, (records) => fromVersion1(records)]]),
}
