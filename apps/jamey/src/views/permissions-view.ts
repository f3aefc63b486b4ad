import { shownClientName } from '@jamey/auth'
import {
  CLIENT_LIMITS,
  type ClientChange,
  type ClientLimits,
  type Explanation,
  type Manifest,
  type ManifestDifference,
  type ManifestFault,
  type PermissionOrigin,
  type RightChange,
  shownOrigin,
} from '@jamey/manifest'
import { printable } from '../terminal/terminal.js'

type Files = Readonly<Record<'before' | 'after', Pick<Manifest, 'fileName'>>>

export function jsonFault({ line, column, field, found, expected }: ManifestFault): Record<string, unknown> {
  return { line, column, field, found, expected }
}

export function jsonExplanation(explanation: Explanation): Record<string, unknown> {
  const { clientId, action, topic, isAllowed, ruling, permission, origin } = explanation
  return {
    client_id: clientId,
    action,
    topic,
    allowed: isAllowed,
    ruling,
    permission: permission ?? null,
    origin: jsonOrigin(origin),
  }
}

/** A line that says who may do something. */
export function formatGrant(explanation: Explanation, { fileName }: Manifest): string {
  const { clientId, action, ruling, permission, origin } = explanation
  const by = ruling === 'own' ? 'it is its own' : `${printable(permission ?? '')}${whereOf(origin, fileName)}`
  return `${shownClientName(clientId)} may ${action}: ${by}`
}

export function formatNobody(action: string, topic: string): string {
  return `nobody may ${action} ${action === 'publish' ? 'to ' : ''}${printable(JSON.stringify(topic))}`
}

export function jsonDifference({ added, removed, changed }: ManifestDifference): Record<string, unknown> {
  const jsonRight = ({ permission, origin }: RightChange) => ({ permission, origin: jsonOrigin(origin) })
  return {
    added,
    removed,
    changed: changed.map(({ clientId, gained, lost, proofs, limits }) => ({
      client_id: clientId,
      gained: gained.map(jsonRight),
      lost: lost.map(jsonRight),
      proofs: proofs ?? null,
      limits: limits ?? null,
    })),
  }
}

/** Shows who came and went, and below each other client what it may more (+) and less (-). */
export function formatDifference({ added, removed, changed }: ManifestDifference, files: Files): string {
  const lines = [
    ...added.map((name) => `+ ${shownClientName(name)} is new`),
    ...removed.map((name) => `- ${shownClientName(name)} is gone`),
    ...changed.flatMap((change) => formatChange(change, files)),
  ]
  return lines.length === 0 ? 'both have the same effect' : lines.join('\n')
}

function formatChange({ clientId, gained, lost, proofs, limits }: ClientChange, files: Files): string[] {
  const right =
    (sign: string, { fileName }: Pick<Manifest, 'fileName'>) =>
    ({ permission, origin }: RightChange) =>
      `  ${sign} ${printable(permission)}${whereOf(origin, fileName)}`
  return [
    shownClientName(clientId),
    ...gained.map(right('+', files.after)),
    ...lost.map(right('-', files.before)),
    ...(proofs === undefined
      ? []
      : [`  proof: ${proofs.before.join(' or ')} -> ${proofs.after.join(' or ')}`]),
    ...(limits === undefined
      ? []
      : [`  limits: ${shownLimits(limits.before)} -> ${shownLimits(limits.after)}`]),
  ]
}

function shownLimits(limits: ClientLimits): string {
  const set = CLIENT_LIMITS.filter((name) => limits[name] !== undefined)
  return set.map((name) => `${name} ${limits[name]}`).join(', ') || 'none'
}

function whereOf(origin: PermissionOrigin | undefined, fileName: string | undefined): string {
  return origin === undefined ? '' : ` (${shownOrigin(origin, fileName)})`
}

function jsonOrigin(origin: PermissionOrigin | undefined): Record<string, unknown> | null {
  return origin === undefined ? null : { kind: origin.kind, name: origin.name, line: origin.line ?? null }
}
