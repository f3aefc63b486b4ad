import { randomUUID } from 'node:crypto'
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { CONTRACTS, isRequestContract, topics } from '@jamey/contracts'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fakeClock, temporaryFile } from '../store/memory-file.support.js'
import { MemoryStore, type MemoryStoreOptions } from '../store/memory-store.js'
import { FakeBus } from './bus.support.js'
import { createMemory, type MemoryOptions } from './memory-service.js'

const { store, forget, get, query } = topics.memory

/** In this thread, so that the fake clock alone says what comes first. */
const openHere = async (options: MemoryStoreOptions) => MemoryStore.open(options)

async function started(options: Partial<MemoryOptions> = {}) {
  const bus = new FakeBus()
  const clock = fakeClock()
  const file = temporaryFile()
  const memory = createMemory({ file, bus: bus.asBus(), clock, open: openHere, ...options })
  onTestFinished(() => memory.stop({ graceMs: 0 }))
  await memory.start()
  return { bus, clock, file: options.file ?? file, memory }
}

describe('the memory service', () => {
  it('stores, recalls and forgets for requests of its group', async () => {
    const { bus } = await started()
    const served = CONTRACTS.filter(isRequestContract).filter(({ service }) => service === 'memory')
    expect(bus.served.toSorted()).toEqual(
      served.map(({ topic, action }) => `memory ${topic} ${action}`).toSorted(),
    )
    const messageId = randomUUID()
    const content = 'We met in Lisbon in May'
    const stored = await bus.request(store, { content, tags: ['travel'] }, { messageId })
    expect(stored).toMatchObject({ created: true, memory: { id: messageId, source: 'agent-1', content } })
    const found = await bus.request(query, { query: 'lisbon' })
    expect(found).toMatchObject({ total: 1, memories: [{ ...stored.memory, score: expect.any(Number) }] })
    expect(await bus.request(get, { id: messageId })).toEqual({ memory: stored.memory })
    expect(await bus.request(forget, { id: messageId })).toEqual({ forgotten: 1 })
    expect(await bus.request(get, { id: messageId })).toEqual({ memory: null })
    expect(await bus.request(query, { query: 'lisbon' })).toEqual({ memories: [], total: 0 })
  })

  it('stores a repeated message once and announces it once', async () => {
    const { bus } = await started()
    const messageId = randomUUID()
    const answers = await Promise.all(
      Array.from({ length: 5 }, () =>
        bus.request(store, { content: 'once', scope: 'shared' }, { messageId }),
      ),
    )
    expect(answers.map(({ created }) => created)).toEqual([true, false, false, false, false])
    await bus.request(store, { content: 'another', scope: 'shared' })
    await bus.until(() => bus.published.length === 2)
    expect(bus.published.map(({ update }) => update.memory?.content)).toEqual(['once', 'another'])
  })

  it('answers what the requester did wrong by its kind, and reports none of it', async () => {
    const { bus } = await started({ limits: { maximumContentCharacters: 10 } })
    await expect(bus.request(store, { content: 'x'.repeat(11) })).rejects.toMatchObject({
      name: 'RequestError',
      kind: 'invalid-request',
      message: expect.stringMatching(/^content: /),
      retryable: false,
    })
    const messageId = randomUUID()
    await bus.request(store, { content: 'one' }, { messageId })
    await expect(bus.request(store, { content: 'two' }, { messageId })).rejects.toMatchObject({
      kind: 'memory-conflict',
      retryable: false,
    })
    expect(bus.reported).toEqual([])
  })
})

