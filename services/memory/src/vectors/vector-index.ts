import { wordsFor, writePackedSigns, writeSigns } from './packed-vector.js'

/**
 * The signs of all vectors of one model in the memory of this thread: 96 bytes each of 768 dimensions. A question is
 * compared with every one of them, and those that differ in the fewest signs are candidates, whose vectors are then
 * compared exactly. It knows nothing of who may read what: `fits` is asked.
 */
export class VectorIndex {
  readonly dimension: number
  readonly #words: number
  #signs: Int32Array
  #seqs: Float64Array
  readonly #placeOf = new Map<number, number>()
  count = 0

  constructor(dimension: number) {
    this.dimension = dimension
    this.#words = wordsFor(dimension)
    this.#signs = new Int32Array(1024 * this.#words)
    this.#seqs = new Float64Array(1024)
  }

  get bytes(): number {
    return this.#signs.byteLength + this.#seqs.byteLength + this.#placeOf.size * 40
  }

  /** Adds the vector of a memory, in place of what was here for it. */
  put(seq: number, packed: Uint8Array): void {
    let place = this.#placeOf.get(seq)
    if (place === undefined) {
      place = this.count++
      if (place === this.#seqs.length) this.#grow()
      this.#placeOf.set(seq, place)
      this.#seqs[place] = seq
    }
    const at = place * this.#words
    this.#signs.fill(0, at, at + this.#words)
    writePackedSigns(packed, this.#signs, at)
  }

  /** The last one takes its place. */
  remove(seq: number): void {
    const place = this.#placeOf.get(seq)
    if (place === undefined) return
    this.#placeOf.delete(seq)
    const last = --this.count
    if (place === last) return
    const moved = this.#seqs[last] as number
    this.#seqs[place] = moved
    this.#placeOf.set(moved, place)
    const from = last * this.#words
    this.#signs.copyWithin(place * this.#words, from, from + this.#words)
  }

  /** The memories whose vectors differ in the fewest signs, the nearest first. */
  nearest(vector: Float32Array, limit: number, fits: (seq: number) => boolean): number[] {
    const asked = new Int32Array(this.#words)
    writeSigns(vector, 0, asked, 0)
    // A bucket for each number of differing signs: in order without sorting, and the farthest are dropped as it fills.
    const buckets: number[][] = Array.from({ length: this.dimension + 1 }, () => [])
    let farthest = this.dimension
    let found = 0
    for (let place = 0; place < this.count; place++) {
      const distance = this.#differing(asked, place * this.#words)
      if (distance > farthest) continue
      const seq = this.#seqs[place] as number
      if (!fits(seq)) continue
      ;(buckets[distance] as number[]).push(seq)
      found++
      while (found - (buckets[farthest] as number[]).length >= limit) {
        found -= (buckets[farthest] as number[]).length
        buckets[farthest--] = []
      }
    }
    return buckets.flat().slice(0, limit)
  }

  #differing(asked: Int32Array, from: number): number {
    const signs = this.#signs
    let distance = 0
    for (let word = 0; word < asked.length; word++) {
      let bits = (asked[word] as number) ^ (signs[from + word] as number)
      bits -= (bits >>> 1) & 0x55555555
      bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
      distance += Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
    }
    return distance
  }

  #grow(): void {
    const signs = new Int32Array(this.#signs.length * 2)
    signs.set(this.#signs)
    this.#signs = signs
    const seqs = new Float64Array(this.#seqs.length * 2)
    seqs.set(this.#seqs)
    this.#seqs = seqs
  }
}
