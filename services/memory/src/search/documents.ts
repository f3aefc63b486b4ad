import { MEMORY_LAYERS } from '@jamey/contracts'

/** What the index knows of one memory beside its words. */
export interface DocumentFacts {
  readonly seq: number
  readonly owner: string
  readonly scope: string
  /** Who stored it, and whether that one is believed, where a question may ask for it. */
  readonly source?: string | undefined
  readonly isTrusted?: boolean | undefined
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

/** Whose a memory is, who may read it, and who stored it: there are few of these beside all memories. */
export interface Provenance {
  readonly owner: string
  readonly scope: string
  readonly source: string | undefined
  readonly isTrusted: boolean
  /** Number of its documents, and the last of them; `Documents.earlier` leads to the others. */
  count: number
  last: number
  /** The last dated remark of the owner in this scope. */
  readonly remarks: { last: number }
}

/** One session of each owner that has one of this name. */
interface OwnedSession {
  readonly owner: string
  /** The documents of its first and its last turn. */
  first: number
  last: number
  readonly number: number
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
  provenance = new Uint32Array(1024)
  /** The document before of the same provenance. */
  earlier = new Uint32Array(1024)
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
  readonly provenances: Provenance[] = []
  readonly #provenanceNumbers = new Map<string, number>()
  readonly #remarks = new Map<string, { last: number }>()
  readonly #sessions = new Map<string, OwnedSession[]>()
  #sessionCount = 0
  /** Where a seq leads: numbers of documents, one more than they are, by the hash of their seq. */
  #places = new Uint32Array(2048)

  get living(): number {
    return this.count - this.removed
  }

  get bytes(): number {
    return this.seq.length * 64 + (this.#sessionCount + this.provenances.length) * 200
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
    this.#belong(doc, facts)
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

  /** The documents of a provenance, the latest first. */
  *ofProvenance({ last }: Provenance): Generator<number> {
    for (let doc = last; doc !== NONE; doc = this.earlier[doc] as number) yield doc
  }

  /** The documents in the sessions of this name, whosever these are. */
  *inSessions(sessionId: string): Generator<number> {
    for (const { last } of this.#sessions.get(sessionId) ?? []) {
      for (let doc = last; doc !== NONE; doc = this.before[doc] as number) yield doc
    }
  }

  #belong(doc: number, { owner, scope, source, isTrusted = true }: DocumentFacts): void {
    const key = `${scope}\0${owner}\0${source ?? ''}\0${isTrusted}`
    let number = this.#provenanceNumbers.get(key)
    if (number === undefined) {
      const circle = `${scope}\0${owner}`
      const remarks = this.#remarks.get(circle) ?? { last: NONE }
      this.#remarks.set(circle, remarks)
      number = this.provenances.push({ owner, scope, source, isTrusted, count: 0, last: NONE, remarks }) - 1
      this.#provenanceNumbers.set(key, number)
    }
    const provenance = this.provenances[number] as Provenance
    this.provenance[doc] = number
    this.earlier[doc] = provenance.last
    provenance.last = doc
    provenance.count++
  }

  /** Takes its place among the turns of its session, nearly always behind the last one, or before the first. */
  #join(doc: number, owner: string, sessionId: string, turn: number): void {
    const session = this.#session(owner, sessionId)
    this.turn[doc] = turn
    this.session[doc] = session.number
    const isFirst = session.first !== NONE && turn < (this.turn[session.first] as number)
    let before = isFirst ? NONE : session.last
    let after = isFirst ? session.first : NONE
    while (before !== NONE && (this.turn[before] as number) > turn) {
      after = before
      before = this.before[before] as number
    }
    this.before[doc] = before
    this.after[doc] = after
    if (before === NONE) session.first = doc
    else this.after[before] = doc
    if (after === NONE) session.last = doc
    else this.before[after] = doc
  }

  #session(owner: string, sessionId: string): OwnedSession {
    const ofThisName = this.#sessions.get(sessionId)
    const known = ofThisName?.find((one) => one.owner === owner)
    if (known !== undefined) return known
    const session = { owner, first: NONE, last: NONE, number: this.#sessionCount++ }
    if (ofThisName === undefined) this.#sessions.set(sessionId, [session])
    else ofThisName.push(session)
    return session
  }

  /** Where nobody says what belongs together, what is dated alike and was stored in a row is taken for a conversation. */
  #suppose(doc: number, isDated: boolean): void {
    const { remarks } = this.provenances[this.provenance[doc] as number] as Provenance
    const { last } = remarks
    const isRemark = isDated && (this.length[doc] as number) <= REMARK_WORDS
    remarks.last = isRemark ? doc : NONE
    this.turn[doc] = 0
    if (!isRemark || last === NONE) return
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
    this.provenance = grown(this.provenance, new Uint32Array(length))
    this.earlier = grown(this.earlier, new Uint32Array(length))
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
