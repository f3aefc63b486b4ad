import { describe, expect, it } from 'vitest'
import { isAsMade, withDigestLine } from './digest-line.js'

describe('the line at the head of a file', () => {
  it.each(['#', '%', '//'] as const)('tells what somebody changed, after %s', (comment) => {
    const written = withDigestLine({ text: 'a = 1\nb = 2\n', comment })
    expect(written).toMatch(new RegExp(`^${comment} Made by .*\\na = 1\\nb = 2\\n$`))
    expect(isAsMade(written)).toBe(true)
    expect(isAsMade(written.replace('b = 2', 'b = 3'))).toBe(false)
    expect(isAsMade(`${written}c = 3\n`)).toBe(false)
    expect(isAsMade(written.slice(0, -1))).toBe(false)
    expect(isAsMade(`\n${written}`)).toBe(false)
    expect(isAsMade(written.slice(written.indexOf('\n') + 1))).toBe(false)
  })

  it('is the same for the same text', () => {
    expect(withDigestLine({ text: 'a\n' })).toBe(withDigestLine({ text: 'a\n', comment: '#' }))
    expect(isAsMade('')).toBe(false)
  })
})
