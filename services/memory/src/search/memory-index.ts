import { tagKey } from '../model/memory-record.js'
import { type DocumentFacts, Documents } from './documents.js'
import { MOST_DOCUMENTS, Postings } from './postings.js'
import { STOP_WORDS_OF_ENGLISH } from './stop-words.js'
import { Vocabulary } from './vocabulary.js'
import { QUESTION_MARK, termOf, wordsOf } from './words.js'

/** The columns of a memory that it is found by. */
export interface IndexedRow {
  readonly seq: number
  readonly owner: string
  readonly scope: string
  readonly source?: string
  readonly trusted?: number
  readonly layer: string
  readonly importance: number
  readonly created_at: number
  readonly updated_at?: number
  readonly occurred_at: number
  readonly expires_at: number | null
  readonly content: string
  readonly tags: string
  readonly metadata: string
  readonly session_id?: string | null
  readonly turn?: number | null
  readonly valid_from?: number | null
  readonly valid_to?: number | null
}

/** The memories of which an index has some alone: what is rare among all of them counts as rare. */
export interface Collection {
  readonly documents: number
  /** Words of a memory, on average. */
  readonly averageLength: number
  /** Number of memories that have each term. */
  readonly having: ReadonlyMap<string, number>
}

/** Members of the metadata that are searched like the text, for they name it or who said it. */
const NAMING = ['title', 'subject', 'speaker', 'author', 'name'] as const
const MAY_BE_NAMED = /"(?:title|subject|speaker|author|name)":"/
/** Before the key of a tag that is a condition; no word of a text has it. */
const TAG = '\u0001'
/** Share of removed memories from which on the index is built anew without them. */
const REMOVED_SHARE = 0.25
const REMOVED_LEAST = 10_000

const STOP_TERMS: ReadonlySet<string> = new Set([...STOP_WORDS_OF_ENGLISH].map(termOf))

/** The inverted index of all memories of a file, or of a part of a collection, in the memory of this thread. */
export class MemoryIndex {
  readonly #collection: Collection | undefined
  readonly vocabulary = new Vocabulary()
  readonly postings = new Postings()
  readonly documents = new Documents()
  /** How often the memory that is being added has each term, and which it has. */
  #frequencies = new Uint16Array(1024)
  readonly #had: number[] = []
  #isStop = new Uint8Array(1024)
  #stopsKnown = 0

  constructor(collection?: Collection) {
    this.#collection = collection
  }

  /** Number of memories, those included that were removed. */
  get size(): number {
    return this.#collection?.documents ?? this.documents.count
  }

  /** Words of a memory, on average. */
  get averageLength(): number {
    const { totalLength, living } = this.documents
    return this.#collection?.averageLength ?? Math.max(1, totalLength / Math.max(1, living))
  }

