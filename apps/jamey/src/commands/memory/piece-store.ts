import { randomUUID } from 'node:crypto'
import type { Bus } from '@jamey/bus'
import {
  type Memory,
  type MemoryStored,
  type MemoryStoreInput,
  type MemoryUpdated,
  topics,
} from '@jamey/contracts'
import { reportOf } from '../../support/failure.js'
import type { RefusedPiece } from '../../support/memory-pieces.js'
import type { StoredPiece } from '../../support/text-changes.js'
import type { CommandContext } from '../../terminal/command-context.js'

const { others, ...own } = topics.memory

/** A part of a file as the memory has it. */
export interface StoredMemory extends StoredPiece {
  readonly memory: Memory
}

interface Reach {
  readonly timeoutMs: number
  /** The owner of the memories; undefined: the command's own. */
  readonly owner: string | undefined
  readonly query: typeof own.query | typeof others.query
  readonly update: typeof own.update | typeof others.update
  readonly forget: typeof own.forget | typeof others.forget
}

interface Numbered {
  readonly number: number
  readonly memory: MemoryStoreInput
}

interface Update {
  readonly id: string
  readonly number?: number
  readonly [field: string]: unknown
}

/** Bounds of one request: the memory takes 500 memories and 1 MiB, and answers them in one packet, too. */
const BATCH_MEMORIES = 100
const BATCH_BYTES = 262_144
/** Number of requests on their way at once. */
const LANES = 4
const PAGE = 100
const FORGOTTEN_AT_ONCE = 1_000
/** A request whose answer was lost is sent again under the same identifier, and carried out once. */
const ATTEMPTS = 3
/** Kinds of refusal that the memory gives for one part and not for all that come after it. */
const OF_ONE: ReadonlySet<string> = new Set([
  'invalid-request',
  'message-invalid',
  'memory-conflict',
  'memory-gone',
  'memory-version',
  'memory-forbidden',
  'memory-unknown',
])

/** The memories of one file: what is there of it, and what is to be. */
export class PieceStore {
  readonly #bus: Bus
  readonly #context: CommandContext
  readonly #reach: Reach

  constructor(bus: Bus, context: CommandContext, reach: Reach) {
    this.#bus = bus
    this.#context = context
    this.#reach = reach
  }

  /** All memories with this origin; none where they may not be asked for. */
  async known(origin: string): Promise<StoredMemory[]> {
    const { query, owner, timeoutMs } = this.#reach
    if (!this.#bus.permissions.mayPublish(query.topic)) return []
    const whose = owner ?? this.#bus.clientId
    const filter = { origin, limit: PAGE, count_recall: false, ...(owner === undefined ? {} : { owner }) }
    const known: StoredMemory[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await this.#bus.request(
        query,
        { ...filter, ...(cursor === undefined ? {} : { cursor }) },
        { timeoutMs, signal: this.#context.interrupted },
      )
      for (const { score: _, why: __, ...memory } of page.memories) {
        // Memories that others share from a file of this name are theirs.
        if (memory.owner !== whose) continue
        known.push({ id: memory.id, content: memory.content, hash: memory.content_hash, memory })
      }
      cursor = page.next_cursor
      if (cursor === undefined) return known
    }
  }

  async storeAll(
    pieces: readonly Numbered[],
    onAnswer: (answer: MemoryStored | RefusedPiece) => void,
  ): Promise<void> {
    await inLanes(batchesOf(pieces), async (batch) => {
      const results = await this.#storeBatch(batch.map(({ memory }) => memory))
      for (const [i, result] of results.entries()) {
        const number = batch[i]?.number ?? 0
        onAnswer('error' in result ? { number, refusal: result.error.message } : result)
      }
    })
  }

  async updateAll(
    updates: readonly Update[],
    onAnswer: (answer: MemoryUpdated | RefusedPiece) => void,
  ): Promise<void> {
    const { update, timeoutMs } = this.#reach
    await inLanes(updates, async ({ number = 0, ...change }) => {
      try {
        onAnswer(
          await this.#repeated((messageId) =>
            this.#bus.request(update, change, {
              messageId,
              timeoutMs,
              signal: this.#context.interrupted,
            }),
          ),
        )
      } catch (error) {
        const { code, message } = reportOf(error)
        if (!OF_ONE.has(code)) throw error
        onAnswer({ number, refusal: message })
      }
    })
  }

  /** Resolves with how many there were. */
  async forget(ids: readonly string[]): Promise<number> {
    const { forget, timeoutMs } = this.#reach
    let count = 0
    for (let i = 0; i < ids.length; i += FORGOTTEN_AT_ONCE) {
      const some = ids.slice(i, i + FORGOTTEN_AT_ONCE)
      const call = { timeoutMs, signal: this.#context.interrupted }
      const { forgotten } = await this.#bus.request(forget, { ids: some, confirm: some.length }, call)
      count += forgotten
    }
    return count
  }

  async #storeBatch(memories: readonly MemoryStoreInput[]) {
    const { owner, timeoutMs } = this.#reach
    const { results } = await this.#repeated((messageId) => {
      const call = { messageId, timeoutMs, signal: this.#context.interrupted }
      if (owner === undefined) return this.#bus.request(own.storeBatch, { memories: [...memories] }, call)
      const owned = memories.map((memory) => ({ ...memory, owner }))
      return this.#bus.request(others.storeBatch, { memories: owned }, call)
    })
    return results
  }

  async #repeated<T>(work: (messageId: string) => Promise<T>): Promise<T> {
    const messageId = randomUUID()
    for (let attempt = 1; ; attempt++) {
      try {
        return await work(messageId)
      } catch (error) {
        const isLast = attempt === ATTEMPTS || this.#context.interrupted.aborted
        if (isLast || reportOf(error).retryable !== true) throw error
      }
    }
  }
}

function batchesOf(pieces: readonly Numbered[]): Numbered[][] {
  const batches: Numbered[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const piece of pieces) {
    const size = Buffer.byteLength(JSON.stringify(piece.memory))
    const batch = batches.at(-1)
    if (batch === undefined || bytes + size > BATCH_BYTES || batch.length === BATCH_MEMORIES) {
      batches.push([piece])
      bytes = size
      continue
    }
    batch.push(piece)
    bytes += size
  }
  return batches
}

/** Keeps `LANES` on their way; the first failure stops taking new ones and is thrown. */
async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  let failure: { error: unknown } | undefined
  const lane = async () => {
    while (failure === undefined && next < items.length) {
      const item = items[next++] as T
      try {
        await work(item)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(LANES, items.length) }, lane))
  if (failure !== undefined) throw failure.error
}
