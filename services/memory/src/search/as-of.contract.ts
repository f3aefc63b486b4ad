import { describe, expect, it } from 'vitest'
import type { OpenStorage } from '../store/opened-storage.support.js'

const at = (minutes: number) => new Date(Date.parse('2026-05-01T12:00:00Z') + minutes * 60_000).toISOString()
const ada = { owner: 'ada' }
const eve = { owner: 'eve' }

/** Where ada lives: Lisbon at first, corrected to Lisboa a minute later, and Porto after two. */
async function filled(open: OpenStorage) {
  const { store, clock } = await open()
  const put = (id: string, content: string, more = {}) =>
    store.store({ content, ...more }, { id, source: 'ada' })
  await put('lisbon', 'ada lives in Lisbon', { tags: ['home'], scope: 'shared' })
  await put('always', 'ada likes tea', { layer: 'semantic' })
  await clock.advance(60_000)
  await store.update({ id: 'lisbon', content: 'ada lives in Lisboa', tags: ['casa'] })
  await clock.advance(60_000)
  await put('porto', 'ada lives in Porto', { supersedes: 'lisbon' })
  await clock.advance(60_000)
  const asked = async (minutes: number, query = {}, reach = ada) => {
    const found = await store.query({ as_of: at(minutes), ...query }, { reach })
    return found.memories.map(({ content }) => content.split(' ').at(-1))
  }
  return { store, clock, asked }
}

/** What whatever keeps memories has to know of the past. */
export function describeAsOf(name: string, open: OpenStorage): void {
  describe(name, () => {
    it('finds what was known and held then, with words and without', async () => {
      const { asked } = await filled(open)
      expect(await asked(-1)).toEqual([])
      expect(await asked(0.5)).toEqual(['tea', 'Lisbon'])
      expect(await asked(1.5)).toEqual(['tea', 'Lisboa'])
      expect(await asked(2.5)).toEqual(['Porto', 'tea'])
      for (const [minutes, where] of [
        [0.5, 'Lisbon'],
        [1.5, 'Lisboa'],
        [2.5, 'Porto'],
      ] as const) {
        expect(await asked(minutes, { query: 'where lives ada', limit: 1 })).toEqual([where])
      }
      expect(await asked(2.5, { include_superseded: true })).toEqual(['Porto', 'tea', 'Lisboa'])
      expect(await asked(2.5, { query: 'Lisbon' })).toEqual([])
    })

    it('goes by the tags, layers and pages of then', async () => {
      const { asked } = await filled(open)
      expect(await asked(0.5, { tags: ['home'] })).toEqual(['Lisbon'])
      expect(await asked(1.5, { tags: ['home'] })).toEqual([])
      expect(await asked(1.5, { tags: ['Casa'] })).toEqual(['Lisboa'])
      expect(await asked(0.5, { layers: ['semantic'] })).toEqual(['tea'])
      expect(await asked(0.5, { limit: 1, offset: 1 })).toEqual(['Lisbon'])
    })

    it.each([{}, { query: 'ada lives' }])(
      'has each memory on one page, whatever comes meanwhile: %j',
      async (query) => {
        const { store, clock } = await filled(open)
        const asked = { as_of: at(2.5), include_superseded: true, limit: 1, ...query }
        const { memories: whole, total } = await store.query({ ...asked, limit: 10 }, { reach: ada })
        const seen: string[] = []
        for (let cursor: string | undefined; ; ) {
          const page = await store.query({ ...asked, cursor }, { reach: ada })
          expect(page.total).toBe(total)
          seen.push(...page.memories.map(({ id }) => id))
          cursor = page.next_cursor
          if (cursor === undefined) break
          await clock.advance(1)
          await store.store(
            { content: `ada lives and lives, ${seen.length}` },
            { id: `n${seen.length}`, source: 'ada' },
          )
          await store.update({ id: 'porto', importance: seen.length / 10 })
        }
        expect(seen).toHaveLength(total)
        expect(seen.toSorted()).toEqual(whole.map(({ id }) => id).toSorted())
        const foreign = store.query({ ...asked, cursor: 'bm9uZQ' }, { reach: ada })
        await expect(foreign).rejects.toMatchObject({ field: 'cursor' })
      },
    )

    it('shows others what was theirs to read then and still is', async () => {
      const { store, asked } = await filled(open)
      expect(await asked(0.5, {}, eve)).toEqual(['Lisbon'])
      await store.update({ id: 'lisbon', scope: 'private' })
      expect(await asked(0.5, {}, eve)).toEqual([])
      expect(await asked(0.5)).toEqual(['tea', 'Lisbon'])
      await store.forget({ id: 'lisbon' })
      expect(await asked(0.5)).toEqual(['tea'])
    })

    it('knows nothing that was to hold later', async () => {
      const { store, clock } = await open()
      await store.store(
        { content: 'from June on', layer: 'semantic', valid_from: '2026-06-01T00:00:00Z' },
        { id: 'a', source: 'ada' },
      )
      await clock.advance(1)
      expect(await store.query({ as_of: at(1) })).toMatchObject({ total: 0 })
      expect(await store.query({ as_of: '2026-06-02T00:00:00Z' })).toMatchObject({ total: 1 })
      expect(await store.query({})).toMatchObject({ total: 1 })
    })
  })
}
