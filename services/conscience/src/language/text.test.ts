import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Text } from './text.js'
import { TermList } from './words.js'

const WORDS = [
  'delete',
  'deleted',
  'records',
  'turn',
  'off',
  'the',
  'log',
  'in',
  'x',
  'd.e.l.e.t.e',
  'note',
  'book',
]
const TERMS = ['delete', 'record', 'turn off', 'log', '-log in', 'notebook', 'nothing', 'x', 'in']

describe('a text', () => {
  it('tells every place where a term of a list stands', () => {
    const texts = fc.array(fc.constantFrom(...WORDS), { maxLength: 30 }).map((words) => words.join(' '))
    const lists = fc.uniqueArray(fc.constantFrom(...TERMS), { maxLength: TERMS.length })
    fc.assert(
      fc.property(texts, lists, fc.nat(10), (raw, terms, from) => {
        const text = new Text(raw)
        const { words } = text
        const list = new TermList(terms)
        const standsAt = (index: number) => list.lengthAt(words, index, words.length, true) > 0
        const found = [...text.startsOf(list, from, words.length)]
        expect(found.filter(standsAt)).toEqual([...words.keys()].filter((i) => i >= from && standsAt(i)))
        expect(found).toEqual([...new Set(found)].sort((a, b) => a - b))
      }),
    )
  })
})
