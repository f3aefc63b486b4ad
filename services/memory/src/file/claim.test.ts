import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFile } from '../store/memory-file.support.js'
import { MemoryStore } from '../store/memory-store.js'

function claimed(file: string, id: string, isNew = true): MemoryStore {
  const store = MemoryStore.open({ file, announcer: `client ${id}`, claim: { id, isNew } })
  onTestFinished(() => store.close())
  return store
}

const put = (store: MemoryStore, id: string) => store.store({ content: id }, { id, source: 'agent-1' })
const superseded = { name: 'StorageError', code: 'storage-superseded' }

describe('whoever claims a memory file', () => {
  it('alone writes to it from then on', async () => {
    const file = temporaryFile()
    const first = claimed(file, 'a')
    await put(first, 'm1')
    const second = claimed(file, 'b')
    await expect(put(first, 'm2')).rejects.toMatchObject(superseded)
    await expect(first.sweep()).rejects.toMatchObject(superseded)
    await put(second, 'm3')
    expect(second.stats().memories).toBe(2)
  })

  it('opens it again, but not once somebody else has claimed it', async () => {
    const file = temporaryFile()
    await claimed(file, 'a').close()
    await claimed(file, 'a', false).close()
    claimed(file, 'b')
    expect(() => claimed(file, 'a', false)).toThrow(expect.objectContaining(superseded))
  })

  it('announces at once what the one before left behind', async () => {
    const file = temporaryFile()
    const first = claimed(file, 'a')
    await put(first, 'm1')
    const [left] = first.pendingAnnouncements(10)
    expect(left).toBeDefined()
    expect(claimed(file, 'b').pendingAnnouncements(10)).toEqual([left])
  })
})
