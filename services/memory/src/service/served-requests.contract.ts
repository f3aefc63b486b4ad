import { topics } from '@jamey/contracts'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFile } from '../store/memory-file.support.js'
import type { OpenStorage } from '../store/opened-storage.support.js'
import { FakeBus } from './bus.support.js'
import { createMemory } from './memory-service.js'

const {
  memory,
  memory: { others },
} = topics
const ada = { clientId: 'ada' }
const bob = { clientId: 'bob' }
const eve = { clientId: 'eve' }
const groups = new Map([['research', ['ada', 'bob']]])
const LATER = '2999-01-01T00:00:00Z'

async function started(open: OpenStorage) {
  const bus = new FakeBus()
  const { store, clock } = await open({ announcer: bus.clientId })
  // Nothing but its lock is made: what is opened keeps them.
  const service = createMemory({
    file: temporaryFile(),
    bus: bus.asBus(),
    clock,
    groups,
    open: async () => store,
  })
  onTestFinished(() => service.stop({ graceMs: 0 }))
  await service.start()
  return { bus, clock }
}

function describeChanges(open: OpenStorage): void {
  describe('a memory that is changed', () => {
    it('has versions, which a repeat of the request does not add to', async () => {
      const { bus, clock } = await started(open)
      const { memory: first } = await bus.request(
        memory.store,
        { content: 'Tea at four', tags: ['tea'] },
        ada,
      )
      await clock.advance(1000)
      const messageId = 'change-1'
      const change = { id: first.id, content: 'Tea at five', metadata: { by: 'phone' }, if_version: 1 }
      const changed = await bus.request(memory.update, change, { ...ada, messageId })
      expect(changed).toEqual({
        previous_version: 1,
        memory: expect.objectContaining({
          id: first.id,
          content: 'Tea at five',
          tags: ['tea'],
          version: 2,
          metadata: { by: 'phone' },
          created_at: first.created_at,
          updated_at: '2026-05-01T12:00:01.000Z',
        }),
      })
      await bus.request(memory.update, { id: first.id, content: 'Tea at six' }, ada)
      expect(await bus.request(memory.update, change, { ...ada, messageId })).toEqual(changed)
      const { versions } = await bus.request(memory.history, { id: first.id }, ada)
      expect(versions.map(({ version, content, replaced_at }) => [version, content, replaced_at])).toEqual([
        [3, 'Tea at six', undefined],
        [2, 'Tea at five', '2026-05-01T12:00:01.000Z'],
        [1, 'Tea at four', '2026-05-01T12:00:01.000Z'],
      ])
      expect(versions[2]).toEqual({ ...first, replaced_at: '2026-05-01T12:00:01.000Z' })
      const page = await bus.request(memory.history, { id: first.id, limit: 2 }, ada)
      const rest = await bus.request(memory.history, { id: first.id, cursor: page.next_cursor }, ada)
      expect([...page.versions, ...rest.versions]).toEqual(versions)
      expect(rest.next_cursor).toBeUndefined()
      expect(await bus.request(memory.query, { query: 'four' }, ada)).toMatchObject({ total: 0 })
      expect(await bus.request(memory.query, { query: 'six' }, ada)).toMatchObject({ total: 1 })
      await bus.request(memory.forget, { id: first.id }, ada)
      expect(await bus.request(others.history, { id: first.id }, eve)).toEqual({ versions: [] })
    })

    it('is refused where another version is there, with that one', async () => {
      const { bus } = await started(open)
      const { memory: stored } = await bus.request(memory.store, { content: 'Tea' }, ada)
      const refused = bus.request(memory.update, { id: stored.id, importance: 1, if_version: 2 }, ada)
      await expect(refused).rejects.toMatchObject({ kind: 'memory-version', details: { version: 1 } })
    })

    it('is its owner’s to change, whoever may read it, and everybody’s with the right to what is others’', async () => {
      const { bus } = await started(open)
      const { memory: own } = await bus.request(memory.store, { content: 'Tea' }, ada)
      const { memory: shared } = await bus.request(memory.store, { content: 'Cake', scope: 'shared' }, ada)
      const change = (id: string) => bus.request(memory.update, { id, content: 'Coffee' }, eve)
      await expect(change(own.id)).rejects.toMatchObject({ kind: 'memory-unknown' })
      await expect(change(shared.id)).rejects.toMatchObject({ kind: 'memory-forbidden' })
      expect(await bus.request(others.update, { id: own.id, content: 'Coffee' }, eve)).toMatchObject({
        memory: { owner: 'ada', content: 'Coffee' },
      })
    })

    it('shows others no version that was private', async () => {
      const { bus } = await started(open)
      const { memory: stored } = await bus.request(memory.store, { content: 'between us' }, ada)
      await bus.request(memory.update, { id: stored.id, content: 'for all', scope: 'shared' }, ada)
      const { versions } = await bus.request(memory.history, { id: stored.id }, eve)
      expect(versions.map(({ content }) => content)).toEqual(['for all'])
    })
  })
}

