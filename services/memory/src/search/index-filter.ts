import { MEMORY_LAYERS } from '@jamey/contracts'
import { storable } from '../model/memory-record.js'
import { REMOVED } from './documents.js'
import { type Filter, tagKeys } from './filter.js'
import type { MemoryIndex } from './memory-index.js'

/** So many documents are looked at one by one, where they are no more than this share of all; for more it takes less time to read the lists of all words. */
export const FEW = 20_000
const FEW_SHARE = 1 / 8
const AT_ONCE = 4096
const ONE_IN = new Uint32Array(1)
const ONE_OUT = new Uint32Array(1)

/** The same filter as `filterCondition` makes SQL of, for the documents of an index. */
export class IndexFilter {
  readonly #index: MemoryIndex
  readonly #nowMs: number
  readonly #from: number
  readonly #to: number
  /** Undefined where what there is now is asked for. */
  readonly #knownAtMs: number | undefined
  /** For each provenance and layer whether it is wanted; undefined where all are. */
  readonly #provenances: Uint8Array | undefined
  readonly #layers: Uint8Array | undefined
  readonly #conditions: Conditions
  /** All documents that fit, in ascending order, where these are found without a look at all others. */
  readonly few: Uint32Array | undefined

  /** `meeting` has, for each condition on what the index does not know, the documents that meet it. */
  constructor(index: MemoryIndex, filter: Filter, nowMs: number, meeting: readonly Uint32Array[] = []) {
    this.#index = index
    this.#nowMs = nowMs
    this.#from = filter.fromMs ?? Number.NEGATIVE_INFINITY
    // Times are whole milliseconds.
    this.#to = Math.min(
      filter.toMs ?? Number.POSITIVE_INFINITY,
      (filter.beforeMs ?? Number.POSITIVE_INFINITY) - 1,
    )
    this.#knownAtMs = filter.knownAtMs
    this.#provenances = wantedProvenances(index, filter)
    this.#layers = wantedLayers(filter)
    this.#conditions = new Conditions(index, filter, meeting)
    const few = this.#fewest()
    if (few !== undefined) this.few = few.subarray(0, this.keep(few, few.length, few))
  }

  fits(doc: number): boolean {
    ONE_IN[0] = doc
    return this.keep(ONE_IN, 1, ONE_OUT) === 1
  }

  /** Copies those that fit of the first `count` of `docs` to `kept`, and gives their number. */
  keep(docs: Uint32Array, count: number, kept: Uint32Array): number {
    const { occurredAt, expiresAt, since, state, provenance, layer } = this.#index.documents
    const isProvenance = this.#provenances
    const isLayer = this.#layers
    const { met, conditions } = this.#conditions
    const from = this.#from
    const to = this.#to
    const nowMs = this.#nowMs
    const knownAtMs = this.#knownAtMs
    const isOfAnyTime = from === Number.NEGATIVE_INFINITY && to === Number.POSITIVE_INFINITY
    let number = 0
    for (let i = 0; i < count; i++) {
      const doc = docs[i] as number
      if (state[doc] !== 0 && (state[doc] === REMOVED || (expiresAt[doc] as number) <= nowMs)) continue
      if (isProvenance !== undefined && isProvenance[provenance[doc] as number] === 0) continue
      if (isLayer !== undefined && isLayer[layer[doc] as number] === 0) continue
      if (met !== undefined && met[doc] !== conditions) continue
      if (knownAtMs !== undefined && (since[doc] as number) > knownAtMs) continue
      if (!isOfAnyTime && !((occurredAt[doc] as number) >= from && (occurredAt[doc] as number) <= to))
        continue
      kept[number++] = doc
    }
    return number
  }

  /** All that fit, some at a time, what was added last first; each time in the same place. */
  *fitting(): Generator<Uint32Array> {
    if (this.few !== undefined) {
      yield this.few
      return
    }
    const docs = new Uint32Array(AT_ONCE)
    for (let left = this.#index.documents.count; left > 0; left -= AT_ONCE) {
      const count = Math.min(AT_ONCE, left)
      countDown(docs, count, left)
      yield docs.subarray(0, this.keep(docs, count, docs))
    }
  }

  /** The documents that meet the condition which the fewest meet, in ascending order. */
  #fewest(): Uint32Array | undefined {
    const { documents } = this.#index
    const isProvenance = this.#provenances
    const wanted = documents.provenances.filter((_, i) => isProvenance?.[i] === 1)
    const ofProvenances = wanted.reduce((sum, { count }) => sum + count, 0)
    const { fewest } = this.#conditions
    const few = Math.floor(Math.min(FEW, documents.count * FEW_SHARE))
    if (isProvenance !== undefined && ofProvenances <= Math.min(few, fewest?.count ?? few)) {
      return sorted(
        wanted.map((one) => documents.ofProvenance(one)),
        ofProvenances,
      )
    }
    return fewest === undefined || fewest.count > few
      ? this.#within(few)
      : sorted([fewest.docs()], fewest.count)
  }

  /** The documents of the time that is asked for, where these are no more than so many. */
  #within(most: number): Uint32Array | undefined {
    if (this.#from === Number.NEGATIVE_INFINITY && this.#to === Number.POSITIVE_INFINITY) return undefined
    const { occurredAt, count } = this.#index.documents
    const docs = new Uint32Array(most)
    let number = 0
    for (let doc = 0; doc < count; doc++) {
      const at = occurredAt[doc] as number
      if (at < this.#from || at > this.#to) continue
      if (number === docs.length) return undefined
      docs[number++] = doc
    }
    return docs.subarray(0, number)
  }
}

