import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { type Bus, connectBus } from '@jamey/bus'
import { COMPONENTS, type MemoryStoreInput, type MemoryUpdate, topics } from '@jamey/contracts'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFile } from '../store/memory-file.support.js'
import { type RunningMemory, runMemory } from './run-memory.js'

const { store, query, forget, updates } = topics.memory
const REQUEST = { timeoutMs: 10_000 }

async function brokerPort(): Promise<number> {
  const broker = await createBroker({
    listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
    authenticator: insecureAuthenticator(),
  })
  await broker.listen()
  onTestFinished(() => broker.close({ graceMs: 100 }))
  return broker.addresses[0]!.port
}

function environment(port: number, file: string, more: Record<string, string> = {}) {
  return {
    MQTT_BROKER_URL: `mqtt://127.0.0.1:${port}`,
    MQTT_INSECURE: 'true',
    JAMEY_MEMORY_FILE: file,
    ...more,
  }
}

async function running(env: Record<string, string>): Promise<RunningMemory> {
  const memory = await runMemory({ env, cwd: dirname(env['JAMEY_MEMORY_FILE'] ?? '.') })
  onTestFinished(() => memory.stop({ graceMs: 1000 }))
  await memory.ready
  return memory
}

async function operator(port: number): Promise<Bus> {
  const { permissions } = COMPONENTS.operator
  const url = `mqtt://127.0.0.1:${port}`
  const bus = await connectBus({ url, insecure: true, clientId: 'operator', permissions })
  onTestFinished(() => bus.close({ drain: false, timeoutMs: 500 }))
  return bus
}

/** Keeps the updates that arrive; `until` resolves when `count` have. */
async function updatesOf(bus: Bus) {
  const seen: MemoryUpdate[] = []
  let watch = () => {}
  await bus.subscribe(updates, ({ data: payload }) => {
    seen.push(payload)
    watch()
  })
  const until = async (count: number) => {
    while (seen.flatMap(({ memory_ids }) => memory_ids).length < count) {
      await new Promise<void>((resolve) => {
        watch = resolve
      })
    }
  }
  return { seen, until }
}

describe('a memory over a broker', () => {
  it('stores, announces, recalls and forgets with the permissions of its component', async () => {
    const port = await brokerPort()
    await running(environment(port, temporaryFile()))
    const bus = await operator(port)
    const { seen, until } = await updatesOf(bus)
    const messageId = randomUUID()
    const request: MemoryStoreInput = {
      content: 'We met in Lisbon in May',
      tags: ['travel'],
      layer: 'episodic',
    }
    const stored = await bus.request(store, request, { ...REQUEST, messageId })
    expect(stored).toMatchObject({ created: true, memory: { id: messageId, source: 'operator' } })
    expect(await bus.request(store, request, { ...REQUEST, messageId })).toMatchObject({
      memory: stored.memory,
    })
    const found = await bus.request(query, { query: 'lisbon' }, REQUEST)
    expect(found).toMatchObject({ total: 1, memories: [stored.memory] })
    expect(await bus.request(forget, { tags: ['travel'] }, REQUEST)).toEqual({ forgotten: 1 })
    await until(2)
    expect(seen.map(({ change, memory_ids }) => [change, memory_ids])).toEqual([
      ['stored', [messageId]],
      ['forgotten', [messageId]],
    ])
  })

  it('stands by while another serves its file, says so, and serves it when that stops', async () => {
    const port = await brokerPort()
    const file = temporaryFile()
    const first = await running(environment(port, file))
    const bus = await operator(port)
    const reasons: (string | undefined)[] = []
    await bus.subscribe(topics.events.status, ({ data, sender }) => {
      if (sender.clientId === 'jamey-memory-2') reasons.push(data.reason)
    })
    const env = environment(port, file, { MQTT_CLIENT_ID: 'jamey-memory-2' })
    const second = await runMemory({ env, cwd: dirname(file) })
    onTestFinished(() => second.stop({ graceMs: 1000 }))
    const standby = 'stands by: another process serves the memory file'
    await expect.poll(() => reasons.at(-1)).toBe(standby)
    const { seen, until } = await updatesOf(bus)
    const put = (from: number) =>
      Promise.all(
        Array.from({ length: 40 }, (_, i) => bus.request(store, { content: `memory ${from + i}` }, REQUEST)),
      )
    await put(0)
    expect(first.bus.stats().served).toBe(40)
    expect(second.bus.stats().served).toBe(0)
    await first.stop()
    await second.ready
    await put(40)
    expect((await bus.request(query, { query: 'memory' }, REQUEST)).total).toBe(80)
    await expect.poll(() => reasons.at(-1)).toBeUndefined()
    await until(80)
    expect(new Set(seen.flatMap(({ memory_ids }) => memory_ids)).size).toBe(80)
  })

  it('starts while the broker is away, and can be stopped before it came', async () => {
    const port = await brokerPort()
    const closed = await createBroker({
      listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
      authenticator: insecureAuthenticator(),
    })
    await closed.listen()
    const gone = closed.addresses[0]!.port
    await closed.close({ graceMs: 0 })
    const file = temporaryFile()
    const waiting = await runMemory({ env: environment(gone, file), cwd: dirname(file) })
    await waiting.stop({ graceMs: 500 })
    await running(environment(port, file))
  })

  it('says what is wrong with the file, and leaves nothing running', async () => {
    const port = await brokerPort()
    const folder = dirname(temporaryFile())
    const memory = await runMemory({ env: environment(port, folder), cwd: folder })
    await expect(memory.ready).rejects.toMatchObject({ name: 'StorageError', code: 'storage-foreign' })
    await memory.stop()
  })

  it('refuses a wrong environment before it connects [promise 37]', async () => {
    const env = environment(1, temporaryFile(), { JAMEY_MEMORY_TTL_WORKING_SECONDS: 'an hour' })
    await expect(runMemory({ env })).rejects.toThrow(/JAMEY_MEMORY_TTL_WORKING_SECONDS.*an hour/s)
  })
})
