import { describe, expect, it } from 'vitest'
import { wordsOf } from './words.js'

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

  it('are taken from a long text without blanks in a time that grows with it alone', () => {
    const timeOf = (text: string): number => {
      const begun = performance.now()
      expect(wordsOf(text)).toHaveLength(text.length / 2)
      return performance.now() - begun
    }
    timeOf('北京'.repeat(3000))
    const short = timeOf('北京'.repeat(3000))
    expect(timeOf('北京'.repeat(48_000))).toBeLessThan(short * 16 * 5)
  })

  it('are whole characters, wherever a long text without blanks is cut', () => {
    for (const begin of ['', '上']) {
      const words = wordsOf(begin + '\u{20000}'.repeat(2000))
      expect(words.join('')).toBe(begin + '\u{20000}'.repeat(2000))
      expect(words.every((word) => word.isWellFormed())).toBe(true)
    }
  })
})
