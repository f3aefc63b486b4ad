import { describe, expect, it } from 'vitest'
import { stopInOrder } from './stop-in-order.js'

describe('stopInOrder', () => {
  it('stops one group after the other, those of a group at once [promise 38]', async () => {
    const events: string[] = []
    const part = (name: string) => ({
      name,
      stop: async () => {
        events.push(`${name} begins`)
        await Promise.resolve()
        events.push(`${name} ends`)
      },
    })
    await stopInOrder([[part('gateway')], [part('conscience'), part('memory')], [], [part('broker')]])
    expect(events).toEqual([
      'gateway begins',
      'gateway ends',
      'conscience begins',
      'memory begins',
      'conscience ends',
      'memory ends',
      'broker begins',
      'broker ends',
    ])
  })

  it('stops the others though one fails or never ends, and names both', async () => {
    let stopped = false
    const stopping = stopInOrder(
      [
        [{ name: 'gateway', stop: () => Promise.reject(new Error('stuck')) }],
        [{ name: 'memory', stop: () => new Promise(() => {}) }],
        [
          {
            name: 'broker',
            stop: async () => {
              stopped = true
            },
          },
        ],
      ],
      30,
    )
    await expect(stopping).rejects.toThrow('gateway failed: stuck; memory did not end in time')
    expect(stopped).toBe(true)
  })
})
