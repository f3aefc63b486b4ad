import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, statSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFile } from '../store/memory-file.support.js'
import { OwnerLock } from './owner-lock.js'

function take(file: string): OwnerLock | undefined {
  const lock = OwnerLock.tryTake(file)
  onTestFinished(() => lock?.release())
  return lock
}

/** Another process that holds the lock of this file as this one would. */
async function holder(file: string): Promise<ChildProcess> {
  const script = `const lock = new (require('libsql'))(${JSON.stringify(`${file}.owner`)})
    lock.exec('BEGIN EXCLUSIVE')
    process.stdout.write('held')
    setInterval(() => lock.open, 60000)`
  const child = spawn(process.execPath, ['-e', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout as NodeJS.ReadableStream, 'data')
  return child
}

describe('the lock of a memory file', () => {
  it('is one process’s, and within it one’s, until it is let go of', () => {
    const file = temporaryFile()
    const first = take(file)
    expect(first).toBeDefined()
    expect(take(file)).toBeUndefined()
    expect(statSync(`${file}.owner`).mode & 0o777).toBe(0o600)
    first?.release()
    first?.release()
    expect(take(file)).toBeDefined()
  })

  it('stays with a process that stands still, and ends with one that is killed', async () => {
    const file = temporaryFile()
    const child = await holder(file)
    expect(take(file)).toBeUndefined()
    child.kill('SIGSTOP')
    expect(take(file)).toBeUndefined()
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    expect(take(file)).toBeDefined()
  })

  it('cannot be taken where its file cannot be one', () => {
    const file = temporaryFile()
    mkdirSync(`${file}.owner`)
    expect(() => take(file)).toThrow(expect.objectContaining({ name: 'StorageError' }))
  })
})
