import { statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { MemoryStoreInput } from '@jamey/contracts'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFile, temporaryStore } from '../store/memory-file.support.js'
import type { MemoryStore } from '../store/memory-store.js'
import { MemoryArchive } from './memory-archive.js'

function put(store: MemoryStore, id: string, input: Partial<MemoryStoreInput> = {}, sentAtMs?: number) {
  return store.store({ content: `memory ${id}`, ...input }, { id, source: 'agent-1', sentAtMs })
}

function archived(file: string, nowMs: number) {
  const archive = new MemoryArchive(file, () => nowMs)
  const memories = [...archive.memories()]
  archive.close()
  return memories
}

/** As it travels: through JSON. */
const lines = (file: string, nowMs: number) =>
  archived(file, nowMs).map((memory) => JSON.parse(JSON.stringify(memory)) as unknown)

describe('an archive', () => {
  it('gives every memory as it is, and takes it back as it was, while the store is open', async () => {
    const { store, clock, file } = temporaryStore()
    const odd = {
      content: 'a text\nwith "quotes" and \u2028',
      layer: 'semantic' as const,
      tags: ['Ärger', 'b'],
      importance: 0.1,
      occurred_at: '2024-05-11T09:30:00+01:00',
      metadata: { 2: 'two', 1: 'one', a: '\u{1f600}', deep: [{ n: 1e21 }] },
    }
    await put(store, 'odd id / \u{1f600}', odd, clock.now() - 5000)
    await clock.advance(60_000)
    await put(store, 'm2')
    const exported = lines(file, clock.now())
    expect(exported).toHaveLength(2)

    const other = temporaryStore()
    await other.clock.advance(10_800_000)
    for (const line of exported) expect(await other.store.restore(line)).toBe('restored')
    expect(lines(other.file, clock.now())).toEqual(exported)
    // A repeat of the message that stored it is known for one.
    expect(await put(other.store, 'odd id / \u{1f600}', odd, clock.now() - 65_000)).toMatchObject({
      created: false,
    })
    expect((await other.store.query({ query: 'quotes' })).total).toBe(1)
    expect((await other.store.query({ tags: ['ärger'] })).total).toBe(1)
    for (const line of exported) expect(await other.store.restore(line)).toBe('known')
  })

  it('has the versions that a memory had before, the newest first', async () => {
    const { store, file, clock } = temporaryStore()
    await store.store({ content: 'first', layer: 'semantic' }, { id: 'm1', source: 'me' })
    await store.store({ content: 'never changed', layer: 'semantic' }, { id: 'm2', source: 'me' })
    await store.update({ id: 'm1', content: 'second' })
    await store.update({ id: 'm1', content: 'third' })
    const archive = new MemoryArchive(file, clock.now)
    onTestFinished(() => archive.close())
    const [changed, unchanged] = [...archive.memories()]
    expect(changed).toMatchObject({
      content: 'third',
      history: [{ content: 'second' }, { content: 'first' }],
    })
    expect(unchanged).not.toHaveProperty('history')
  })

  it('reads more than a page, in the order of storing', async () => {
    const { store, clock, file } = temporaryStore()
    await Promise.all(Array.from({ length: 1203 }, (_, i) => put(store, `m${i}`)))
    expect(archived(file, clock.now()).map(({ id }) => id)).toEqual(
      Array.from({ length: 1203 }, (_, i) => `m${i}`),
    )
  })

  it('leaves out what has expired, on both sides', async () => {
    const { store, clock, file } = temporaryStore()
    await put(store, 'short', { layer: 'working' })
    await put(store, 'long', { layer: 'semantic' })
    const before = lines(file, clock.now())
    await clock.advance(3_601_000)
    expect(archived(file, clock.now()).map(({ id }) => id)).toEqual(['long'])
    const other = temporaryStore()
    await other.clock.advance(3_601_000)
    expect(await Promise.all(before.map((line) => other.store.restore(line)))).toEqual([
      'expired',
      'restored',
    ])
  })

  it('brings back what was forgotten, and announces nothing', async () => {
    const { store, clock, file } = temporaryStore({ announcer: 'me' })
    await put(store, 'm1', { layer: 'semantic' })
    const [line] = lines(file, clock.now())
    await store.forget({ id: 'm1' })
    const before = store.stats().pendingAnnouncements
    expect(await store.restore(line)).toBe('restored')
    expect(store.stats()).toMatchObject({ memories: 1, pendingAnnouncements: before })
  })

  it('refuses another memory under an id that is taken, and what it would not keep whole', async () => {
    const { store, clock, file } = temporaryStore()
    await put(store, 'm1')
    const [line] = lines(file, clock.now()) as [Record<string, unknown>]
    await expect(store.restore({ ...line, metadata: { other: 1 } })).rejects.toMatchObject({
      code: 'memory-conflict',
    })
    await expect(store.restore({ ...line, id: 'm2', mood: 'blue' })).rejects.toThrow(/mood/)
    await expect(store.restore({ ...line, id: 'm2', sent_at: undefined })).rejects.toMatchObject({
      field: 'sent_at',
    })
    await expect(store.restore('text')).rejects.toMatchObject({ name: 'MemoryInputError' })
    expect(store.stats().memories).toBe(1)
  })
})

describe('a backup', () => {
  it('is the whole file at one moment, sound, of its owner alone, and can be opened as a store', async () => {
    const { store, clock, file } = temporaryStore()
    await put(store, 'm1', { layer: 'semantic' })
    const copy = join(dirname(file), "it's a copy.db")
    const archive = new MemoryArchive(file, clock.now)
    expect(archive.backup(copy)).toMatchObject({ memories: 1 })
    archive.close()
    expect(statSync(copy).mode & 0o777).toBe(0o600)
    await put(store, 'm2')
    const restored = temporaryStore({ file: copy })
    await restored.clock.advance(1000)
    expect(await restored.store.get('m1')).toEqual(await store.get('m1'))
    expect(restored.store.stats().memories).toBe(1)
    expect(lines(copy, clock.now())).toEqual(lines(file, clock.now()).slice(0, 1))
  })

  it('overwrites nothing, and is made of memory files alone', async () => {
    const { store, clock, file } = temporaryStore()
    await put(store, 'm1')
    const archive = new MemoryArchive(file, clock.now)
    expect(() => archive.backup(file)).toThrow(/is there already/)
    archive.close()
    const other = temporaryFile()
    writeFileSync(other, 'no database at all, only some text that is long enough')
    expect(() => new MemoryArchive(other, clock.now)).toThrow(/is not a database|no memory file/)
    expect(() => new MemoryArchive(`${other}.absent`, clock.now)).toThrow(/cannot be read/)
  })
})
