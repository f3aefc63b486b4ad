import { Agent, request } from 'node:http'
import { topics } from '@jamey/contracts'
import { RunningSystem } from '../conscience/running-system.js'
import { processorSeconds } from '../kit/processor.js'
import { type Measured, measure } from './rates.js'
import { wordsAndTexts } from './scale.js'
import { randomFrom } from './sets.js'

const BATCH = 50

/** What was stored a second, each acknowledged once it is on the disk. */
export interface Stores extends Measured {
  readonly name: string
  readonly storesPerSecond: number
  /** Processor time of the whole system for each memory. */
  readonly microseconds: number
}

/** Memories stored in `jamey up`, over MQTT with TLS and over HTTP, one in each request or `BATCH` of them. */
export async function* stores(): AsyncGenerator<Stores> {
  const system = await RunningSystem.start({ JAMEY_HTTP_CALLS_PER_MINUTE: '0', JAMEY_AUDIT_DIR: 'none' })
  const { text } = wordsAndTexts(randomFrom(7))
  const memory = () => ({ content: text(), layer: 'semantic' as const, duplicates: 'keep' as const })
  const memories = () => ({ memories: Array.from({ length: BATCH }, memory) })
  const bus = await system.connect([`publish:${topics.memory.store.topic}`])
  const agent = new Agent({ keepAlive: true })
  const post = (path: string, body: () => object) => () => posted(system.httpPort, agent, path, body())
  const ways: readonly [string, number, number, () => Promise<unknown>][] = [
    ['MQTT, 1 at once', 1, 1, () => bus.request(topics.memory.store, memory())],
    ['MQTT, 512 at once', 512, 1, () => bus.request(topics.memory.store, memory())],
    [`MQTT, 16 batches of ${BATCH}`, 16, BATCH, () => bus.request(topics.memory.storeBatch, memories())],
    ['HTTP, 1 connection', 1, 1, post('/v1/memories', memory)],
    ['HTTP, 64 connections', 64, 1, post('/v1/memories', memory)],
    [`HTTP, 8 batches of ${BATCH}`, 8, BATCH, post('/v1/memories/batch', memories)],
  ]
  try {
    for (const [name, atOnce, each, store] of ways) {
      const calls = { count: 0 }
      const counted = async (): Promise<void> => {
        await store()
        calls.count++
      }
      const before = processorSeconds(system.pid) ?? Number.NaN
      const measured = await measure(counted, atOnce)
      const used = (processorSeconds(system.pid) ?? Number.NaN) - before
      const microseconds = (used * 1e6) / (calls.count * each)
      yield { name, ...measured, storesPerSecond: measured.perSecond * each, microseconds }
    }
    agent.destroy()
    await bus.close()
  } finally {
    await system.stop()
  }
}

function posted(port: number, agent: Agent, path: string, body: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const sent = request({ port, host: '127.0.0.1', method: 'POST', path, headers, agent }, (answer) => {
      const { statusCode = 0 } = answer
      if (statusCode < 200 || statusCode > 299) return reject(new Error(`${path}: HTTP ${statusCode}`))
      answer.resume().once('end', resolve)
    })
    sent.once('error', reject).end(JSON.stringify(body))
  })
}
