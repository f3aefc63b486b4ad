import { describe, expect, it } from 'vitest'
import { NONE } from './documents.js'
import { fuse } from './fuse.js'
import { IndexFilter } from './index-filter.js'
import { type IndexedRow, MemoryIndex } from './memory-index.js'
import { Postings } from './postings.js'
import { Ranker } from './ranking.js'
import { lengthNorm, RANKING } from './settings.js'
import { timesIn } from './signals/asked-times.js'
import { eachNeighbour } from './signals/neighbours.js'
import { Vocabulary } from './vocabulary.js'

const NOW = Date.parse('2026-05-01T12:00:00Z')

function row(seq: number, content: string, more: Partial<IndexedRow> = {}): IndexedRow {
  const circumstances = { owner: 'a', scope: 'private', layer: 'semantic', importance: 0.5 }
  const times = { created_at: NOW, occurred_at: NOW, expires_at: null }
  return { seq, content, tags: '[]', metadata: '{}', ...circumstances, ...times, ...more }
}

function indexOf(...rows: IndexedRow[]): MemoryIndex {
  const index = new MemoryIndex()
  for (const one of rows) index.put(one)
  return index
}

function found(index: MemoryIndex, rows: readonly IndexedRow[], question: string): number[] {
  const ranking = new Ranker(index).rank(question, {
    filter: new IndexFilter(index, {}, NOW),
    depth: 10,
    nowMs: NOW,
    textsOf: (docs) => docs.map((doc) => rows[doc]?.content ?? ''),
  })
  return ranking.ranked.map(({ doc }) => index.documents.seq[doc] as number)
}

describe('postings', () => {
  it('give back every entry of every term, however many there are', () => {
    const postings = new Postings()
    const terms = [1, 2, 3, 7, 8, 9, 100, 4095, 4096, 20_000, 70_000]
    for (let doc = 0; doc < 70_000; doc++) {
      for (const [term, count] of terms.entries()) if (doc < count) postings.add(term, doc, (doc % 300) + 1)
    }
    for (const [term, count] of terms.entries()) {
      let next = 0
      let wrong = 0
      postings.read(term, (page, from, to) => {
        for (let i = from; i < to; i++, next++) {
          if (page[i] !== ((next << 8) | Math.min((next % 300) + 1, 255)) >>> 0) wrong++
        }
      })
      expect([next, wrong, postings.count(term)]).toEqual([count, 0, count])
    }
    expect(postings.count(5000)).toBe(0)
  })
})

describe('a vocabulary', () => {
  it('finds what begins with a word among sorted terms and those that came since', () => {
    const vocabulary = new Vocabulary()
    for (let i = 0; i < 5000; i++) vocabulary.number(`x${String(i).padStart(4, '0')}`)
    const names = (start: string) => vocabulary.beginningWith(start, 50).map((one) => vocabulary.nameOf(one))
    expect(names('x123')).toHaveLength(10)
    vocabulary.number('x1234b')
    expect(names('x1234')).toEqual(['x1234', 'x1234b'])
    expect(names('y')).toEqual([])
  })

  it.each(['lisbno', 'lisbo', 'lisbonn', 'lizbon', 'ilsbon'])('knows what %s was meant for', (word) => {
    const vocabulary = new Vocabulary()
    const lisbon = vocabulary.number('lisbon')
    expect(vocabulary.mistyped(word)).toContain(lisbon)
    expect(vocabulary.mistyped('lsb')).toEqual([])
  })

  it('takes no word for one that begins with another letter', () => {
    const vocabulary = new Vocabulary()
    vocabulary.number('pet')
    vocabulary.number('let')
    expect(vocabulary.mistyped('getting')).toEqual([])
  })
})

