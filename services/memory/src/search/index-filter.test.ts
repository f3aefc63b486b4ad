import type { MemoryQueryInput } from '@jamey/contracts'
import { describe, expect, it } from 'vitest'
import type { Reach } from '../model/memory-storage.js'
import { temporaryStore } from '../store/memory-file.support.js'
import { MemoryStore } from '../store/memory-store.js'

const NOW = Date.parse('2026-05-01T12:00:00Z')
const MEMORIES = 1500

type Random = () => number

function randomFrom(seed: number): Random {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const upTo = (random: Random, count: number) => Math.floor(random() * count)
const dayBefore = (days: number) => new Date(NOW - days * 86_400_000).toISOString()

/** Memories of forty owners, half of which have few, and of a few times, so that many happened at the same one. */
async function filled() {
  const { store, file, clock } = temporaryStore()
  const random = randomFrom(7)
  for (let i = 0; i < MEMORIES; i += 500) {
    await Promise.all(
      Array.from({ length: 500 }, (_, k) => {
        const owner = `owner-${Math.floor(40 * random() ** 3)}`
        const scope = (['private', 'private', 'shared', 'group:team'] as const)[upTo(random, 4)] ?? 'private'
        return store.store(
          {
            content: `common w${upTo(random, 400)} number ${i + k}`,
            layer: upTo(random, 2) === 0 ? 'semantic' : 'episodic',
            scope,
            occurred_at: dayBefore(upTo(random, 12)),
            ...(random() < 0.4 ? { tags: [`tag${upTo(random, 9)}`, 'both'] } : {}),
            ...(random() < 0.4 ? { session_id: `s${upTo(random, 30)}`, turn: upTo(random, 9) } : {}),
            ...(random() < 0.3
              ? { metadata: { project: `p${upTo(random, 5)}`, rank: upTo(random, 9) } }
              : {}),
            ...(random() < 0.2 ? { origin: `page-${upTo(random, 9)}` } : {}),
            ...(random() < 0.2 ? { trusted: false } : {}),
            ...(random() < 0.1 ? { valid_to: dayBefore(1) } : {}),
          },
          { id: `m${i + k}`, source: random() < 0.5 ? owner : `robot-${upTo(random, 30)}`, owner },
        )
      }),
    )
  }
  for (let i = 0; i < MEMORIES; i += 17) await store.forget({ id: `m${i}` })
  for (let i = 1; i < MEMORIES; i += 102) await store.update({ id: `m${i}`, content: `common again ${i}` })
  return { store, file, clock }
}

/** Conditions that few or many meet, and several at once. */
function filterFrom(random: Random): {
  readonly filter: MemoryQueryInput
  readonly reach: Reach | undefined
} {
  const some = (share: number, given: () => MemoryQueryInput) => (random() < share ? given() : {})
  const reaches = [
    undefined,
    { owner: `owner-${upTo(random, 40)}` },
    { owner: `owner-${upTo(random, 40)}`, isOwnOnly: true },
    { owner: `owner-${upTo(random, 40)}`, groups: ['team'] },
  ]
  return {
    filter: {
      ...some(0.3, () => ({ session_id: `s${upTo(random, 31)}` })),
      ...some(0.2, () => ({ tags: random() < 0.5 ? [`tag${upTo(random, 10)}`] : ['both', 'TAG1'] })),
      ...some(0.2, () => ({ source: `robot-${upTo(random, 31)}` })),
      ...some(0.2, () => ({ scope: random() < 0.5 ? 'shared' : 'group:team' })),
      ...some(0.1, () => ({ trusted: random() < 0.5 })),
      ...some(0.2, () => ({ where: { project: `p${upTo(random, 6)}` } })),
      ...some(0.1, () => ({ where: { rank: { gte: upTo(random, 5), lt: 7 } } })),
      ...some(0.1, () => ({ origin: `page-${upTo(random, 9)}` })),
      ...some(0.1, () => ({ layers: ['episodic'] })),
      ...some(0.2, () => ({ from: dayBefore(6) })),
      ...some(0.1, () => ({ from: dayBefore(3), to: dayBefore(3) })),
      ...some(0.1, () => ({ include_superseded: true })),
    },
    reach: reaches[upTo(random, reaches.length)],
  }
}

/** The ids of all that fit, page by page. */
async function allOf(store: MemoryStore, query: MemoryQueryInput, reach: Reach | undefined) {
  const memories: { readonly id: string; readonly content: string }[] = []
  let total = 0
  let cursor: string | undefined
  do {
    const page = await store.query({ ...query, limit: 7 + (memories.length % 5), cursor }, { reach })
    memories.push(...page.memories)
    total = page.total
    cursor = page.next_cursor
  } while (cursor !== undefined && memories.length < 60)
  return { memories, total, isWhole: cursor === undefined }
}

const idsOf = (memories: readonly { readonly id: string }[]) => memories.map(({ id }) => id)

describe('a filter for the index', () => {
  it('lets pass what its SQL does, in the same order, however few that are', async () => {
    const { store, file, clock } = await filled()
    // One that is never asked for words has no index, and asks the file for everything.
    const plain = MemoryStore.open({ file, now: clock.now })
    await store.query({ query: 'common' })
    const random = randomFrom(11)
    let found = 0
    for (let i = 0; i < 70; i++) {
      const { filter, reach } = filterFrom(random)
      const expected = await allOf(plain, filter, reach)
      const listed = await allOf(store, filter, reach)
      expect({ filter, reach, ...listed }).toEqual({ filter, reach, ...expected })
      if (!expected.isWhole) continue
      // Neighbours in the session are found, too, where they fit.
      for (const query of ['common', 'w1 w2 w3', 'again']) {
        const words = query.split(' ')
        const fitting = expected.memories.filter(({ content }) =>
          words.some((word) => content.split(' ').includes(word)),
        )
        const { memories } = await allOf(store, { ...filter, query }, reach)
        expect(idsOf(memories)).toEqual(expect.arrayContaining(idsOf(fitting)))
        expect(idsOf(expected.memories)).toEqual(expect.arrayContaining(idsOf(memories)))
        found += fitting.length
      }
    }
    expect(found).toBeGreaterThan(150)
    await plain.close()
  })
})
