import type { Memory, MemoryRecalled } from '@jamey/contracts'
import { formatAge, plural } from '../support/quantities.js'
import { type Colors, printable, wrap } from '../terminal/terminal.js'

/** Recalled memories for people, best first: rank, score, layer, age and tags above the text, the id below. */
export function formatRecalled(
  recalled: MemoryRecalled,
  view: { readonly colors: Colors; readonly columns: number; readonly now: Date },
): string {
  const { memories, total } = recalled
  if (memories.length === 0) return 'nothing found'
  const width = String(memories.length).length
  const blocks = memories.map((memory, i) => {
    const rank = view.colors.bold(`${String(i + 1).padStart(width)}.`)
    const facts = [memory.score.toFixed(3), ...factsOf(memory, view.now)].join('  ')
    const indent = ' '.repeat(width + 2)
    const text = wrap(memory.content, view.columns, indent)
    return `${rank} ${facts}\n${text}\n${indent}${view.colors.dim(printable(memory.id))}`
  })
  const shown =
    memories.length < total ? `${memories.length} of ${total} memories` : plural(total, 'memory', 'memories')
  return `${blocks.join('\n\n')}\n\n${view.colors.dim(shown)}`
}

/** One memory in one line of facts and its text. */
export function formatMemory(
  memory: Memory,
  view: { readonly colors: Colors; readonly columns: number; readonly now: Date },
): string {
  const facts = factsOf(memory, view.now).join('  ')
  return `${facts}\n${wrap(memory.content, view.columns, '  ')}\n  ${view.colors.dim(printable(memory.id))}`
}

/** Says until when a memory is kept; its layer decides that, which nobody should find out by its absence. */
export function formatExpiry(expiresAt: string | null, now: Date): string {
  if (expiresAt === null) return 'kept for good'
  const moment = expiresAt.slice(0, 16).replace('T', ' ')
  return `kept until ${moment} UTC (${formatAge(expiresAt, now)})`
}

function factsOf(memory: Memory, now: Date): string[] {
  const facts: string[] = [memory.layer, formatAge(memory.occurred_at, now)]
  if (memory.scope === 'shared') facts.push('shared')
  if (memory.tags.length > 0) facts.push(memory.tags.map((tag) => `#${printable(tag)}`).join(' '))
  return facts
}