describe('what belongs to somebody', () => {
  const ada = { clientId: 'ada' }
  const bob = { clientId: 'bob' }

  it('is found, got and forgotten by its owner alone [promise 45]', async () => {
    const { bus } = await started()
    const { memory } = await bus.request(store, { content: 'the diary of ada', tags: ['diary'] }, ada)
    expect(memory).toMatchObject({ owner: 'ada', source: 'ada', scope: 'private' })
    for (const words of [{ query: 'diary' }, {}, { tags: ['diary'] }]) {
      expect(await bus.request(query, words, bob)).toEqual({ memories: [], total: 0 })
      expect(await bus.request(query, words, ada)).toMatchObject({ total: 1, memories: [{ id: memory.id }] })
    }
    expect(await bus.request(get, { id: memory.id }, bob)).toEqual({ memory: null })
    const everything = { before: '2999-01-01T00:00:00Z' }
    for (const selection of [{ id: memory.id }, { tags: ['diary'] }, everything]) {
      expect(await bus.request(forget, selection, bob)).toEqual({ forgotten: 0 })
    }
    expect(await bus.request(forget, everything, ada)).toEqual({ forgotten: 1 })
  })

  it('is read by everybody where it is shared, and forgotten by its owner alone', async () => {
    const { bus } = await started()
    const { memory } = await bus.request(store, { content: 'the menu of today', scope: 'shared' }, ada)
    expect(await bus.request(query, { query: 'menu' }, bob)).toMatchObject({ total: 1 })
    expect(await bus.request(get, { id: memory.id }, bob)).toEqual({ memory })
    expect(await bus.request(forget, { id: memory.id }, bob)).toEqual({ forgotten: 0 })
    expect(await bus.request(forget, { id: memory.id }, ada)).toEqual({ forgotten: 1 })
  })

  it('is everybody’s at the topics of others, as a whole or by owner', async () => {
    const { bus } = await started()
    const { others } = topics.memory
    const { memory } = await bus.request(store, { content: 'the diary of ada' }, ada)
    await bus.request(store, { content: 'the diary of bob' }, bob)
    const carol = { clientId: 'carol' }
    expect(await bus.request(others.query, { query: 'diary' }, carol)).toMatchObject({ total: 2 })
    expect(await bus.request(others.query, { owner: 'ada' }, carol)).toMatchObject({
      total: 1,
      memories: [{ owner: 'ada' }],
    })
    expect(await bus.request(others.get, { id: memory.id }, carol)).toEqual({ memory })
    expect(await bus.request(others.forget, { owner: 'ada' }, carol)).toEqual({ forgotten: 1 })
    expect(await bus.request(query, {}, bob)).toMatchObject({ total: 1 })
  })

  it('may have been stored by another, who does not reach it any more', async () => {
    const { bus } = await started()
    const { memory } = await bus.request(
      topics.memory.others.store,
      { content: 'a letter', owner: 'ada' },
      bob,
    )
    expect(memory).toMatchObject({ owner: 'ada', source: 'bob' })
    expect(await bus.request(query, {}, ada)).toMatchObject({ total: 1 })
    expect(await bus.request(query, {}, bob)).toMatchObject({ total: 0 })
  })

  it('is not shown, taken or replaced by its id, nor finished by a request of another', async () => {
    const { bus } = await started()
    const messageId = randomUUID()
    await bus.request(store, { content: 'of ada' }, { ...ada, messageId })
    for (const content of ['of ada', 'of bob']) {
      const refused = bus.request(store, { content }, { ...bob, messageId })
      await expect(refused).rejects.toMatchObject({ kind: 'memory-conflict' })
    }
    const everything = { before: '2999-01-01T00:00:00Z' }
    expect(await bus.request(forget, everything, { ...bob, messageId })).toEqual({ forgotten: 0 })
    expect(await bus.request(forget, everything, { ...ada, messageId })).toEqual({ forgotten: 1 })
  })
})

