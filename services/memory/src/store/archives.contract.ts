import type { ArchivedMemory, MemoryStoreInput } from '@jamey/contracts'
import { describe, expect, it } from 'vitest'
import type { MemoryStorage } from '../model/memory-storage.js'
import type { OpenStorage } from './opened-storage.support.js'
import type { RecordStorage } from './record-storage.js'

const KETTLE = 'The kettle is blue.'

function put(store: MemoryStorage, id: string, input: Partial<MemoryStoreInput> = {}, source = 'ada') {
  return store.store({ content: KETTLE, ...input }, { id, source })
}

async function exported(store: MemoryStorage, withHistory: boolean): Promise<readonly ArchivedMemory[]> {
  const { memories } = await store.exportPage({ limit: 500, with_history: withHistory })
  // As it comes out of a file.
  return JSON.parse(JSON.stringify(memories)) as ArchivedMemory[]
}

/** Every storage does what the command that reads an archive needs. */
const restoring = (store: MemoryStorage) => store as MemoryStorage & Pick<RecordStorage, 'restore'>

function describeRepeats(open: OpenStorage): void {
  describe.each([true, false])('after a move, the history with it: %j, a repeat', (withHistory) => {
    it('of what was changed since is known by its key and by its message', async () => {
      const { store } = await open()
      await put(store, 'a', { idempotency_key: 'k' })
      await store.update({ id: 'a', content: 'The kettle is red.' })
      const { store: other } = await open()
      for (const line of await exported(store, withHistory)) await restoring(other).restore(line)
      const known = { created: false, memory: { id: 'a', version: 2, content: 'The kettle is red.' } }
      expect(await put(other, 'b', { idempotency_key: 'k' })).toMatchObject(known)
      expect(await put(other, 'a', { idempotency_key: 'k' })).toMatchObject(known)
      await expect(put(other, 'c', { content: 'A pan.', idempotency_key: 'k' })).rejects.toMatchObject({
        code: 'memory-conflict',
      })
      expect((await other.stats()).memories).toBe(1)
    })

    it('of a request to change it makes no other version', async () => {
      const { store } = await open()
      await put(store, 'a')
      const changes = ['red', 'green', 'black'].map((colour) => ({
        id: 'a',
        content: `The kettle is ${colour}.`,
      }))
      for (const [i, change] of changes.entries()) await store.update(change, `u${i}`)
      let lines = await exported(store, withHistory)
      expect(lines).toMatchObject([{ updates: [2, 1, 0].map((i) => ({ id: `u${i}`, version: i + 2 })) }])
      // There and back again.
      for (let move = 0; move < 2; move++) {
        const { store: other } = await open()
        for (const line of lines) await restoring(other).restore(line)
        for (const [i, change] of changes.entries()) {
          const { memory, previous_version } = await other.update(change, `u${i}`)
          expect(previous_version).toBe(i + 1)
          expect(memory.content).toBe(changes[withHistory ? i : 2]?.content)
        }
        expect(await exported(other, withHistory)).toEqual(lines)
        lines = await exported(other, withHistory)
      }
    })

    it('of what was merged is known by its message, also where the text was changed since', async () => {
      const { store } = await open()
      await put(store, 'a')
      expect(await put(store, 'b')).toMatchObject({ merged: true })
      await store.update({ id: 'a', content: 'The kettle is red.' })
      const { store: other } = await open()
      for (const line of await exported(store, withHistory)) await restoring(other).restore(line)
      expect(await put(other, 'b')).toMatchObject({
        created: false,
        merged: true,
        memory: { id: 'a', count: 2 },
      })
      expect((await other.stats()).memories).toBe(1)
      expect(await exported(other, withHistory)).toMatchObject(await exported(store, withHistory))
    })

    it('of what was merged is known by each of its keys', async () => {
      const { store } = await open()
      await put(store, 'a')
      await store.update({ id: 'a', content: 'The kettle is red.' })
      for (const key of ['one', 'two']) {
        const again = { content: 'The kettle is red.', idempotency_key: key }
        expect(await put(store, `by-${key}`, again)).toMatchObject({ merged: true })
      }
      const { store: other } = await open()
      const { results } = await other.importPage(await exported(store, withHistory), {
        id: 'i',
        source: 'ada',
      })
      expect(results).toEqual([{ id: 'a', outcome: 'restored' }])
      for (const key of ['one', 'two']) {
        const again = { content: 'The kettle is red.', idempotency_key: key }
        expect(await put(other, `again-by-${key}`, again)).toMatchObject({
          created: false,
          memory: { id: 'a', count: 3 },
        })
      }
      expect(await exported(other, withHistory)).toMatchObject(await exported(store, withHistory))
    })
  })
}

