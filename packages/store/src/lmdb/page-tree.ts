import { readSync } from 'node:fs'
import { endianness } from 'node:os'

const HEADER_BYTES = 24
const FLAGS_AT = 18
const LOWER_AT = 20
const UPPER_AT = 22
const IS_BRANCH = 0x01
const IS_LEAF = 0x02
const NODE_BYTES = 8
const IN_OTHER_PAGES = 0x01
/** The root of a tree without any page. */
const NO_PAGE = 0xffff_ffff_ffff_ffffn
const IS_LITTLE = endianness() === 'LE'

/** Offsets in a meta page at which LMDB notes a tree: of free pages, and of the records. */
const TREES = [
  { depthAt: 54, rootAt: 88, hasRecords: false },
  { depthAt: 102, rootAt: 136, hasRecords: true },
] as const

export interface PageRecord {
  readonly key: Buffer
  readonly value: Buffer
}

/** Offsets within a page: what is between them holds nothing. A page of nothing else is unused from 0 on. */
export interface Unused {
  readonly page: number
  readonly from: number
  readonly to: number
}

/**
 * The pages of an LMDB file, as its last commit left them, read without LMDB: that trusts its pages, and ends the
 * process where it walks into one that is none. `MDB_page`, `MDB_node` and `MDB_ovpage` of mdb.c, data format 2.
 */
export class PageTree {
  readonly #descriptor: number
  readonly pageBytes: number
  readonly #pages: number
  readonly #meta: DataView
  /** Pages in their place in the tree that are not what LMDB wrote there. */
  readonly damaged: number[] = []

  /** `meta` is the page of the commit that counts. */
  constructor(descriptor: number, meta: Buffer, pageBytes: number, lastPage: number) {
    this.#descriptor = descriptor
    this.#meta = new DataView(meta.buffer, meta.byteOffset, meta.length)
    this.pageBytes = pageBytes
    this.#pages = lastPage + 1
  }

  /** Finds what is `damaged`; of a leaf it looks at the head only. */
  check(): void {
    for (const tree of TREES) for (const leaf of this.#leaves(tree)) this.#readHead(leaf)
  }

  /** Every page that is part of a tree, and what of it holds nothing. */
  *inUse(): Generator<Unused> {
    for (const { depthAt, rootAt } of TREES) {
      const root = this.#meta.getBigUint64(rootAt, IS_LITTLE)
      if (root !== NO_PAGE) yield* this.#inUseBelow(Number(root), this.#meta.getUint16(depthAt, IS_LITTLE))
    }
  }

  *#inUseBelow(page: number, depth: number): Generator<Unused> {
    const bytes = this.#read(page, this.pageBytes)
    if (bytes === undefined || !this.#isSound(page, bytes, depth > 1 ? IS_BRANCH : IS_LEAF)) return
    const view = viewOf(bytes)
    const [from, to] = [LOWER_AT, UPPER_AT].map((at) => HEADER_BYTES + view.getUint16(at, IS_LITTLE))
    yield { page, from: from as number, to: to as number }
    for (const at of nodesOf(view)) {
      if (depth > 1) yield* this.#inUseBelow(pageBelow(view, at), depth - 1)
      else if (isElsewhere(view, at)) yield* this.#inUseByValue(valuePageOf(view, at), valueBytesOf(view, at))
    }
  }

  *#inUseByValue(first: number, bytes: number): Generator<Unused> {
    const end = HEADER_BYTES + bytes
    for (let page = first, at = 0; at < end; page++, at += this.pageBytes) {
      yield { page, from: Math.min(end - at, this.pageBytes), to: this.pageBytes }
    }
  }

  /** The records on pages that are sound, in the order of their keys; those of values that are not are damaged later. */
  *records(): Generator<PageRecord> {
    for (const leaf of this.#leaves(TREES[1])) {
      const page = this.#readHead(leaf) && this.#read(leaf, this.pageBytes)
      if (page) yield* this.#recordsOf(leaf, page)
    }
  }

