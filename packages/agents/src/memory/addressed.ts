import { createHash } from 'node:crypto'
import type { Memory, MemoryLayer, MemoryQueryInput, MemoryScope, MemoryStoreInput } from '@jamey/contracts'
import type { AgentMemory, MemoryToForget, RecalledMemory } from './agent-memory.js'

/** Number of memories of one page. */
const PAGE = 100

/** Options that an adapter has for all that it stores. */
export interface KeepingOptions {
  /** A name that keeps stores of one memory apart, such as that of a project; none by default. */
  readonly namespace?: string | undefined
  /** `private` by default: nobody else reads it, and nobody else's is read. */
  readonly scope?: MemoryScope | undefined
  /** `long_term` by default, which is kept for good. */
  readonly layer?: MemoryLayer | undefined
  /** Where what is stored comes from, such as a URL. */
  readonly origin?: string | undefined
  /** False where it is others' words; whoever reads it is told. */
  readonly trusted?: false | undefined
}

/** The fields of a memory that these options decide. */
export function keeping({ scope, layer, origin, trusted }: KeepingOptions): Partial<MemoryStoreInput> {
  return {
    scope: scope ?? 'private',
    layer: layer ?? 'long_term',
    // Equal texts at two addresses are two memories.
    duplicates: 'keep',
    ...(origin === undefined ? {} : { origin }),
    ...(trusted === undefined ? {} : { trusted }),
  }
}

/** A tag that stands for an address: of one length, exact to the letter, and no word that anybody searches for. */
export function addressTag(kind: string, path: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, ...path]))
    .digest('hex')
    .slice(0, 32)
}

/** Everything that fits, page by page. What an adapter looks up is nobody's recall, and is not counted as one. */
export async function* recalled(
  memory: AgentMemory,
  query: MemoryQueryInput,
): AsyncGenerator<RecalledMemory, void, undefined> {
  const asked = { limit: PAGE, count_recall: query.query !== undefined, ...query }
  let next: Pick<MemoryQueryInput, 'cursor' | 'offset'> | undefined = {}
  let seen = 0
  while (next !== undefined) {
    const { memories, next_cursor, truncated } = await memory.query({ ...asked, ...next })
    yield* memories
    seen += memories.length
    if (next_cursor !== undefined) next = { cursor: next_cursor }
    // A page that is full may be the last one; without a cursor only the next one tells.
    else if (next.cursor === undefined && (truncated === true || memories.length === PAGE))
      next = { offset: seen }
    else next = undefined
  }
}

/**
 * The memory with this tag. Where two programs stored one at the same moment the newer one counts, and whoever stores
 * next removes the other.
 */
export async function memoryAt(
  memory: AgentMemory,
  tag: string,
  { scope = 'private' }: KeepingOptions,
): Promise<Memory | undefined> {
  const { memories } = await memory.query({ tags: [tag], scope, limit: 1, count_recall: false })
  return memories[0]
}

/** Forgets all that fits, however many they are; resolves with their number. */
export async function forgetAll(memory: AgentMemory, which: MemoryToForget): Promise<number> {
  const { would_forget = 0 } = await memory.forget({ ...which, dry_run: true })
  if (would_forget === 0) return 0
  return (await memory.forget({ ...which, confirm: would_forget })).forgotten
}

/**
 * After a memory was stored where none was: another program may have done so at the same moment. The newest one counts,
 * so whatever is older goes, be it this one.
 */
export async function keepNewest(memory: AgentMemory, tag: string, options: KeepingOptions): Promise<void> {
  const ids: string[] = []
  for await (const { id } of recalled(memory, { tags: [tag], scope: options.scope ?? 'private' }))
    ids.push(id)
  const older = ids.slice(1)
  if (older.length > 0) await memory.forget({ ids: older })
}
