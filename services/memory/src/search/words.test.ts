import { describe, expect, it, vi } from 'vitest'
import { IRREGULAR_FORMS } from './irregular-forms.js'
import { STOP_WORDS_OF_ENGLISH } from './stop-words.js'
import { termOf, wordsOf } from './words.js'

describe('the words of a text', () => {
  it.each([
    [
      'what is not seen',
      'pass\u200bword Donau\u00addampf \u202eabc\u202c x\ufeffy',
      ['password', 'donaudampf', 'abc', 'xy'],
    ],
    ['joiners within a word', 'می\u200cخواهم', ['میخواهم']],
    ['signs of vowels, and what stretches a word', 'مُحَمَّد كتـــاب שָׁלוֹם', ['محمد', 'كتاب', 'שלום']],
    ['accents', 'naïve cafe\u0301', ['naive', 'cafe']],
  ])('are the same without %s', (_, text, words) => {
    expect(wordsOf(text)).toEqual(words)
  })

  it('have each pictograph, whatever colour or company it has', () => {
    expect(wordsOf('party🎈🎉!')).toEqual(['party', '🎈', '🎉'])
    expect(wordsOf('❤️ ❤ 👍🏽 👩\u200d👧')).toEqual(['❤', '❤', '👍', '👩', '👧'])
    expect(wordsOf('🇩🇪 🇫🇷')).toEqual(['🇩🇪', '🇫🇷'])
  })

  it.each([
    ['in C# or C++, in F#.', ['in', 'c', 'or', 'c', 'in', 'f', 'c#', 'c++', 'f#']],
    ['A* on .NET', ['a', 'on', 'net', 'a*', '.net']],
    ['「Ｃ＋＋程序」 (.größe)', ['c', '程序', 'grosse', 'c++', '.grosse']],
  ])('have names with a sign beside their words: %s', (text, words) => {
    expect(wordsOf(text)).toEqual(words)
  })

  it.each([
    'a word. A word, "words" (more)... and ...more!',
    'half-hearted, either/or, 50 %, a + b = c+d, # title, **strong**, `code`, node.js, c++11',
    'someone’s and o’clock',
  ])('are no names by the signs of sentences: %s', (text) => {
    expect(wordsOf(text).filter((word) => /[^\p{L}\d]/u.test(word))).toEqual([])
  })

  it('are taken from a long text without blanks in pieces of one bound, each of them once', () => {
    // What takes a piece apart needs the square of its length, so that the bound keeps the work in proportion.
    const segment = vi.spyOn(Intl.Segmenter.prototype, 'segment')
    const text = '北京'.repeat(48_000)
    expect(wordsOf(text)).toHaveLength(text.length / 2)
    const pieces = segment.mock.calls.map(([piece]) => piece)
    segment.mockRestore()
    expect(pieces.join('')).toBe(text)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(1000)
  })

  it('are whole characters, wherever a long text without blanks is cut', () => {
    for (const begin of ['', '上']) {
      const words = wordsOf(begin + '\u{20000}'.repeat(2000))
      expect(words.join('')).toBe(begin + '\u{20000}'.repeat(2000))
      expect(words.every((word) => word.isWellFormed())).toBe(true)
    }
  })
})

describe('the term of a word', () => {
  it.each([
    ['buy', 'buys', 'buying', 'bought'],
    ['go', 'goes', 'went', 'gone'],
    ['eat', 'ate', 'eaten'],
    ['child', 'children'],
    ['try', 'tries', 'tried'],
  ])('is that of all its forms: %s', (word, ...forms) => {
    expect(forms.map(termOf)).toEqual(forms.map(() => termOf(word)))
  })

  it('is no other where what looks alike has a meaning of its own', () => {
    expect(termOf('rose')).not.toBe(termOf('rise'))
    expect(termOf('at')).not.toBe(termOf('eat'))
  })

  it('is of an irregular form never that of a stop word', () => {
    const stops = new Set([...STOP_WORDS_OF_ENGLISH].map(termOf))
    expect([...IRREGULAR_FORMS.keys()].filter((form) => stops.has(termOf(form)))).toEqual([])
  })
})
