import type { MemoryStoreInput } from '@jamey/contracts'
import { describe, expect, it } from 'vitest'
import type { MemoryStorage } from '../model/memory-storage.js'
import type { OpenStorage } from './opened-storage.support.js'

const HOUR_MS = 3_600_000

function put(store: MemoryStorage, id: string, input: Partial<MemoryStoreInput> = {}, source = 'ada') {
  return store.store({ content: 'The kettle is blue.', ...input }, { id, source })
}

/** An object in an object, so many in all. */
function nested(levels: number): Record<string, unknown> {
  let inner: Record<string, unknown> = {}
  for (let i = 1; i < levels; i++) inner = { inner }
  return inner
}

async function idsOf(store: MemoryStorage, query: Parameters<MemoryStorage['query']>[0]) {
  return (await store.query(query)).memories.map(({ id }) => id)
}

function describeWhatComesWithMemory(open: OpenStorage): void {
  describe('what comes with a memory', () => {
    it('is kept, given back, and looked for', async () => {
      const { store, openBeside } = await open()
      const input = {
        session_id: 'trip',
        turn: 3,
        origin: 'https://example.org/page',
        trusted: false,
        valid_from: '2026-01-01T00:00:00.000Z',
        valid_to: '2027-01-01T00:00:00.000Z',
        expires_at: '2026-06-01T00:00:00.000Z',
        idempotency_key: 'a key of any kind / at all',
        metadata: { project: { name: 'kettle', open: true, size: 7 }, tags: null },
      } as const
      const { memory } = await store.store(
        { content: 'The kettle is blue.', ...input },
        { id: 'a', source: 'ada', storedBy: 'jamey-gateway' },
      )
      expect(memory).toMatchObject({
        ...input,
        provenance: { stored_by: 'jamey-gateway', on_behalf_of: 'ada' },
      })
      await put(store, 'b', {
        content: 'The kettle is red.',
        metadata: { project: { name: 'pot', size: 9 } },
      })
      await store.close()
      const again = await openBeside()
      expect(await again.get('a')).toEqual(memory)
      for (const wanted of [
        { session_id: 'trip' },
        { origin: 'https://example.org/page' },
        { trusted: false },
        { where: { 'project.name': 'kettle' } },
        { where: { 'project.open': true } },
        { where: { tags: null } },
        { where: { 'project.size': { gte: 7, lt: 9 } } },
        { where: { 'project.name': { in: ['kettle', 'pan', 3] }, 'project.size': 7 } },
      ]) {
        expect([wanted, await idsOf(again, wanted)]).toEqual([wanted, ['a']])
        expect([wanted, await idsOf(again, { ...wanted, query: 'kettle' })]).toEqual([wanted, ['a']])
      }
      expect(await idsOf(again, { where: { 'project.size': '7' } })).toEqual([])
      expect(await idsOf(again, { where: { 'project.open': 1 } })).toEqual([])
      expect(await idsOf(again, { where: { nothing: null } })).toEqual([])
      await expect(again.query({ where: { 'a"b': 1 } })).rejects.toMatchObject({ code: 'memory-input' })
    })

    it.each([
      [{ turn: 1 }, 'turn'],
      [{ expires_at: '2026-06-01T00:00:00Z', ttl_seconds: 1 }, 'ttl_seconds'],
      [{ valid_from: '2026-06-01T00:00:00Z', valid_to: '2026-06-01T00:00:00Z' }, 'valid_to'],
      [{ expires_at: '2026-05-01T12:00:00Z' }, 'expires_at'],
      [{ supersedes: 'nothing' }, 'supersedes'],
      [{ scope: 'group:Research' as 'group:x' }, 'scope'],
      [{ session_id: 'a\0b' }, 'session_id'],
      [{ supersedes: 'a\0b' }, 'supersedes'],
      [{ metadata: { deep: nested(100) } }, 'metadata'],
      [{ metadata: { deep: nested(2000) } }, 'metadata'],
    ])('is refused by its name: %j', async (input, field) => {
      const { store } = await open()
      await expect(put(store, 'a', input)).rejects.toMatchObject({ code: 'memory-input', field })
      expect((await store.stats()).memories).toBe(0)
    })

    it('is looked for beside metadata that are nested deep', async () => {
      const { store } = await open()
      const metadata = { deep: nested(99), name: 'deep' }
      expect((await put(store, 'a', { metadata })).memory.metadata).toEqual(metadata)
      expect(await idsOf(store, { where: { name: 'deep' } })).toEqual(['a'])
    })

    it('is not found by what only begins as it does, up to a U+0000', async () => {
      const { store } = await open()
      await put(store, 'a', { tags: ['a'], session_id: 'a', origin: 'a', metadata: { name: 'a' } })
      const longer = 'a\0b'
      for (const wanted of [
        { tags: [longer] },
        { session_id: longer },
        { origin: longer },
        { source: 'ada\0b' },
        { where: { name: longer } },
        { where: { name: { in: [longer] } } },
      ]) {
        expect([wanted, await idsOf(store, wanted)]).toEqual([wanted, []])
        expect([wanted, await idsOf(store, { ...wanted, query: 'kettle' })]).toEqual([wanted, []])
        expect(await store.forget({ ...wanted, dry_run: true })).toEqual({ forgotten: 0, would_forget: 0 })
      }
      expect(await store.get(longer)).toBeUndefined()
      const refused = { code: 'memory-input', message: 'id: must not contain the character U+0000' }
      await expect(store.update({ id: longer, importance: 1 })).rejects.toMatchObject(refused)
      await expect(store.history({ id: longer })).rejects.toMatchObject(refused)
      await expect(store.forget({ id: longer })).rejects.toMatchObject(refused)
    })

    it('ends it after its own time instead of its layer’s', async () => {
      const { store, clock } = await open()
      await put(store, 'short', { content: 'short', layer: 'semantic', ttl_seconds: 0.5 })
      await put(store, 'long', { content: 'long', layer: 'working', expires_at: '2026-05-02T00:00:00Z' })
      await clock.advance(500)
      expect([await store.get('short'), (await store.get('long'))?.id]).toEqual([undefined, 'long'])
      await clock.advance(12 * HOUR_MS)
      expect(await store.sweep()).toBe(2)
    })
  })
}