/** What every storage makes of an archive, and an archive of it. */
export function describeArchives(name: string, open: OpenStorage): void {
  describe(name, () => {
    describeRepeats(open)

    it('of a request is one of its own memory alone', async () => {
      const { store } = await open()
      for (const id of ['a', 'b']) await put(store, id, { content: `The kettle ${id} is blue.` })
      await store.update({ id: 'a', content: 'The kettle is red.' }, 'u')
      const { store: other } = await open()
      for (const line of await exported(store, false)) await restoring(other).restore(line)
      const changes = ['b', 'a', 'b'].map((id) => other.update({ id, importance: 1 }, 'u'))
      expect((await Promise.all(changes)).map(({ memory: { id, version } }) => `${id}${version}`)).toEqual([
        'b2',
        'a3',
        'b3',
      ])
    })

    it.each([
      [{ keys: [{ key: 'a\0b', content_hash: 'a'.repeat(64) }] }, 'keys[0].key'],
      [{ keys: [{ key: 'k', content_hash: 'of a text' }] }, 'keys[0].content_hash'],
      [{ stored_hash: '\0' }, 'stored_hash'],
      [{ updates: [{ id: 'a\0b', version: 2 }] }, 'updates[0].id'],
      [{ updates: [{ id: 'u', version: 1 }] }, 'updates[0].version'],
    ])('are refused with %j', async (more, field) => {
      const { store } = await open()
      await put(store, 'a')
      const [line] = await exported(store, true)
      const { store: other } = await open()
      const refused = { code: 'memory-input', field }
      await expect(restoring(other).restore({ ...line, ...more })).rejects.toMatchObject(refused)
      expect((await other.stats()).memories).toBe(0)
    })

    it.each([
      ['content', { content: 'broken \ud800 text' }],
      ['tags[1]', { tags: ['whole', '\udfff'] }],
      ['metadata.a[0].b', { metadata: { a: [{ b: '\ud800' }] } }],
      ['metadata.\ufffd', { metadata: { '\ud800': 1 } }],
      ['metadata.__proto__', JSON.parse('{"metadata":{"a":1,"__proto__":{"b":2}}}') as object],
    ])(
      'are refused like what is stored, where text is not Unicode or a member __proto__: %s',
      async (field, odd) => {
        const { store } = await open()
        const refused = { code: 'memory-input', field }
        await expect(put(store, 'a', odd)).rejects.toMatchObject(refused)
        await put(store, 'b')
        await expect(store.update({ id: 'b', ...odd })).rejects.toMatchObject(refused)
        const [line] = await exported(store, true)
        await expect(restoring(store).restore({ ...line, id: 'a', ...odd })).rejects.toMatchObject(refused)
        expect((await store.stats()).memories).toBe(1)
      },
    )

    it('come in the order of the archive, whoever stored them and however many come at once', async () => {
      const { store } = await open()
      const ids = Array.from({ length: 60 }, (_, i) => `m${i}`)
      for (const [i, id] of ids.entries()) {
        await put(store, id, { content: `kettle ${id}`, duplicates: 'keep' }, `agent-${(i * 7) % 5}`)
      }
      for (const id of ['m9', 'm7']) await store.update({ id, metadata: { changed: true } })
      const { store: other } = await open()
      const lines = await exported(store, true)
      await Promise.all(lines.map((line) => restoring(other).restore(line)))
      expect((await exported(other, true)).map(({ id }) => id)).toEqual(ids)
      for (const query of [undefined, 'kettle']) {
        const asked = { query, limit: 100 }
        const order = async (one: MemoryStorage) => (await one.query(asked)).memories.map(({ id }) => id)
        expect(await order(other)).toEqual(await order(store))
        expect(await order(other)).toEqual(ids.toReversed())
      }
    })
  })
}
