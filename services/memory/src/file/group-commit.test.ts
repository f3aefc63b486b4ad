import { describe, expect, it } from 'vitest'
import { StorageError } from '../model/errors.js'
import { temporaryStore } from '../store/memory-file.support.js'
import { GroupCommit } from './group-commit.js'

/** Counts transactions, and takes back what a failed one did. */
class CountedTransactions {
  transactions = 0
  written: string[] = []
  failNext: Error | undefined

  transaction<T>(work: () => T): T {
    this.transactions += 1
    const before = [...this.written]
    try {
      const result = work()
      if (this.failNext !== undefined) throw this.failNext
      return result
    } catch (error) {
      this.failNext = undefined
      this.written = before
      throw error
    }
  }
}

function setUp(limits?: { maximumPending: number; maximumGroup: number }) {
  const database = new CountedTransactions()
  const writes = new GroupCommit(database, limits)
  const write = (value: string) =>
    writes.submit(() => {
      if (value === 'bad') throw new RangeError('bad value')
      database.written.push(value)
      return value
    })
  return { database, writes, write }
}

describe('group commit', () => {
  it('puts the writes of one turn into one transaction and answers after it', async () => {
    const { database, write } = setUp()
    const answers = Promise.all(['a', 'b', 'c'].map(write))
    expect(database.transactions).toBe(0)
    expect(await answers).toEqual(['a', 'b', 'c'])
    expect(database.transactions).toBe(1)
    await write('d')
    expect(database.transactions).toBe(2)
  })

  it('holds the acknowledgement of a store until the file has it', async () => {
    const { store, file } = temporaryStore()
    const { store: other } = temporaryStore({ file })
    const pending = Array.from({ length: 50 }, async (_, i) => {
      const { memory } = await store.store({ content: `memory ${i}` }, { id: `m${i}`, source: 'agent-1' })
      expect(await other.get(memory.id)).toBeDefined()
    })
    expect(store.stats()).toMatchObject({ memories: 0, pendingWrites: 50 })
    await Promise.all(pending)
    expect(store.stats().pendingWrites).toBe(0)
  })

  it('lets a bad write cost only itself', async () => {
    const { database, write } = setUp()
    const settled = await Promise.allSettled(['a', 'bad', 'c'].map(write))
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(database.written).toEqual(['a', 'c'])
  })

  it('fails the whole group at once when the file is at fault, and none of it stays', async () => {
    const { database, write } = setUp()
    database.failNext = new StorageError('storage-full', 'full')
    const settled = await Promise.allSettled(['a', 'b'].map(write))
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(database).toMatchObject({ transactions: 1, written: [] })
    expect(await write('c')).toBe('c')
  })

  it('refuses more than its bound as retryable, and splits what is too much for one transaction', async () => {
    const { database, write, writes } = setUp({ maximumPending: 5, maximumGroup: 2 })
    const settled = Promise.allSettled(['a', 'b', 'c', 'd', 'e', 'f'].map(write))
    await expect(write('g')).rejects.toMatchObject({ code: 'storage-overloaded', retryable: true })
    await writes.idle()
    expect((await settled).map(({ status }) => status)).toEqual([...Array(5).fill('fulfilled'), 'rejected'])
    expect(database.written).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(database.transactions).toBe(3)
  })
})
