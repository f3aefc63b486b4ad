import { MEMORY_LAYERS } from '@jamey/contracts'

/** What the index knows of one memory beside its words. */
export interface DocumentFacts {
  readonly seq: number
  readonly owner: string
  readonly scope: string
  readonly layer: string
  readonly importance: number
  readonly occurredAt: number
  readonly expiresAt: number
  readonly sessionId: string | undefined
  readonly turn: number | undefined
  /** True where whoever stored it said when it happened. */
  readonly isDated: boolean
  /** When it holds in the world; what it was replaced by ends it. */
  readonly validFrom: number
  readonly validTo: number
}

/** Who may read a memory follows from its owner and scope alone. */
export interface Audience {
  readonly owner: string
  readonly scope: string
}

export const REMOVED = 1
export const EXPIRES = 2
export const NONE = 0xffffffff
/** Remarks of one occasion: dated about the same, stored one after the other, and short. */
const OCCASION_MS = 30 * 60 * 1000
const REMARK_WORDS = 64
const LAYER_NUMBERS: ReadonlyMap<string, number> = new Map(MEMORY_LAYERS.map((layer, i) => [layer, i]))

/**
 * One row of numbers for each memory in an index, in typed arrays that double in size. A document's number is its place
 * in them. One that was removed keeps its place until the index is built anew; one that changed is removed and added.
 */
export class Documents {
  count = 0
  removed = 0
  seq = new Float64Array(1024)
  occurredAt = new Float64Array(1024)
  expiresAt = new Float64Array(1024)
  importance = new Float32Array(1024)
  audience = new Uint32Array(1024)
  length = new Uint16Array(1024)
  layer = new Uint8Array(1024)
  /** 0 for nearly all: `REMOVED`, or `EXPIRES` where `expiresAt` has to be looked at. */
  state = new Uint8Array(1024)
  turn = new Uint32Array(1024)
  session = new Uint32Array(1024)
  /** The neighbours in the session: the documents of the turns before and after. */
  before = new Uint32Array(1024)
  after = new Uint32Array(1024)
  /** Sum of the lengths of those that are not removed. */
  totalLength = 0
  readonly validity = new Map<number, { readonly from: number; readonly to: number }>()
  readonly audiences: Audience[] = []
  readonly #audienceNumbers = new Map<string, number>()
  readonly #sessionNumbers = new Map<string, number>()
  /** The last turn of each session. */
  readonly #lastOf: number[] = []
  /** The last dated remark of each audience. */
  readonly #lastRemark: number[] = []
  /** Where a seq leads: numbers of documents, one more than they are, by the hash of their seq. */
  #places = new Uint32Array(2048)

  get living(): number {
    return this.count - this.removed
  }

  get bytes(): number {
    return this.seq.length * 60 + (this.#sessionNumbers.size + this.#audienceNumbers.size) * 150
  }

  add(facts: DocumentFacts, length: number): number {
    const doc = this.count
    if (doc === this.seq.length) this.#grow()
    this.seq[doc] = facts.seq
    this.#place(doc)
    this.occurredAt[doc] = facts.occurredAt
    this.expiresAt[doc] = facts.expiresAt
    this.state[doc] = facts.expiresAt === Number.POSITIVE_INFINITY ? 0 : EXPIRES
    this.importance[doc] = facts.importance
    this.audience[doc] = this.#audience(facts)
    this.length[doc] = Math.min(length, 65_535)
    this.layer[doc] = LAYER_NUMBERS.get(facts.layer) ?? 0
    this.before[doc] = NONE
    this.after[doc] = NONE
    this.session[doc] = NONE
    if (facts.validFrom !== Number.NEGATIVE_INFINITY || facts.validTo !== Number.POSITIVE_INFINITY) {
      this.validity.set(doc, { from: facts.validFrom, to: facts.validTo })
    }
    this.totalLength += this.length[doc] as number
    this.count++
    if (facts.sessionId !== undefined) this.#join(doc, facts.owner, facts.sessionId, facts.turn ?? 0)
    else this.#suppose(doc, facts.isDated)
    return doc
  }

  /** The document of a memory; undefined where it is not in the index. */
  find(seq: number): number | undefined {
    const mask = this.#places.length - 1
    for (let at = hash(seq) & mask; ; at = (at + 1) & mask) {
      const place = this.#places[at] as number
      if (place === 0) return undefined
      if (this.seq[place - 1] === seq && this.state[place - 1] !== REMOVED) return place - 1
    }
  }

  remove(doc: number): void {
    if (this.state[doc] === REMOVED) return
    this.state[doc] = REMOVED
    this.removed++
    this.totalLength -= this.length[doc] as number
  }

  sessionOf(owner: string, sessionId: string): number | undefined {
    return this.#sessionNumbers.get(`${owner}\0${sessionId}`)
  }

  #audience({ owner, scope }: DocumentFacts): number {
    const key = `${scope}\0${owner}`
    const known = this.#audienceNumbers.get(key)
    if (known !== undefined) return known
    const number = this.audiences.push({ owner, scope }) - 1
    this.#audienceNumbers.set(key, number)
    return number
  }

