import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { markdownPieces, plainPieces } from './text-pieces.js'

const markdown = (text: string, maximum?: number) =>
  markdownPieces(text, maximum).map(({ content }) => content)
const plain = (text: string, maximum?: number) => plainPieces(text, maximum).map(({ content }) => content)

describe.each([
  ['markdownPieces', markdown],
  ['plainPieces', plain],
])('%s', (_name, pieces) => {
  it('splits at blank lines, also at those that hold spaces or end in CR LF', () => {
    expect(pieces('\uFEFFone\ntwo\n\nthree\r\n \t\r\n\r\nfour\n')).toEqual(['one\ntwo', 'three', 'four'])
  })

  it('finds nothing in a text without words', () => {
    expect(pieces('')).toEqual([])
    expect(pieces(' \n\t\n\r\n')).toEqual([])
  })

  it('cuts a paragraph that is too long after a sentence, else at a space, else between characters', () => {
    expect(pieces('First one. Second one here.', 16)).toEqual(['First one.', 'Second one here.'])
    expect(pieces('aaaa bbbb cccc', 10)).toEqual(['aaaa bbbb', 'cccc'])
    expect(pieces('abc\u{1F600}def', 4)).toEqual(['abc', '\u{1F600}de', 'f'])
  })

  it('loses no word and makes no piece too long, whatever the text', () => {
    const word = fc.stringMatching(/^[a-z.]{1,9}$/)
    const gap = fc.constantFrom(' ', '\n', '\n\n', '\r\n\r\n')
    const text = fc.array(fc.tuple(word, gap)).map((pairs) => pairs.flat().join(''))
    fc.assert(
      fc.property(text, (sample) => {
        const found = pieces(sample, 20)
        expect(found.every((piece) => piece.length <= 20 && piece.trim() !== '')).toBe(true)
        expect(found.join(' ').split(/\s+/).filter(Boolean)).toEqual(sample.split(/\s+/).filter(Boolean))
      }),
    )
  })
})

describe('markdownPieces', () => {
  it('puts the headings that it stands under above each paragraph, whatever lies between', () => {
    const text =
      '# Notes\nIntro.\n\n## May ##\n\nLisbon.\n\nPorto.\n\n### Food\nCod.\n\n## June\nOslo.\n\n# Else\nEnd.'
    expect(markdown(text)).toEqual([
      'Notes\n\nIntro.',
      'Notes > May\n\nLisbon.',
      'Notes > May\n\nPorto.',
      'Notes > May > Food\n\nCod.',
      'Notes > June\n\nOslo.',
      'Else\n\nEnd.',
    ])
    expect(markdownPieces(text)[3]?.headings).toEqual(['Notes', 'May', 'Food'])
  })

  it('knows headings by the line below them, and a list or a rule from one', () => {
    expect(markdown('Title\n=====\nText.\n\nBelow\n---\n\n- a\n- b\n\n---\n\n* * *\n\nEnd.')).toEqual([
      'Title\n\nText.',
      'Title > Below\n\n- a\n- b',
      'Title > Below\n\nEnd.',
    ])
    expect(markdown('---\ntitle: x\n---\n\n#hashtag')).toEqual(['title: x', '#hashtag'])
  })

  it('keeps a heading that nothing follows', () => {
    expect(markdown('text\n\n# A\n## B\n## C\ndone\n\n# End')).toEqual([
      'text',
      'A > B',
      'A > C\n\ndone',
      'End',
    ])
  })

  it('keeps a fenced block whole, blank lines and hashes and all', () => {
    const block = '```js\nlet a\n\n# no heading\n\nlet b\n```'
    expect(markdown(`before\n\n${block}\n\nafter`)).toEqual(['before', block, 'after'])
    expect(markdown('```\nnever closed\n\n# here')).toEqual(['```\nnever closed\n\n# here'])
  })

  it('puts the headings above each part of a paragraph that is cut, and leaves out those that are too long', () => {
    expect(markdown('# Notes\n\naaaa bbbb cccc', 17)).toEqual(['Notes\n\naaaa bbbb', 'Notes\n\ncccc'])
    expect(markdown('# A title without an end\n## B\ntext', 16)).toEqual(['B\n\ntext'])
  })
})

describe('plainPieces', () => {
  it('knows no headings', () => {
    expect(plain('# a\n\n---\n\n```\n\nb')).toEqual(['# a', '---', '```', 'b'])
  })
})
