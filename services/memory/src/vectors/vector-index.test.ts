import { describe, expect, it } from 'vitest'
import { dimensionOf, pack, similarity } from './packed-vector.js'
import { VectorIndex } from './vector-index.js'

/** A sequence that is the same with each run. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32 - 0.5
  }
}

function unit(values: Iterable<number>): Float32Array {
  const vector = Float32Array.from(values)
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}

const cosine = (one: Float32Array, other: Float32Array) =>
  one.reduce((sum, value, i) => sum + value * (other[i] as number), 0)

describe('a packed vector', () => {
  it.each([1, 7, 64, 768, 1536])('of %i numbers is nearly as exact as what it was made of', (dimension) => {
    const next = numbers(dimension)
    for (let i = 0; i < 20; i++) {
      const [one, other] = [0, 1].map(() => unit(Array.from({ length: dimension }, next))) as [
        Float32Array,
        Float32Array,
      ]
      const packed = pack(other)
      expect(dimensionOf(packed)).toBe(dimension)
      expect(similarity(one, packed)).toBeCloseTo(cosine(one, other), 2)
    }
  })

  it('may lie anywhere in a larger buffer, as the database gives it', () => {
    const vector = unit([1, -2, 3])
    const packed = pack(vector)
    const within = new Uint8Array(packed.length + 3)
    within.set(packed, 3)
    expect(similarity(vector, within.subarray(3))).toBeCloseTo(1, 2)
  })
})

describe('an index of vectors', () => {
  const dimension = 96
  const next = numbers(1)
  const centres = Array.from({ length: 50 }, () => Array.from({ length: dimension }, next))
  const vectors = Array.from({ length: 3000 }, (_, i) =>
    unit((centres[i % 50] as number[]).map((value) => value + next() * 0.8)),
  )
  const filled = () => {
    const index = new VectorIndex(dimension)
    for (const [i, vector] of vectors.entries()) index.put(i + 1, pack(vector))
    return index
  }
  /** How many of the ten nearest are among those that the index gives. */
  const found = (seqs: readonly number[], asked: Float32Array, among: (seq: number) => boolean): number => {
    const exact = vectors
      .map((vector, i) => ({ seq: i + 1, near: cosine(vector, asked) }))
      .filter(({ seq }) => among(seq))
      .sort((one, other) => other.near - one.near)
      .slice(0, 10)
    return exact.filter(({ seq }) => seqs.includes(seq)).length
  }

  it('has the nearest ones among its candidates', () => {
    const index = filled()
    for (let i = 0; i < 20; i++) {
      const asked = unit((centres[i] as number[]).map((value) => value + next() * 0.3))
      const seqs = index.nearest(asked, 100, () => true)
      expect(seqs).toHaveLength(100)
      expect(new Set(seqs).size).toBe(100)
      expect(found(seqs, asked, () => true)).toBe(10)
    }
  })

  it('gives of what fits alone, however little that is', () => {
    const index = filled()
    const isRare = (seq: number) => seq % 100 === 7
    const asked = unit(centres[3] as number[])
    const seqs = index.nearest(asked, 20, isRare)
    expect(seqs).toHaveLength(20)
    expect(seqs.every(isRare)).toBe(true)
    expect(found(index.nearest(asked, 30, isRare), asked, isRare)).toBe(10)
    expect(index.nearest(asked, 20, () => false)).toEqual([])
    expect(index.nearest(asked, 20, (seq) => seq === 5)).toEqual([5])
  })

  it('puts the same one first that is nearest', () => {
    const index = filled()
    for (const seq of [1, 1500, 3000]) {
      expect(index.nearest(vectors[seq - 1] as Float32Array, 5, () => true)[0]).toBe(seq)
    }
  })

  it('forgets what is removed, and has one vector of each memory', () => {
    const index = filled()
    const asked = vectors[41] as Float32Array
    index.remove(42)
    index.remove(42)
    index.remove(99_999)
    expect(index.count).toBe(2999)
    expect(index.nearest(asked, 3000, () => true)).not.toContain(42)
    expect(index.nearest(vectors[2999] as Float32Array, 1, () => true)).toEqual([3000])
    index.put(7, pack(asked))
    expect(index.count).toBe(2999)
    expect(index.nearest(asked, 1, () => true)).toEqual([7])
    for (let seq = 1; seq <= 3000; seq++) index.remove(seq)
    expect(index.nearest(asked, 10, () => true)).toEqual([])
    expect(index.count).toBe(0)
  })
})
