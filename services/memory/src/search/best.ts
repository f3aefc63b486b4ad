import type { Documents } from './documents.js'

/**
 * The best of many by score, as a heap whose root is the worst of them; ties are decided by what is later, and was stored
 * later.
 */
export class Best {
  readonly #limit: number
  readonly #times: Float64Array
  readonly #seqs: Float64Array
  readonly #docs: number[] = []
  readonly #scores: number[] = []

  constructor(limit: number, { occurredAt, seq }: Pick<Documents, 'occurredAt' | 'seq'>) {
    this.#limit = limit
    this.#times = occurredAt
    this.#seqs = seq
  }

  /** Nothing with a score below this comes in. */
  get threshold(): number {
    return this.#docs.length < this.#limit ? Number.NEGATIVE_INFINITY : (this.#scores[0] as number)
  }

  offer(doc: number, score: number): void {
    if (this.#docs.length < this.#limit) {
      this.#docs.push(doc)
      this.#scores.push(score)
      this.#rise(this.#docs.length - 1)
    } else if (this.#limit > 0 && this.#isBetter(doc, score, 0)) {
      this.#docs[0] = doc
      this.#scores[0] = score
      this.#sink()
    }
  }

  /** All of them, the best first. */
  sorted(): { readonly doc: number; readonly score: number }[] {
    const all = this.#docs.map((doc, i) => ({ doc, score: this.#scores[i] as number }))
    return all.sort((a, b) => b.score - a.score || this.#later(b.doc, a.doc))
  }

  #isBetter(doc: number, score: number, than: number): boolean {
    const other = this.#scores[than] as number
    if (score !== other) return score > other
    const otherDoc = this.#docs[than] as number
    return this.#later(doc, otherDoc) > 0
  }

  /** Above 0 where the first one is the later of the two. */
  #later(doc: number, other: number): number {
    const later = (this.#times[doc] as number) - (this.#times[other] as number)
    return later === 0 ? (this.#seqs[doc] as number) - (this.#seqs[other] as number) : later
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >>> 1
      if (!this.#isBetter(this.#docs[parent] as number, this.#scores[parent] as number, at)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      let child = at * 2 + 1
      if (child >= this.#docs.length) return
      const right = child + 1
      if (right < this.#docs.length && !this.#isBetterAt(right, child)) child = right
      if (!this.#isBetterAt(at, child)) return
      this.#swap(at, child)
      at = child
    }
  }

  #isBetterAt(at: number, than: number): boolean {
    return this.#isBetter(this.#docs[at] as number, this.#scores[at] as number, than)
  }

  #swap(a: number, b: number): void {
    const doc = this.#docs[a] as number
    this.#docs[a] = this.#docs[b] as number
    this.#docs[b] = doc
    const score = this.#scores[a] as number
    this.#scores[a] = this.#scores[b] as number
    this.#scores[b] = score
  }
}
