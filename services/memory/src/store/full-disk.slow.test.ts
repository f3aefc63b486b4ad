import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { smallDisk } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { checkMemoryFile } from '../file/check-memory-file.js'
import { StorageError } from '../model/errors.js'
import { MemoryStore } from './memory-store.js'

const DISK_BYTES = 6 * 1024 * 1024
const SPARE_BYTES = 1024 * 1024

/** Stores memories three at a time until one is refused. */
async function fill(store: MemoryStore): Promise<{ acknowledged: string[]; refusal: unknown }> {
  const acknowledged: string[] = []
  for (let round = 0; ; round++) {
    const stored = await Promise.allSettled(
      ['a', 'b', 'c'].map(async (letter) => {
        const id = `${round}${letter}`
        await store.store(
          { content: `memory ${id} ${'of much '.repeat(500)}`, layer: 'semantic' },
          { id, source: 'me' },
        )
        acknowledged.push(id)
      }),
    )
    const refused = stored.find((one) => one.status === 'rejected')
    if (refused !== undefined) return { acknowledged, refusal: refused.reason }
  }
}

async function expectAll(store: MemoryStore, ids: readonly string[]): Promise<void> {
  for (const id of ids) expect(await store.get(id)).toMatchObject({ id })
  expect(await store.query({ query: 'memory' })).toMatchObject({ total: ids.length })
}

describe('a disk that is full', () => {
  it('refuses memories, loses none that it took, and takes more once there is room [promise 33]', async (test) => {
    const disk = smallDisk(DISK_BYTES)
    if (disk === undefined) return test.skip('no file system can be mounted here; it takes root')
    onTestFinished(() => disk.remove())
    const spare = join(disk.path, 'spare')
    writeFileSync(spare, Buffer.alloc(SPARE_BYTES))
    const file = join(disk.path, 'memory.db')
    const filled = MemoryStore.open({ file })
    const { acknowledged, refusal } = await fill(filled)
    expect(refusal).toBeInstanceOf(StorageError)
    expect(refusal).toMatchObject({
      code: 'storage-full',
      retryable: true,
      message: expect.stringContaining('the disk or the configured maximum is full; free some space'),
    })
    expect(acknowledged.length).toBeGreaterThan(100)
    await expectAll(filled, acknowledged)
    // Its log cannot be taken over into the file, and stays beside it.
    await filled.close().catch((error: unknown) => expect(error).toMatchObject({ code: 'storage-full' }))
    const store = MemoryStore.open({ file })
    await expectAll(store, acknowledged)
    const more = { content: `memory again ${'of much '.repeat(500)}`, layer: 'semantic' as const }
    await expect(store.store(more, { id: 'again', source: 'me' })).rejects.toMatchObject({
      code: 'storage-full',
    })
    rmSync(spare)
    expect(await store.store(more, { id: 'again', source: 'me' })).toMatchObject({ created: true })
    await expectAll(store, [...acknowledged, 'again'])
    await store.close()
    expect(checkMemoryFile(file)).toMatchObject({ memories: acknowledged.length + 1 })
  })

  it('has room to forget with, after which it takes memories again [promise 33]', async (test) => {
    const disk = smallDisk(DISK_BYTES)
    if (disk === undefined) return test.skip('no file system can be mounted here; it takes root')
    onTestFinished(() => disk.remove())
    const file = join(disk.path, 'memory.db')
    const reserve = `${file}.reserve`
    const claim = { id: 'this process', isNew: true }
    const store = MemoryStore.open({ file, claim, reserveBytes: SPARE_BYTES })
    await store.sweep()
    expect(statSync(reserve)).toMatchObject({ size: SPARE_BYTES, mode: 0o100600 })
    const { acknowledged, refusal } = await fill(store)
    expect(refusal).toMatchObject({ code: 'storage-full' })
    // What is not to be forgotten cannot take the room.
    expect(existsSync(reserve)).toBe(true)
    const half = acknowledged.slice(0, acknowledged.length / 2)
    expect(await store.forget({ ids: half, confirm: half.length })).toEqual({ forgotten: half.length })
    expect(existsSync(reserve)).toBe(false)
    await store.sweep()
    const more = { content: `memory again ${'of much '.repeat(500)}`, layer: 'semantic' as const }
    expect(await store.store(more, { id: 'again', source: 'me' })).toMatchObject({ created: true })
    await expectAll(store, [...acknowledged.slice(half.length), 'again'])
    await store.close()
    expect(checkMemoryFile(file)).toMatchObject({ memories: acknowledged.length - half.length + 1 })
  })
})
