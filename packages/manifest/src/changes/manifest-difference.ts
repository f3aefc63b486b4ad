import { clientOf } from '../decisions/permissions-of.js'
import {
  CLIENT_LIMITS,
  type ClientLimits,
  type Manifest,
  type ManifestClient,
  type PermissionOrigin,
  PROOFS,
  type Proof,
} from '../model/manifest.js'
import { includes, type Right, Rights } from './rights.js'

/** Something that a client may do in one manifest alone. */
export interface RightChange {
  /** The permission as an entry would say it: of one that grants two directions, perhaps one of them alone. */
  readonly permission: string
  /** Place of the entry, in the manifest that grants it. */
  readonly origin: PermissionOrigin | undefined
}

/** A client that is in both manifests. Parts that are absent did not change. */
export interface ClientChange {
  readonly clientId: string
  readonly gained: readonly RightChange[]
  readonly lost: readonly RightChange[]
  readonly proofs?: { readonly before: readonly Proof[]; readonly after: readonly Proof[] }
  readonly limits?: { readonly before: ClientLimits; readonly after: ClientLimits }
}

/** The effects in which two manifests differ. Where all three are empty, they have the same effect. */
export interface ManifestDifference {
  /** Client identifiers, in the order of the manifest in which they are. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly ClientChange[]
}

/**
 * What `after` changes of `before`, by effect: an entry that others cover, or that reaches nothing but what belongs to
 * other clients, is no change. A right is told that has an effect in any case where the client holds it by one entry; one
 * that several entries had together may be told although nothing changes.
 */
export function diff(before: Manifest, after: Manifest): ManifestDifference {
  const missingIn = (other: Manifest) => (client: ManifestClient) =>
    clientOf(other, client.clientId) === undefined
  return {
    added: after.clients.filter(missingIn(before)).map(({ clientId }) => clientId),
    removed: before.clients.filter(missingIn(after)).map(({ clientId }) => clientId),
    changed: after.clients.flatMap((client) => {
      const former = clientOf(before, client.clientId)
      return former === undefined ? [] : changesOf(former, client)
    }),
  }
}

function changesOf(before: ManifestClient, after: ManifestClient): ClientChange[] {
  const [held, holds] = [new Rights(before), new Rights(after)]
  const change: ClientChange = {
    clientId: after.clientId,
    gained: shown(holds.all.filter((right) => !held.hold(right))),
    lost: shown(held.all.filter((right) => !holds.hold(right))),
    ...(isSameProofs(before, after) ? {} : { proofs: { before: before.proofs, after: after.proofs } }),
    ...(isSameLimits(before, after) ? {} : { limits: { before: before.limits, after: after.limits } }),
  }
  const { gained, lost, proofs, limits } = change
  const isNone = gained.length + lost.length === 0 && proofs === undefined && limits === undefined
  return isNone ? [] : [change]
}

/** Rights without those that another one of them covers; both directions of an entry are that entry. */
function shown(rights: readonly Right[]): RightChange[] {
  const widest = rights.filter(
    (right, i) =>
      !rights.some((other, j) => j !== i && includes(other, right) && (j < i || !includes(right, other))),
  )
  const changes = new Map<string, RightChange>()
  for (const { permission, entry, origin } of widest) {
    const isWhole = widest.filter((other) => other.entry === entry).length === 2
    const told = isWhole ? entry : permission
    if (!changes.has(told)) changes.set(told, { permission: told, origin })
  }
  return [...changes.values()]
}

function isSameProofs(one: ManifestClient, other: ManifestClient): boolean {
  return PROOFS.every((proof) => one.proofs.includes(proof) === other.proofs.includes(proof))
}

function isSameLimits(one: ManifestClient, other: ManifestClient): boolean {
  return CLIENT_LIMITS.every((name) => one.limits[name] === other.limits[name])
}
