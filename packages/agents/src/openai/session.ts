import { randomUUID } from 'node:crypto'
import type { MemoryLayer, MemoryStoreInput } from '@jamey/contracts'
import { addressTag, forgetAll, keeping, recalled } from '../memory/addressed.js'
import type { AgentMemory } from '../memory/agent-memory.js'
import { MemoryAccessError } from '../model/errors.js'
import { itemText } from './item-text.js'

export interface OpenaiSessionOptions {
  /** The conversation, which another program may go on with; a new one by default. At most 200 characters. */
  readonly sessionId?: string | undefined
  /** `episodic` by default, which is kept for 90 days. */
  readonly layer?: MemoryLayer | undefined
}

/** The SDK's `Session`, for whatever type its items have. */
export interface OpenaiSession<Item extends object> {
  getSessionId(): Promise<string>
  /** The newest `limit` items in the order in which they were added; all of them by default. */
  getItems(limit?: number): Promise<Item[]>
  addItems(items: Item[]): Promise<void>
  popItem(): Promise<Item | undefined>
  clearSession(): Promise<void>
}

/** Of one item as JSON, in UTF-16. */
const MAXIMUM_ITEM_CHARACTERS = 4 * 1024 * 1024
/** Characters of one part of an item; within the metadata of one memory whatever they are. */
const PART_CHARACTERS = 20_000
/** Sum of the characters of one request, and number of its memories. */
const BATCH_CHARACTERS = 200_000
const BATCH_MEMORIES = 100

const TAG = addressTag('openai-session', [])

/** An item, or a part of one that is too large for a memory. */
interface Kept {
  /** The same for all parts of an item. */
  readonly item: string
  readonly part: number
  readonly parts: number
  readonly json: string
}

/**
 * A conversation of the OpenAI Agents SDK in a memory: each item is a memory of its session, with its turn. What several
 * programs add at once stands there in one order, and what one of them adds in one call in its own.
 */
export function openaiSession<Item extends object>(
  memory: AgentMemory,
  { sessionId = randomUUID(), layer = 'episodic' }: OpenaiSessionOptions = {},
): OpenaiSession<Item> {
  const own: Own = { session_id: sessionId, tags: [TAG], scope: 'private' }
  /** Additions and removals of this object follow each other. */
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work)
    last = next
    return next
  }
  const add = async (items: readonly Item[]): Promise<void> => {
    const { memories } = await memory.query({ ...own, limit: 1, count_recall: false })
    const [newest] = memories
    // The time of day may have been put back since; the order of a conversation must not follow it.
    const sinceMs = Math.max(Date.now(), newest === undefined ? 0 : Date.parse(newest.occurred_at))
    const firstTurn = (newest?.turn ?? -1) + 1
    const common = { ...keeping({ layer }), ...own, occurred_at: new Date(sinceMs).toISOString() }
    const stored = items.flatMap((item, i) =>
      partsOf(item).map((kept) => ({
        ...common,
        turn: firstTurn + i,
        content: kept.part === 0 ? itemText(item) : `(part ${kept.part + 1})`,
        metadata: { openai: kept },
      })),
    )
    await storeAll(memory, stored)
  }
  return {
    getSessionId: async () => sessionId,
    getItems: async (limit = Number.POSITIVE_INFINITY) => {
      const newest: Item[] = []
      if (limit <= 0) return newest
      for await (const { item } of newestFirst<Item>(memory, own)) if (newest.push(item) >= limit) break
      return newest.reverse()
    },
    addItems: (items) => (items.length === 0 ? Promise.resolve() : inTurn(() => add(items))),
    popItem: () =>
      inTurn(async () => {
        for await (const { item, ids } of newestFirst<Item>(memory, own)) {
          // None is left where another program took it in between.
          if ((await memory.forget({ ids })).forgotten > 0) return item
        }
        return undefined
      }),
    clearSession: () => inTurn(async () => void (await forgetAll(memory, own))),
  }
}

interface Own {
  readonly session_id: string
  readonly tags: string[]
  readonly scope: 'private'
}

function partsOf(item: object): Kept[] {
  const json = JSON.stringify(item)
  if (json.length > MAXIMUM_ITEM_CHARACTERS) {
    throw new RangeError(
      `An item must have at most ${MAXIMUM_ITEM_CHARACTERS} characters as JSON; found ${json.length}.`,
    )
  }
  const parts = Math.ceil(json.length / PART_CHARACTERS)
  const id = randomUUID()
  return Array.from({ length: parts }, (_, part) => ({
    item: id,
    part,
    parts,
    json: json.slice(part * PART_CHARACTERS, (part + 1) * PART_CHARACTERS),
  }))
}

/** All or none, as far as the memory answers: what was stored before one was refused is forgotten again. */
async function storeAll(memory: AgentMemory, stored: readonly MemoryStoreInput[]): Promise<void> {
  const ids: string[] = []
  for (const batch of batchesOf(stored)) {
    const { results } = await memory.storeBatch(batch)
    ids.push(...results.flatMap((result) => ('memory' in result ? [result.memory.id] : [])))
    const refused = results.find((result) => 'error' in result)
    if (refused === undefined || !('error' in refused)) continue
    if (ids.length > 0) await memory.forget({ ids })
    const { code, message } = refused.error
    throw new MemoryAccessError('memory-refused', `The memory could not store an item: ${message}`, {
      reason: code,
    })
  }
}

function batchesOf(stored: readonly MemoryStoreInput[]): MemoryStoreInput[][] {
  const batches: MemoryStoreInput[][] = []
  let room = 0
  for (const one of stored) {
    const characters = JSON.stringify(one).length
    if (room < characters || (batches.at(-1)?.length ?? 0) >= BATCH_MEMORIES) {
      batches.push([])
      room = BATCH_CHARACTERS
    }
    batches.at(-1)?.push(one)
    room -= characters
  }
  return batches
}

/** Whole items of a session; of one that another program is storing the parts are not all there yet, and it is left out. */
async function* newestFirst<Item>(
  memory: AgentMemory,
  own: Own,
): AsyncGenerator<{ item: Item; ids: string[] }, void, undefined> {
  const incomplete = new Map<string, { ids: string[]; json: string[] }>()
  for await (const { id, metadata } of recalled(memory, own)) {
    const { item, part, parts, json } = metadata['openai'] as Kept
    const found = incomplete.get(item) ?? { ids: [], json: [] }
    found.ids.push(id)
    found.json[part] = json
    if (found.ids.length < parts) {
      incomplete.set(item, found)
      continue
    }
    incomplete.delete(item)
    yield { item: JSON.parse(found.json.join('')) as Item, ids: found.ids }
  }
}
