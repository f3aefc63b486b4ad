import { readSync } from 'node:fs'
import { endianness } from 'node:os'

const HEADER_BYTES = 24
const FLAGS_AT = 18
const LOWER_AT = 20
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

/**
 * The pages of an LMDB file, as its last commit left them, read without LMDB: that trusts its pages, and ends the
 * process where it walks into one that is none. `MDB_page`, `MDB_node` and `MDB_ovpage` of mdb.c, data format 2.
 */
export class PageTree {
  readonly #descriptor: number
  readonly #pageBytes: number
  readonly #pages: number
  readonly #meta: DataView
  /** Pages in their place in the tree that are not what LMDB wrote there. */
  readonly damaged: number[] = []

  /** `meta` is the page of the commit that counts. */
  constructor(descriptor: number, meta: Buffer, pageBytes: number, lastPage: number) {
    this.#descriptor = descriptor
    this.#meta = new DataView(meta.buffer, meta.byteOffset, meta.length)
    this.#pageBytes = pageBytes
    this.#pages = lastPage + 1
  }

  /** Finds what is `damaged`; of a leaf it looks at the head only. */
  check(): void {
    for (const tree of TREES) for (const leaf of this.#leaves(tree)) this.#readHead(leaf)
  }

  /** The records on pages that are sound, in the order of their keys; those of values that are not are damaged later. */
  *records(): Generator<PageRecord> {
    for (const leaf of this.#leaves(TREES[1])) {
      const page = this.#readHead(leaf) && this.#read(leaf, this.#pageBytes)
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
    const bytes = this.#read(page, this.#pageBytes)
    if (bytes === undefined || !this.#isSound(page, bytes, IS_BRANCH)) return
    const view = viewOf(bytes)
    for (const at of nodesOf(view)) {
      const low = view.getUint16(at, IS_LITTLE) + view.getUint16(at + 2, IS_LITTLE) * 0x1_0000
      yield* this.#below(low + view.getUint16(at + 4, IS_LITTLE) * 0x1_0000_0000, depth - 1)
    }
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
    const hasNodes = HEADER_BYTES + view.getUint16(LOWER_AT, IS_LITTLE) <= this.#pageBytes
    if (isKind && hasNumber && hasNodes) return true
    this.damaged.push(page)
    return false
  }

  #read(page: number, length: number): Buffer | undefined {
    const bytes = Buffer.alloc(length)
    const position = page * this.#pageBytes
    if (page < this.#pages && readSync(this.#descriptor, bytes, 0, length, position) === length) return bytes
    this.damaged.push(page)
    return undefined
  }

  *#recordsOf(leaf: number, page: Buffer): Generator<PageRecord> {
    const view = viewOf(page)
    try {
      for (const at of nodesOf(view)) {
        const bytes = view.getUint16(at, IS_LITTLE) + view.getUint16(at + 2, IS_LITTLE) * 0x1_0000
        const keyBytes = view.getUint16(at + 6, IS_LITTLE)
        const valueAt = at + NODE_BYTES + keyBytes
        const key = Buffer.from(page.subarray(at + NODE_BYTES, valueAt))
        const isElsewhere = (view.getUint16(at + 4, IS_LITTLE) & IN_OTHER_PAGES) !== 0
        const value = isElsewhere
          ? this.#valueFrom(Number(view.getBigUint64(valueAt, IS_LITTLE)), bytes)
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
