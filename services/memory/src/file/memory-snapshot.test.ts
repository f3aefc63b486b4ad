import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFile, temporaryStore } from '../store/memory-file.support.js'
import { MemoryStore } from '../store/memory-store.js'
import { checkMemoryFile } from './check-memory-file.js'
import { isDatabaseFile, MemorySnapshot } from './memory-snapshot.js'

type Store = ReturnType<typeof temporaryStore>['store']

const put = (store: Store, id: string) =>
  store.store({ content: `memory ${id} ${'x'.repeat(2000)}` }, { id, source: 'agent-1' })

function snapshotOf(file: string): MemorySnapshot {
  const snapshot = new MemorySnapshot(file)
  onTestFinished(() => snapshot.close())
  return snapshot
}

describe('a snapshot of a memory file', () => {
  it('has what was stored before its moment and nothing that came after, while the store goes on', async () => {
    const { store, clock, file } = temporaryStore()
    await Promise.all(Array.from({ length: 300 }, (_, i) => put(store, `before-${i}`)))
    const snapshot = snapshotOf(file)
    snapshot.hold()
    snapshot.take()
    snapshot.release()
    await Promise.all(Array.from({ length: 300 }, (_, i) => put(store, `after-${i}`)))
    const copy = join(dirname(file), 'copy.db')
    const pieces: number[] = []
    const { memories, bytes } = await snapshot.copyTo(copy, { onBytes: (n) => pieces.push(n) })
    expect(memories).toBe(300)
    expect(bytes).toBe(pieces.reduce((sum, n) => sum + n, 0))
    expect(statSync(copy).mode & 0o777).toBe(0o600)
    // A file of its own, without a log, that a memory is started with.
    expect(readdirSync(dirname(file)).filter((name) => name.startsWith('copy'))).toEqual(['copy.db'])
    expect(isDatabaseFile(copy)).toBe(true)
    const restored = MemoryStore.open({ file: copy, now: clock.now })
    expect((await restored.query({ query: 'before 299' })).total).toBe(1)
    expect((await restored.query({ query: 'after' })).total).toBe(0)
    await restored.close()
    snapshot.close()
    expect(checkMemoryFile(file).memories).toBe(600)
  })

  it('lets nobody write while it is held, and everybody once it is released', async () => {
    const { store, file } = temporaryStore({ busyTimeoutMs: 0 })
    await put(store, 'first')
    const snapshot = snapshotOf(file)
    snapshot.hold()
    await expect(put(store, 'second')).rejects.toMatchObject({ code: 'storage-busy' })
    snapshot.release()
    await put(store, 'second')
    expect(snapshot.version).toBeGreaterThan(0)
  })

  it('is refused of what is no memory file, and ends where it is stopped', async () => {
    const { store, file } = temporaryStore()
    await put(store, 'first')
    const other = temporaryFile()
    expect(() => new MemorySnapshot(other)).toThrow(/cannot be read|ENOENT|cannot be copied/)
    expect(isDatabaseFile(import.meta.filename)).toBe(false)
    const snapshot = snapshotOf(file)
    snapshot.take()
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(snapshot.copyTo(join(dirname(file), 'x.db'), { signal })).rejects.toThrow('enough')
    expect(readFileSync(file).length).toBeGreaterThan(0)
    await expect(snapshot.copyTo(file)).rejects.toMatchObject({ code: 'storage-failed' })
    snapshot.close()
  })
})
