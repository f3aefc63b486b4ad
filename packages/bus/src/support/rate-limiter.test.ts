import { getEventListeners } from 'node:events'
import { FakeClock, settled } from '@jamey/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AbortedError, RateLimitError } from './errors.js'
import { RateLimiter } from './rate-limiter.js'

describe('the rate limiter', () => {
  it('lets one second worth of messages pass at once and then makes them wait their turn [promise 26]', async () => {
    const clock = new FakeClock()
    const limiter = new RateLimiter({ messagesPerSecond: 2 }, clock)
    expect(limiter.pass(1)).toBeUndefined()
    expect(limiter.pass(1)).toBeUndefined()
    const passed: string[] = []
    void limiter.pass(1)?.then(() => passed.push('third'))
    void limiter.pass(1)?.then(() => passed.push('fourth'))
    await clock.advance(499)
    expect(passed).toEqual([])
    await clock.advance(1)
    expect(passed).toEqual(['third'])
    await clock.advance(500)
    expect(passed).toEqual(['third', 'fourth'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('counts bytes beside messages, and lets a message larger than a second worth pass a full bucket', async () => {
    const clock = new FakeClock()
    const limiter = new RateLimiter(
      { messagesPerSecond: 1000, bytesPerSecond: 100, overflow: 'reject' },
      clock,
    )
    expect(limiter.pass(250)).toBeUndefined()
    expect(() => limiter.pass(1)).toThrow(RateLimitError)
    await clock.advance(1509)
    expect(() => limiter.pass(1)).toThrow('100 bytes per second')
    await clock.advance(1)
    expect(limiter.pass(1)).toBeUndefined()
  })

  it('rejects with the time after which the same message would pass', async () => {
    const clock = new FakeClock()
    const limiter = new RateLimiter({ messagesPerSecond: 4, overflow: 'reject' }, clock)
    for (let i = 0; i < 4; i++) limiter.pass(1)
    const error = await Promise.resolve()
      .then(() => limiter.pass(1))
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'rate-limited', retryable: true, retryAfterMs: 250 })
    await clock.advance(250)
    expect(limiter.pass(1)).toBeUndefined()
  })

  it('rejects at once what would have to wait longer than its caller does', () => {
    const limiter = new RateLimiter({ messagesPerSecond: 1 }, new FakeClock())
    limiter.pass(1)
    expect(() => limiter.pass(1, 999)).toThrow(RateLimitError)
    expect(limiter.pass(1, 1000)).toBeInstanceOf(Promise)
  })

  it('gives back what somebody reserved who aborted, and leaves no timer', async () => {
    const clock = new FakeClock()
    const limiter = new RateLimiter({ messagesPerSecond: 1 }, clock)
    limiter.pass(1)
    const controller = new AbortController()
    const aborted = limiter.pass(1, 5000, controller.signal)?.catch((reason: unknown) => reason)
    controller.abort()
    expect(await aborted).toBeInstanceOf(AbortedError)
    expect(clock.pendingTimers).toBe(0)
    let passed = false
    void limiter.pass(1)?.then(() => {
      passed = true
    })
    await clock.advance(1000)
    expect(passed).toBe(true)
  })

  it('has one listener at the signal that many wait with, and none when their turn has come', async () => {
    const clock = new FakeClock()
    const limiter = new RateLimiter({ messagesPerSecond: 1 }, clock)
    const { signal } = new AbortController()
    const turns = Array.from({ length: 12 }, () => limiter.pass(1, 60_000, signal))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await clock.advance(11_000)
    await Promise.all(turns)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    expect(clock.pendingTimers).toBe(0)
  })

  it('gives nobody a turn who comes with a signal that was aborted', async () => {
    const clock = new FakeClock()
    const limiter = new RateLimiter({ messagesPerSecond: 1 }, clock)
    limiter.pass(1)
    await expect(limiter.pass(1, 60_000, AbortSignal.abort())).rejects.toBeInstanceOf(AbortedError)
    expect(clock.pendingTimers).toBe(0)
    await clock.advance(1000)
    expect(limiter.pass(1)).toBeUndefined()
  })

  it('never lets more pass than the rate allows, whatever the arrivals', async () => {
    const arrivals = fc.array(fc.nat(400), { minLength: 1, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(arrivals, async (gaps) => {
        const clock = new FakeClock()
        const startMs = clock.now()
        const limiter = new RateLimiter({ messagesPerSecond: 5, overflow: 'reject' }, clock)
        let passed = 0
        for (const gap of gaps) {
          await clock.advance(gap)
          try {
            limiter.pass(1)
            passed++
          } catch {}
          expect(passed).toBeLessThanOrEqual(5 + ((clock.now() - startMs) / 1000) * 5 + 1e-9)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('refuses a rate of nothing', async () => {
    expect(() => new RateLimiter({ bytesPerSecond: 0 }, new FakeClock())).toThrow(RangeError)
    await settled()
  })
})
