import { closeSync, fstatSync, openSync, readSync, statSync, truncateSync } from 'node:fs'
import { endianness } from 'node:os'
import { PageTree } from './page-tree.js'
import { WHAT_TO_DO_WITH_DAMAGE } from './record-reader.js'
import { StoreError } from './store-error.js'

export const DATA_FILE = 'data.mdb'
export const LOCK_FILE = 'lock.mdb'

const MAGIC = 0xbeefc0de
const DATA_VERSION = 2
const META_BYTES = 168
const IS_LITTLE = endianness() === 'LE'

/**
 * The head of an LMDB data file: two meta pages, of which the one with the higher transaction number counts. Offsets
 * from `MDB_page` and `MDB_meta` in LMDB's mdb.c, data format 2.
 */
interface MetaPage {
  readonly magic: number
  readonly version: number
  readonly pageBytes: number
  readonly lastPage: number
  readonly transaction: number
}

/** LMDB trusts its file, so what is plainly no store is refused before it is mapped. Throws `StoreError`. */
export function checkDataFile(path: string, file: string): void {
  const { bytes, first } = readHead(file)
  // A process that died while it made the store leaves an empty file, which LMDB fills.
  if (bytes === 0) return
  if (first === undefined || first.magic !== MAGIC) {
    throw new StoreError(
      'foreign',
      path,
      `expected an LMDB file in ${DATA_FILE}, found something else; give the store a folder of its own, or ${WHAT_TO_DO_WITH_DAMAGE}`,
    )
  }
  if ((first.version & 0xffff) !== DATA_VERSION) {
    throw new StoreError(
      'foreign',
      path,
      `expected LMDB data format ${DATA_VERSION} in ${DATA_FILE}, found ${first.version & 0xffff}; give the store a folder of its own`,
    )
  }
}

/**
 * A file that was cut off would end the process with SIGBUS where a missing page is read; as zeros, LMDB finds that
 * such a page is none. The last pages may be missing from a sound file, too: LMDB does not write pages that a
 * transaction took and gave back. Only for whoever owns the store.
 */
export function fillUpDataFile(file: string): void {
  const { bytes, expectedBytes } = sizeOf(file)
  if (bytes < expectedBytes) truncateSync(file, expectedBytes)
}

/** True where pages are missing at the end of the file. */
export function isShortDataFile(file: string): boolean {
  const { bytes, expectedBytes } = sizeOf(file)
  return bytes < expectedBytes
}

/** The pages of the commit that counts; undefined where there was none. */
export function readTree(descriptor: number): PageTree | undefined {
  const first = readMeta(descriptor, 0)
  const second = first === undefined ? undefined : readMeta(descriptor, first.pageBytes)
  if (first === undefined) return undefined
  const isSecond = second !== undefined && second.transaction > first.transaction
  const page = Buffer.alloc(META_BYTES)
  readSync(descriptor, page, 0, META_BYTES, isSecond ? first.pageBytes : 0)
  const { lastPage } = isSecond ? second : first
  return new PageTree(descriptor, page, first.pageBytes, lastPage)
}

/** A text that tells a file from another one of its name; undefined where there is none. */
export function identityOf(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats === undefined ? undefined : `${stats.dev} ${stats.ino}`
}

function sizeOf(file: string): { bytes: number; expectedBytes: number } {
  const { bytes, first, second } = readHead(file)
  if (first === undefined) return { bytes, expectedBytes: 0 }
  const newest = second !== undefined && second.transaction > first.transaction ? second : first
  return { bytes, expectedBytes: (newest.lastPage + 1) * newest.pageBytes }
}

function readHead(file: string): {
  bytes: number
  first: MetaPage | undefined
  second: MetaPage | undefined
} {
  const descriptor = openSync(file, 'r')
  try {
    const bytes = fstatSync(descriptor).size
    const first = readMeta(descriptor, 0)
    const second = first === undefined ? undefined : readMeta(descriptor, first.pageBytes)
    return { bytes, first, second }
  } finally {
    closeSync(descriptor)
  }
}

function readMeta(descriptor: number, position: number): MetaPage | undefined {
  const page = Buffer.alloc(META_BYTES)
  if (readSync(descriptor, page, 0, META_BYTES, position) < META_BYTES) return undefined
  const view = new DataView(page.buffer, page.byteOffset, page.length)
  return {
    magic: view.getUint32(24, IS_LITTLE),
    version: view.getUint32(28, IS_LITTLE),
    pageBytes: view.getUint32(48, IS_LITTLE),
    lastPage: Number(view.getBigUint64(144, IS_LITTLE)),
    transaction: Number(view.getBigUint64(152, IS_LITTLE)),
  }
}
