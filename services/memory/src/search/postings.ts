/** Entries of one page; it is a power of two, so that an address splits into page and place by bits alone. */
const PAGE_BITS = 16
const PAGE = 1 << PAGE_BITS
const SMALLEST_BLOCK = 2
const LARGEST_BLOCK = 4096
/** A frequency beyond this counts as this. */
const MOST = 255
/** Numbers of documents lie in 24 bits beside their frequency. */
export const MOST_DOCUMENTS = 2 ** 24

/** Gives all entries of a term from `from` to `to` of a page, each a document's number above 8 bits of frequency. */
export type BlockReader = (page: Uint32Array, from: number, to: number) => void

interface Marked {
  readonly free: number
  readonly terms: Map<number, Record<'first' | 'next' | 'end' | 'size' | 'count', number>>
}

/**
 * For each term the documents that have it, and how often. Entries of one term lie in blocks that double in size and
 * are chained, all in pages of one kind, so that a term which occurs once takes twelve bytes, and a frequent one little
 * more than four for each document.
 */
export class Postings {
  #pages: Uint32Array[] = []
  #free = 1
  /** For each term: its first block, the place of its next entry, the end of its last block and that one's size. */
  #first = new Uint32Array(1024)
  #next = new Uint32Array(1024)
  #end = new Uint32Array(1024)
  #size = new Uint16Array(1024)
  #counts = new Uint32Array(1024)
  /** What stood here when it was marked, of each term that was added to since. */
  #marked: Marked | undefined

  get bytes(): number {
    return this.#pages.length * PAGE * 4 + this.#first.length * 18
  }

  /** Number of documents that were given for a term. */
  count(term: number): number {
    return this.#counts[term] ?? 0
  }

  add(term: number, doc: number, frequency: number): void {
    if (term >= this.#first.length) this.#grow(term)
    if (this.#marked !== undefined) this.#remember(term, this.#marked)
    let at = this.#next[term] as number
    if (at === this.#end[term]) at = this.#extend(term)
    const page = this.#pages[at >>> PAGE_BITS] as Uint32Array
    page[at & (PAGE - 1)] = ((doc << 8) | Math.min(frequency, MOST)) >>> 0
    this.#next[term] = at + 1
    this.#counts[term] = (this.#counts[term] as number) + 1
  }

  /** Reads the entries after the first so many. */
  read(term: number, reader: BlockReader, after = 0): void {
    if (this.count(term) <= after) return
    let before = 0
    const last = this.#next[term] as number
    let at = this.#first[term] as number
    for (let size = SMALLEST_BLOCK; ; size = Math.min(size * 2, LARGEST_BLOCK)) {
      const page = this.#pages[at >>> PAGE_BITS] as Uint32Array
      const from = at & (PAGE - 1)
      const skipped = Math.min(size, Math.max(0, after - before))
      if (last > at && last <= at + size) return reader(page, from + skipped, from + last - at)
      if (skipped < size) reader(page, from + skipped, from + size)
      before += size
      at = page[from + size] as number
    }
  }

  /** The documents of a term, in ascending order. */
  documents(term: number): Uint32Array {
    const docs = new Uint32Array(this.count(term))
    let at = 0
    this.read(term, (page, from, to) => {
      for (let i = from; i < to; i++) docs[at++] = (page[i] as number) >>> 8
    })
    return docs
  }

  /** Reads the entries of these documents alone, which are in ascending order as those of every term are. */
  readOf(term: number, docs: Uint32Array, reader: BlockReader): void {
    let next = 0
    this.read(term, (page, from, to) => {
      const last = (page[to - 1] as number) >>> 8
      for (let at = from; next < docs.length && (docs[next] as number) <= last; next++) {
        at = placeOf(docs[next] as number, page, at, to)
        if ((page[at] as number) >>> 8 === docs[next]) reader(page, at, at + 1)
      }
    })
  }

  /** From now on is remembered what `reset` needs. */
  mark(): void {
    this.#marked = { free: this.#free, terms: new Map() }
  }

  /** Takes out what was added since `mark`. */
  reset(): void {
    const { free, terms } = this.#marked ?? { free: this.#free, terms: [] }
    for (const [term, { first, next, end, size, count }] of terms) {
      this.#first[term] = first
      this.#next[term] = next
      this.#end[term] = end
      this.#size[term] = size
      this.#counts[term] = count
    }
    this.#free = free
    this.#marked = undefined
  }

  #remember(term: number, { terms }: Marked): void {
    if (terms.has(term)) return
    terms.set(term, {
      first: this.#first[term] as number,
      next: this.#next[term] as number,
      end: this.#end[term] as number,
      size: this.#size[term] as number,
      count: this.#counts[term] as number,
    })
  }

  /** A term's next block, the address of which stands behind the last entry of the one before. */
  #extend(term: number): number {
    const before = this.#end[term] as number
    const size = before === 0 ? SMALLEST_BLOCK : Math.min((this.#size[term] as number) * 2, LARGEST_BLOCK)
    if ((this.#free & (PAGE - 1)) + size + 1 > PAGE) this.#free = (this.#free | (PAGE - 1)) + 1
    const at = this.#free
    if (at >>> PAGE_BITS >= this.#pages.length) this.#pages.push(new Uint32Array(PAGE))
    this.#free += size + 1
    if (before === 0) this.#first[term] = at
    else (this.#pages[before >>> PAGE_BITS] as Uint32Array)[before & (PAGE - 1)] = at
    this.#end[term] = at + size
    this.#size[term] = size
    return at
  }

  #grow(term: number): void {
    const length = Math.max(term + 1, this.#first.length * 2)
    this.#first = copied(this.#first, new Uint32Array(length))
    this.#next = copied(this.#next, new Uint32Array(length))
    this.#end = copied(this.#end, new Uint32Array(length))
    this.#size = copied(this.#size, new Uint16Array(length))
    this.#counts = copied(this.#counts, new Uint32Array(length))
  }
}

function copied<Numbers extends Uint32Array | Uint16Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from)
  return to
}

/** The first place from `from` on whose document is this one or a later one; there is one before `to`. */
function placeOf(doc: number, page: Uint32Array, from: number, to: number): number {
  let low = from
  let step = 1
  while (low + step < to && (page[low + step] as number) >>> 8 < doc) step *= 2
  let high = Math.min(low + step, to - 1)
  low += step >>> 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((page[middle] as number) >>> 8 < doc) low = middle + 1
    else high = middle
  }
  return low
}
