import { describe, expect, it } from 'vitest'
import { type IndexedRow, MemoryIndex } from './memory-index.js'
import { eachNeighbour } from './signals/neighbours.js'

const NOW = Date.parse('2026-05-01T12:00:00Z')

function row(seq: number, content: string, more: Partial<IndexedRow> = {}): IndexedRow {
  const circumstances = { owner: 'a', scope: 'private', layer: 'semantic', importance: 0.5 }
  const times = { created_at: NOW, occurred_at: NOW, expires_at: null }
  return { seq, content, tags: '[]', metadata: '{}', ...circumstances, ...times, ...more }
}

function indexOf(...rows: readonly IndexedRow[]): MemoryIndex {
  const index = new MemoryIndex()
  for (const one of rows) index.put(one)
  return index
}

describe('a memory that was changed often', () => {
  const turns = Array.from({ length: 9 }, (_, turn) =>
    row(turn + 1, `word ${turn}`, { session_id: 's', turn }),
  )
  const neighboursOf = (index: MemoryIndex, seq: number): number[] => {
    const seqs: number[] = []
    eachNeighbour(index.documents, index.documents.find(seq) as number, 2, (doc) =>
      seqs.push(index.documents.seq[doc] as number),
    )
    return seqs
  }

  it('is found where it stands in its session, as if it had always been so', () => {
    const index = indexOf(...turns)
    const changed = turns.map((one) => ({ ...one, content: `changed ${one.turn}` }))
    for (let i = 0; i < 20; i++) for (const seq of [1, 5, 9]) index.put(changed[seq - 1] as IndexedRow)
    const anew = indexOf(
      ...turns.map((one) => ([1, 5, 9].includes(one.seq) ? (changed[one.seq - 1] as IndexedRow) : one)),
    )
    for (const { seq } of turns) expect(neighboursOf(index, seq)).toEqual(neighboursOf(anew, seq))
    expect([...index.documents.inSessions('s')].map((doc) => index.documents.seq[doc])).toEqual(
      turns.map(({ seq }) => seq).toReversed(),
    )
  })

  it('has a turn of any size, such as a time', () => {
    const at = Date.parse('2026-05-01T12:00:00Z')
    const index = indexOf(
      ...[2, 0, 1].map((i) => row(i + 1, `at ${i}`, { session_id: 's', turn: at + i * 2 ** 32 })),
    )
    index.put(row(4, 'next', { session_id: 's', turn: at + 2 ** 32 + 1 }))
    expect([...index.documents.inSessions('s')].map((doc) => index.documents.seq[doc])).toEqual([3, 4, 2, 1])
    expect(neighboursOf(index, 4)).toEqual([2])
  })

  it('leaves its session, and its neighbours become those of each other', () => {
    const index = indexOf(...turns)
    index.put({ ...(turns[4] as IndexedRow), session_id: null, turn: null })
    index.remove(1)
    index.remove(9)
    expect(neighboursOf(index, 4)).toEqual([3, 2, 6])
    expect(neighboursOf(index, 5)).toEqual([])
    expect(neighboursOf(index, 2)).toEqual([3, 4])
    index.put(row(10, 'a turn of its own', { session_id: 's', turn: 9 }))
    expect(neighboursOf(index, 10)).toEqual([8])
  })

  it('stays among the remarks of its occasion, and takes no later one for its neighbour', () => {
    const remarks = [1, 2, 3].map((seq) => row(seq, `remark ${seq}`, { occurred_at: NOW - 1000 }))
    const index = indexOf(...remarks)
    index.put({ ...(remarks[0] as IndexedRow), content: 'another remark' })
    index.put({ ...(remarks[1] as IndexedRow), content: 'a remark' })
    index.put(row(4, 'remark 4', { occurred_at: NOW - 1000 }))
    expect([1, 2, 3, 4].map((seq) => neighboursOf(index, seq))).toEqual([
      [2, 3],
      [1, 3, 4],
      [2, 1, 4],
      [3, 2],
    ])
    index.put({ ...(remarks[2] as IndexedRow), scope: 'shared' })
    expect(neighboursOf(index, 4)).toEqual([2])
  })

  it('is found as soon as one that never was', () => {
    const index = new MemoryIndex()
    const timeOf = (seqOf: (i: number) => number): number => {
      const begun = performance.now()
      for (let i = 0; i < 30_000; i++) index.put(row(seqOf(i), 'word'))
      return performance.now() - begun
    }
    const once = timeOf((i) => i + 1)
    expect(timeOf(() => 1)).toBeLessThan(once * 10)
    expect(index.documents.living).toBe(30_000)
  })
})
