import { describe, expect, it } from 'vitest'
import type { OpenStorage } from './opened-storage.support.js'

const STORY =
  'The ferry to the island leaves from the northern quay every morning before the market opens, and the captain waits for nobody, not even for the mayor, who once had to swim after it in his best coat'
const ada = { owner: 'ada' }

function describeMerging(open: OpenStorage): void {
  it('are one where they are nearly the same, under the older id, and nothing of it is lost', async () => {
    const { store, clock } = await open({ announcer: 'me' })
    await store.store({ content: STORY, tags: ['ferry'] }, { id: 'first', source: 'ada' })
    await clock.advance(1000)
    const second = { content: `${STORY} and hat`, tags: ['coat'], importance: 0.9, idempotency_key: 'k' }
    await store.store(second, { id: 'second', source: 'ada' })
    await store.store({ content: STORY }, { id: 'of-bob', source: 'bob' })
    await store.announced((await store.pendingAnnouncements(10)).map(({ seq }) => seq))
    const one = { merged: 1, promoted: 0, evicted: 0 }
    expect(await store.consolidate({ dry_run: true }, ada)).toEqual(one)
    expect(await store.query({}, { reach: ada })).toMatchObject({ total: 2 })
    expect(await store.consolidate({}, ada)).toEqual(one)
    const expected = {
      content: second.content,
      count: 2,
      version: 2,
      tags: ['ferry', 'coat'],
      importance: 0.9,
    }
    const found = await store.query({ query: 'hat' }, { reach: ada })
    expect(found).toMatchObject({ total: 1, memories: [{ id: 'first', ...expected }] })
    expect((await store.history({ id: 'first' })).versions[1]).toMatchObject({ content: STORY })
    const updates = (await store.pendingAnnouncements(10)).map(({ update }) => update)
    expect(updates.map(({ change, memory_ids }) => [change, memory_ids])).toEqual([
      ['updated', ['first']],
      ['forgotten', ['second']],
    ])
    expect(await store.consolidate({}, ada)).toEqual({ ...one, merged: 0 })
    expect(await store.stats()).toMatchObject({ memories: 2 })
  })

  it('that were merged are known by their messages and keys, and gone together', async () => {
    const { store, clock } = await open()
    const sentAtMs = clock.now()
    const second = { content: `${STORY} and hat`, idempotency_key: 'k' }
    const again = (id = 'second', source = 'ada') => store.store(second, { id, source, sentAtMs })
    await store.store({ content: STORY }, { id: 'first', source: 'ada' })
    await again()
    await store.consolidate({}, ada)
    const known = { created: false, memory: { id: 'first', count: 2 } }
    expect(await again()).toMatchObject({ ...known, merged: true })
    expect(await again('third')).toMatchObject(known)
    await expect(again('second', 'bob')).rejects.toMatchObject({ code: 'memory-conflict' })
    await clock.advance(1000)
    await store.forget({ id: 'first' })
    await expect(again()).rejects.toMatchObject({ code: 'memory-gone' })
    await expect(again('third')).rejects.toMatchObject({ code: 'memory-gone' })
  })

  it('of many that are nearly the same become one', async () => {
    const { store } = await open()
    for (let i = 0; i < 5; i++)
      await store.store(
        { content: `${STORY}${' and hat'.repeat(i % 2)} ${'!'.repeat(i)}` },
        { id: `m${i}`, source: 'ada' },
      )
    await store.store({ content: STORY, session_id: 's' }, { id: 'elsewhere', source: 'ada' })
    expect(await store.consolidate({})).toMatchObject({ merged: 4 })
    expect(await store.get('m0')).toMatchObject({ count: 5, version: 5 })
    expect(await store.stats()).toMatchObject({ memories: 2 })
  })
}

function describeKeeping(open: OpenStorage): void {
  it('stay for good where they are recalled often or marked, and others’ where somebody may', async () => {
    const { store } = await open()
    const put = (id: string, metadata = {}) =>
      store.store({ content: `the code of ${id}`, metadata }, { id, source: 'ada' })
    await put('often')
    await put('marked', { keep: true })
    await put('neither', { keep: false })
    await store.recalled?.(new Map([['often', 4]]))
    expect(await store.consolidate({ dry_run: true }, ada)).toMatchObject({ promoted: 1 })
    await store.recalled?.(
      new Map([
        ['often', 1],
        ['nobody', 7],
      ]),
    )
    expect(await store.consolidate({ layer: 'episodic' }, ada)).toMatchObject({ promoted: 0 })
    expect(await store.consolidate({}, { owner: 'bob' })).toMatchObject({ promoted: 0 })
    expect(await store.consolidate({})).toMatchObject({ promoted: 2 })
    expect(await store.get('often')).toMatchObject({ layer: 'long_term', expires_at: null, version: 2 })
    expect(await store.query({ layers: ['short_term'] })).toMatchObject({ total: 1 })
  })

  it('are no more than their budget: the least important go, and of these the old', async () => {
    const { store, clock } = await open({ budgets: { episodic: 2 } })
    const put = (id: string, layer: 'episodic' | 'semantic', importance = 0.5, source = 'ada') =>
      store.store({ content: id, layer, importance }, { id, source })
    for (const [id, importance] of [
      ['first', 0.9],
      ['second', 0.1],
      ['third', 0.5],
      ['fourth', 0.5],
    ] as const) {
      await put(id, 'episodic', importance)
      await clock.advance(1000)
    }
    await put('of another layer', 'semantic')
    await put('of another owner', 'episodic', 0, 'bob')
    expect(await store.consolidate({ dry_run: true }, ada)).toMatchObject({ evicted: 2 })
    expect(await store.consolidate({}, ada)).toMatchObject({ evicted: 2 })
    const left = await store.query({ layers: ['episodic'] }, { reach: ada })
    expect(left.memories.map(({ id }) => id)).toEqual(['fourth', 'first'])
    expect(await store.stats()).toMatchObject({ memories: 4 })
  })
}

/** What whatever keeps memories has to do to keep them in order. */
export function describeConsolidation(name: string, open: OpenStorage): void {
  describe(name, () => {
    describeMerging(open)
    describeKeeping(open)
  })
}
