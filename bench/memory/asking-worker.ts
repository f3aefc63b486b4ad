import { parentPort, workerData } from 'node:worker_threads'
import type { Bus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { connectTo, type SystemAddress } from '../conscience/running-system.js'
import { type Measured, timesOf } from './rates.js'
import { wordsAndTexts } from './scale.js'
import { randomFrom } from './sets.js'

const CLIENTS = 8

/** Asks the memory by eight clients, each one question after another, until it is told to stop; says what that came to. */
const { word } = wordsAndTexts(randomFrom(11))
let isOver = false
const tookMs: number[] = []

async function asking(bus: Bus): Promise<void> {
  while (!isOver) {
    const askedAt = performance.now()
    const query = `what did the ${Array.from({ length: 5 }, word).join(' ')}`
    await bus.request(topics.memory.query, { query })
    tookMs.push(performance.now() - askedAt)
  }
  await bus.close()
}

const buses = await Promise.all(
  Array.from({ length: CLIENTS }, (_, i) =>
    connectTo(workerData as SystemAddress, `asker-${i}`, [`publish:${topics.memory.query.topic}`]),
  ),
)
const startedAt = performance.now()
const all = Promise.all(buses.map(asking))
parentPort?.once('message', () => {
  isOver = true
  void all.then(() => {
    const perSecond = (tookMs.length / (performance.now() - startedAt)) * 1000
    parentPort?.postMessage({ perSecond, ...timesOf(tookMs) } satisfies Measured)
  })
})
parentPort?.postMessage('asking')
