import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Backoff } from './backoff.js'

const SETTINGS = {
  isWanted: true,
  baseDelayMs: 1000,
  maxDelayMs: 60_000,
  jitter: 0.2,
  failuresBeforeOpen: 10,
  stableAfterMs: 5000,
}

describe('backoff', () => {
  it('doubles from the base to the maximum after an immediate retry, within 20 % [promise 14]', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (chance) => {
        const backoff = new Backoff(SETTINGS, () => chance)
        expect(backoff.next()).toBe(0)
        for (const plainMs of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
          const delayMs = backoff.next()
          expect(delayMs).toBeGreaterThanOrEqual(plainMs * 0.8 - 1e-6)
          expect(delayMs).toBeLessThanOrEqual(plainMs * 1.2 + 1e-6)
        }
      }),
    )
  })

  it('opens with the tenth failure in a row and closes when it is reset [promise 14]', () => {
    const backoff = new Backoff(SETTINGS)
    for (let i = 0; i < 9; i++) backoff.fail()
    expect(backoff.isOpen).toBe(false)
    backoff.fail()
    expect(backoff.isOpen).toBe(true)
    backoff.reset()
    expect([backoff.isOpen, backoff.next()]).toEqual([false, 0])
  })
})
