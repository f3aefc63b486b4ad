import type { Permissions } from '@jamey/auth'
import type { Identity } from '@jamey/broker'

/** Identities before the configuration of the broker narrowed them. */
const UNNARROWED = new WeakMap<Identity, Identity>()

/** The identity as it came. */
export function unnarrowed(identity: Identity): Identity {
  return UNNARROWED.get(identity) ?? identity
}

/** An identity with what both it and `allowed` let the client do, as fast as `limits` say. */
export function narrowedBy(identity: Identity, allowed: Permissions, limits?: Identity['limits']): Identity {
  const { username, expiresAtMs, authenticationData, permissions, actsFor = [], relays = [] } = identity
  const narrowed: Identity = {
    username,
    expiresAtMs,
    authenticationData,
    // Both lists stand there, and between them what is no permission.
    permissions: { list: [...(permissions?.list ?? ['everything ']), '', ...allowed.list] },
    actsFor: inBoth(allowed.actsFor(), actsFor),
    // Who may do everything, for no token of its own bounds it, relays for those alone that the configuration names.
    relays: permissions === undefined ? allowed.relays() : inBoth(allowed.relays(), relays),
    limits,
    mayPublish: (topic) => allowed.mayPublish(topic) && identity.mayPublish(topic),
    maySubscribe: (filter) => allowed.maySubscribe(filter) && identity.maySubscribe(filter),
    mayReceive: (topic) => allowed.mayReceive(topic) && identity.mayReceive(topic),
  }
  UNNARROWED.set(narrowed, identity)
  return narrowed
}

/** Whom both name. */
function inBoth(one: readonly string[], other: readonly string[]): readonly string[] {
  const within = (list: readonly string[]) => (whom: string) => list.includes('+') || list.includes(whom)
  return [...new Set([...one.filter(within(other)), ...other.filter(within(one))])]
}
