import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Child } from '../test-support/child.js'
import { newFolder } from '../test-support/folder.js'
import { SERVING_PROCESS } from '../test-support/serving-process.js'

/** The kinds of a mutex in glibc: robust and shared between processes, and destroyed. */
const SHARED = 0x90
const DESTROYED = -1

/** What the last one to close the store does to the mutexes that an opener is waiting for. */
function destroyMutexes(lockFile: string): number {
  const bytes = readFileSync(lockFile)
  let destroyed = 0
  for (let at = 0; at < 512; at += 4) {
    if (bytes.readInt32LE(at) !== SHARED) continue
    bytes.writeInt32LE(DESTROYED, at)
    destroyed++
  }
  // In place: the holder has the file mapped, and would be killed by a signal where that had no bytes for a moment.
  writeFileSync(lockFile, bytes, { flag: 'r+' })
  return destroyed
}

describe('opening a store whose mutexes another process has just destroyed', () => {
  it.runIf(process.platform === 'linux')(
    'has lmdb say nothing on standard error while it is tried again',
    async () => {
      const path = newFolder()
      const holder = new Child(SERVING_PROCESS, [path])
      onTestFinished(async () => void (await holder.kill()))
      await holder.line()
      expect(destroyMutexes(join(path, 'lock.mdb'))).toBeGreaterThan(1)
      const script = fileURLToPath(new URL('../test-support/run-source.mjs', import.meta.url))
      const { status, stderr } = spawnSync(process.execPath, [script, SERVING_PROCESS, path], {
        encoding: 'utf8',
        timeout: 60_000,
      })
      expect(status).not.toBe(0)
      expect(stderr).toContain('Invalid argument')
      expect(stderr).not.toContain('No current read transaction')
    },
  )
})
