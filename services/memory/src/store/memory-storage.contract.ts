import { createHash } from 'node:crypto'
import type { MemoryQueryInput, MemoryStoreInput } from '@jamey/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { MemoryStorage } from '../model/memory-storage.js'
import type { OpenStorage } from './opened-storage.support.js'

const HOUR = 3600
const DAY = 24 * HOUR
const LISBON: MemoryStoreInput = {
  content: 'We met in Lisbon in May',
  layer: 'episodic',
  tags: ['travel'],
  importance: 0.8,
  metadata: { with: ['Ana'] },
}

function put(store: MemoryStorage, id: string, input: Partial<MemoryStoreInput> = {}) {
  return store.store({ content: `memory ${id}`, ...input }, { id, source: 'agent-1' })
}

async function idsOf(store: MemoryStorage, query: MemoryQueryInput) {
  return (await store.query(query)).memories.map((memory) => memory.id)
}

function describeStoring(open: OpenStorage): void {
  describe('storing', () => {
    it('keeps every field and gives it back after reopening', async () => {
      const { store, openBeside } = await open()
      const stored = await store.store(LISBON, { id: 'm1', source: 'agent-1' })
      expect(stored).toEqual({
        created: true,
        memory: {
          ...LISBON,
          id: 'm1',
          source: 'agent-1',
          owner: 'agent-1',
          scope: 'private',
          created_at: '2026-05-01T12:00:00.000Z',
          occurred_at: '2026-05-01T12:00:00.000Z',
          expires_at: '2026-07-30T12:00:00.000Z',
          trusted: true,
          version: 1,
          updated_at: '2026-05-01T12:00:00.000Z',
          count: 1,
          last_stored_at: '2026-05-01T12:00:00.000Z',
          content_hash: createHash('sha256').update(LISBON.content).digest('hex'),
          provenance: { stored_by: 'agent-1' },
        },
      })
      await store.close()
      const again = await openBeside()
      expect(await again.get('m1')).toEqual(stored.memory)
    })

    it('fills in the defaults of the contract', async () => {
      const { store } = await open()
      const { memory } = await put(store, 'm1')
      expect(memory).toMatchObject({ layer: 'short_term', tags: [], importance: 0.5, metadata: {} })
    })

    it('answers a repeat with what is stored and stores nothing twice', async () => {
      const { store, clock } = await open({ announcer: 'me' })
      const first = await put(store, 'm1', LISBON)
      await clock.advance(60_000)
      expect(await put(store, 'm1', LISBON)).toEqual({ memory: first.memory, created: false })
      expect(await store.stats()).toMatchObject({ memories: 1, pendingAnnouncements: 1 })
    })

    it('refuses the id of another memory rather than lose the new one', async () => {
      const { store } = await open()
      await put(store, 'm1', LISBON)
      await expect(put(store, 'm1', { ...LISBON, content: 'Something else' })).rejects.toMatchObject({
        name: 'MemoryConflictError',
        code: 'memory-conflict',
        retryable: false,
      })
      expect((await store.get('m1'))?.content).toBe(LISBON.content)
    })

    it('does not bring back what was forgotten or has expired when its message arrives once more', async () => {
      const { store, clock } = await open()
      const sentAtMs = clock.now() + 3 * HOUR * 1000 // The sender's clock is three hours ahead.
      const send = (id: string, layer: 'working' | 'semantic') =>
        store.store({ content: id, layer }, { id, source: 'agent-1', sentAtMs })
      await send('forgotten', 'semantic')
      await send('expired', 'working')
      await send('swept', 'working')
      await store.forget({ id: 'forgotten' })
      await clock.advance(2 * HOUR * 1000)
      await expect(send('expired', 'working')).rejects.toMatchObject({
        code: 'memory-gone',
        retryable: false,
      })
      await store.sweep()
      await expect(send('swept', 'working')).rejects.toMatchObject({ code: 'memory-gone' })
      await expect(send('forgotten', 'semantic')).rejects.toMatchObject({ code: 'memory-gone' })
      expect((await store.stats()).memories).toBe(0)
    })

    it('stores anew under the same id what is sent after its memory was forgotten or expired', async () => {
      const { store, clock } = await open({ announcer: 'me' })
      await put(store, 'forgotten')
      await put(store, 'expired', { layer: 'working' })
      await clock.advance((HOUR + 1) * 1000)
      await store.forget({ id: 'forgotten' })
      await clock.advance(1000)
      expect((await put(store, 'forgotten')).created).toBe(true)
      expect((await put(store, 'expired', { layer: 'working' })).created).toBe(true)
      expect((await idsOf(store, { query: 'memory' })).toSorted()).toEqual(['expired', 'forgotten'])
      const changes = (await store.pendingAnnouncements(10)).map(({ update }) => update.change)
      expect(changes).toEqual(['stored', 'stored', 'forgotten', 'stored', 'expired', 'stored'])
    })

    it('takes the same tags in another order for the same request', async () => {
      const { store } = await open()
      await put(store, 'm1', { tags: ['a', 'b'] })
      expect(await put(store, 'm1', { tags: ['B', 'a'] })).toMatchObject({
        created: false,
        memory: { tags: ['a', 'b'] },
      })
      await expect(put(store, 'm1', { tags: ['a'] })).rejects.toMatchObject({ code: 'memory-conflict' })
    })

    it('answers a text met again elsewhere with what is stored: the metadata are those of its first arrival', async () => {
      const { store } = await open()
      const first = await put(store, 'm1', {
        content: 'Ana likes tea',
        metadata: { file: 'a.md', paragraph: 1 },
      })
      const again = await put(store, 'm1', {
        content: 'Ana likes tea',
        metadata: { file: 'b.md', paragraph: 7 },
      })
      expect(again).toEqual({ created: false, memory: first.memory })
    })

    it('stores each id once under any interleaving of repeats', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ id: fc.integer({ min: 0, max: 9 }), wait: fc.boolean() }), { maxLength: 60 }),
          async (calls) => {
            const { store } = await open()
            const answers: Promise<{ id: number; created: boolean }>[] = []
            for (const { id, wait } of calls) {
              const answer = put(store, `m${id}`).then(({ created, memory }) => {
                expect(memory.id).toBe(`m${id}`)
                return { id, created }
              })
              answers.push(answer)
              if (wait) await answer
            }
            const created = (await Promise.all(answers)).filter((answer) => answer.created)
            const distinct = new Set(calls.map(({ id }) => id))
            expect(new Set(created.map(({ id }) => id))).toEqual(distinct)
            expect(created).toHaveLength(distinct.size)
            expect((await store.stats()).memories).toBe(distinct.size)
            await store.close()
          },
        ),
        { numRuns: 40 },
      )
    })
  })
}

