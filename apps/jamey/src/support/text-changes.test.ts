import { describe, expect, it } from 'vitest'
import { changesOf, hashOf } from './text-changes.js'

const pieces = (...contents: string[]) => contents.map((content) => ({ content }))
const stored = (...contents: string[]) =>
  contents.map((content, i) => ({ id: `m${i}`, content, hash: hashOf(content) }))

function told(before: string[], now: string[]) {
  const { unchanged, edited, added, gone } = changesOf(pieces(...now), stored(...before))
  return {
    unchanged: unchanged.map(({ stored: one }) => one.content),
    edited: edited.map(({ piece, stored: one }) => [one.content, piece.content]),
    added: added.map(({ content }) => content),
    gone: gone.map(({ content }) => content),
  }
}

describe('changesOf', () => {
  it('finds what stayed, wherever it stands now, what was edited, what is new and what is gone', () => {
    expect(
      told(
        ['Ana likes green tea a lot', 'Ben plays jazz on Sundays', 'Cleo has moved to Oslo'],
        ['Cleo has moved to Oslo', 'Ana likes black tea a lot', 'Dan bakes bread'],
      ),
    ).toEqual({
      unchanged: ['Cleo has moved to Oslo'],
      edited: [['Ana likes green tea a lot', 'Ana likes black tea a lot']],
      added: ['Dan bakes bread'],
      gone: ['Ben plays jazz on Sundays'],
    })
  })

  it('pairs each edited part with the one that it is most like, and none twice', () => {
    const before = ['the red fox ran', 'the red fox ran home']
    expect(told(before, ['the red fox ran home today', 'the red fox walked']).edited).toEqual([
      ['the red fox ran home', 'the red fox ran home today'],
      ['the red fox ran', 'the red fox walked'],
    ])
    expect(told(['one two three'], ['one two four', 'one two five'])).toMatchObject({
      edited: [['one two three', 'one two four']],
      added: ['one two five'],
    })
  })

  it('takes a part that occurs twice for one, and two forms of one letter for the same', () => {
    expect(told(['Caf\u00e9'], ['Cafe\u0301', 'new', 'new'])).toMatchObject({
      unchanged: ['Caf\u00e9'],
      added: ['new'],
    })
  })

  it('is the hash of the memory: SHA-256 of the text in NFC', () => {
    expect(hashOf('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(hashOf('e\u0301')).toBe(hashOf('\u00e9'))
  })

  it('compares a long text in less than the square of its parts', () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `common words in line ${i} of all`)
    const { edited } = told(
      lines,
      lines.map((line) => `${line} lines`),
    )
    expect(edited.length).toBe(20_000)
  })
})
