import { describe, expect, it } from 'vitest'
import { Rights } from './permissions.js'

describe('rights', () => {
  it('come from entries of their kind, and from those of both', () => {
    const rights = new Rights(['publish:jamey/a', 'subscribe:jamey/b/#', 'jamey/c/+'], 'eva')
    expect(['jamey/a', 'jamey/b/x', 'jamey/c/x'].map((topic) => rights.mayPublish(topic))).toEqual([
      true,
      false,
      true,
    ])
    expect(['jamey/a', 'jamey/b/#', 'jamey/c/+'].map((filter) => rights.maySubscribe(filter))).toEqual([
      false,
      true,
      true,
    ])
  })

  it('cover the whole of a filter, or none of it', () => {
    expect(new Rights(['subscribe:jamey/+/status'], 'eva').maySubscribe('jamey/#')).toBe(false)
  })

  it('put the client itself in the place of %c', () => {
    const rights = new Rights(['publish:jamey/keys/%c'], 'eva')
    expect(rights.mayPublish('jamey/keys/eva')).toBe(true)
    expect(rights.mayPublish('jamey/keys/bob')).toBe(false)
  })

  it('are none by entries of other kinds', () => {
    expect(new Rights(['act-for:+', 'relay:+'], 'eva').mayPublish('x')).toBe(false)
  })
})
