import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock } from '@jamey/testing'
import { onTestFinished } from 'vitest'
import { MemoryStore, type MemoryStoreOptions } from './memory-store.js'
import type { OpenStorage } from './opened-storage.support.js'

/** The path of a memory file that does not exist yet, in a folder that the end of the test removes. */
export function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'jamey-memory-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'memory.db')
}

/** A clock that stands still on the day of these tests. */
export function fakeClock(): FakeClock {
  return new FakeClock(Date.parse('2026-05-01T12:00:00.000Z'))
}

/** A store in a temporary file with a clock that stands still; closed at the end of the test. */
export function temporaryStore(options: Partial<MemoryStoreOptions> = {}): {
  store: MemoryStore
  clock: FakeClock
  file: string
} {
  const clock = fakeClock()
  const file = options.file ?? temporaryFile()
  const store = MemoryStore.open({ file, now: clock.now, ...options })
  onTestFinished(() => store.close())
  return { store, clock, file }
}

/** A memory file for the suites that every storage has to pass. */
export const openFile: OpenStorage = async (options = {}) => {
  const { store, clock, file } = temporaryStore(options)
  const openBeside = async (other = options) => temporaryStore({ ...other, file, now: clock.now }).store
  return { store, clock, openBeside }
}