function describeBounds(open: OpenStorage): void {
  describe('bounds', () => {
    const tooLong = 'x'.repeat(100_001)
    it.each([
      ['content', { content: '' }],
      ['content', { content: tooLong }],
      ['content', { content: 'cut\0off' }],
      ['tags', { tags: Array.from({ length: 101 }, (_, i) => `t${i}`) }],
      ['tags[1]', { tags: ['fine', 'x'.repeat(201)] }],
      ['tags[0]', { tags: ['  '] }],
      ['importance', { importance: 1.1 }],
      ['occurred_at', { occurred_at: 'yesterday' }],
      ['metadata', { metadata: { blob: 'x'.repeat(65_536) } }],
      ['layer', { layer: 'forever' as 'working' }],
      ['message_id', { id: 'x'.repeat(201) }],
    ])(
      'names the field %s of a request that breaks them [promise 37]',
      async (field, { id = 'm1', ...input }: Partial<MemoryStoreInput> & { id?: string }) => {
        const { store } = await open()
        await expect(put(store, id, input)).rejects.toMatchObject({
          name: 'MemoryInputError',
          field,
          message: expect.stringMatching(/^.+: .+/),
        })
        expect((await store.stats()).memories).toBe(0)
      },
    )

    it('takes smaller ones from the options and says what was found', async () => {
      const { store } = await open({ limits: { maximumContentCharacters: 10, maximumTags: 1 } })
      await expect(put(store, 'm1', { content: 'eleven long' })).rejects.toThrow(/at most 10 .* found 11/)
      await expect(put(store, 'm1', { content: 'short', tags: ['a', 'b'] })).rejects.toThrow(
        /at most 1; found 2/,
      )
    })

    it('refuses metadata that is not JSON', async () => {
      const { store } = await open()
      const cyclic: Record<string, unknown> = {}
      cyclic['self'] = cyclic
      await expect(put(store, 'm1', { metadata: cyclic })).rejects.toMatchObject({ field: 'metadata' })
    })
  })
}

