import { describe, expect, it } from 'vitest'
import {
  collect,
  parseImportance,
  parseLifetime,
  parseLimit,
  parseMoment,
  parsePort,
  parseQos,
  parseTimeoutMs,
} from './arguments.js'

describe('option values', () => {
  it('are read as what they are', () => {
    expect(parseQos('2')).toBe(2)
    expect(parsePort('0')).toBe(0)
    expect(parseTimeoutMs('0.2')).toBe(200)
    expect(parseImportance('.75')).toBe(0.75)
    expect(parseMoment('2026-05-31T14:00:00+02:00')).toBe('2026-05-31T12:00:00.000Z')
    expect(parseMoment('2026-05-31')).toBe(new Date(2026, 4, 31).toISOString())
  })

  it('that may be given several times are collected, from a --no- before them on', () => {
    expect(collect('b', collect('a'))).toEqual(['a', 'b'])
    expect(collect('b', false)).toEqual(['b'])
  })

  it.each([
    [parseQos, ['3', '-1', '', '1.0', 'x']],
    [parsePort, ['65536', '-1', '', '80a', '1e3']],
    [parseLimit, ['0', '101', '1.5']],
    [parseLifetime, ['0', '3601']],
    [parseTimeoutMs, ['0', '-1', '', '1e9', '90000', 'Infinity', '1s']],
    [parseImportance, ['1.1', '-0.1', '', '.', 'x']],
    [parseMoment, ['yesterday', '', '31.5.2026', '2026-13-01', '5', '2026-02-29', '2026-04-31T10:00:00Z']],
  ] as const)('are refused by %o with what was expected', (parse, values) => {
    for (const value of values) expect(() => parse(value)).toThrow(/^Expected /)
  })
})
