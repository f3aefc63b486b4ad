import type { MemoryQueryInput, MemoryStoreInput, MemoryUpdateInput } from '@jamey/contracts'
import type { FakeClock } from '@jamey/testing'
import type { Reach } from '../model/memory-storage.js'
import type { MemoryStore } from '../store/memory-store.js'

export type Random = () => number

export function randomFrom(seed: number): Random {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const WORDS = 'amber birch cedar delta ember fjord grove heron inlet jetty kelp lagoon'.split(' ')
const MINUTE_MS = 60_000

const oneOf = <T>(random: Random, some: readonly T[]): T => some[Math.floor(random() * some.length)] as T

/** What happens to the memories of three owners, a minute after the other: they come, change, move and go. */
export class RandomHistory {
  readonly #store: MemoryStore
  readonly #clock: FakeClock
  readonly #random: Random
  /** Each with its owner. */
  readonly #ids: [string, string][] = []

  constructor(store: MemoryStore, clock: FakeClock, random: Random) {
    this.#store = store
    this.#clock = clock
    this.#random = random
  }

  async go(steps: number): Promise<void> {
    for (let i = 0; i < steps; i++) {
      await this.#clock.advance(MINUTE_MS)
      const chance = this.#random()
      if (chance < 0.6 || this.#ids.length === 0) await this.#add()
      else if (chance < 0.95) await this.#change()
      else await this.#store.forget({ id: oneOf(this.#random, this.#ids)[0] })
    }
  }

  async #add(): Promise<void> {
    const random = this.#random
    const number = this.#ids.length
    const owner = oneOf(random, ['ada', 'ben', 'cleo'])
    const older = this.#ids.findLast(([, whose]) => whose === owner)?.[0]
    const isThere = older !== undefined && (await this.#store.get(older)) !== undefined
    const memory: MemoryStoreInput = {
      content: this.#text(),
      layer: oneOf(random, ['semantic', 'episodic']),
      scope: oneOf(random, ['private', 'shared', 'group:team']),
      duplicates: 'keep',
      importance: random(),
      tags: random() < 0.3 ? [oneOf(random, ['Red', 'blue'])] : [],
      metadata: { project: oneOf(random, ['one', 'two', 3]) },
      ...(random() < 0.5 ? { session_id: `${owner}-${Math.floor(number / 6)}`, turn: number % 6 } : {}),
      ...(random() < 0.1 ? { valid_to: this.#later(200) } : {}),
      ...(random() < 0.1 ? { expires_at: this.#later(300) } : {}),
      ...(random() < 0.1 && isThere ? { supersedes: older } : {}),
    }
    await this.#store.store(memory, { id: `m${number}`, source: owner })
    this.#ids.push([`m${number}`, owner])
  }

  async #change(): Promise<void> {
    const random = this.#random
    const [id] = oneOf(random, this.#ids)
    if ((await this.#store.get(id)) === undefined) return
    const changes: readonly Omit<MemoryUpdateInput, 'id'>[] = [
      { content: this.#text() },
      { content: this.#text(), tags: [oneOf(random, ['red', 'Blue'])] },
      { scope: oneOf(random, ['private', 'shared']) },
      { session_id: null },
      { layer: oneOf(random, ['semantic', 'episodic']) },
      { metadata: { project: oneOf(random, ['one', 'two', 3]) } },
      { importance: random() },
    ]
    await this.#store.update({ id, ...oneOf(random, changes) })
  }

  #text(): string {
    return Array.from({ length: 3 + Math.floor(this.#random() * 6) }, () => oneOf(this.#random, WORDS)).join(
      ' ',
    )
  }

  #later(minutes: number): string {
    return new Date(this.#clock.now() + Math.ceil(this.#random() * minutes) * MINUTE_MS).toISOString()
  }
}

export interface Asked {
  readonly query: MemoryQueryInput
  readonly reach: Reach | undefined
}

/** With words and without, about what few or many are. */
export function questionFrom(random: Random): Asked {
  const some = (share: number, given: () => MemoryQueryInput) => (random() < share ? given() : {})
  const reaches = [
    undefined,
    { owner: 'ada' },
    { owner: 'ben', groups: ['team'] },
    { owner: 'cleo', isOwnOnly: true },
  ]
  return {
    query: {
      ...some(0.7, () => ({ query: `${oneOf(random, WORDS)} ${oneOf(random, WORDS)}` })),
      ...some(0.2, () => ({ tags: ['red'] })),
      ...some(0.2, () => ({ layers: ['semantic'] })),
      ...some(0.2, () => ({ where: { project: oneOf(random, ['one', 3]) } })),
      ...some(0.1, () => ({ session_id: `ada-${Math.floor(random() * 9)}` })),
      ...some(0.2, () => ({ include_superseded: true })),
    },
    reach: oneOf(random, reaches),
  }
}
