import type { Database } from '../../file/database.js'
import { fewWithWords } from '../few.js'
import { asksTheFile, type Filter, filterCondition } from '../filter.js'
import { IndexFilter } from '../index-filter.js'
import type { MemoryIndex } from '../memory-index.js'
import type { StoredRows } from '../rows/stored-rows.js'
import { MemberColumns } from './member-columns.js'

/** Time for which columns are read before others have their turn. */
const SLICE_MS = 25

export interface Wanted {
  readonly filter: Filter
  readonly nowMs: number
  /** The words, where nothing is found but what has them, and the neighbours of that. */
  readonly text: string | undefined
  /** Documents from here on are versions that fit already what the index does not know. */
  readonly first: number
}

/**
 * Filters an index by what only the file knows, too: metadata and origin. Where few can be found the file is asked about
 * these; else the members are read that the filter asks about.
 */
export class FileConditions {
  readonly #database: Database
  readonly #rows: StoredRows
  #columns: { readonly index: MemoryIndex; readonly members: MemberColumns } | undefined

  constructor(database: Database, rows: StoredRows) {
    this.#database = database
    this.#rows = rows
  }

  /** Undefined where there is more to be read first, for which it is called again. */
  filter(index: MemoryIndex, wanted: Wanted): IndexFilter | undefined {
    const { filter, nowMs, text } = wanted
    const known = new IndexFilter(index, filter, nowMs)
    if (!asksTheFile(filter)) return known
    const few = known.few ?? (text === undefined ? undefined : fewWithWords(index, text, known))
    const meeting = few === undefined ? this.#ofAll(index, wanted) : [this.#ofSome(index, few, wanted)]
    const { count } = index.documents
    return (
      meeting &&
      new IndexFilter(
        index,
        filter,
        nowMs,
        meeting.map((docs) => withRange(docs, wanted.first, count)),
      )
    )
  }

  #ofAll(index: MemoryIndex, { filter, nowMs, first }: Wanted): Uint32Array[] | undefined {
    if (this.#columns?.index !== index) {
      this.#columns = { index, members: new MemberColumns(this.#database, index) }
    }
    const { members } = this.#columns
    if (!members.catchUp(filter, first, SLICE_MS)) return undefined
    return members.meeting(filter) ?? [this.#fitting(index, 'memories m', [], { filter, nowMs })]
  }

  #ofSome(index: MemoryIndex, docs: Uint32Array, { filter, nowMs, first }: Wanted): Uint32Array {
    const seqs = Array.from(
      docs.filter((doc) => doc < first),
      (doc) => index.documents.seq[doc],
    )
    const from = 'json_each(?) one CROSS JOIN memories m ON m.seq = one.value'
    return this.#fitting(index, from, [JSON.stringify(seqs)], { filter, nowMs })
  }

  #fitting(
    { documents }: MemoryIndex,
    from: string,
    some: readonly string[],
    { filter, nowMs }: Pick<Wanted, 'filter' | 'nowMs'>,
  ): Uint32Array {
    const { sql, values } = filterCondition(filter, nowMs)
    const rows = this.#rows.all<{ seq: number }>(`SELECT m.seq FROM ${from} WHERE ${sql}`, [
      ...some,
      ...values,
    ])
    return Uint32Array.from(rows.flatMap(({ seq }) => documents.find(seq) ?? []))
  }
}

/** These documents, and those from `first` on. */
function withRange(docs: Uint32Array, first: number, end: number): Uint32Array {
  if (first === end) return docs
  const all = new Uint32Array(docs.length + end - first)
  all.set(docs)
  for (let doc = first; doc < end; doc++) all[docs.length + doc - first] = doc
  return all
}