function describeReplacing(open: OpenStorage): void {
  describe('a memory that takes the place of an older one', () => {
    it('ends the time for which that holds, and leaves it out of what is found', async () => {
      const { bus, clock } = await started(open)
      const { memory: older } = await bus.request(memory.store, { content: 'ada lives in Lisbon' }, ada)
      await clock.advance(1000)
      const { memory: newer } = await bus.request(
        memory.store,
        { content: 'ada lives in Porto', supersedes: older.id },
        ada,
      )
      for (const words of [{}, { query: 'ada lives' }]) {
        const found = await bus.request(memory.query, words, ada)
        expect(found.memories.map(({ id }) => id)).toEqual([newer.id])
        const all = await bus.request(memory.query, { ...words, include_superseded: true }, ada)
        expect(all.memories.map(({ id }) => id).toSorted()).toEqual([older.id, newer.id].toSorted())
      }
      expect(await bus.request(memory.get, { id: older.id }, ada)).toMatchObject({
        memory: { superseded_by: newer.id, valid_to: '2026-05-01T12:00:01.000Z', version: 2 },
      })
      const refused = bus.request(memory.store, { content: 'eve lives there', supersedes: older.id }, eve)
      await expect(refused).rejects.toMatchObject({ kind: 'invalid-request' })
    })
  })
}

function describeGroups(open: OpenStorage): void {
  describe('a group', () => {
    const input = { content: 'the results of the research', scope: 'group:research' } as const

    it('reads what was given to it, and nobody else does', async () => {
      const { bus } = await started(open)
      const { memory: stored } = await bus.request(memory.store, input, ada)
      for (const words of [{}, { query: 'results' }, { scope: 'group:research' as const }]) {
        expect(await bus.request(memory.query, words, bob)).toMatchObject({ total: 1 })
        expect(await bus.request(memory.query, words, eve)).toMatchObject({ total: 0 })
      }
      expect(await bus.request(memory.get, { id: stored.id }, bob)).toEqual({ memory: stored })
      expect(await bus.request(memory.get, { id: stored.id }, eve)).toEqual({ memory: null })
      expect(await bus.request(memory.stats, {}, bob)).toMatchObject({
        memories: 1,
        by_scope: { 'group:research': 1 },
      })
      expect(await bus.request(memory.forget, { scope: 'group:research' }, bob)).toEqual({ forgotten: 0 })
      expect(await bus.request(memory.forget, { scope: 'group:research' }, ada)).toEqual({ forgotten: 1 })
    })

    it('is given memories by those who are in it alone', async () => {
      const { bus } = await started(open)
      await expect(bus.request(memory.store, input, eve)).rejects.toMatchObject({ kind: 'memory-forbidden' })
      const { memory: own } = await bus.request(memory.store, { content: 'of eve' }, eve)
      const moved = bus.request(memory.update, { id: own.id, scope: 'group:research' }, eve)
      await expect(moved).rejects.toMatchObject({ kind: 'memory-forbidden' })
      const forEve = bus.request(others.store, { ...input, owner: 'eve' }, ada)
      await expect(forEve).rejects.toMatchObject({ kind: 'memory-forbidden' })
      const batch = {
        memories: [
          { ...input, owner: 'eve' },
          { ...input, owner: 'bob' },
        ],
      }
      const { results } = await bus.request(others.storeBatch, batch, eve)
      expect(results).toMatchObject([
        { error: { code: 'memory-forbidden' } },
        { memory: { owner: 'bob', source: 'eve' } },
      ])
    })
  })
}

function describeForgetting(open: OpenStorage): void {
  describe('forgetting many', () => {
    it('tells their number and asks for it, and forgets as many as were confirmed', async () => {
      const { bus } = await started(open)
      const memories = Array.from({ length: 101 }, (_, i) => ({
        content: `number ${i}`,
        origin: 'https://bad.example',
      }))
      await bus.request(memory.storeBatch, { memories }, ada)
      await bus.request(memory.store, { content: 'of another origin' }, ada)
      const all = { origin: 'https://bad.example' }
      for (const request of [all, { ...all, confirm: 100 }]) {
        const refused = bus.request(memory.forget, request, ada)
        await expect(refused).rejects.toMatchObject({
          kind: 'memory-confirmation-needed',
          details: { would_forget: 101 },
        })
      }
      expect(await bus.request(memory.forget, { ...all, dry_run: true }, ada)).toEqual({
        forgotten: 0,
        would_forget: 101,
      })
      expect(await bus.request(memory.forget, { ...all, dry_run: true }, bob)).toEqual({
        forgotten: 0,
        would_forget: 0,
      })
      expect(await bus.request(memory.forget, { ...all, confirm: 101 }, ada)).toEqual({ forgotten: 101 })
      expect(await bus.request(memory.query, {}, ada)).toMatchObject({ total: 1 })
    })

    it('by what came with them takes those of the owner alone', async () => {
      const { bus } = await started(open)
      for (const client of [ada, bob]) {
        await bus.request(
          memory.store,
          { content: 'a', session_id: 's', metadata: { run: { id: 7 } } },
          client,
        )
        await bus.request(memory.store, { content: 'b', trusted: false }, client)
      }
      expect(await bus.request(memory.forget, { where: { 'run.id': 7 }, session_id: 's' }, ada)).toEqual({
        forgotten: 1,
      })
      expect(await bus.request(others.forget, { trusted: false, owner: 'bob' }, eve)).toEqual({
        forgotten: 1,
      })
      expect(await bus.request(others.query, {}, eve)).toMatchObject({ total: 2 })
      expect(await bus.request(memory.forget, { before: LATER }, bob)).toEqual({ forgotten: 1 })
    })
  })
}