function describeExpiry(open: OpenStorage): void {
  describe('expiry', () => {
    it('gives each layer its default lifetime', async () => {
      const { store } = await open()
      const lifetimes = await Promise.all(
        (['working', 'short_term', 'episodic', 'semantic', 'long_term'] as const).map(async (layer) => {
          const { memory } = await put(store, layer, { layer })
          const end = memory.expires_at
          return end === null ? null : (Date.parse(end) - Date.parse(memory.created_at)) / 1000
        }),
      )
      expect(lifetimes).toEqual([HOUR, DAY, 90 * DAY, null, null])
    })

    it('counts from storing, even for what occurred long ago', async () => {
      const { store } = await open()
      await put(store, 'old', { layer: 'working', occurred_at: '1999-12-31T23:59:59+01:00' })
      expect(await store.get('old')).toMatchObject({
        occurred_at: '1999-12-31T22:59:59.000Z',
        expires_at: '2026-05-01T13:00:00.000Z',
      })
    })

    it('never returns what has expired, even before the sweep', async () => {
      const { store, clock } = await open()
      await put(store, 'brief', { layer: 'working', tags: ['t'] })
      await clock.advance((HOUR - 1) * 1000)
      expect(await idsOf(store, {})).toEqual(['brief'])
      await clock.advance(1000)
      expect(await store.query({})).toEqual({ memories: [], total: 0 })
      expect(await store.query({ query: 'brief', tags: ['t'] })).toEqual({ memories: [], total: 0 })
      expect(await store.get('brief')).toBeUndefined()
      expect(await store.forget({ id: 'brief' })).toEqual({ forgotten: 0 })
      expect((await store.stats()).memories).toBe(1)
    })

    it('sweeps everything that has expired, in as many steps as it takes, and announces it', async () => {
      const { store, clock } = await open({ announcer: 'me' })
      await Promise.all(Array.from({ length: 1200 }, (_, i) => put(store, `w${i}`, { layer: 'working' })))
      await put(store, 'kept', { layer: 'semantic' })
      await store.announced((await store.pendingAnnouncements(2000)).map(({ seq }) => seq))
      await clock.advance(HOUR * 1000)
      expect(await store.sweep()).toBe(1200)
      expect(await store.sweep()).toBe(0)
      expect(await idsOf(store, {})).toEqual(['kept'])
      const updates = (await store.pendingAnnouncements(10)).map(({ update }) => update)
      expect(updates.map(({ change }) => change)).toEqual(['expired', 'expired', 'expired'])
      expect(new Set(updates.flatMap(({ memory_ids }) => memory_ids)).size).toBe(1200)
    })

    it('drops its notes about removed memories after a week, so that they do not pile up', async () => {
      const { store, clock } = await open()
      const send = () => store.store({ content: 'x' }, { id: 'm1', source: 'agent-1', sentAtMs: 1 })
      await send()
      await store.forget({ id: 'm1' })
      await clock.advance(7 * DAY * 1000)
      await store.sweep()
      await expect(send()).rejects.toMatchObject({ code: 'memory-gone' })
      await clock.advance(1000)
      await store.sweep()
      expect((await send()).created).toBe(true)
    })
  })
}

