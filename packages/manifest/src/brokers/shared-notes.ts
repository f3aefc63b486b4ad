import type { Manifest } from '../model/manifest.js'
import type { ClientRules } from './client-rules.js'
import { shown } from './config-text.js'

/** Names in one sentence; there may be thousands. */
const MAXIMUM_NAMES = 20

interface Abilities {
  /** True where our tokens decide who connects; else certificates do. */
  readonly takesTokens: boolean
  /** True where the broker keeps the limits of single clients. */
  readonly hasLimits: boolean
}

/**
 * Notes for the operator on the parts of a manifest that a broker does not enforce. Empty where the manifest has none
 * of them.
 */
export function sharedNotes(
  manifest: Manifest,
  broker: string,
  { takesTokens, hasLimits }: Abilities,
): readonly string[] {
  const { clients } = manifest
  const limited = clients.filter(({ limits }) => Object.keys(limits).length > 0)
  const isOther = (proof: string): boolean => (proof === 'certificate') === takesTokens
  const otherwise = clients.filter(({ proofs }) => proofs.every(isOther))
  const what = takesTokens ? 'a token' : 'a certificate'
  return [
    ...note(otherwise, `${broker} knows a client by ${what} alone, here; the manifest has another proof for`),
    ...note(
      hasLimits ? [] : limited,
      `${broker} keeps no limits of single clients. The manifest has some for`,
    ),
  ]
}

/** Notes on a broker whose lists hold permissions as `narrowed` makes them. */
export function narrowingNotes(rules: readonly ClientRules[], broker: string): readonly string[] {
  const wide = rules.filter(({ reachesInboxes, reachesStatuses }) => reachesInboxes || reachesStatuses)
  const why = `${broker} cannot leave out what belongs to others; permissions that select it, such as jamey/#, stand as the parts that hold our topics (list further ones by name) for`
  return note(wide, why)
}

function note(clients: readonly { readonly clientId: string }[], text: string): readonly string[] {
  if (clients.length === 0) return []
  const names = clients.slice(0, MAXIMUM_NAMES).map(({ clientId }) => shown(clientId))
  const more = clients.length > MAXIMUM_NAMES ? ` and ${clients.length - MAXIMUM_NAMES} more` : ''
  return [`${text} ${names.join(', ')}${more}.`]
}