  /** Takes its place among the turns of its session, nearly always behind the last one. */
  #join(doc: number, owner: string, sessionId: string, turn: number): void {
    const key = `${owner}\0${sessionId}`
    let session = this.#sessionNumbers.get(key)
    if (session === undefined) {
      session = this.#sessionNumbers.size
      this.#sessionNumbers.set(key, session)
      this.#lastOf.push(NONE)
    }
    this.turn[doc] = turn
    this.session[doc] = session
    let before = this.#lastOf[session] as number
    let after = NONE
    while (before !== NONE && (this.turn[before] as number) > turn) {
      after = before
      before = this.before[before] as number
    }
    this.before[doc] = before
    this.after[doc] = after
    if (before !== NONE) this.after[before] = doc
    if (after === NONE) this.#lastOf[session] = doc
    else this.before[after] = doc
  }

  /** Where nobody says what belongs together, what is dated alike and was stored in a row is taken for a conversation. */
  #suppose(doc: number, isDated: boolean): void {
    const audience = this.audience[doc] as number
    const last = this.#lastRemark[audience]
    const isRemark = isDated && (this.length[doc] as number) <= REMARK_WORDS
    this.#lastRemark[audience] = isRemark ? doc : NONE
    this.turn[doc] = 0
    if (!isRemark || last === undefined || last === NONE) return
    const apart = Math.abs((this.occurredAt[doc] as number) - (this.occurredAt[last] as number))
    if (apart > OCCASION_MS) return
    this.turn[doc] = (this.turn[last] as number) + 1
    this.before[doc] = last
    this.after[last] = doc
  }

  #place(doc: number): void {
    const mask = this.#places.length - 1
    let at = hash(this.seq[doc] as number) & mask
    while (this.#places[at] !== 0) at = (at + 1) & mask
    this.#places[at] = doc + 1
  }

  #grow(): void {
    const length = this.seq.length * 2
    this.seq = grown(this.seq, new Float64Array(length))
    this.occurredAt = grown(this.occurredAt, new Float64Array(length))
    this.expiresAt = grown(this.expiresAt, new Float64Array(length))
    this.importance = grown(this.importance, new Float32Array(length))
    this.audience = grown(this.audience, new Uint32Array(length))
    this.length = grown(this.length, new Uint16Array(length))
    this.layer = grown(this.layer, new Uint8Array(length))
    this.state = grown(this.state, new Uint8Array(length))
    this.turn = grown(this.turn, new Uint32Array(length))
    this.session = grown(this.session, new Uint32Array(length))
    this.before = grown(this.before, new Uint32Array(length))
    this.after = grown(this.after, new Uint32Array(length))
    this.#places = new Uint32Array(length * 2)
    for (let doc = 0; doc < this.count; doc++) this.#place(doc)
  }
}

function grown<Numbers extends { set(from: Numbers): void }>(from: Numbers, to: Numbers): Numbers {
  to.set(from)
  return to
}

/** Neighbouring numbers are far from each other. */
function hash(seq: number): number {
  return Math.imul((seq % 0x100000000) >>> 0, 0x9e3779b1) >>> 7
}
