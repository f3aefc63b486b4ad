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
  /** True where it asks something. */
  readonly isQuestion?: boolean | undefined
  /** When it holds in the world; what it was replaced by ends it. */
  readonly validFrom: number
  readonly validTo: number
  /** Since when it is as it is here, where a question may ask for a time before. */
  readonly since?: number | undefined
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
  since = new Float64Array(1024)
  importance = new Float32Array(1024)
  provenance = new Uint32Array(1024)
  /** The document before of the same provenance. */
  earlier = new Uint32Array(1024)
  length = new Uint16Array(1024)
  layer = new Uint8Array(1024)
  /** 1 where it asks something. */
  asks = new Uint8Array(1024)
  /** 0 for nearly all: `REMOVED`, or `EXPIRES` where `expiresAt` has to be looked at. */
  state = new Uint8Array(1024)
  /** Any whole number, such as a time. */
  turn = new Float64Array(1024)
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
  /** By their names and owners. */
  readonly #sessions = new Map<string, Map<string, OwnedSession>>()
  readonly #ownedSessions: OwnedSession[] = []
  /** Where a seq leads: the number of its last document, one more than it is, by the hash of the seq. */
  #places = new Uint32Array(2048)

  get living(): number {
    return this.count - this.removed
  }

  get bytes(): number {
    return this.seq.length * 77 + (this.#ownedSessions.length + this.provenances.length) * 200
  }

  /** In place of the document that the memory had, if it had one. */
  put(facts: DocumentFacts, length: number): number {
    const was = this.find(facts.seq)
    if (was !== undefined) this.#end(was)
    const doc = this.#add(facts, length)
    this.#settle(doc, facts, was)
    return doc
  }

  /** Makes room for so many more documents, and says so. */
  roomFor(more: number): number {
    while (this.count + more > this.seq.length) this.#grow()
    return more
  }

  /**
   * What a memory was before, beside the document that it has and where that stands; `takeVersion` takes the last one
   * out again. There is room for it. What is only supposed to belong together stays as it is.
   */
  addVersion(facts: DocumentFacts, length: number): number {
    const doc = this.#fill(facts, length)
    if (facts.sessionId === undefined) return doc
    const session = this.#session(facts.owner, facts.sessionId)
    this.session[doc] = session.number
    this.turn[doc] = facts.turn ?? 0
    const is = this.#ofSameTurn(doc)
    if (is === undefined) this.#join(doc, session)
    else this.#replace(is, doc)
    return doc
  }

  takeVersion(): void {
    const doc = this.count - 1
    const is = this.#ofSameTurn(doc)
    if (is === undefined) this.#unlink(doc)
    else this.#replace(doc, is)
    const provenance = this.provenances[this.provenance[doc] as number] as Provenance
    provenance.last = this.earlier[doc] as number
    provenance.count--
    this.totalLength -= this.length[doc] as number
    this.validity.delete(doc)
    this.count--
  }

  /** The document of the same memory as a version, where it has the same turn of the same session. */
  #ofSameTurn(version: number): number | undefined {
    const is = this.session[version] === NONE ? undefined : this.find(this.seq[version] as number)
    return is !== undefined && this.#isSameTurn(is, version) ? is : undefined
  }

  #add(facts: DocumentFacts, length: number): number {
    if (this.count === this.seq.length) this.#grow()
    const doc = this.#fill(facts, length)
    this.#place(doc)
    return doc
  }

  #fill(facts: DocumentFacts, length: number): number {
    const doc = this.count
    this.seq[doc] = facts.seq
    this.occurredAt[doc] = facts.occurredAt
    this.expiresAt[doc] = facts.expiresAt
    this.since[doc] = facts.since ?? Number.NEGATIVE_INFINITY
    this.state[doc] = facts.expiresAt === Number.POSITIVE_INFINITY ? 0 : EXPIRES
    this.importance[doc] = facts.importance
    this.#belong(doc, facts)
    this.length[doc] = Math.min(length, 65_535)
    this.layer[doc] = LAYER_NUMBERS.get(facts.layer) ?? 0
    this.asks[doc] = facts.isQuestion === true ? 1 : 0
    this.before[doc] = NONE
    this.after[doc] = NONE
    this.session[doc] = NONE
    this.turn[doc] = 0
    if (facts.validFrom !== Number.NEGATIVE_INFINITY || facts.validTo !== Number.POSITIVE_INFINITY) {
      this.validity.set(doc, { from: facts.validFrom, to: facts.validTo })
    }
    this.totalLength += this.length[doc] as number
    this.count++
    return doc
  }

  /** Puts it among its neighbours: where the document stood that it replaces, unless it belongs elsewhere now. */
  #settle(
    doc: number,
    { owner, sessionId, turn = 0, isDated }: DocumentFacts,
    was: number | undefined,
  ): void {
    const session = sessionId === undefined ? undefined : this.#session(owner, sessionId)
    this.session[doc] = session?.number ?? NONE
    this.turn[doc] = session === undefined ? 0 : turn
    const isRemark = session === undefined && isDated && (this.length[doc] as number) <= REMARK_WORDS
    if (was === undefined) {
      if (session === undefined) this.#suppose(doc, isRemark)
      else this.#join(doc, session)
      return
    }
    const isThere =
      session === undefined ? isRemark && this.#isRemarkBeside(was, doc) : this.#isSameTurn(was, doc)
    if (isThere) return this.#replace(was, doc)
    this.#unlink(was)
    if (session !== undefined) this.#join(doc, session)
  }

  #isSameTurn(was: number, doc: number): boolean {
    return this.session[was] === this.session[doc] && this.turn[was] === this.turn[doc]
  }

  #isRemarkBeside(was: number, doc: number): boolean {
    return this.session[was] === NONE && this.#remarksOf(was) === this.#remarksOf(doc)
  }

  #remarksOf(doc: number): { last: number } {
    return (this.provenances[this.provenance[doc] as number] as Provenance).remarks
  }

  #replace(was: number, doc: number): void {
    this.turn[doc] = this.turn[was] as number
    const before = this.before[was] as number
    const after = this.after[was] as number
    this.before[doc] = before
    this.after[doc] = after
    if (before !== NONE) this.after[before] = doc
    if (after !== NONE) this.before[after] = doc
    this.#moveEnds(was, doc, doc)
  }

  #unlink(doc: number): void {
    const before = this.before[doc] as number
    const after = this.after[doc] as number
    if (before !== NONE) this.after[before] = after
    if (after !== NONE) this.before[after] = before
    this.#moveEnds(doc, after, before)
  }

  /** Where a document was the first or the last of its session, or the last remark, another one is from now on. */
  #moveEnds(doc: number, first: number, last: number): void {
    const session = this.session[doc] === NONE ? undefined : this.#ownedSessions[this.session[doc] as number]
    if (session?.first === doc) session.first = first
    if (session?.last === doc) session.last = last
    const remarks = this.#remarksOf(doc)
    if (remarks.last === doc) remarks.last = last
  }

  /** The document of a memory; undefined where it is not in the index. */
  find(seq: number): number | undefined {
    const mask = this.#places.length - 1
    for (let at = hash(seq) & mask; ; at = (at + 1) & mask) {
      const place = this.#places[at] as number
      if (place === 0) return undefined
      if (this.seq[place - 1] === seq) return this.state[place - 1] === REMOVED ? undefined : place - 1
    }
  }

  remove(doc: number): void {
    if (this.state[doc] === REMOVED) return
    this.#end(doc)
    this.#unlink(doc)
  }

  #end(doc: number): void {
    this.state[doc] = REMOVED
    this.removed++
    this.totalLength -= this.length[doc] as number
    this.validity.delete(doc)
  }

  /** The documents of a provenance, the latest first. */
  *ofProvenance({ last }: Provenance): Generator<number> {
    for (let doc = last; doc !== NONE; doc = this.earlier[doc] as number) yield doc
  }

  /** The documents in the sessions of this name, whosever these are. */
  *inSessions(sessionId: string): Generator<number> {
    for (const { last } of this.#sessions.get(sessionId)?.values() ?? []) {
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
  #join(doc: number, session: OwnedSession): void {
    const turn = this.turn[doc] as number
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
    let ofThisName = this.#sessions.get(sessionId)
    if (ofThisName === undefined) {
      ofThisName = new Map()
      this.#sessions.set(sessionId, ofThisName)
    }
    let session = ofThisName.get(owner)
    if (session === undefined) {
      session = { first: NONE, last: NONE, number: this.#ownedSessions.length }
      this.#ownedSessions.push(session)
      ofThisName.set(owner, session)
    }
    return session
  }

  /** Where nobody says what belongs together, what is dated alike and was stored in a row is taken for a conversation. */
  #suppose(doc: number, isRemark: boolean): void {
    const remarks = this.#remarksOf(doc)
    const { last } = remarks
    remarks.last = isRemark ? doc : NONE
    if (!isRemark || last === NONE) return
    const apart = Math.abs((this.occurredAt[doc] as number) - (this.occurredAt[last] as number))
    if (apart > OCCASION_MS) return
    this.turn[doc] = (this.turn[last] as number) + 1
    this.before[doc] = last
    this.after[last] = doc
  }

  /** A document of the same memory has its place no longer, or a look for it would pass all that there ever were. */
  #place(doc: number): void {
    const seq = this.seq[doc] as number
    const mask = this.#places.length - 1
    let at = hash(seq) & mask
    while (this.#places[at] !== 0 && this.seq[(this.#places[at] as number) - 1] !== seq) at = (at + 1) & mask
    this.#places[at] = doc + 1
  }

  #grow(): void {
    const length = this.seq.length * 2
    this.seq = grown(this.seq, new Float64Array(length))
    this.occurredAt = grown(this.occurredAt, new Float64Array(length))
    this.expiresAt = grown(this.expiresAt, new Float64Array(length))
    this.since = grown(this.since, new Float64Array(length))
    this.importance = grown(this.importance, new Float32Array(length))
    this.provenance = grown(this.provenance, new Uint32Array(length))
    this.earlier = grown(this.earlier, new Uint32Array(length))
    this.length = grown(this.length, new Uint16Array(length))
    this.layer = grown(this.layer, new Uint8Array(length))
    this.asks = grown(this.asks, new Uint8Array(length))
    this.state = grown(this.state, new Uint8Array(length))
    this.turn = grown(this.turn, new Float64Array(length))
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
