import type { Memory, MemoryHistory, MemoryStats, MemoryVersion } from '@jamey/contracts'
import { formatAge, plural } from '../support/quantities.js'
import { printable } from '../terminal/terminal.js'
import type { View } from '../terminal/view.js'
import { formatExpiry, formatMemory, minuteOf } from './memory-view.js'

/** One memory with all that is known of it, a line for each kind of fact. */
export function formatDetails(memory: Memory, view: View): string {
  const facts = [
    formatExpiry(memory.expires_at, view.now),
    whose(memory),
    origin(memory),
    validity(memory),
    versions(memory, view.now),
    Object.keys(memory.metadata).length === 0 ? undefined : `metadata ${JSON.stringify(memory.metadata)}`,
  ]
  const lines = facts
    .filter((fact) => fact !== undefined && fact !== '')
    .map((fact) => `  ${printable(fact ?? '')}`)
  return [formatMemory(memory, view), ...lines].join('\n')
}

/** The versions of a memory, the newest first. */
export function formatHistory({ versions: all, next_cursor: cursor }: MemoryHistory, view: View): string {
  const blocks = all.map((version) => formatVersion(version, view))
  const more = cursor === undefined ? [] : [view.colors.dim(`there are more: --cursor ${cursor}`)]
  return [...blocks, ...more].join('\n\n')
}

function formatVersion(version: MemoryVersion, view: View): string {
  const { replaced_at: until } = version
  const times = [
    `since ${second(version.updated_at)}`,
    ...(until === undefined ? [] : [`until ${second(until)}`]),
  ]
  return `${view.colors.bold(`version ${version.version}`)}  ${times.join(', ')}\n${formatMemory(version, view)}`
}

/** How many memories there are, of what kind and how large. */
export function formatStats(stats: MemoryStats, now: Date): string {
  const { memories, bytes, oldest, newest, by_layer: layers, by_scope: scopes, index } = stats
  const spans = [
    ...(oldest === undefined ? [] : [`oldest ${formatAge(oldest, now)}`]),
    ...(newest === undefined ? [] : [`newest ${formatAge(newest, now)}`]),
  ]
  return [
    [plural(memories, 'memory', 'memories'), `${bytes.toLocaleString('en-US')} bytes`, ...spans].join(', '),
    countsOf('by layer', layers),
    countsOf('by scope', scopes),
    ...Object.entries(index).map(([name, facts]) => `${name.padEnd(8)}  ${printable(factsOf(facts))}`),
  ]
    .filter((line) => line !== '')
    .join('\n')
}

/** Members of an object side by side, as `missing 3, fault The endpoint answered with 500.` */
function factsOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([name, fact]) => `${name} ${typeof fact === 'object' ? JSON.stringify(fact) : fact}`)
    .join(', ')
}

function countsOf(title: string, counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${count.toLocaleString('en-US')}`)
  return parts.length === 0 ? '' : `${title}  ${printable(parts.join(', '))}`
}

function whose({ owner, scope, provenance, trusted }: Memory): string {
  const { stored_by: by, on_behalf_of: behalf } = provenance
  const sender = behalf === undefined ? by : `${by} on behalf of ${behalf}`
  return [
    `owner ${owner}, ${scope}`,
    ...(sender === owner ? [] : [`stored by ${sender}`]),
    ...(trusted ? [] : ['not trusted']),
  ].join(', ')
}

function origin({ origin: from, session_id: session, turn }: Memory): string {
  return [
    ...(from === undefined ? [] : [`from ${from}`]),
    ...(session === undefined ? [] : [`session ${session}${turn === undefined ? '' : `, turn ${turn}`}`]),
  ].join(', ')
}

function validity({ valid_from: from, valid_to: to, supersedes, superseded_by: by }: Memory): string {
  return [
    ...(from === undefined ? [] : [`holds from ${minuteOf(from)}`]),
    ...(to === undefined ? [] : [`holds until ${minuteOf(to)}`]),
    ...(supersedes === undefined ? [] : [`in the place of ${supersedes}`]),
    ...(by === undefined ? [] : [`replaced by ${by}`]),
  ].join(', ')
}

function versions({ version, updated_at: at, count, last_stored_at: last }: Memory, now: Date): string {
  return [
    ...(version === 1 ? [] : [`version ${version}, changed ${formatAge(at, now)}`]),
    ...(count === 1 ? [] : [`stored ${count} times, last ${formatAge(last, now)}`]),
  ].join(', ')
}

/** Versions may follow each other within a minute. */
function second(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`
}