  /** Number of memories that have a term. */
  having(term: number): number {
    if (this.#collection === undefined) return this.postings.count(term)
    return this.#collection.having.get(this.vocabulary.nameOf(term)) ?? 0
  }

  get isFull(): boolean {
    return this.documents.count >= MOST_DOCUMENTS
  }

  /** True where so much of it was removed that it had better be built anew. */
  get isWorn(): boolean {
    const { removed, count } = this.documents
    return removed > REMOVED_LEAST && removed > count * REMOVED_SHARE
  }

  get bytes(): number {
    return this.vocabulary.bytes + this.postings.bytes + this.documents.bytes
  }

  /** Adds a memory, in place of what was here under its number. */
  put(row: IndexedRow): void {
    this.#add(row, (facts, length) => this.documents.put(facts, length))
  }

  /** Answers while what some memories were before is here, too, from the document `first` on; it is taken out again. */
  beside<T>(versions: readonly IndexedRow[], answer: (first: number) => T): T {
    const first = this.documents.count
    const room = this.documents.roomFor(Math.min(versions.length, MOST_DOCUMENTS - first))
    this.postings.mark()
    try {
      for (const row of versions.slice(0, room)) {
        this.#add(row, (facts, length) => this.documents.addVersion(facts, length))
      }
      return answer(first)
    } finally {
      while (this.documents.count > first) this.documents.takeVersion()
      this.postings.reset()
    }
  }

  #add(row: IndexedRow, add: (facts: DocumentFacts, length: number) => number): void {
    const tags = JSON.parse(row.tags) as string[]
    let length = this.#count(row.content)
    for (const tag of tags) length += this.#count(tag)
    for (const name of namesIn(row.metadata)) length += this.#count(name)
    const doc = add(
      {
        seq: row.seq,
        owner: row.owner,
        scope: row.scope,
        source: row.source,
        isTrusted: row.trusted !== 0,
        layer: row.layer,
        importance: row.importance,
        occurredAt: row.occurred_at,
        expiresAt: row.expires_at ?? Number.POSITIVE_INFINITY,
        sessionId: row.session_id ?? undefined,
        turn: row.turn ?? undefined,
        isDated: row.occurred_at !== row.created_at,
        isQuestion: QUESTION_MARK.test(row.content),
        validFrom: row.valid_from ?? Number.NEGATIVE_INFINITY,
        validTo: row.valid_to ?? Number.POSITIVE_INFINITY,
        since: Math.max(row.created_at, row.updated_at ?? row.created_at),
      },
      length,
    )
    for (const term of this.#had) {
      this.postings.add(term, doc, this.#frequencies[term] as number)
      this.#frequencies[term] = 0
    }
    this.#had.length = 0
    for (const tag of tags) this.postings.add(this.vocabulary.number(tagTerm(tag)), doc, 1)
  }

  /** Adds a memory whose terms are counted already, those that matter at least. */
  putCounted(facts: DocumentFacts, length: number, counts: Iterable<readonly [string, number]>): void {
    const doc = this.documents.put(facts, length)
    for (const [name, count] of counts) this.postings.add(this.vocabulary.number(name), doc, count)
  }

  remove(seq: number): void {
    const doc = this.documents.find(seq)
    if (doc !== undefined) this.documents.remove(doc)
  }

  /** The term that stands for a tag as a condition; undefined where no memory has it. */
  tag(tag: string): number | undefined {
    return this.vocabulary.get(tagTerm(tag))
  }

  isStop(term: number): boolean {
    while (this.#stopsKnown < this.vocabulary.size) this.#mark(this.#stopsKnown++)
    return this.#isStop[term] === 1
  }

  /** Counts the terms of a text; gives how many words it has that tell something. */
  #count(text: string): number {
    let length = 0
    for (const word of wordsOf(text)) {
      const term = this.vocabulary.ofWord(word)
      if (term >= this.#frequencies.length) this.#grow(term)
      const frequency = this.#frequencies[term] as number
      if (frequency === 0) this.#had.push(term)
      this.#frequencies[term] = frequency + 1
      if (!this.isStop(term)) length++
    }
    return length
  }

  #mark(term: number): void {
    if (term >= this.#isStop.length) {
      const grown = new Uint8Array(this.#isStop.length * 2)
      grown.set(this.#isStop)
      this.#isStop = grown
    }
    if (STOP_TERMS.has(this.vocabulary.nameOf(term))) this.#isStop[term] = 1
  }

  #grow(term: number): void {
    const grown = new Uint16Array(Math.max(term + 1, this.#frequencies.length * 2))
    grown.set(this.#frequencies)
    this.#frequencies = grown
  }
}

function tagTerm(tag: string): string {
  return TAG + tagKey(tag)
}

/** What a text is called, and who said it, by its metadata. */
export function namesIn(metadata: string): string[] {
  if (!MAY_BE_NAMED.test(metadata)) return []
  const members = JSON.parse(metadata) as Readonly<Record<string, unknown>>
  return NAMING.flatMap((name) => {
    const value = members[name]
    return typeof value === 'string' ? [value.slice(0, 200)] : []
  })
}