function describeSameText(open: OpenStorage): void {
  describe('the same text', () => {
    it('of one owner is one memory that has all that was asked for', async () => {
      const { store, clock } = await open({ announcer: 'me' })
      await put(store, 'a', { tags: ['kitchen'], importance: 0.9, layer: 'working', metadata: { a: 1 } })
      await clock.advance(1000)
      const second = await put(store, 'b', { tags: ['Blue'], layer: 'semantic', metadata: { a: 2, b: 3 } })
      expect(second).toMatchObject({
        created: false,
        merged: true,
        memory: {
          id: 'a',
          count: 2,
          version: 1,
          tags: ['kitchen', 'Blue'],
          importance: 0.9,
          layer: 'semantic',
          expires_at: null,
          metadata: { a: 1, b: 3 },
          created_at: '2026-05-01T12:00:00.000Z',
          last_stored_at: '2026-05-01T12:00:01.000Z',
        },
      })
      expect(await idsOf(store, { tags: ['blue'], query: 'kettle' })).toEqual(['a'])
      expect(await put(store, 'b', { tags: ['Blue'] })).toEqual(second)
      expect(await put(store, 'a', { tags: ['kitchen'] })).toMatchObject({
        created: false,
        memory: { count: 2 },
      })
      expect(await store.stats()).toMatchObject({ memories: 1, pendingAnnouncements: 2 })
    })

    it('is known however its letters are composed', async () => {
      const { store } = await open()
      await put(store, 'a', { content: 'caf\u00e9' })
      expect(await put(store, 'b', { content: 'cafe\u0301' })).toMatchObject({
        merged: true,
        memory: { id: 'a' },
      })
    })

    it.each([
      ['of another owner', {}, 'bob'],
      ['for others to read', { scope: 'shared' as const }, 'ada'],
      ['in a session', { session_id: 's' }, 'ada'],
      ['that is not believed', { trusted: false }, 'ada'],
      ['that holds at another time', { valid_to: '2027-01-01T00:00:00Z' }, 'ada'],
      ['that is to be kept apart', { duplicates: 'keep' as const }, 'ada'],
    ])('%s is a memory of its own', async (_, input, source) => {
      const { store } = await open()
      await put(store, 'a')
      expect(await put(store, 'b', input, source)).toMatchObject({ created: true, memory: { id: 'b' } })
    })

    it('is stored anew once it has expired, holds no longer, or was forgotten', async () => {
      const { store, clock } = await open()
      await put(store, 'a', { layer: 'working' })
      await clock.advance(HOUR_MS)
      expect(await put(store, 'b')).toMatchObject({ created: true })
      await put(store, 'c', { content: 'The kettle is red.', supersedes: 'b', layer: 'semantic' })
      expect(await put(store, 'd', { layer: 'semantic' })).toMatchObject({ created: true })
      await store.forget({ id: 'd' })
      await clock.advance(1)
      expect(await put(store, 'e')).toMatchObject({ created: true })
    })

    it('counts no message again whose memory was forgotten since', async () => {
      const { store, clock } = await open()
      const sentAtMs = clock.now()
      const again = () =>
        store.store({ content: 'The kettle is blue.' }, { id: 'b', source: 'ada', sentAtMs })
      await put(store, 'a')
      await again()
      await clock.advance(1000)
      await store.forget({ id: 'a' })
      await expect(again()).rejects.toMatchObject({ code: 'memory-gone' })
    })
  })
}

