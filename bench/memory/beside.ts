import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { topics } from '@jamey/contracts'
import { MemoryStore } from '@jamey/memory'
import { ask } from '../conscience/over-the-wire.js'
import { RunningSystem } from '../conscience/running-system.js'
import { temporaryFolder } from '../kit/temporary.js'
import { type Measured, measure } from './rates.js'
import { fillWith, wordsAndTexts } from './scale.js'
import { randomFrom } from './sets.js'

/** A verdict while nobody asks the memory, and while eight clients ask it as fast as they can; and their questions. */
export interface Beside extends Measured {
  readonly name: string
  /** Cores that the whole system had, on average: with others on the machine, what it got of them. */
  readonly cores?: number
}

export async function* beside(memories: number): AsyncGenerator<Beside> {
  const file = join(temporaryFolder().path, 'memory.db')
  const filled = MemoryStore.open({ file })
  const { text } = wordsAndTexts(randomFrom(42))
  await fillWith(filled, memories, text)
  await filled.close()
  const env = { JAMEY_MEMORY_FILE: file, JAMEY_AUDIT_DIR: 'none', JAMEY_MEMORY_QUERY_MS: '600000' }
  const system = await RunningSystem.start(env)
  try {
    const bus = await system.connect([`publish:${topics.memory.query.topic}`])
    // Once this is answered, the words of the file are in memory.
    await bus.request(topics.memory.query, { query: 'first' }, { timeoutMs: 600_000 })
    const verdict = (): Promise<unknown> => ask(bus)
    yield { name: 'alone', ...(await measure(verdict, 1, system)) }
    const askers = new Worker(new URL('asking-worker.js', import.meta.url), { workerData: system.address })
    await once(askers, 'message')
    const [fromMs, used] = [performance.now(), system.cpuMicros()]
    yield { name: 'beside 8 that ask the memory', ...(await measure(verdict, 1, system)) }
    askers.postMessage('stop')
    const [asked] = (await once(askers, 'message')) as [Measured]
    const cores = (system.cpuMicros() - used) / 1000 / (performance.now() - fromMs)
    yield { name: 'questions that they asked', ...asked, cores }
    yield { name: 'alone again', ...(await measure(verdict, 1, system)) }
    await askers.terminate()
    await bus.close()
  } finally {
    await system.stop()
  }
}