function describeArchive(open: OpenStorage): void {
  describe('an archive', () => {
    it('has what is one’s own, page by page, and makes it another’s own where that imports it', async () => {
      const { bus, clock } = await started(open)
      for (let i = 0; i < 5; i++)
        await bus.request(memory.store, { content: `number ${i}`, layer: 'semantic' }, ada)
      await bus.request(memory.store, { content: 'of bob', scope: 'shared' }, bob)
      const [first] = (await bus.request(memory.query, { query: 'number 0', limit: 1 }, ada)).memories
      await bus.request(memory.update, { id: first?.id ?? '', tags: ['changed'] }, ada)
      const pages = []
      for (let cursor: string | undefined; ; ) {
        const page = await bus.request(memory.export, { limit: 2, with_history: true, cursor }, ada)
        pages.push(...page.memories)
        cursor = page.next_cursor
        if (cursor === undefined) break
      }
      expect(pages.map(({ content }) => content)).toEqual([
        'number 0',
        'number 1',
        'number 2',
        'number 3',
        'number 4',
      ])
      expect(pages[0]).toMatchObject({ version: 2, history: [{ version: 1, tags: [] }] })
      const known = await bus.request(memory.import, { memories: pages }, ada)
      expect(known.results.every((one) => 'outcome' in one && one.outcome === 'known')).toBe(true)
      const taken = await bus.request(memory.import, { memories: pages.slice(0, 1) }, eve)
      expect(taken.results).toMatchObject([{ id: pages[0]?.id, error: { code: 'memory-conflict' } }])
      await bus.request(memory.forget, { before: LATER }, ada)
      await clock.advance(1000)
      const { results } = await bus
        .request(memory.import, { memories: [...pages, { ...pages[0], id: '' }] as typeof pages }, eve)
        .catch(() => ({ results: [] }))
      expect(results).toEqual([])
      const imported = await bus.request(memory.import, { memories: pages }, eve)
      expect(imported.results).toEqual(pages.map(({ id }) => ({ id, outcome: 'restored' })))
      expect(await bus.request(memory.get, { id: pages[0]?.id ?? '' }, eve)).toMatchObject({
        memory: {
          owner: 'eve',
          source: 'eve',
          provenance: { stored_by: 'eve' },
          created_at: pages[0]?.created_at,
        },
      })
      expect(await bus.request(memory.history, { id: pages[0]?.id ?? '' }, eve)).toMatchObject({
        versions: [{ version: 2 }, { version: 1 }],
      })
      expect(await bus.request(memory.query, { query: 'number' }, ada)).toMatchObject({ total: 0 })
    })
  })
}

function describeCounts(open: OpenStorage): void {
  describe('the counts', () => {
    it('are of what one may read, and of one owner or all for whoever may read what is others’', async () => {
      const { bus } = await started(open)
      await bus.request(memory.store, { content: 'a', layer: 'semantic' }, ada)
      await bus.request(memory.store, { content: 'b', scope: 'shared' }, ada)
      await bus.request(memory.store, { content: 'c' }, bob)
      expect(await bus.request(memory.stats, {}, bob)).toMatchObject({
        memories: 2,
        by_layer: { short_term: 2 },
        by_scope: { private: 1, shared: 1 },
        bytes: 10,
        oldest: '2026-05-01T12:00:00.000Z',
      })
      expect(await bus.request(others.stats, {}, eve)).toMatchObject({ memories: 3 })
      expect(await bus.request(others.stats, { owner: 'ada' }, eve)).toMatchObject({ memories: 2 })
    })
  })
}

function describeProvenance(open: OpenStorage): void {
  describe('provenance', () => {
    it('names the verified sender, and for whom it stored', async () => {
      const { bus } = await started(open)
      const direct = await bus.request(memory.store, { content: 'direct' }, ada)
      expect(direct.memory.provenance).toEqual({ stored_by: 'ada' })
      const behalf = await bus.request(
        memory.store,
        { content: 'on behalf' },
        { ...ada, senderId: 'jamey-gateway' },
      )
      expect(behalf.memory).toMatchObject({
        source: 'ada',
        provenance: { stored_by: 'jamey-gateway', on_behalf_of: 'ada' },
      })
    })
  })
}

/** What clients ask a memory for, whatever keeps it. */
export function describeServedRequests(name: string, open: OpenStorage): void {
  describe(name, () => {
    describeChanges(open)
    describeReplacing(open)
    describeGroups(open)
    describeForgetting(open)
    describeArchive(open)
    describeCounts(open)
    describeProvenance(open)
  })
}
