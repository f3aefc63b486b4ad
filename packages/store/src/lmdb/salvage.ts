import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import type { RootDatabase } from 'lmdb'
import { DATA_FILE, readTree } from './data-file.js'
import { flushFolder } from './folder.js'
import { WHAT_TO_DO_WITH_DAMAGE } from './record-reader.js'
import { SCHEMA_KEY } from './schema-version.js'
import { StoreError } from './store-error.js'

/** Begins with a dot, so that a folder in which it was left behind is still a store's. */
const WORKSHOP = '.salvage'
const WRITTEN_AT_ONCE = 1000

/** The outcome for a file of which pages cannot be read. */
export interface Salvage {
  readonly damagedPages: number
  /** Number of records that could be read. */
  readonly records: number
  /** The file as it was found, in the store's folder. */
  readonly keptAs: string
}

/**
 * Where pages of the file are not what LMDB wrote there, makes a sound file of all that can be read, and keeps the other
 * one beside it. Only for whoever owns the store and opens it anew after that. Undefined: it is sound. Throws
 * `StoreError` 'damaged' where too little is left to go on with.
 */
export async function salvageDamaged(
  path: string,
  folder: string,
  open: (folder: string) => Promise<RootDatabase<Buffer, Buffer>>,
): Promise<Salvage | undefined> {
  const file = join(folder, DATA_FILE)
  const descriptor = openSync(file, 'r')
  try {
    const tree = readTree(descriptor)
    tree?.check()
    if (tree === undefined || tree.damaged.length === 0) return undefined
    const damagedPages = tree.damaged.length
    const workshop = join(folder, WORKSHOP)
    rmSync(workshop, { recursive: true, force: true })
    const database = await open(workshop)
    let records = 0
    let isStore = false
    try {
      records = copy(readTree(descriptor)?.records() ?? [], database)
      isStore = database.get(SCHEMA_KEY) !== undefined
    } finally {
      await database.close()
    }
    if (!isStore) {
      rmSync(workshop, { recursive: true, force: true })
      throw new StoreError(
        'damaged',
        path,
        `${damagedPages} pages of its file cannot be read, and the one among them that says what it is; ${WHAT_TO_DO_WITH_DAMAGE}`,
      )
    }
    const sound = join(workshop, DATA_FILE)
    flush(sound)
    const keptAs = keep(folder, file)
    renameSync(sound, file)
    flushFolder(folder)
    rmSync(workshop, { recursive: true, force: true })
    return { damagedPages, records, keptAs }
  } finally {
    closeSync(descriptor)
  }
}

function copy(
  records: Iterable<{ key: Buffer; value: Buffer }>,
  database: RootDatabase<Buffer, Buffer>,
): number {
  let count = 0
  let some: { key: Buffer; value: Buffer }[] = []
  const write = (): void => {
    database.transactionSync(() => {
      for (const { key, value } of some) void database.put(key, value)
    })
    count += some.length
    some = []
  }
  for (const record of records) {
    some.push(record)
    if (some.length === WRITTEN_AT_ONCE) write()
  }
  write()
  return count
}

/** A second name for the file, which stays when the first one gets another. */
function keep(folder: string, file: string): string {
  let n = 1
  while (existsSync(join(folder, `.damaged-${n}.mdb`))) n++
  const name = `.damaged-${n}.mdb`
  try {
    linkSync(file, join(folder, name))
  } catch {
    // Some file systems do not let a file have two names.
    copyFileSync(file, join(folder, name))
  }
  return name
}

function flush(file: string): void {
  const descriptor = openSync(file, 'r+')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** The damage as an error, for readers of the log. */
export function damageOf(path: string, { damagedPages, records, keptAs }: Salvage): StoreError {
  return new StoreError(
    'damaged',
    path,
    `${damagedPages} pages of its file could not be read; it goes on with the ${records} records of the others, and ${keptAs} in its folder is the file as it was`,
  )
}
