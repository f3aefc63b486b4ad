import { ConnectionFault } from '../support/errors.js'
import type { Identity } from './authenticator.js'
import type { Refusal } from './hooks.js'

/**
 * The identity that a client has by now, given the one it had before; the same one where nothing changed. Must not
 * wait.
 */
export type Revise = (identity: Identity, clientId: string) => Identity | Refusal

/** Throws `ConnectionFault` where `revise` refuses. */
export function revised(revise: Revise, identity: Identity, clientId: string): Identity {
  const outcome = revise(identity, clientId)
  if (!('refuse' in outcome)) return outcome
  throw new ConnectionFault(outcome.refuse, outcome.reason ?? 'not allowed any more')
}