describe('a ranking', () => {
  it('counts all that a word may have been meant for as one, however rare each of them is', () => {
    const rows = [
      row(1, 'lisp for beginners'),
      ...Array.from({ length: 20 }, (_, i) => row(2 + i, `lisbon number${i} tomorrow`)),
      ...Array.from({ length: 3 }, (_, i) => row(30 + i, `harbour at night${i}`)),
      ...Array.from({ length: 40 }, (_, i) => row(40 + i, `something else entirely${i}`)),
    ]
    expect(
      found(indexOf(...rows), rows, 'lis harbour')
        .slice(0, 3)
        .toSorted(),
    ).toEqual([30, 31, 32])
  })

  const turns = (...lines: string[]) => lines.map((line, i) => row(i + 1, line, { session_id: 's', turn: i }))

  it('finds an answer that shares no word with the question by the turn that was answered', () => {
    const rows = turns(
      'Bo: Good morning to you.',
      'Bo: How was the pottery course, Ann?',
      'Ann: Lovely, we made two bowls and a vase.',
      'Bo: Nice weather today.',
      'Ann: The tram was late.',
      'Bo: Well, see you.',
    )
    expect(found(indexOf(...rows), rows, 'pottery course').slice(0, 2)).toEqual([2, 3])
    // Without sessions nothing belongs to anything.
    const alone = rows.map((one) => ({ ...one, session_id: null, turn: null }))
    expect(found(indexOf(...alone), alone, 'pottery course')).toEqual([2])
  })

  it('takes what was said within four turns for a part of what a turn is about', () => {
    const rows = [
      ...turns('How was the pottery course?', 'Oh well', 'Some tea?', 'With milk', 'Two bowls broke'),
      row(6, 'Two bowls broke', { session_id: 'other', turn: 0 }),
    ]
    expect(found(indexOf(...rows), rows, 'pottery bowls').slice(0, 2)).toEqual([1, 5])
  })

  it('counts a word once, so that a turn is not the better for a neighbour that repeats it', () => {
    const filler = Array.from({ length: 30 }, (_, i) => row(10 + i, `something else number${i}`))
    const rows = [
      row(1, 'the pottery course', { session_id: 's', turn: 0 }),
      row(2, 'bowls by Ann', { session_id: 's', turn: 1 }),
      row(3, 'bowls', { session_id: 't', turn: 0 }),
      row(4, 'bowls', { session_id: 't', turn: 1 }),
      ...filler,
    ]
    expect(found(indexOf(...rows), rows, 'bowls pottery course')[0]).not.toBe(3)
    expect(
      found(indexOf(...rows), rows, 'bowls of the pottery course')
        .slice(0, 2)
        .toSorted(),
    ).toEqual([1, 2])
  })

  it('takes dated remarks that were stored in a row for a conversation', () => {
    const dated = { created_at: NOW, occurred_at: NOW - 1e9 }
    const rows = [
      row(1, 'How was the pottery course?', dated),
      row(2, 'Lovely, two bowls.', dated),
      row(3, 'Far away in time', { ...dated, occurred_at: NOW - 9e9 }),
    ]
    expect(found(indexOf(...rows), rows, 'pottery')).toEqual([1, 2])
  })

  it('prefers words that stand together as in the question', () => {
    const rows = [
      row(1, 'a green bag on the old table beside a door'),
      row(2, 'a bag on the green table beside an old door'),
      row(3, 'an old bag on the table beside a green door'),
    ]
    expect(found(indexOf(...rows), rows, 'green door')[0]).toBe(3)
    expect(found(indexOf(...rows), rows, 'green table')[0]).toBe(2)
  })

  it('prefers what says a time where the question is for one', () => {
    const rows = [
      row(1, 'the pottery course was lovely'),
      row(2, 'the pottery course by the old town hall began last week'),
      ...Array.from({ length: 8 }, (_, i) => row(10 + i, `something else number${i}`)),
    ]
    const index = indexOf(...rows)
    expect(found(index, rows, 'How was the pottery course?')).toEqual([1, 2])
    expect(found(index, rows, 'When was the pottery course?')).toEqual([2, 1])
  })

  it('prefers what happened when the question says', () => {
    const on = (day: string) => ({ occurred_at: Date.parse(`${day}T10:00:00Z`) })
    const rows = [row(1, 'a walk', on('2026-03-01')), row(2, 'a walk', on('2025-07-09'))]
    expect(found(indexOf(...rows), rows, 'the walk in July 2025')[0]).toBe(2)
    expect(found(indexOf(...rows), rows, 'the walk')[0]).toBe(1)
  })

  it('is the same when a frequent word is looked at last', () => {
    const rows = Array.from({ length: 25_000 }, (_, i) =>
      row(i + 1, i % 100 === 0 ? `common rare word${i}` : `common word${i}`),
    )
    const index = indexOf(...rows)
    const ranking = new Ranker(index).rank('rare common', {
      filter: new IndexFilter(index, {}, NOW),
      depth: 10,
      nowMs: NOW,
      textsOf: (docs) => docs.map((doc) => rows[doc]?.content ?? ''),
    })
    expect(ranking).toMatchObject({ isTotalAtLeast: true, total: 250 })
    expect(ranking.ranked[0]?.score).toBeGreaterThan(ranking.ranked[249]?.score ?? 0 - 1)
    expect(ranking.ranked.every(({ doc }) => doc % 100 === 0)).toBe(true)
  })

  it('finds the best of a frequent word without a look at all that have it', () => {
    const owners = ['a', 'b', 'c']
    const rows = Array.from({ length: 30_000 }, (_, i) =>
      row(i + 1, `${'common '.repeat(1 + ((i * 7) % 5))}${'filling '.repeat((i * 11) % 40)}`, {
        owner: owners[i % 3] as string,
      }),
    )
    const index = indexOf(...rows)
    const ranker = new Ranker(index)
    const ask = (owner: string) =>
      ranker.rank('common', {
        filter: new IndexFilter(index, { reach: { owner } }, NOW),
        depth: 10,
        nowMs: NOW,
        textsOf: (docs) => docs.map((doc) => rows[doc]?.content ?? ''),
      })
    // Others came since, one of which is better than all before, and some went.
    const expectBest = (owner: string) => {
      const all = new Ranker(index).scoring
      const term = { term: index.vocabulary.find('common') ?? 0, weight: 1 }
      all.begin()
      all.add(term, 1)
      const { provenances, provenance, state } = index.documents
      const fitting = [...all.touched.subarray(0, all.touchedCount)].filter(
        (doc) => provenances[provenance[doc] as number]?.owner === owner && state[doc] === 0,
      )
      const best = fitting.toSorted((a, b) => (all.scores[b] ?? 0) - (all.scores[a] ?? 0) || b - a)
      const { ranked, isTotalAtLeast } = ask(owner)
      expect(ranked.slice(0, 200).map(({ doc }) => doc)).toEqual(best.slice(0, 200))
      expect(isTotalAtLeast).toBe(true)
    }
    expectBest('b')
    index.put(row(30_001, 'common '.repeat(20), { owner: 'b' }))
    for (let seq = 2; seq < 600; seq += 3) index.remove(seq)
    expectBest('b')
    expectBest('c')
  })

  it('counts a word for more that a question has twice', () => {
    const rows = [row(1, 'an apple'), row(2, 'a pear'), row(3, 'a plum')]
    expect(found(indexOf(...rows), rows, 'apple or pear, pear or plum')[0]).toBe(2)
    expect(found(indexOf(...rows), rows, 'apple and apples, pear or plum')[0]).toBe(1)
  })

  it('counts the length of a text for less where all are short', () => {
    const shares = [1, 10].map((times) => {
      const filler = 'other words about nothing '.repeat(times)
      const rows = [row(1, `apple ${filler}`), row(2, `apple ${filler}${filler}`)]
      const index = indexOf(...rows)
      const { ranked } = new Ranker(index).rank('apple', {
        filter: new IndexFilter(index, {}, NOW),
        depth: 10,
        nowMs: NOW,
        textsOf: (docs) => docs.map((doc) => rows[doc]?.content ?? ''),
      })
      return (ranked[1]?.score ?? 0) / (ranked[0]?.score ?? 0)
    })
    expect(shares[0]).toBeGreaterThan(shares[1] ?? 1)
  })

  it('measures a text of usual length alike, however much the length counts', () => {
    const { k1, halfLength } = RANKING
    expect(lengthNorm(RANKING, halfLength).constant).toBeCloseTo(k1 / 2)
    for (const average of [1, 8, halfLength, 500]) {
      const { constant, perWord } = lengthNorm(RANKING, average)
      expect(constant + perWord * average).toBeCloseTo(k1)
    }
  })
})

