import { MEMORY_LAYERS } from '@jamey/contracts'
import { storable } from '../model/memory-record.js'
import { type Filter, tagKeys } from './filter.js'
import type { MemoryIndex } from './memory-index.js'

type Fits = (doc: number) => boolean

const NOBODY: Fits = () => false

/** The same filter as `filterCondition` makes SQL of, as a question about a document of the index. */
export function indexFilter(index: MemoryIndex, filter: Filter, nowMs: number): Fits {
  const { documents } = index
  const { occurredAt, expiresAt, isRemoved, audience, layer } = documents
  const { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY } = filter
  const { beforeMs = Number.POSITIVE_INFINITY } = filter
  const isReadable = readable(index, filter)
  const isLayer = wantedLayers(filter)
  const isTagged = tagged(index, filter)
  if (isTagged === NOBODY) return NOBODY
  const isOfAnyTime =
    filter.fromMs === undefined && filter.toMs === undefined && filter.beforeMs === undefined
  return (doc) => {
    if (isRemoved[doc] === 1 || (expiresAt[doc] as number) <= nowMs) return false
    if (isReadable !== undefined && isReadable[audience[doc] as number] === 0) return false
    if (isLayer !== undefined && isLayer[layer[doc] as number] === 0) return false
    if (!isOfAnyTime) {
      const at = occurredAt[doc] as number
      if (at < fromMs || at > toMs || at >= beforeMs) return false
    }
    return isTagged === undefined || isTagged(doc)
  }
}

/** For each audience whether the caller belongs to it; undefined where it may read everything. */
function readable({ documents }: MemoryIndex, { reach }: Filter): Uint8Array | undefined {
  if (reach === undefined) return undefined
  const own = storable(reach.owner)
  return Uint8Array.from(documents.audiences, ({ owner, scope }) => {
    return owner === own || (scope === 'shared' && reach.isOwnOnly !== true) ? 1 : 0
  })
}

function wantedLayers({ layers = [] }: Filter): Uint8Array | undefined {
  if (layers.length === 0) return undefined
  return Uint8Array.from(MEMORY_LAYERS, (layer) => (layers.includes(layer) ? 1 : 0))
}

/** Undefined where no tags are wanted. */
function tagged(index: MemoryIndex, filter: Filter): Fits | undefined {
  const keys = tagKeys(filter)
  if (keys.length === 0) return undefined
  const terms = keys.map((key) => index.tag(key))
  const counts = new Uint8Array(index.documents.count)
  for (const term of terms) {
    if (term === undefined) return NOBODY
    index.postings.read(term, (page, from, to) => {
      for (let i = from; i < to; i++) {
        const doc = (page[i] as number) >>> 8
        counts[doc] = (counts[doc] as number) + 1
      }
    })
  }
  return (doc) => counts[doc] === keys.length
}
