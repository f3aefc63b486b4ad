import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { MemoryQueryInput } from '@jamey/contracts'
import { MemoryStore } from '@jamey/memory'
import { median } from '../kit/numbers.js'
import { randomFrom } from './sets.js'

export interface Scale {
  readonly memories: number
  readonly storesPerSecond: number
  readonly fileMegabytes: number
  /** From opening the file until the first question is answered. */
  readonly startSeconds: number
  readonly indexBytesPerMemory: number
  /** Milliseconds: of the clock, and of the processor for each. */
  readonly questions: readonly {
    readonly name: string
    readonly p50: number
    readonly p99: number
    readonly cpu: number
  }[]
}

export const WORDS = 200_000
const IN_FLIGHT = 500
const ASKED = 200
/** Share of a text that are words like these, as in English. */
const LITTLE = 'the to and of a in is it was for on that with we at'.split(' ')
const LITTLE_SHARE = 0.4

/** Words as often as in a language, and texts of them. */
export function wordsAndTexts(random: () => number): {
  readonly word: () => string
  readonly text: () => string
} {
  // The n-th word comes about 1/n as often as the first.
  const word = (): string => `w${Math.floor(WORDS ** random()).toString(36)}`
  const text = (): string =>
    Array.from({ length: 12 + Math.floor(random() * 25) }, () =>
      random() < LITTLE_SHARE ? LITTLE[Math.floor(LITTLE.length * random() ** 2)] : word(),
    ).join(' ')
  return { word, text }
}

/** Stores so many memories that everybody may read, of ten owners; `from` is the number of the first. */
export async function fillWith(
  store: MemoryStore,
  memories: number,
  text: () => string,
  from = 0,
): Promise<void> {
  for (let i = from; i < from + memories; i += IN_FLIGHT) {
    const some = Array.from({ length: Math.min(IN_FLIGHT, from + memories - i) }, (_, k) =>
      store.store(
        { content: text(), layer: 'semantic', scope: 'shared', duplicates: 'keep' },
        { id: `m${i + k}`, source: `agent-${(i + k) % 10}` },
      ),
    )
    await Promise.all(some)
  }
}

/** Questions of the usual kinds, about such texts. */
export function questionsOf(random: () => number): Readonly<Record<string, () => MemoryQueryInput>> {
  const { word } = wordsAndTexts(random)
  return {
    'question of 8 words': () => ({ query: `what did the ${Array.from({ length: 5 }, word).join(' ')}` }),
    the: () => ({ query: 'the' }),
    'rare word': () => ({ query: `w${Math.floor(WORDS * (0.5 + random() / 2)).toString(36)}` }),
    'word with a letter wrong': () => ({ query: `${word().slice(0, 3)}xyz` }),
  }
}

/** Stores so many memories, and asks in the same process: what the thread of a service takes for it. */
export async function scaleOf(memories: number, folder: string): Promise<Scale> {
  const random = randomFrom(42)
  const { text } = wordsAndTexts(random)
  const file = join(folder, `memory-${memories}.db`)
  const filled = MemoryStore.open({ file })
  const begun = performance.now()
  await fillWith(filled, memories, text)
  const storesPerSecond = (memories / (performance.now() - begun)) * 1000
  await filled.close()
  const before = process.memoryUsage()
  const opened = performance.now()
  const store = MemoryStore.open({ file, queryMs: 3_600_000 })
  await store.query({ query: 'first' })
  const startSeconds = (performance.now() - opened) / 1000
  const after = process.memoryUsage()
  const taken = after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed
  const questions = []
  for (const [name, make] of Object.entries(questionsOf(random))) {
    const times: number[] = []
    const used = process.cpuUsage()
    for (let i = 0; i < ASKED; i++) {
      const question = make()
      const startedAt = performance.now()
      await store.query(question, { reach: { owner: 'agent-3' } })
      times.push(performance.now() - startedAt)
    }
    const { user, system } = process.cpuUsage(used)
    times.sort((a, b) => a - b)
    const cpu = (user + system) / 1000 / ASKED
    questions.push({ name, p50: median(times), p99: times[Math.floor(ASKED * 0.99)] ?? 0, cpu })
  }
  await store.close()
  return {
    memories,
    storesPerSecond,
    fileMegabytes: statSync(file).size / 1e6,
    startSeconds,
    indexBytesPerMemory: taken / memories,
    questions,
  }
}