describe('announcements', () => {
  it('tell what was stored, forgotten and has expired', async () => {
    const { bus, clock } = await started()
    const first = await bus.request(store, { content: 'first', layer: 'working', scope: 'shared' })
    const second = await bus.request(store, { content: 'second' })
    await bus.request(forget, { id: second.memory.id })
    await bus.until(() => bus.published.length === 3)
    await clock.advance(3_600_000)
    await bus.until(() => bus.published.length === 4)
    expect(bus.published.map(({ update }) => [update.change, update.memory_ids])).toEqual([
      ['stored', [first.memory.id]],
      ['stored', [second.memory.id]],
      ['forgotten', [second.memory.id]],
      ['expired', [first.memory.id]],
    ])
    expect(bus.published[0]?.update.memory).toEqual(first.memory)
  })

  it('wait while the bus is not connected and follow when it is', async () => {
    const { bus, memory } = await started()
    bus.become('reconnecting')
    const { memory: stored } = await bus.request(store, { content: 'meanwhile', scope: 'shared' })
    expect((await memory.stats())?.pendingAnnouncements).toBe(1)
    expect(bus.published).toEqual([])
    bus.become('connected')
    await bus.until(() => bus.published.length === 1)
    expect(bus.published[0]?.update.memory).toEqual(stored)
  })

  it('that could not be published are repeated with the next sweep under the same message id', async () => {
    const { bus, clock, memory } = await started()
    bus.beforePublish = async () => {
      throw Object.assign(new Error('the broker said no'), { code: 'refused' })
    }
    await bus.request(store, { content: 'kept' })
    await bus.until(() => bus.reported.length === 1)
    expect(bus.reported[0]?.kind).toBe('refused')
    bus.beforePublish = async () => {}
    await clock.advance(60_000)
    await bus.until(() => bus.published.length === 1)
    expect(bus.published[0]?.messageId).toMatch(/^[0-9a-f-]{36}$/)
    await memory.stop()
  })

  it('that the last run left behind are published by the next', async () => {
    const first = await started()
    first.bus.become('reconnecting')
    const { memory: stored } = await first.bus.request(store, { content: 'left behind', scope: 'shared' })
    await first.memory.stop()
    const next = await started({ file: first.file })
    await next.bus.until(() => next.bus.published.length === 1)
    expect(next.bus.published[0]?.update).toEqual({
      change: 'stored',
      memory_ids: [stored.id],
      memory: stored,
    })
    await next.memory.stop()
    const store2 = MemoryStore.open({ file: first.file, announcer: next.bus.clientId })
    expect(store2.stats().pendingAnnouncements).toBe(0)
    await store2.close()
  })
})

describe('when the file fails', () => {
  it('requests get a retryable error, operators one error event a minute, and reading goes on', async () => {
    const { bus, clock, file } = await started({ maximumFileBytes: 300_000 })
    const content = 'x'.repeat(20_000)
    const failures: unknown[] = []
    for (let i = 0; i < 30; i++) {
      await bus
        .request(store, { content, duplicates: 'keep' })
        .catch((error: unknown) => failures.push(error))
    }
    expect(failures.length).toBeGreaterThan(3)
    for (const failure of failures) {
      expect(failure).toMatchObject({ name: 'RequestError', kind: 'storage-full', retryable: true })
      expect((failure as Error).message).not.toContain(file)
    }
    expect(bus.reported.map(({ kind }) => kind)).toEqual(['storage-full'])
    expect([...bus.faults.values()]).toMatchObject([{ kind: 'storage-full' }])
    expect((await bus.request(query, {})).total).toBe(30 - failures.length)
    expect([...bus.faults.values()]).toMatchObject([{ kind: 'storage-full' }])
    await clock.advance(61_000)
    await bus.request(store, { content, duplicates: 'keep' }).catch(() => {})
    expect(bus.reported).toHaveLength(2)
    await bus.request(forget, { layer: 'short_term' })
    expect([...bus.faults.values()]).toEqual([])
  })

  it('at the start, starting fails and nothing is served', async () => {
    const file = temporaryFile()
    writeFileSync(file, 'not a database '.repeat(500))
    const bus = new FakeBus()
    const memory = createMemory({ file, bus: bus.asBus(), clock: fakeClock() })
    await expect(memory.start()).rejects.toMatchObject({ name: 'StorageError', code: 'storage-damaged' })
    expect(bus.served).toEqual([])
    expect(bus.listeners).toBe(0)
    await memory.stop()
  })
})

describe('starting', () => {
  it('fails as a whole where one topic is refused', async () => {
    const bus = new FakeBus()
    bus.beforeServe = async (action) => {
      if (action === 'query') throw new Error('subscribe:jamey/memory/query is missing')
    }
    const memory = createMemory({ file: temporaryFile(), bus: bus.asBus(), clock: fakeClock() })
    await expect(memory.start()).rejects.toThrow('subscribe:jamey/memory/query')
    expect(bus.served).toEqual([])
    expect(await memory.stats()).toBeUndefined()
  })

  it('may be stopped while it still waits for the broker', async () => {
    const bus = new FakeBus()
    let connect = () => {}
    const connected = new Promise<void>((resolve) => {
      connect = resolve
    })
    bus.beforeServe = () => connected
    const memory = createMemory({ file: temporaryFile(), bus: bus.asBus(), clock: fakeClock() })
    const starting = memory.start()
    await memory.stop()
    connect()
    await starting
    expect(bus.served).toEqual([])
    expect(bus.listeners).toBe(0)
  })
})

