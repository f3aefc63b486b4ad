import { describe, expect, it } from 'vitest'
import type { OpenStorage } from './opened-storage.support.js'

const OWNER = 'agent-1'

/** What is told of the changes of one commit, and how often; `open` opens whatever keeps memories. */
export function describeAnnouncements(name: string, open: OpenStorage): void {
  describe(name, () => {
    it('tell of memories without content together, in the order of what happened', async () => {
      const { store } = await open({ announcer: 'me' })
      const put = (id: string, scope: 'private' | 'shared' = 'private') =>
        store.store({ content: `memory ${id}`, scope }, { id, source: OWNER })
      const [, , shared] = await Promise.all([
        put('a'),
        put('b'),
        put('c', 'shared'),
        put('d'),
        put('e'),
        // The same text again is the memory that is there.
        store.store({ content: 'memory e' }, { id: 'f', source: OWNER }),
      ])
      await store.forget({ id: 'a' })
      await put('g')
      const pending = await store.pendingAnnouncements(10)
      expect(pending.map(({ update }) => update)).toEqual([
        { change: 'stored', memory_ids: ['a', 'b'] },
        { change: 'stored', memory_ids: ['c'], memory: shared.memory },
        { change: 'stored', memory_ids: ['d', 'e'] },
        { change: 'forgotten', memory_ids: ['a'] },
        { change: 'stored', memory_ids: ['g'] },
      ])
    })

    it('have nothing of a write that was taken back, and all of those beside it once', async () => {
      const { store } = await open({ announcer: 'me' })
      const put = (id: string, content: string) => store.store({ content }, { id, source: OWNER })
      const outcomes = await Promise.allSettled([
        put('a', 'first'),
        put('b', 'second'),
        put('a', 'something else'),
        put('d', 'fourth'),
      ])
      expect(outcomes.map(({ status }) => status)).toEqual([
        'fulfilled',
        'fulfilled',
        'rejected',
        'fulfilled',
      ])
      const pending = await store.pendingAnnouncements(10)
      expect(pending.flatMap(({ update }) => update.memory_ids)).toEqual(['a', 'b', 'd'])
    })

    it('bear the same message_id and ids whenever they are published again', async () => {
      const { store, openBeside } = await open({ announcer: 'me' })
      const texts = Array.from({ length: 500 }, (_, i) => ({ content: `text ${i}` }))
      await store.storeBatch(texts, { id: '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11', source: OWNER })
      const pending = await store.pendingAnnouncements(10)
      expect(pending.map(({ update }) => update.memory_ids.length)).toEqual([500])
      await store.close()
      const again = await openBeside({ announcer: 'me' })
      expect(await again.pendingAnnouncements(10)).toEqual(pending)
      await again.announced(pending.map(({ seq }) => seq))
      expect(await again.pendingAnnouncements(10)).toEqual([])
    })
  })
}
