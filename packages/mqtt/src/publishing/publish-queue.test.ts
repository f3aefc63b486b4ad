import { FakeClock } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { MemorySessionStore } from './memory-session-store.js'
import { makePublication, type Publication } from './publication.js'
import type { PublicationOutcomes } from './publication-outcomes.js'
import { PublishQueue } from './publish-queue.js'

const BOUNDS = {
  maximumMessages: 100_000,
  maximumBytes: 1_000_000_000,
  maximumAgeMs: Number.POSITIVE_INFINITY,
  overflow: 'reject',
  qos0WhenOffline: 'reject',
} as const

function publication(payload: string): Publication {
  return makePublication('t', payload, { qos: 1 })
}

describe('the queue', () => {
  it('keeps nothing of those that were given up behind one that waits [promise 6]', () => {
    const queue = new PublishQueue(
      BOUNDS,
      new FakeClock(),
      new MemorySessionStore(),
      {} as PublicationOutcomes,
      () => {},
    )
    const [first, last] = [publication('first'), publication('last')]
    queue.push(first)
    const given = Array.from({ length: 10_000 }, (_, i) => publication(`${i}`))
    for (const one of given) {
      queue.push(one)
      queue.withdraw(one)
    }
    queue.push(last)
    expect(queue.inMemory.length).toBeLessThan(2000)
    expect(given.every(({ payload }) => payload.length === 0)).toBe(true)
    expect([queue.messages, queue.bytes]).toEqual([2, 't'.length * 2 + 'firstlast'.length])
    expect([queue.shift(), queue.shift(), queue.shift()]).toEqual([first, last, undefined])
  })
})
