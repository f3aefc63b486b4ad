import { describe, expect, it } from 'vitest'
import { PublishBackpressure } from './publish-backpressure.js'
import type { QueueCapacity } from './queue-capacity.js'

function room(fullness: number, isWaitedFor = true): QueueCapacity {
  return { fullness, isCrowded: fullness > 1 / 2, isWaitedFor } as QueueCapacity
}

describe('what a publisher waits for', () => {
  it('is the fullest of the crowded queues that its message has to wait in', () => {
    const backpressure = new PublishBackpressure()
    const [empty, crowded, fuller] = [room(0.1), room(0.6), room(0.9)]
    for (const queue of [empty, crowded, fuller, crowded]) backpressure.note(queue)
    expect(backpressure.fullest).toBe(fuller)
  })

  it('is nothing where no queue is crowded, or nobody takes from it', () => {
    const backpressure = new PublishBackpressure()
    for (const queue of [room(0.5), room(2, false)]) backpressure.note(queue)
    expect(backpressure.fullest).toBeUndefined()
  })

  it('is not what an earlier message had to wait for', () => {
    const backpressure = new PublishBackpressure()
    backpressure.note(room(1))
    backpressure.clear()
    expect(backpressure.fullest).toBeUndefined()
  })
})
