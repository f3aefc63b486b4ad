import { describe, expect, it } from 'vitest'
import { temporaryStore } from './memory-file.support.js'

const OWNER = 'agent-1'

describe('what is announced of one commit', () => {
  it('tells of memories without content together, in the order of what happened', async () => {
    const { store } = temporaryStore({ announcer: 'me' })
    const put = (id: string, scope: 'private' | 'shared' = 'private') =>
      store.store({ content: `memory ${id}`, scope }, { id, source: OWNER })
    const [, , shared] = await Promise.all([
      put('a'),
      put('b'),
      put('c', 'shared'),
      put('d'),
      store.forget({ id: 'a' }, 'r1'),
      put('e'),
      // The same text again is the memory that is there.
      store.store({ content: 'memory e' }, { id: 'f', source: OWNER }),
    ])
    expect(store.pendingAnnouncements(10).map(({ update }) => update)).toEqual([
      { change: 'stored', memory_ids: ['a', 'b'] },
      { change: 'stored', memory_ids: ['c'], memory: shared.memory },
      { change: 'stored', memory_ids: ['d'] },
      { change: 'forgotten', memory_ids: ['a'] },
      { change: 'stored', memory_ids: ['e'] },
    ])
  })

  it('has nothing of a write that was taken back, and all of those beside it once', async () => {
    const { store } = temporaryStore({ announcer: 'me' })
    const put = (id: string, content: string) => store.store({ content }, { id, source: OWNER })
    const outcomes = await Promise.allSettled([
      put('a', 'first'),
      put('b', 'second'),
      put('a', 'something else'),
      put('d', 'fourth'),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    const told = store.pendingAnnouncements(10).flatMap(({ update }) => update.memory_ids)
    expect(told).toEqual(['a', 'b', 'd'])
  })

  it('bears the same message_id and ids whenever it is published again', async () => {
    const { store, file, clock } = temporaryStore({ announcer: 'me' })
    const texts = Array.from({ length: 500 }, (_, i) => ({ content: `text ${i}` }))
    await store.storeBatch(texts, { id: '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11', source: OWNER })
    const pending = store.pendingAnnouncements(10)
    expect(pending.map(({ update }) => update.memory_ids.length)).toEqual([500])
    await store.close()
    const { store: again } = temporaryStore({ announcer: 'me', file, now: clock.now })
    expect(again.pendingAnnouncements(10)).toEqual(pending)
    await again.announced(pending.map(({ seq }) => seq))
    expect(again.pendingAnnouncements(10)).toEqual([])
  })
})
