import { getEventListeners } from 'node:events'
import { writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { MemoryConflictError, MemoryInputError, StorageError } from '../model/errors.js'
import { FakeBus } from '../service/bus.support.js'
import { createMemory } from '../service/memory-service.js'
import { fakeClock, temporaryFile } from '../store/memory-file.support.js'
import { MemoryStore, type MemoryStoreOptions } from '../store/memory-store.js'
import { Answers } from './answers.js'
import { MemoryThread } from './memory-thread.js'
import { openThreadedMemory } from './threaded-memory.js'

async function threaded(file = temporaryFile()) {
  const clock = fakeClock()
  const memory = await openThreadedMemory({ file, now: clock.now, announcer: 'jamey-memory' })
  onTestFinished(() => memory.close())
  return { memory, clock, file }
}

const origin = (id: string) => ({ id, source: 'agent-7' })

/** A thread that answers its opening, and then does with each call what `body` says. */
async function pretending(body: string, { maximumRunning = 10, maximumWaiting = 10 } = {}) {
  const script = `import { parentPort } from 'node:worker_threads'
    parentPort.on('message', (calls) => {
      for (const { id, name, arguments: given } of calls) {
        if (name !== 'close') { ${body}; continue }
        parentPort.postMessage([{ id }])
        parentPort.close()
      }
    })
    parentPort.postMessage([{ id: 0 }])`
  const worker = new URL(`data:text/javascript,${encodeURIComponent(script)}`)
  const store = { file: '/memories/memory.db' }
  return MemoryThread.open({ store, now: Date.now, maximumRunning, maximumWaiting, worker })
}

describe('a memory service', () => {
  it('runs no statement on the event loop of its bus [promise 46]', async () => {
    const opened = vi.spyOn(MemoryStore, 'open')
    const bus = new FakeBus()
    const service = createMemory({ file: temporaryFile(), bus: bus.asBus() })
    onTestFinished(() => service.stop({ graceMs: 100 }))
    await service.start()
    const { topics } = await import('@jamey/contracts')
    await bus.request(topics.memory.store, { content: 'in a thread of its own' })
    expect(await bus.request(topics.memory.query, { query: 'thread' })).toMatchObject({ total: 1 })
    expect(opened).not.toHaveBeenCalled()
  })
})

describe('a memory service whose thread ends before it is there', () => {
  const short = new StorageError('storage-thread', 'too many open files')

  it('starts another, ever more seldom, until there is room [promise 47]', async () => {
    const clock = fakeClock()
    const failures = [short, short]
    let attempts = 0
    const open = async (options: MemoryStoreOptions) => {
      attempts++
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      return MemoryStore.open(options)
    }
    const service = createMemory({ file: temporaryFile(), bus: new FakeBus().asBus(), clock, open })
    onTestFinished(() => service.stop({ graceMs: 0 }))
    const started = service.start()
    await expect.poll(() => [attempts, clock.pendingTimers]).toEqual([1, 1])
    await clock.advance(100)
    await expect.poll(() => [attempts, clock.pendingTimers]).toEqual([2, 1])
    await clock.advance(100)
    expect(attempts).toBe(2)
    await clock.advance(100)
    await started
    expect(await service.stats()).toMatchObject({ memories: 0 })
  })

  it('starts no other once it is stopped', async () => {
    const clock = fakeClock()
    let attempts = 0
    const open = async () => {
      attempts++
      throw short
    }
    const service = createMemory({ file: temporaryFile(), bus: new FakeBus().asBus(), clock, open })
    const started = service.start()
    await expect.poll(() => clock.pendingTimers).toBe(1)
    const stopped = service.stop({ graceMs: 0 })
    await clock.advance(100)
    await stopped
    await started
    expect(attempts).toBe(1)
  })
})

describe('a memory file in threads of its own', () => {
  it('finds with the next query whatever was acknowledged [promise 45]', async () => {
    const { memory } = await threaded()
    for (let i = 0; i < 50; i++) {
      await memory.store({ content: `number${i}` }, origin(`m${i}`))
      expect((await memory.query({ query: `number${i}` })).memories.map(({ id }) => id)).toContain(`m${i}`)
    }
    expect(await memory.stats()).toMatchObject({ memories: 50, pendingAnnouncements: 50 })
  })

  it('stores, forgets, sweeps and announces as in one thread', async () => {
    const { memory, clock } = await threaded()
    await memory.store({ content: 'for an hour', layer: 'working' }, origin('short'))
    await memory.store({ content: 'for good', layer: 'semantic' }, origin('long'))
    expect(await memory.get('long')).toMatchObject({ id: 'long', source: 'agent-7' })
    await clock.advance(3_601_000)
    expect(await memory.get('short')).toBeUndefined()
    expect(await memory.sweep()).toBe(1)
    expect(await memory.forget({ id: 'long' })).toEqual({ forgotten: 1 })
    const pending = await memory.pendingAnnouncements(10)
    expect(pending.map(({ update }) => update.change)).toEqual(['stored', 'stored', 'expired', 'forgotten'])
    await memory.announced(pending.map(({ seq }) => seq))
    expect(await memory.pendingAnnouncements(10)).toEqual([])
  })

  it('keeps the class and the members of each error', async () => {
    const { memory } = await threaded()
    await memory.store({ content: 'one' }, origin('m'))
    const conflict = memory.store({ content: 'two' }, origin('m'))
    await expect(conflict).rejects.toBeInstanceOf(MemoryConflictError)
    await expect(conflict).rejects.toMatchObject({ code: 'memory-conflict', retryable: false })
    const input = memory.store({ content: 'x'.repeat(100_001) }, origin('n'))
    await expect(input).rejects.toBeInstanceOf(MemoryInputError)
    await expect(input).rejects.toMatchObject({
      field: 'content',
      message: expect.stringMatching(/^content: (?!content)/),
    })
  })

  it('is refused where the file is no memory file, and leaves no thread behind', async () => {
    const file = temporaryFile()
    writeFileSync(file, 'a letter to a friend, and no database at all'.repeat(100))
    const opening = openThreadedMemory({ file })
    await expect(opening).rejects.toBeInstanceOf(StorageError)
    await expect(opening).rejects.toMatchObject({ code: 'storage-damaged' })
  })

  it('finishes what was asked for before it closes, and takes nothing after', async () => {
    const { memory, file } = await threaded()
    const stored = Array.from({ length: 20 }, (_, i) =>
      memory.store({ content: `last ${i}` }, origin(`m${i}`)),
    )
    await memory.close()
    expect((await Promise.all(stored)).every(({ created }) => created)).toBe(true)
    await expect(memory.query({})).rejects.toMatchObject({ code: 'storage-closed' })
    const again = await threaded(file)
    expect(await again.memory.stats()).toMatchObject({ memories: 20 })
  })
})

describe('a thread', () => {
  const answering = 'parentPort.postMessage([{ id, value: given[0] }])'

  it('that ends unasked fails what it had, retryably, and is started again', async () => {
    const thread = await pretending(`if (given[0] === 'die') process.exit(7); else ${answering}`)
    const lost = thread.call('query', ['die'])
    const behind = thread.call('query', ['behind'])
    await expect(lost).rejects.toMatchObject({ code: 'storage-thread', retryable: true })
    await expect(behind).rejects.toMatchObject({ code: 'storage-thread', retryable: true })
    expect(await thread.call('query', ['alive'])).toBe('alive')
    const error = "throw new Error('out of order')"
    const other = await pretending(`if (given[0] === 'die') ${error}; else ${answering}`)
    await expect(other.call('query', ['die'])).rejects.toThrow('out of order')
    expect(await other.call('query', ['alive'])).toBe('alive')
    await Promise.all([thread.close(), other.close()])
  })

  it('has only so many calls at once; what waits is given up with its signal, or refused beyond a bound', async () => {
    const thread = await pretending(`setTimeout(() => { ${answering} }, 20)`, {
      maximumRunning: 1,
      maximumWaiting: 2,
    })
    const running = thread.call('query', ['running'])
    const abandoned = new AbortController()
    const waiting = thread.call('query', ['waiting'], { signal: abandoned.signal })
    const behind = thread.call('query', ['behind'])
    await expect(thread.call('query', ['too many'])).rejects.toMatchObject({
      code: 'storage-overloaded',
      retryable: true,
    })
    abandoned.abort(new Error('nobody waits'))
    await expect(waiting).rejects.toThrow('nobody waits')
    expect(await Promise.all([running, behind])).toEqual(['running', 'behind'])
    await thread.close()
  })

  it('leaves nothing on the signal of a call that waits no longer', async () => {
    const thread = await pretending(answering, { maximumRunning: 1 })
    const { signal } = new AbortController()
    const calls = ['one', 'two'].map((name) => thread.call('query', [name], { signal }))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    expect(await Promise.all(calls)).toEqual(['one', 'two'])
    expect(getEventListeners(signal, 'abort')).toEqual([])
    await thread.close()
  })

  it('costs a call that cannot be copied that call alone', async () => {
    const thread = await pretending(answering)
    const beside = [thread.call('query', ['before']), thread.call('query', [() => 1])]
    const [before, wrong, after] = await Promise.allSettled([...beside, thread.call('query', ['after'])])
    expect([before, after]).toEqual([
      { status: 'fulfilled', value: 'before' },
      { status: 'fulfilled', value: 'after' },
    ])
    expect(wrong).toMatchObject({ status: 'rejected', reason: { name: 'DataCloneError' } })
    expect(await thread.call('query', ['next'])).toBe('next')
    await thread.close()
  })

  it('is sent the calls of one turn together, and tells together what they came to', async () => {
    const told = 'parentPort.postMessage([{ id, value: calls.length }])'
    const thread = await pretending(told)
    expect(await Promise.all(['a', 'b', 'c'].map((one) => thread.call('query', [one])))).toEqual([3, 3, 3])
    await thread.close()
    const posted: unknown[] = []
    const port = { postMessage: (answers: unknown) => posted.push(structuredClone(answers)), close: () => {} }
    const answers = new Answers(port as never)
    for (const id of [1, 2]) answers.tell({ id, value: id })
    answers.tell({ id: 3, value: () => {} })
    await Promise.resolve()
    expect(posted).toEqual([
      [{ id: 1, value: 1 }],
      [{ id: 2, value: 2 }],
      [{ id: 3, error: expect.objectContaining({ kind: 'other' }) }],
    ])
    for (const id of [4, 5]) answers.tell({ id, value: id })
    answers.end()
    expect(posted.at(-1)).toEqual([
      { id: 4, value: 4 },
      { id: 5, value: 5 },
    ])
  })
})
