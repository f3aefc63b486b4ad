import { expect, it } from 'vitest'
import { formatTime, formatUtc } from './times.js'

const NOW = new Date(2026, 10, 30, 19, 16, 28).getTime()

it('a time of today is told by the clock, another day and another year beside it', () => {
  expect(formatTime(NOW, NOW)).toBe('19:16:28')
  expect(formatTime(new Date(2026, 10, 29, 9, 5, 1).getTime(), NOW)).toBe('29 Nov 09:05')
  expect(formatTime(new Date(2025, 10, 29, 9, 5, 1).getTime(), NOW)).toBe('29 Nov 2025 09:05')
})

it('a title has the same moment in UTC', () => {
  expect(formatUtc(Date.UTC(2026, 10, 30, 19, 16, 28))).toBe('2026-11-30 19:16:28 UTC')
})
