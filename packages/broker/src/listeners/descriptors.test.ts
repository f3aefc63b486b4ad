import { closeSync, openSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { FakeClock } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../support/limits.js'
import { RareLog, silentLog } from '../support/log.js'
import { Descriptors } from './descriptors.js'

describe('file descriptors', () => {
  it('leave limits alone for which there are enough', () => {
    expect(new Descriptors(65_536, () => 30).fit(DEFAULT_LIMITS)).toBe(DEFAULT_LIMITS)
    expect(new Descriptors(Number.POSITIVE_INFINITY, () => 30).fit(DEFAULT_LIMITS)).toBe(DEFAULT_LIMITS)
  })

  it.each([
    [256, 30],
    [1_024, 40],
    [4_096, 40],
    [64, 40],
    [20, 40],
  ])('that are %i, %i of them open, lower limits until there is room for all', (most, open) => {
    const descriptors = new Descriptors(most, () => open)
    const { connections, pendingConnections, waitingConnections } = descriptors.fit(DEFAULT_LIMITS)
    const sockets = connections + pendingConnections + waitingConnections
    expect(Math.min(connections, pendingConnections, waitingConnections)).toBeGreaterThanOrEqual(1)
    expect(sockets).toBeLessThanOrEqual(Math.max(3, most - open - descriptors.reserve))
  })

  it('that this process has are counted, and a socket beyond them is found by its number', async () => {
    const some = Array.from({ length: 8 }, () => openSync('/dev/null', 'r'))
    const descriptors = new Descriptors()
    const before = descriptors.room
    for (const fd of some) closeSync(fd)
    expect(descriptors.room).toBe(before + some.length)
    const server = createServer().listen(0, '127.0.0.1')
    try {
      const accepted = new Promise<[boolean, boolean]>((resolve) => {
        server.on('connection', (socket) => {
          resolve([descriptors.leaveReserve(socket), new Descriptors(18, () => 0).leaveReserve(socket)])
          socket.destroy()
        })
      })
      await new Promise<void>((resolve) => server.on('listening', resolve))
      const { port } = server.address() as { port: number }
      connect(port, '127.0.0.1').on('error', () => {})
      expect(await accepted).toEqual([true, false])
    } finally {
      server.close()
    }
  })
})

describe('a rare log', () => {
  it('writes one line a minute, with how many it stands for', async () => {
    const clock = new FakeClock()
    const lines: unknown[] = []
    const log = new RareLog({ ...silentLog, error: ({ times }) => lines.push(times) }, clock)
    for (let n = 0; n < 300; n++) log.error({ event: 'broker.test' }, 'refused')
    await clock.advance(60_000)
    log.error({ event: 'broker.test' }, 'refused')
    expect(lines).toEqual([1, 300])
  })
})
