import { describe, expect, it } from 'vitest'
import { formatPublished } from './pub.js'

describe('what became of a message', () => {
  const published = {
    topic: 't',
    bytes: 3,
    qos: 1,
    isRetained: false,
    reasonCode: 0,
    isOldServer: false,
  } as const

  it.each([
    [published, 'published 3 bytes to t; somebody is subscribed to it'],
    [{ ...published, reasonCode: 0x10 }, 'published 3 bytes to t; nobody is subscribed to it now'],
    [{ ...published, isOldServer: true }, 'published 3 bytes to t'],
    [{ ...published, qos: 0 } as const, 'published 3 bytes to t, which nobody acknowledges at QoS 0'],
    [
      { ...published, reasonCode: 0x10, isRetained: true },
      'published 3 bytes to t; nobody is subscribed to it now; kept for later subscribers',
    ],
    [
      { ...published, bytes: 0, isRetained: true },
      'published 0 bytes to t: the retained message is taken away',
    ],
  ])('is told as far as the broker tells it: %o', (facts, text) => {
    expect(formatPublished(facts)).toBe(text)
  })
})
