import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitParagraphs } from './paragraphs.js'

describe('splitParagraphs', () => {
  it('splits at blank lines, also at those that hold spaces or end in CR LF', () => {
    expect(splitParagraphs('one\ntwo\n\nthree\r\n \t\r\n\r\nfour\n')).toEqual(['one\ntwo', 'three', 'four'])
  })

  it('lets a heading lead the paragraph below it, several headings as well', () => {
    expect(splitParagraphs('# Notes\n\n## May\n\nLisbon.\n\nTitle\n=====\n\nText.')).toEqual([
      '# Notes\n\n## May\n\nLisbon.',
      'Title\n=====\n\nText.',
    ])
  })

  it('keeps a heading that nothing follows', () => {
    expect(splitParagraphs('text\n\n# End')).toEqual(['text', '# End'])
  })

  it('keeps a fenced block whole, blank lines and all', () => {
    const block = '```js\nlet a\n\nlet b\n```'
    expect(splitParagraphs(`before\n\n${block}\n\nafter`)).toEqual(['before', block, 'after'])
  })

  it('leaves out horizontal rules and a byte order mark', () => {
    expect(splitParagraphs('\uFEFFone\n\n---\n\n* * *\n\ntwo')).toEqual(['one', 'two'])
  })

  it('finds nothing in a text without words', () => {
    expect(splitParagraphs('')).toEqual([])
    expect(splitParagraphs(' \n\t\n\r\n')).toEqual([])
  })

  it('cuts a paragraph that is too long after a sentence, else at a space, else between characters', () => {
    expect(splitParagraphs('First one. Second one here.', 16)).toEqual(['First one.', 'Second one here.'])
    expect(splitParagraphs('aaaa bbbb cccc', 10)).toEqual(['aaaa bbbb', 'cccc'])
    expect(splitParagraphs('abc\u{1F600}def', 4)).toEqual(['abc', '\u{1F600}de', 'f'])
  })

  it('loses no word and makes no piece too long, whatever the text', () => {
    const word = fc.stringMatching(/^[a-z.]{1,9}$/)
    const gap = fc.constantFrom(' ', '\n', '\n\n', '\r\n\r\n')
    const text = fc.array(fc.tuple(word, gap)).map((pairs) => pairs.flat().join(''))
    fc.assert(
      fc.property(text, (sample) => {
        const pieces = splitParagraphs(sample, 20)
        expect(pieces.every((piece) => piece.length <= 20 && piece.trim() !== '')).toBe(true)
        expect(pieces.join(' ').split(/\s+/).filter(Boolean)).toEqual(sample.split(/\s+/).filter(Boolean))
      }),
    )
  })
})
