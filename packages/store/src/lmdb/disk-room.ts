import { statfs } from 'node:fs/promises'
import type { RootDatabase } from 'lmdb'
import type { Batch } from './batch.js'

/** Free bytes that nobody fills before the disk is looked at again. */
const PLENTY_BYTES = 256 * 1024 * 1024
const BELIEVED_MS = 100
/** Pages that a commit writes beside its records: the way to the root, and the list of what has become free. */
const LEAST_PAGES = 16

/**
 * Whether a commit finds room, before it is tried. LMDB that runs out of disk in the middle of a write prints a line
 * of its own on standard error, and writes the reason into a buffer that may be too short for it (`mdb_page_flush` of
 * lmdb 3.5), which ends the process. A quota or a limit of the file size is not seen here.
 */
export class DiskRoom {
  readonly #folder: string
  #freeBytes = 0
  #askedAtMs = Number.NEGATIVE_INFINITY

  constructor(folder: string) {
    this.#folder = folder
  }

  /** There is so much that nothing has to be asked. */
  get isPlenty(): boolean {
    return this.#freeBytes >= PLENTY_BYTES && performance.now() - this.#askedAtMs < BELIEVED_MS
  }

  /** The reason why a batch finds no room; undefined where it does, or nobody can tell. */
  async shortageFor(database: RootDatabase<Buffer, Buffer>, batch: Batch): Promise<string | undefined> {
    this.#askedAtMs = performance.now()
    this.#freeBytes = await freeBytesOf(this.#folder)
    if (this.#freeBytes >= PLENTY_BYTES) return undefined
    const { pageSize, pages, freePages } = readUse(database)
    const neededBytes = 2 * batch.bytes + (LEAST_PAGES + Math.min(batch.keys.length, pages)) * pageSize
    // Some of the file's free pages cannot be taken at once, or do not lie beside each other.
    if (this.#freeBytes + (freePages / 2) * pageSize >= neededBytes) return undefined
    return `${this.#freeBytes} bytes are free on the disk, ${neededBytes} may be needed`
  }
}

interface Use {
  readonly pageSize: number
  readonly pages: number
  /** Pages in the file that are free for what is written next. */
  readonly freePages: number
}

interface TreeStats {
  readonly pageSize: number
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

/**
 * The numbers of `MDB_stat` and `MDB_envinfo` in lmdb.h; there is no other tree, and two pages are the head of the
 * file.
 */
function readUse(database: RootDatabase<Buffer, Buffer>): Use {
  const stats = database.getStats() as TreeStats & { lastPageNumber: number; free: TreeStats }
  const pages = pagesOf(stats)
  const freePages = stats.lastPageNumber - 1 - pages - pagesOf(stats.free)
  return { pageSize: stats.pageSize, pages, freePages: Math.max(0, freePages) }
}

function pagesOf({ treeBranchPageCount, treeLeafPageCount, overflowPages }: TreeStats): number {
  return treeBranchPageCount + treeLeafPageCount + overflowPages
}

async function freeBytesOf(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
