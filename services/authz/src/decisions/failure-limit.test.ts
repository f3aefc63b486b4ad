import { expect, it } from 'vitest'
import { FailureLimit } from './failure-limit.js'

it('counts within a minute, and remembers so many names', () => {
  let nowMs = 0
  const limit = new FailureLimit(2, () => nowMs)
  limit.count('eva', '192.0.2.1')
  expect(limit.isReached('eva', '192.0.2.1')).toBe(false)
  limit.count('eva', '192.0.2.1')
  expect(limit.isReached('eva', '192.0.2.1')).toBe(true)
  nowMs = 59_999
  expect(limit.isReached('eva', '192.0.2.1')).toBe(true)
  nowMs = 60_000
  expect(limit.isReached('eva', '192.0.2.1')).toBe(false)
  limit.count('eva', '192.0.2.1')
  limit.count('eva', '192.0.2.1')
  for (let i = 0; i < 20_000; i++) limit.count(`robot-${i}`, `198.51.100.${i}`)
  expect(limit.isReached('eva', '192.0.2.1')).toBe(false)
})

it.each([undefined, '', '127.0.0.1', '::1', '::ffff:127.0.0.1'])(
  'keeps nobody out for the address %s alone',
  (address) => {
    const limit = new FailureLimit(2, () => 0)
    for (let i = 0; i < 1_000; i++) limit.count(`robot-${i % 10}`, address)
    expect(limit.isReached('eva', address)).toBe(false)
    expect(limit.isReached('robot-1', address)).toBe(address !== undefined && address !== '')
  },
)