describe('an index', () => {
  it('has a memory as it was put last, and not once it was removed', () => {
    const rows = [row(1, 'first words'), row(2, 'second words')]
    const index = indexOf(...rows)
    index.put(row(1, 'other letters'))
    expect(found(index, [...rows, row(1, 'other letters')], 'words')).toEqual([2])
    expect(found(index, [...rows, row(1, 'other letters')], 'letters')).toEqual([1])
    index.remove(2)
    expect(found(index, rows, 'words')).toEqual([])
  })
})

describe('times in a question', () => {
  it.each([
    ['what happened on 7 May 2023', '2023-05-07', '2023-05-08'],
    ['what happened on May 7th, 2023', '2023-05-07', '2023-05-08'],
    ['in march', '2026-03-01', '2026-04-01'],
    ['in December', '2025-12-01', '2026-01-01'],
    ['June 2024', '2024-06-01', '2024-07-01'],
    ['notes of 2024-02-03', '2024-02-03', '2024-02-04'],
    ['what was cooked on 3.2.2024', '2024-02-03', '2024-02-04'],
    ['on 22.01.2024', '2024-01-22', '2024-01-23'],
  ])('%s', (text, from, to) => {
    expect(timesIn(text, NOW)).toContainEqual({ from: Date.parse(from), to: Date.parse(to) })
  })

  it.each([
    'what may happen',
    'march on',
    'number 2024',
    'in 40 days',
    '2024-13-01',
    'version 3.13.2024',
    '1.2.3',
  ])('none in: %s', (text) => {
    expect(timesIn(text, NOW)).toEqual([])
  })
})