function describeForgetting(open: OpenStorage): void {
  describe('forgetting', () => {
    async function filled() {
      const opened = await open({ announcer: 'me' })
      await put(opened.store, 'a', {
        layer: 'episodic',
        tags: ['x', 'y'],
        occurred_at: '2020-01-01T00:00:00Z',
      })
      await put(opened.store, 'b', { layer: 'episodic', tags: ['x'], occurred_at: '2021-01-01T00:00:00Z' })
      await put(opened.store, 'c', {
        layer: 'semantic',
        tags: ['x', 'y'],
        occurred_at: '2022-01-01T00:00:00Z',
      })
      return opened
    }

    it.each([
      [{ id: 'b' }, ['a', 'c']],
      [{ tags: ['Y'] }, ['b']],
      [{ tags: ['x', 'y'], layer: 'episodic' }, ['b', 'c']],
      [{ before: '2021-01-01T00:00:00Z' }, ['b', 'c']],
      [{ layer: 'semantic' }, ['a', 'b']],
      [{ id: 'unknown' }, ['a', 'b', 'c']],
    ] as const)('%j leaves %j', async (request, left) => {
      const { store } = await filled()
      const { forgotten } = await store.forget(
        structuredClone(request) as Parameters<MemoryStorage['forget']>[0],
      )
      expect(forgotten).toBe(3 - left.length)
      expect((await idsOf(store, {})).toSorted()).toEqual(left)
      expect((await idsOf(store, { query: 'memory' })).toSorted()).toEqual(left)
    })

    it('refuses a request without any condition instead of forgetting everything', async () => {
      const { store } = await filled()
      await expect(store.forget({})).rejects.toMatchObject({ name: 'MemoryInputError' })
      expect((await store.stats()).memories).toBe(3)
    })

    it('does not reach, when repeated, what was stored since', async () => {
      const { store } = await filled()
      expect(await store.forget({ tags: ['x'] }, 'request-1')).toEqual({ forgotten: 3 })
      await put(store, 'new', { tags: ['x'] })
      expect(await store.forget({ tags: ['x'] }, 'request-1')).toEqual({ forgotten: 3 })
      expect(await idsOf(store, {})).toEqual(['new'])
    })

    it('forgets more than one batch, and leaves alone what is stored while it is at it', async () => {
      const { store } = await open()
      await Promise.all(Array.from({ length: 1300 }, (_, i) => put(store, `m${i}`, { tags: ['x'] })))
      const forgetting = store.forget({ tags: ['x'], confirm: 1300 })
      await new Promise(setImmediate)
      const late = put(store, 'late', { tags: ['x'] })
      expect(await forgetting).toEqual({ forgotten: 1300 })
      await late
      expect(await idsOf(store, {})).toEqual(['late'])
    })
  })
}

function describeAnnouncements(open: OpenStorage): void {
  describe('announcements', () => {
    it('are kept until they are noted as published, and carry the memory', async () => {
      const { store, openBeside } = await open({ announcer: 'me' })
      const { memory } = await put(store, 'm1')
      await store.forget({ id: 'm1' })
      const { memory: second } = await put(store, 'm2', { scope: 'shared' })
      await put(store, 'm3')
      await store.close()
      const again = await openBeside({ announcer: 'me' })
      const pending = await again.pendingAnnouncements(10)
      expect(pending.map(({ update }) => update)).toEqual([
        // Forgotten before it was announced, so its content is not told.
        { change: 'stored', memory_ids: [memory.id] },
        { change: 'forgotten', memory_ids: [memory.id] },
        { change: 'stored', memory_ids: [second.id], memory: second },
        // Private, so its content is nobody else's.
        { change: 'stored', memory_ids: ['m3'] },
      ])
      await again.announced(pending.slice(0, 2).map(({ seq }) => seq))
      expect(await again.pendingAnnouncements(10)).toEqual(pending.slice(2))
    })

    it('of another process are published only when that has not published them for a minute', async () => {
      const { store, openBeside, clock } = await open({ announcer: 'one' })
      await put(store, 'm1')
      const other = await openBeside({ announcer: 'two' })
      expect(await other.pendingAnnouncements(10)).toEqual([])
      await clock.advance(60_000)
      expect(await other.pendingAnnouncements(10)).toHaveLength(1)
    })
  })
}

/** What whatever keeps memories has to do; `open` opens one of those. */
export function describeMemoryStorage(name: string, open: OpenStorage): void {
  describe(name, () => {
    describeStoring(open)
    describeBounds(open)
    describeExpiry(open)
    describeForgetting(open)
    describeAnnouncements(open)
  })
}
