import { describe, expect, it } from 'vitest'
import {
  counted,
  formatBytes,
  formatCount,
  formatFigure,
  formatMilliseconds,
  formatSeconds,
} from './numbers.js'

describe('numbers', () => {
  it.each([
    [0, '0'],
    [0.4317, '0.43'],
    [4.317, '4.32'],
    [43.17, '43.2'],
    [4317.2, '4,317'],
  ])('are figures of three digits: %d is %s', (value, text) => {
    expect(formatFigure(value)).toBe(text)
  })

  it.each([
    [999_999, '999,999'],
    [1_234_567, '1.23 M'],
    [12_345_678_901, '12.35 G'],
  ])('of things are told in full up to a million: %d is %s', (count, text) => {
    expect(formatCount(count)).toBe(text)
  })

  it.each([
    [0, '0 B'],
    [1023, '1,023 B'],
    [1024, '1.00 KiB'],
    [268_435_456, '256 MiB'],
    [2 ** 50, '1,024 TiB'],
  ])('of bytes have binary units: %d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it('of things agree with what is counted', () => {
    expect([counted(1, 'message'), counted(2, 'message'), counted(0, 'entry', 'entries')]).toEqual([
      '1 message',
      '2 messages',
      '0 entries',
    ])
  })
})

describe('durations', () => {
  it.each([
    [0, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [3 * 3600 + 5, '3 h'],
    [3 * 3600 + 65, '3 h 1 min'],
    [86_400 + 3600, '1 d 1 h'],
    [800 * 86_400 + 3600, '800 d'],
    [-5, '0 s'],
  ])('of %d s are told as %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text)
  })

  it('of less than a second are milliseconds', () => {
    expect([formatMilliseconds(0.42), formatMilliseconds(999), formatMilliseconds(1500)]).toEqual([
      '0.42 ms',
      '999 ms',
      '1.50 s',
    ])
  })
})
