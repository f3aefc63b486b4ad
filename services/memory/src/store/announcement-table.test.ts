import { expect, it, onTestFinished, vi } from 'vitest'
import { Database } from '../file/database.js'
import { describeAnnouncements } from './announcements.contract.js'
import { openFile, temporaryStore } from './memory-file.support.js'

describeAnnouncements('announcements in a file', openFile)

it('what was forgotten in the commit that stored it is told in between', async () => {
  const { store } = temporaryStore({ announcer: 'me' })
  const put = (id: string) => store.store({ content: `memory ${id}` }, { id, source: 'agent-1' })
  await Promise.all([put('a'), put('b'), store.forget({ id: 'a' }, 'r1'), put('c')])
  expect(store.pendingAnnouncements(10).map(({ update }) => update)).toEqual([
    { change: 'stored', memory_ids: ['a', 'b'] },
    { change: 'forgotten', memory_ids: ['a'] },
    { change: 'stored', memory_ids: ['c'] },
  ])
})

it('what the server has is pending no more, and goes with the next commit, on closing, or within a second', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { store, file } = temporaryStore({ announcer: 'me' })
  const put = (id: string) => store.store({ content: `memory ${id}` }, { id, source: 'agent-1' })
  const tellAll = () => store.announced(store.pendingAnnouncements(10).map(({ seq }) => seq))
  const inFile = (): number => {
    const database = new Database({ file, busyTimeoutMs: 1000 })
    const [row] = database.prepare<{ count: number }>('SELECT count(*) AS count FROM announcements').all()
    database.close()
    return row?.count ?? Number.NaN
  }
  await put('a')
  await tellAll()
  expect(store.pendingAnnouncements(10)).toEqual([])
  expect(store.stats().pendingAnnouncements).toBe(0)
  expect(inFile()).toBe(1)
  await put('b')
  expect(store.pendingAnnouncements(10).map(({ update }) => update.memory_ids)).toEqual([['b']])
  expect(inFile()).toBe(1)
  await tellAll()
  vi.advanceTimersByTime(1000)
  await new Promise(setImmediate)
  expect(inFile()).toBe(0)
  await put('c')
  await tellAll()
  await store.close()
  expect(inFile()).toBe(0)
})
