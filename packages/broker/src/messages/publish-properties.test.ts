import type { PublishProperties } from '@jamey/protocol'
import { describe, expect, it } from 'vitest'
import { forwardable } from './publish-properties.js'

describe('the properties of a PUBLISH that came with a topic alias', () => {
  it('travel on without it, and without a copy [MQTT-3.3.2-7]', () => {
    const own: PublishProperties = { contentType: 'x', topicAlias: 3 }
    expect(forwardable(own)).toBe(own)
    expect(own).toEqual({ contentType: 'x' })
  })

  it('stay as they are where other packets share them, and are copied once [MQTT-3.3.2-7]', () => {
    const shared: PublishProperties = Object.freeze({ contentType: 'x', topicAlias: 3 })
    const others = forwardable(shared)
    expect(others).toEqual({ contentType: 'x' })
    expect(forwardable(shared)).toBe(others)
    expect(shared.topicAlias).toBe(3)
  })
})
