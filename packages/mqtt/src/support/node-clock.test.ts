import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from './node-clock.js'

const DAY_MS = 86_400_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

it('waits for a delay that no timer of the system holds, and not a moment less', () => {
  let rings = 0
  systemClock.setTimeout(() => rings++, 60 * DAY_MS)
  vi.advanceTimersByTime(60 * DAY_MS - 1)
  expect(rings).toBe(0)
  vi.advanceTimersByTime(1)
  expect(rings).toBe(1)
  vi.advanceTimersByTime(60 * DAY_MS)
  expect(rings).toBe(1)
})

it.each([0, 30 * DAY_MS, 59 * DAY_MS])(
  'is told after %i ms that a long delay is of no interest',
  (afterMs) => {
    let rings = 0
    const timer = systemClock.setTimeout(() => rings++, 60 * DAY_MS)
    vi.advanceTimersByTime(afterMs)
    systemClock.clearTimeout(timer)
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(60 * DAY_MS)
    expect(rings).toBe(0)
  },
)

it('gives a short delay to the system as it is', () => {
  let rings = 0
  systemClock.clearTimeout(systemClock.setTimeout(() => rings++, 10))
  systemClock.setTimeout(() => rings++, 10)
  vi.advanceTimersByTime(10)
  expect(rings).toBe(1)
})
