import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const FLAGS_AT = 18
const IS_LEAF = 2

/** Changes one bit of every copy of `bytes` in a store's file, at `at`. */
export function flipBit(folder: string, bytes: Buffer, at = 0): void {
  const file = join(folder, 'data.mdb')
  const data = readFileSync(file)
  const descriptor = openSync(file, 'r+')
  let copies = 0
  for (let found = data.indexOf(bytes); found >= 0; found = data.indexOf(bytes, found + 1)) {
    writeSync(descriptor, Buffer.from([(data[found + at] as number) ^ 1]), 0, 1, found + at)
    copies++
  }
  closeSync(descriptor)
  if (copies === 0) throw new Error(`${bytes.toString('hex')} is not in ${file}`)
}

/** Writes zeros over the leaves in which a key is. */
export function zeroPage(folder: string, key: Buffer): void {
  const file = join(folder, 'data.mdb')
  const data = readFileSync(file)
  const pageBytes = data.readUInt32LE(48)
  const descriptor = openSync(file, 'r+')
  let pages = 0
  for (let found = data.indexOf(key); found >= 0; found = data.indexOf(key, found + 1)) {
    const start = found - (found % pageBytes)
    if ((data.readUInt16LE(start + FLAGS_AT) & IS_LEAF) === 0) continue
    writeSync(descriptor, Buffer.alloc(pageBytes), 0, pageBytes, start)
    pages++
  }
  closeSync(descriptor)
  if (pages === 0) throw new Error(`no leaf of ${file} has ${key.toString('hex')}`)
}
