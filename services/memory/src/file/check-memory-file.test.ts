import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { StorageError } from '../model/errors.js'
import { temporaryFile, temporaryStore } from '../store/memory-file.support.js'
import { checkMemoryFile } from './check-memory-file.js'
import { MemoryArchive } from './memory-archive.js'
import { MEMORY_FILE_VERSION } from './schema.js'

async function filled(): Promise<ReturnType<typeof temporaryStore>> {
  const opened = temporaryStore()
  const words = 'words '.repeat(200)
  const memories = Array.from({ length: 100 }, (_, i) => ({ content: `${i} ${words}` }))
  await Promise.all(memories.map((memory, i) => opened.store.store(memory, { id: `m${i}`, source: 'a' })))
  return opened
}

function codeOf(file: string): string {
  try {
    checkMemoryFile(file)
    return 'sound'
  } catch (error) {
    return error instanceof StorageError ? error.code : String(error)
  }
}

describe('a check of the memory file', () => {
  it('counts what is in it while its service has it open, whatever the path is called, and changes nothing', async () => {
    const { store, file } = await filled()
    expect(checkMemoryFile(file)).toMatchObject({ memories: 100 })
    await store.close()
    const odd = join(dirname(file), 'what? 100% # of it.db')
    renameSync(file, odd)
    const before = readFileSync(odd)
    const found = checkMemoryFile(odd)
    expect(found).toEqual({ memories: 100, bytes: before.length })
    expect(readFileSync(odd).equals(before)).toBe(true)
  })

  it('says that it is damaged [promise 37]', async () => {
    const { store, file } = await filled()
    await store.close()
    const bytes = readFileSync(file)
    bytes.fill(0xa5, 4096 * 6, bytes.length - 4096)
    writeFileSync(file, bytes)
    expect(codeOf(file)).toBe('storage-damaged')
  })

  it('refuses a file of a newer program, as an export and a backup do, and changes nothing', async () => {
    const { store, file } = await filled()
    await store.close()
    const database = new Libsql(file)
    database.exec(`PRAGMA user_version = ${MEMORY_FILE_VERSION + 92}`)
    database.close()
    const before = readFileSync(file)
    const words = `has version ${MEMORY_FILE_VERSION + 92}, and this program reads up to version ${MEMORY_FILE_VERSION}; use the newer program`
    expect(codeOf(file)).toBe('storage-version')
    expect(() => checkMemoryFile(file)).toThrow(words)
    expect(() => new MemoryArchive(file, Date.now)).toThrow(words)
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  it('refuses what is missing, of another program or no database at all', () => {
    const file = temporaryFile()
    expect(codeOf(file)).toBe('storage-io')
    writeFileSync(file, 'This is a letter, not a database. '.repeat(200))
    expect(codeOf(file)).toBe('storage-damaged')
    const other = join(dirname(file), 'other.db')
    const database = new Libsql(other)
    database.exec('CREATE TABLE recipes (name TEXT)')
    database.close()
    expect(codeOf(other)).toBe('storage-foreign')
  })
})
