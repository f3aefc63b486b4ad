import { describe, expect, it } from 'vitest'
import { visiblePieces, visibleText } from './visible-text.js'

describe('text of strangers', () => {
  it('is as it is where all of it can be seen', () => {
    expect(visiblePieces('tar -czf\n\t/srv: grüße 日本')).toEqual([
      { text: 'tar -czf\n\t/srv: grüße 日本', isHidden: false },
    ])
    expect(visiblePieces('')).toEqual([])
  })

  it.each([
    ['a mark that turns the direction', 'annexe\u202Etxt.exe', 'annexe[U+202E]txt.exe'],
    ['a space of no width', 'rm\u200B -rf', 'rm[U+200B] -rf'],
    ['a tag character', 'a\u{E0041}', 'a[U+E0041]'],
    ['an escape of a terminal', '\u001B[2K', '[U+001B][2K'],
    ['a filler that looks like a space', 'a\u3164b', 'a[U+3164]b'],
    ['a carriage return', 'a\rb', 'a[U+000D]b'],
  ])('shows %s by its code point', (_, text, shown) => {
    expect(visibleText(text)).toBe(shown)
  })

  it('is no more than a thousand pieces, and all of it is there', () => {
    const pieces = visiblePieces('a\u202E'.repeat(2_000))
    expect(pieces).toHaveLength(1_001)
    expect(pieces.at(-1)).toEqual({ text: 'a[U+202E]'.repeat(1_500), isHidden: false })
  })
})
