import { MEMORY_LAYERS } from '@jamey/contracts'
import { storable } from '../model/memory-record.js'
import { REMOVED } from './documents.js'
import { type Filter, tagKeys } from './filter.js'
import type { MemoryIndex } from './memory-index.js'

const COUNTED = 4096
const ONE_IN = new Uint32Array(1)
const ONE_OUT = new Uint32Array(1)

/** The same filter as `filterCondition` makes SQL of, for the documents of an index. */
export class IndexFilter {
  readonly #index: MemoryIndex
  readonly #nowMs: number
  readonly #from: number
  readonly #to: number
  /** For each audience, layer and document whether it is wanted; undefined where all are. */
  readonly #readable: Uint8Array | undefined
  readonly #layers: Uint8Array | undefined
  readonly #wanted: Uint8Array | undefined

  /** `allowed` has the memories that fit what the index does not know, by their `seq`. */
  constructor(index: MemoryIndex, filter: Filter, nowMs: number, allowed?: ReadonlySet<number>) {
    this.#index = index
    this.#nowMs = nowMs
    this.#from = filter.fromMs ?? Number.NEGATIVE_INFINITY
    // Times are whole milliseconds.
    this.#to = Math.min(
      filter.toMs ?? Number.POSITIVE_INFINITY,
      (filter.beforeMs ?? Number.POSITIVE_INFINITY) - 1,
    )
    this.#readable = readable(index, filter)
    this.#layers = wantedLayers(filter)
    this.#wanted = wanted(index, filter, allowed)
  }

  fits(doc: number): boolean {
    ONE_IN[0] = doc
    return this.keep(ONE_IN, 1, ONE_OUT) === 1
  }

  /** Copies those that fit of the first `count` of `docs` to `kept`, and gives their number. */
  keep(docs: Uint32Array, count: number, kept: Uint32Array): number {
    const { occurredAt, expiresAt, state, audience, layer } = this.#index.documents
    const isReadable = this.#readable
    const isLayer = this.#layers
    const isWanted = this.#wanted
    const from = this.#from
    const to = this.#to
    const nowMs = this.#nowMs
    const isOfAnyTime = from === Number.NEGATIVE_INFINITY && to === Number.POSITIVE_INFINITY
    let number = 0
    for (let i = 0; i < count; i++) {
      const doc = docs[i] as number
      if (state[doc] !== 0 && (state[doc] === REMOVED || (expiresAt[doc] as number) <= nowMs)) continue
      if (isReadable !== undefined && isReadable[audience[doc] as number] === 0) continue
      if (isLayer !== undefined && isLayer[layer[doc] as number] === 0) continue
      if (isWanted !== undefined && isWanted[doc] === 0) continue
      if (!isOfAnyTime && !((occurredAt[doc] as number) >= from && (occurredAt[doc] as number) <= to))
        continue
      kept[number++] = doc
    }
    return number
  }

  /** Number of all that fit. */
  count(): number {
    const docs = new Uint32Array(COUNTED)
    const kept = new Uint32Array(COUNTED)
    const all = this.#index.documents.count
    let number = 0
    for (let first = 0; first < all; first += COUNTED) {
      const count = Math.min(COUNTED, all - first)
      for (let i = 0; i < count; i++) docs[i] = first + i
      number += this.keep(docs, count, kept)
    }
    return number
  }
}

/** For each audience whether the caller belongs to it; undefined where it may read everything. */
function readable({ documents }: MemoryIndex, { reach }: Filter): Uint8Array | undefined {
  if (reach === undefined) return undefined
  const own = storable(reach.owner)
  const shared = new Set(['shared', ...(reach.groups ?? []).map((group) => `group:${group}`)])
  return Uint8Array.from(documents.audiences, ({ owner, scope }) => {
    return owner === own || (reach.isOwnOnly !== true && shared.has(scope)) ? 1 : 0
  })
}

function wantedLayers({ layers = [] }: Filter): Uint8Array | undefined {
  if (layers.length === 0) return undefined
  return Uint8Array.from(MEMORY_LAYERS, (layer) => (layers.includes(layer) ? 1 : 0))
}

/** The documents that fit what is asked of few: their tags, what they hold for, and what the file knows of them. */
function wanted(
  index: MemoryIndex,
  filter: Filter,
  allowed: ReadonlySet<number> | undefined,
): Uint8Array | undefined {
  const { count, seq, validity } = index.documents
  const isTagged = tagged(index, filter)
  const { heldAtMs } = filter
  const mayHaveEnded = heldAtMs !== undefined && validity.size > 0
  if (!mayHaveEnded && allowed === undefined) return isTagged
  const isWanted = isTagged ?? new Uint8Array(count).fill(1)
  if (mayHaveEnded) for (const [doc, { to }] of validity) if (to <= heldAtMs) isWanted[doc] = 0
  if (allowed !== undefined) {
    for (let doc = 0; doc < count; doc++) if (!allowed.has(seq[doc] as number)) isWanted[doc] = 0
  }
  return isWanted
}

function tagged(index: MemoryIndex, filter: Filter): Uint8Array | undefined {
  const keys = tagKeys(filter)
  if (keys.length === 0) return undefined
  const counts = new Uint8Array(index.documents.count)
  for (const term of keys.map((key) => index.tag(key))) {
    if (term === undefined) return counts.fill(0)
    index.postings.read(term, (page, from, to) => {
      for (let i = from; i < to; i++) {
        const doc = (page[i] as number) >>> 8
        counts[doc] = (counts[doc] as number) + 1
      }
    })
  }
  for (let doc = 0; doc < counts.length; doc++) counts[doc] = counts[doc] === keys.length ? 1 : 0
  return counts
}
