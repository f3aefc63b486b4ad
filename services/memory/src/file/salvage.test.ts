import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { topics } from '@jamey/contracts'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FakeBus } from '../service/bus.support.js'
import { createMemory } from '../service/memory-service.js'
import { fakeClock, temporaryFile, temporaryStore } from '../store/memory-file.support.js'
import { MemoryStore } from '../store/memory-store.js'
import { checkMemoryFile } from './check-memory-file.js'

const COUNT = 400
const PAGE = 4096

/** A file with so many memories, of which some pages in the middle are overwritten. */
async function damagedFile(): Promise<string> {
  const { store, file } = temporaryStore()
  await Promise.all(
    Array.from({ length: COUNT }, (_, i) =>
      store.store(
        { content: `${i} ${'words '.repeat(150)}`, layer: 'semantic' },
        { id: `m${i}`, source: 'ada' },
      ),
    ),
  )
  await store.update({ id: 'm1', content: 'changed since' })
  await store.close()
  const bytes = readFileSync(file)
  const middle = Math.floor(bytes.length / PAGE / 2)
  bytes.fill(0xa5, middle * PAGE, (middle + 4) * PAGE)
  writeFileSync(file, bytes)
  return file
}

describe('a damaged memory file', () => {
  const inThisThread = async (options: Parameters<typeof MemoryStore.open>[0]) => MemoryStore.open(options)

  it.each([
    ['in its own thread', {}],
    ['in this one', { open: inThisThread }],
  ])('is set aside %s, and what can be read of it is served from a new one', async (_where, opened) => {
    const file = await damagedFile()
    const bus = new FakeBus()
    const service = createMemory({ file, bus: bus.asBus(), clock: fakeClock(), ...opened })
    onTestFinished(() => service.stop({ graceMs: 0 }))
    await service.start()
    const memories = (await service.stats())?.memories ?? 0
    expect(memories).toBeGreaterThan(COUNT / 2)
    expect(memories).toBeLessThan(COUNT)
    const told = bus.reported.find(({ kind }) => kind === 'storage-damaged')?.error as Error
    expect(told.message).toContain(`a new one has the ${memories} memories that could be read`)
    const aside = readdirSync(dirname(file)).filter((name) => name.startsWith('memory.db.damaged-'))
    expect(aside).toContain('memory.db.damaged-2026-05-01T12-00-00-000Z')
    expect(told.message).toContain(aside[0])
    const ada = { clientId: 'ada' }
    expect(await bus.request(topics.memory.store, { content: 'and it goes on' }, ada)).toMatchObject({
      created: true,
    })
    const found = await bus.request(topics.memory.query, { query: 'words', limit: 1 }, ada)
    expect(found.total).toBe(memories - 1)
    expect(await bus.request(topics.memory.history, { id: 'm1' }, ada)).toMatchObject({
      versions: [{ content: 'changed since', version: 2 }, { version: 1 }],
    })
    await service.stop()
    expect(checkMemoryFile(file).memories).toBe(memories + 1)
  })

  it('is refused by whoever is not its owner, and left as it is', async () => {
    const file = await damagedFile()
    const before = readFileSync(file)
    expect(() => MemoryStore.open({ file })).toThrow(expect.objectContaining({ code: 'storage-damaged' }))
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  it('is left as it is where it cannot be told to be ours', () => {
    const file = temporaryFile()
    writeFileSync(file, 'not a database '.repeat(500))
    const claim = { id: 'one', isNew: true }
    expect(() => MemoryStore.open({ file, claim })).toThrow(
      expect.objectContaining({ code: 'storage-damaged' }),
    )
    expect(readFileSync(file, 'utf8')).toBe('not a database '.repeat(500))
  })
})
