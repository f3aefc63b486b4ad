import { topics } from '@jamey/contracts'
import { RunningSystem } from '../conscience/running-system.js'
import { HttpCaller } from '../kit/http-caller.js'
import { type Measured, measure } from './rates.js'
import { wordsAndTexts } from './scale.js'
import { randomFrom } from './sets.js'

const BATCH = 50
const CONNECTIONS = 64

/** What was stored a second, each acknowledged once it is on the disk. */
export interface Stores extends Measured {
  readonly name: string
  readonly storesPerSecond: number
  /** Processor time of the whole system for each memory. */
  readonly microseconds: number
  /** Of the program that asks, which shares the machine's cores with the system. */
  readonly clientMicroseconds: number
}

/** A way to store: how many requests at once, how many memories in each, and one request. */
type Way = readonly [name: string, atOnce: number, each: number, store: () => Promise<unknown>]

/** Memories stored in `jamey up`, over MQTT with TLS and over HTTP, one in each request or `BATCH` of them. */
export async function* stores(): AsyncGenerator<Stores> {
  const system = await RunningSystem.start({ JAMEY_HTTP_CALLS_PER_MINUTE: '0', JAMEY_AUDIT_DIR: 'none' })
  const { text } = wordsAndTexts(randomFrom(7))
  const memory = () => ({ content: text(), layer: 'semantic' as const, duplicates: 'keep' as const })
  const memories = () => ({ memories: Array.from({ length: BATCH }, memory) })
  const bus = await system.connect([`publish:${topics.memory.store.topic}`])
  const free: HttpCaller[] = []
  const post = async (path: string, body: object): Promise<void> => {
    let caller = free.pop()
    while (caller?.isOpen === false) caller = free.pop()
    caller ??= await HttpCaller.connect(system.httpPort)
    await caller.post(path, body)
    free.push(caller)
  }
  const ways: readonly Way[] = [
    ['MQTT, 1 at once', 1, 1, () => bus.request(topics.memory.store, memory())],
    ['MQTT, 512 at once', 512, 1, () => bus.request(topics.memory.store, memory())],
    [`MQTT, 16 batches of ${BATCH}`, 16, BATCH, () => bus.request(topics.memory.storeBatch, memories())],
    ['HTTP, 1 connection', 1, 1, () => post('/v1/memories', memory())],
    [`HTTP, ${CONNECTIONS} connections`, CONNECTIONS, 1, () => post('/v1/memories', memory())],
    [`HTTP, 8 batches of ${BATCH}`, 8, BATCH, () => post('/v1/memories/batch', memories())],
  ]
  try {
    for (const [name, atOnce, each, store] of ways) {
      const { systemMicros, clientMicros, ...measured } = await measure(store, atOnce, system)
      const storesPerSecond = measured.perSecond * each
      const microseconds = systemMicros / each
      yield { name, ...measured, storesPerSecond, microseconds, clientMicroseconds: clientMicros / each }
    }
    for (const caller of free) caller.close()
    await bus.close()
  } finally {
    await system.stop()
  }
}