describe('a second one with the same file', () => {
  const standby = { 'memory file': 'stands by: another process serves the memory file' }

  async function second() {
    const first = await started()
    const bus = new FakeBus()
    const clock = fakeClock()
    const memory = createMemory({ file: first.file, bus: bus.asBus(), clock, open: openHere })
    onTestFinished(() => memory.stop({ graceMs: 0 }))
    return { first, bus, clock, memory, starting: memory.start() }
  }

  it('serves nothing and says that it stands by, until the first has stopped', async () => {
    const { first, bus, clock, starting } = await second()
    expect(Object.fromEntries(bus.remarks)).toEqual(standby)
    await clock.advance(500)
    expect(bus.served).toEqual([])
    await first.memory.stop()
    await clock.advance(500)
    await starting
    expect(Object.fromEntries(bus.remarks)).toEqual({})
    expect(await bus.request(store, { content: 'after' })).toMatchObject({ created: true })
  })

  it('can be stopped while it stands by', async () => {
    const { first, bus, clock, memory, starting } = await second()
    await memory.stop()
    await starting
    expect(bus.served).toEqual([])
    expect(Object.fromEntries(bus.remarks)).toEqual({})
    expect(clock.pendingTimers).toBe(0)
    expect(await first.bus.request(store, { content: 'still' })).toMatchObject({ created: true })
  })

  it('supersedes one whose lock was taken from it, which writes nothing more and stands by', async () => {
    const { first, clock, bus, starting } = await second()
    rmSync(`${first.file}.owner`)
    await clock.advance(500)
    await starting
    const refused = first.bus.request(store, { content: 'too late' })
    await expect(refused).rejects.toMatchObject({ kind: 'storage-superseded', retryable: true })
    await expect.poll(() => first.bus.served).toEqual([])
    await expect.poll(() => Object.fromEntries(first.bus.remarks)).toEqual(standby)
    expect(await bus.request(store, { content: 'in time' })).toMatchObject({ created: true })
    expect(await bus.request(query, {})).toMatchObject({ total: 1, memories: [{ content: 'in time' }] })
  })
})

describe('stopping', () => {
  it('answers what was taken, publishes it, and leaves one complete file and nothing running [promise 38]', async () => {
    const { bus, clock, file, memory } = await started()
    const answers = Array.from({ length: 20 }, (_, i) => bus.request(store, { content: `memory ${i}` }))
    await memory.stop()
    expect((await Promise.all(answers)).every(({ created }) => created)).toBe(true)
    expect(bus.published.flatMap(({ update }) => update.memory_ids)).toHaveLength(20)
    expect(bus.served).toEqual([])
    expect(bus.listeners).toBe(0)
    expect(clock.pendingTimers).toBe(0)
    expect(existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0).toBe(0)
    expect(await memory.stats()).toBeUndefined()
  })

  it('settles within its grace time although the broker never acknowledges, and loses no announcement', async () => {
    const { bus, clock, file, memory } = await started()
    let publishing = 0
    const never = new Promise<void>(() => {})
    bus.beforePublish = () => {
      publishing += 1
      return never
    }
    await bus.request(store, { content: 'unheard' })
    await expect.poll(() => publishing).toBe(1)
    const stopping = memory.stop({ graceMs: 2000 })
    await clock.advance(2000)
    await stopping
    const left = MemoryStore.open({ file, announcer: bus.clientId })
    expect(left.stats().pendingAnnouncements).toBe(1)
    await left.close()
  })

  it('can be followed by another start', async () => {
    const { bus, memory } = await started()
    const { memory: stored } = await bus.request(store, { content: 'kept' })
    await memory.stop()
    await memory.stop()
    await memory.start()
    await memory.start()
    expect((await bus.request(query, { query: 'kept' })).memories[0]?.id).toBe(stored.id)
  })
})
