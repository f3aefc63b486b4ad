import { expect, it } from 'vitest'
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
