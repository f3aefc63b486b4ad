import { describe, expect, it } from 'vitest'
import { contentId } from './content-id.js'

const memory = {
  owner: 'ada',
  content: 'We met in Lisbon',
  layer: 'episodic',
  tags: ['travel', 'may'],
  importance: 0.5,
}

describe('contentId', () => {
  it('is a version 4 UUID, as the envelope demands', () => {
    for (let i = 0; i < 200; i++) {
      expect(contentId({ ...memory, content: `text ${i}` })).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      )
    }
  })

  it('is the same for the same memory, whatever the order of its tags', () => {
    expect(contentId({ ...memory, tags: ['may', 'travel'] })).toBe(contentId(memory))
  })

  it('differs where anything that is stored differs', () => {
    const others = [
      { ...memory, owner: 'bob' },
      { ...memory, content: 'We met in Porto' },
      { ...memory, layer: 'semantic' },
      { ...memory, layer: undefined },
      { ...memory, tags: [] },
      { ...memory, tags: ['travel,may'] },
      { ...memory, importance: undefined },
    ]
    expect(new Set([memory, ...others].map(contentId)).size).toBe(8)
  })
})