describe('neighbours', () => {
  it('are few, however many turns of one number a session has', () => {
    const rows = Array.from({ length: 100 }, (_, i) => row(i + 1, `remark ${i}`, { session_id: 's' }))
    const { documents } = indexOf(...rows)
    const visited: number[] = []
    eachNeighbour(documents, 50, 4, (neighbour) => visited.push(neighbour))
    expect(visited.sort((a, b) => a - b)).toEqual([...range(42, 50), ...range(51, 59)])
  })

  it('are those of the session in the order of its turns, whatever the order they came in', () => {
    const turns = [5, 4, 3, 9, 1, 7]
    const rows = turns.map((turn, i) => row(i + 1, `remark ${turn}`, { session_id: 's', turn }))
    const { before, after } = indexOf(...rows).documents
    const inOrder = [4, 2, 1, 0, 5, 3]
    expect(inOrder.map((doc) => before[doc])).toEqual([NONE, 4, 2, 1, 0, 5])
    expect(inOrder.map((doc) => after[doc])).toEqual([2, 1, 0, 5, 3, NONE])
  })
})

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

describe('fusing', () => {
  it('puts first what is near the top of several lists', () => {
    const fused = fuse([
      [1, 2, 3],
      [4, 2, 1],
    ])
    expect(fused.map(({ doc }) => doc)).toEqual([1, 2, 4, 3])
  })
})
