import { randomUUID } from 'node:crypto'
import type { Bus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SeparateParts } from './separate-parts.js'

/** A memory as a process of `jamey run`, which is killed again and again while it stores. */

const KILLS = 20
const WRITERS = 8

let parts: SeparateParts
let bus: Bus

beforeAll(async () => {
  parts = await SeparateParts.prepare()
  await parts.ready('broker')
  bus = await parts.connect('writer')
})

afterAll(() => parts?.stop())

/** Stores until it is acknowledged: with the same message again, or with another one of the same idempotency key. */
async function storeSurely(content: string, isKeyed: boolean): Promise<void> {
  const key = isKeyed ? { idempotency_key: `key of ${content}` } : {}
  const messageId = randomUUID()
  for (;;) {
    const identity = isKeyed ? {} : { messageId }
    const options = { timeoutMs: 1500, ...identity }
    const stored = bus.request(topics.memory.store, { content, layer: 'semantic', ...key }, options)
    if (
      await stored.then(
        () => true,
        (error: { retryable?: boolean }) => {
          if (error.retryable !== true) throw error
          return false
        },
      )
    )
      return
  }
}

async function everything(): Promise<Map<string, number[]>> {
  const counts = new Map<string, number[]>()
  for (let cursor: string | undefined; ; ) {
    const page = await bus.request(topics.memory.export, { limit: 500, cursor }, { timeoutMs: 20_000 })
    for (const { content, count } of page.memories) {
      counts.set(content, [...(counts.get(content) ?? []), count])
    }
    cursor = page.next_cursor
    if (cursor === undefined) return counts
  }
}

describe('a memory that is killed 20 times while everybody tries again', () => {
  it('has whatever it acknowledged, once', { timeout: 600_000 }, async () => {
    const acknowledged: string[] = []
    let isOver = false
    const write = async (writer: number) => {
      for (let i = 0; !isOver; i++) {
        const content = `memory ${i} of writer ${writer}`
        await storeSurely(content, i % 2 === 1)
        acknowledged.push(content)
      }
    }
    let memory = parts.start('memory')
    await memory.prints(/memory is ready/)
    const writing = Array.from({ length: WRITERS }, (_, writer) => write(writer))
    for (let kill = 0; kill < KILLS; kill++) {
      const { length } = acknowledged
      await expect.poll(() => acknowledged.length, { timeout: 60_000 }).toBeGreaterThan(length + 20)
      await memory.stop('SIGKILL')
      memory = parts.start('memory')
      await memory.prints(/memory is ready/)
    }
    isOver = true
    await Promise.all(writing)
    const counts = await everything()
    console.info(`${KILLS} kills: ${acknowledged.length} acknowledged, ${counts.size} there`)
    expect(acknowledged.filter((content) => counts.get(content)?.length !== 1)).toEqual([])
    expect([...counts.values()].filter((one) => one.length !== 1 || one[0] !== 1)).toEqual([])
    expect(counts.size).toBe(acknowledged.length)
    const [some] = acknowledged
    const found = await bus.request(topics.memory.query, { query: some, limit: 1 }, { timeoutMs: 20_000 })
    expect(found.memories[0]?.content).toBe(some)
  })
})