  *#leaves({ depthAt, rootAt }: (typeof TREES)[number]): Generator<number> {
    const root = this.#meta.getBigUint64(rootAt, IS_LITTLE)
    if (root === NO_PAGE) return
    yield* this.#below(Number(root), this.#meta.getUint16(depthAt, IS_LITTLE))
  }

  *#below(page: number, depth: number): Generator<number> {
    if (depth <= 1) return yield page
    const bytes = this.#read(page, this.pageBytes)
    if (bytes === undefined || !this.#isSound(page, bytes, IS_BRANCH)) return
    const view = viewOf(bytes)
    for (const at of nodesOf(view)) yield* this.#below(pageBelow(view, at), depth - 1)
  }

  /** True where the page is a leaf. */
  #readHead(page: number): boolean {
    const head = this.#read(page, HEADER_BYTES)
    return head !== undefined && this.#isSound(page, head, IS_LEAF)
  }

  #isSound(page: number, bytes: Buffer, kind: number): boolean {
    const view = viewOf(bytes)
    const isKind = (view.getUint16(FLAGS_AT, IS_LITTLE) & (IS_BRANCH | IS_LEAF)) === kind
    const hasNumber = Number(view.getBigUint64(0, IS_LITTLE)) === page
    const hasNodes = HEADER_BYTES + view.getUint16(LOWER_AT, IS_LITTLE) <= this.pageBytes
    if (isKind && hasNumber && hasNodes) return true
    this.damaged.push(page)
    return false
  }

  #read(page: number, length: number): Buffer | undefined {
    const bytes = Buffer.alloc(length)
    const position = page * this.pageBytes
    if (page < this.#pages && readSync(this.#descriptor, bytes, 0, length, position) === length) return bytes
    this.damaged.push(page)
    return undefined
  }

  *#recordsOf(leaf: number, page: Buffer): Generator<PageRecord> {
    const view = viewOf(page)
    try {
      for (const at of nodesOf(view)) {
        const bytes = valueBytesOf(view, at)
        const valueAt = valueAtOf(view, at)
        const key = Buffer.from(page.subarray(at + NODE_BYTES, valueAt))
        const value = isElsewhere(view, at)
          ? this.#valueFrom(valuePageOf(view, at), bytes)
          : Buffer.from(page.subarray(valueAt, valueAt + bytes))
        if (value !== undefined) yield { key, value }
      }
    } catch (error) {
      // The page's own words lead out of it.
      if (!(error instanceof RangeError)) throw error
      this.damaged.push(leaf)
    }
  }

  #valueFrom(page: number, bytes: number): Buffer | undefined {
    return this.#read(page, HEADER_BYTES + bytes)?.subarray(HEADER_BYTES)
  }
}

function viewOf(page: Buffer): DataView {
  return new DataView(page.buffer, page.byteOffset, page.length)
}

/** Offsets at which the nodes of a page begin. */
function* nodesOf(view: DataView): Generator<number> {
  const count = view.getUint16(LOWER_AT, IS_LITTLE) >> 1
  for (let n = 0; n < count; n++) yield HEADER_BYTES + view.getUint16(HEADER_BYTES + 2 * n, IS_LITTLE)
}

/** The page that a node of a branch points to. */
function pageBelow(view: DataView, at: number): number {
  return valueBytesOf(view, at) + view.getUint16(at + 4, IS_LITTLE) * 0x1_0000_0000
}

function valueBytesOf(view: DataView, at: number): number {
  return view.getUint16(at, IS_LITTLE) + view.getUint16(at + 2, IS_LITTLE) * 0x1_0000
}

function valueAtOf(view: DataView, at: number): number {
  return at + NODE_BYTES + view.getUint16(at + 6, IS_LITTLE)
}

/** Whether the value of a leaf's node lies in pages of its own. */
function isElsewhere(view: DataView, at: number): boolean {
  return (view.getUint16(at + 4, IS_LITTLE) & IN_OTHER_PAGES) !== 0
}

function valuePageOf(view: DataView, at: number): number {
  return Number(view.getBigUint64(valueAtOf(view, at), IS_LITTLE))
}
