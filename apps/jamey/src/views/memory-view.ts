import type { Memory, MemoryRecalled } from '@jamey/contracts'
import { formatAge, plural } from '../support/quantities.js'
import { printable, wrap } from '../terminal/terminal.js'
import type { View } from '../terminal/view.js'

/** Recalled memories for people, best first: rank, score, layer, age and tags above the text, the id below. */
export function formatRecalled(recalled: MemoryRecalled, view: View): string {
  const { memories, total, total_is_at_least: isAtLeast, next_cursor: cursor } = recalled
  if (memories.length === 0) return 'nothing found'
  const width = String(memories.length).length
  const blocks = memories.map((memory, i) => {
    const rank = view.colors.bold(`${String(i + 1).padStart(width)}.`)
    const facts = [memory.score.toFixed(3), ...factsOf(memory, view.now), ...timesOf(memory, view.now)].join(
      '  ',
    )
    const indent = ' '.repeat(width + 2)
    const text = wrap(memory.content, view.columns, indent)
    const why = memory.why === undefined ? '' : `\n${indent}${view.colors.dim(formatWhy(memory.why))}`
    return `${rank} ${facts}\n${text}${why}\n${indent}${view.colors.dim(printable(memory.id))}`
  })
  const all = isAtLeast ? `at least ${total}` : `${total}`
  const count =
    memories.length < total ? `${memories.length} of ${all} memories` : plural(total, 'memory', 'memories')
  const shown = cursor === undefined ? count : `${count}; the next ones: --cursor ${cursor}`
  return `${blocks.join('\n\n')}\n\n${view.colors.dim(shown)}`
}

/** The signals that a memory was found by: `words lisbon 0.91, recency 0.046`. */
function formatWhy({
  terms,
  meaning,
  ...parts
}: NonNullable<MemoryRecalled['memories'][number]['why']>): string {
  const words = terms.map(({ word, weight }) => `${word} ${rounded(weight)}`)
  const { similarity, missing } = meaning ?? {}
  const found = [
    ...(words.length === 0 ? [] : [`words ${words.join(' ')}`]),
    ...(similarity === undefined ? [] : [`meaning ${rounded(similarity)}`]),
    ...(missing === undefined ? [] : [`meaning not known: ${missing}`]),
    ...Object.entries(parts).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name} ${rounded(value)}`],
    ),
  ]
  return printable(`why: ${found.join(', ')}`)
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

/** One memory in one line of facts and its text. */
export function formatMemory(memory: Memory, view: View): string {
  const facts = factsOf(memory, view.now).join('  ')
  return `${facts}\n${wrap(memory.content, view.columns, '  ')}\n  ${view.colors.dim(printable(memory.id))}`
}

/** Says until when a memory is kept; its layer decides that, which nobody should find out by its absence. */
export function formatExpiry(expiresAt: string | null, now: Date): string {
  if (expiresAt === null) return 'kept for good'
  return `kept until ${minuteOf(expiresAt)} (${formatAge(expiresAt, now)})`
}

/** When it holds, where that is not from now on for good: what is to hold later is found, too. */
function timesOf({ valid_from: from, valid_to: to }: Memory, now: Date): string[] {
  const isAhead = from !== undefined && new Date(from) > now
  return [
    ...(isAhead ? [`holds from ${minuteOf(from)}`] : []),
    ...(to === undefined ? [] : [`holds until ${minuteOf(to)}`]),
  ]
}

export function minuteOf(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`
}

function factsOf(memory: Memory, now: Date): string[] {
  const facts: string[] = [memory.layer, formatAge(memory.occurred_at, now)]
  if (memory.scope !== 'private') facts.push(printable(memory.scope))
  if (!memory.trusted) facts.push('not trusted')
  if (memory.tags.length > 0) facts.push(memory.tags.map((tag) => `#${printable(tag)}`).join(' '))
  return facts
}