/** Those who meet a condition, of whom there are so many. */
interface Meeting {
  readonly count: number
  docs(): Iterable<number>
}

/** What is asked of few: their tags, their session, when they hold, and what the file knows of them. */
class Conditions {
  readonly #index: MemoryIndex
  /** Number of conditions that each document meets, of so many; undefined where there are none. */
  met: Uint8Array | undefined
  conditions = 0
  fewest: Meeting | undefined

  constructor(index: MemoryIndex, filter: Filter, meeting: readonly Uint32Array[]) {
    this.#index = index
    const { documents, postings } = index
    for (const term of tagKeys(filter).map((key) => index.tag(key))) {
      const count = term === undefined ? 0 : postings.count(term)
      this.#add({ count, docs: () => (term === undefined ? [] : postings.documents(term)) })
    }
    if (filter.sessionId !== undefined) {
      const docs = [...documents.inSessions(storable(filter.sessionId))]
      this.#add({ count: docs.length, docs: () => docs })
    }
    for (const docs of meeting) this.#add({ count: docs.length, docs: () => docs })
    this.#leaveOutOthersTime(filter)
  }

  #add(meeting: Meeting): void {
    this.met ??= new Uint8Array(this.#index.documents.count)
    for (const doc of meeting.docs()) this.met[doc] = (this.met[doc] as number) + 1
    this.conditions++
    if (this.fewest === undefined || meeting.count < this.fewest.count) this.fewest = meeting
  }

  /** What holds no longer, or not yet. */
  #leaveOutOthersTime({ heldAtMs, knownAtMs }: Filter): void {
    const { validity, count } = this.#index.documents
    const heldMs = heldAtMs ?? Number.NEGATIVE_INFINITY
    const knownMs = knownAtMs ?? Number.POSITIVE_INFINITY
    if ((heldAtMs ?? knownAtMs) === undefined || validity.size === 0) return
    if (this.met === undefined) {
      this.met = new Uint8Array(count).fill(1)
      this.conditions = 1
    }
    for (const [doc, { from, to }] of validity) if (to <= heldMs || from > knownMs) this.met[doc] = 0
  }
}

/** The numbers below `from`, as many as said; apart, since loops are slow in generators. */
function countDown(docs: Uint32Array, count: number, from: number): void {
  for (let i = 0; i < count; i++) docs[i] = from - 1 - i
}

function sorted(lists: readonly Iterable<number>[], most: number): Uint32Array {
  const docs = new Uint32Array(most)
  let count = 0
  for (const list of lists) for (const doc of list) docs[count++] = doc
  return docs.subarray(0, count).sort()
}

/** For each provenance whether the caller may read it, and asked for it; undefined where all are wanted. */
function wantedProvenances(
  { documents }: MemoryIndex,
  { reach, scope, source, isTrusted }: Filter,
): Uint8Array | undefined {
  if ([reach, scope, source, isTrusted].every((condition) => condition === undefined)) return undefined
  const own = reach === undefined ? undefined : storable(reach.owner)
  const shared = new Set(['shared', ...(reach?.groups ?? []).map((group) => `group:${group}`)])
  const from = source === undefined ? undefined : storable(source)
  return Uint8Array.from(documents.provenances, (one) => {
    const isReadable =
      reach === undefined || one.owner === own || (reach.isOwnOnly !== true && shared.has(one.scope))
    const isAsked =
      (scope === undefined || one.scope === scope) &&
      (from === undefined || one.source === from) &&
      (isTrusted === undefined || one.isTrusted === isTrusted)
    return isReadable && isAsked ? 1 : 0
  })
}

function wantedLayers({ layers = [] }: Filter): Uint8Array | undefined {
  if (layers.length === 0) return undefined
  return Uint8Array.from(MEMORY_LAYERS, (layer) => (layers.includes(layer) ? 1 : 0))
}