function describeIdempotencyKey(open: OpenStorage): void {
  describe('an idempotency key', () => {
    const key = { idempotency_key: 'order 7' }

    it('stores once for each owner, whatever the message', async () => {
      const { store } = await open()
      const first = await put(store, 'a', key)
      expect(await put(store, 'b', key)).toEqual({ memory: first.memory, created: false })
      expect(await put(store, 'c', key, 'bob')).toMatchObject({ created: true })
      const refused = put(store, 'd', { ...key, content: 'The kettle is red.' })
      await expect(refused).rejects.toMatchObject({ code: 'memory-conflict', details: { id: 'a' } })
    })

    it('is that of what was stored, also when that was changed or merged since', async () => {
      const { store } = await open()
      await put(store, 'a', key)
      await store.update({ id: 'a', content: 'The kettle is red.' })
      expect(await put(store, 'b', key)).toMatchObject({
        created: false,
        memory: { content: 'The kettle is red.' },
      })
      await put(store, 'c', { content: 'The kettle is red.', idempotency_key: 'order 8' })
      expect(
        await put(store, 'd', { content: 'The kettle is red.', idempotency_key: 'order 8' }),
      ).toMatchObject({
        created: false,
        memory: { id: 'a', count: 2 },
      })
    })

    it('brings nothing back that was forgotten after it was sent, and is free for what is sent later', async () => {
      const { store, clock } = await open()
      const sentAtMs = clock.now()
      await put(store, 'a', key)
      await clock.advance(1000)
      await store.forget({ id: 'a' })
      const late = store.store(
        { content: 'The kettle is blue.', ...key },
        { id: 'b', source: 'ada', sentAtMs },
      )
      await expect(late).rejects.toMatchObject({ code: 'memory-gone' })
      await clock.advance(1000)
      expect(await put(store, 'c', { ...key, content: 'The kettle is red.' })).toMatchObject({
        created: true,
      })
    })
  })
}

function describeBatch(open: OpenStorage): void {
  describe('a batch', () => {
    it('stores each that it can, in order, and says why it could not', async () => {
      const { store } = await open()
      const batch = [
        { content: 'one' },
        { content: 'two', tags: [' '] },
        { content: 'one' },
        { content: 'for the others', scope: 'group:research' as const },
        { content: 'three' },
      ]
      const origin = { id: 'm', source: 'ada', groups: ['ops'] }
      const { results } = await store.storeBatch(batch, origin)
      expect(results).toMatchObject([
        { created: true, memory: { id: 'm/0', content: 'one' } },
        { error: { code: 'invalid-request', field: 'tags[0]' } },
        { created: false, merged: true, memory: { id: 'm/0' } },
        { error: { code: 'memory-forbidden' } },
        { created: true, memory: { id: 'm/4' } },
      ])
      const again = await store.storeBatch(batch, origin)
      expect(again.results.map((one) => 'created' in one && one.created)).toEqual(Array(5).fill(false))
      expect((await store.get('m/0'))?.count).toBe(2)
    })
  })
}

function describeBytesOwner(open: OpenStorage): void {
  describe('the bytes of an owner', () => {
    it('are bounded, versions counted, and free again when memories are forgotten', async () => {
      const { store } = await open({ ownerBytes: 10_000 })
      const content = 'x'.repeat(4000)
      await put(store, 'a', { content })
      await store.update({ id: 'a', content: 'y'.repeat(4000) })
      for (const refused of [
        put(store, 'b', { content }),
        store.update({ id: 'a', content: 'z'.repeat(4000) }),
      ]) {
        await expect(refused).rejects.toMatchObject({
          code: 'memory-quota',
          details: { bytes: 8008, maximum_bytes: 10_000 },
        })
      }
      expect(await put(store, 'b', { content }, 'bob')).toMatchObject({ created: true })
      await store.forget({ id: 'a' })
      expect(await put(store, 'c', { content })).toMatchObject({ created: true })
    })
  })
}

/** What whatever keeps memories has to know of their circumstances, repeats and versions. */
export function describeRecords(name: string, open: OpenStorage): void {
  describe(name, () => {
    describeWhatComesWithMemory(open)
    describeSameText(open)
    describeIdempotencyKey(open)
    describeBatch(open)
    describeBytesOwner(open)
  })
}
