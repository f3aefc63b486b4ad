import { RawClient, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../support/clock.js'
import { startBroker } from '../test-support/start-broker.js'

const FLOOD = 10_000

/** A broker for which every look at the clock takes two fifths of a millisecond, so that time is work alone. */
async function start(clock: Partial<Clock> = {}) {
  let nowMs = 0
  const now = (): number => {
    nowMs += 0.4
    return nowMs
  }
  return startBroker({ clock: { ...systemClock, now, ...clock }, limits: { sysIntervalSeconds: 0 } })
}

const PUBLISH = Buffer.from([0x30, 0x05, 0x00, 0x01, 0x66, 0x00, 0x78])
const PINGREQ = Buffer.from([0xc0, 0x00])

describe('one that sends as fast as it can', () => {
  for (const [what, packet] of [
    ['publishes', PUBLISH],
    ['asks', PINGREQ],
  ] as const) {
    it(`and ${what} is read from in slices, between which others are heard, and loses nothing`, async () => {
      const { broker, port } = await start()
      const honest = await RawClient.connect(port)
      const flooding = await RawClient.connect(port)
      const all = broker.stats().packetsReceived + FLOOD
      flooding.sendBytes(Buffer.concat(Array<Buffer>(FLOOD).fill(packet)))
      let [longest, count] = [0, 0]
      for (let before = 0; before < all; count++) {
        expect(await honest.publishOnce('t', 'x')).toBe(0x10)
        const { packetsReceived } = broker.stats()
        if (count > 0) longest = Math.max(longest, packetsReceived - before)
        before = packetsReceived
      }
      await until(() => broker.stats().packetsReceived === all + count)
      expect(longest).toBeLessThan(FLOOD / 2)
      expect(broker.stats()).toMatchObject({ connections: 2, protocolErrors: 0 })
      expect(broker.stats().turnsYielded).toBeGreaterThan(20)
      if (packet === PINGREQ) for (let n = 0; n < FLOOD; n++) await flooding.expect('pingresp')
    })
  }

  it('alone is not made to wait', async () => {
    const timers: number[] = []
    const setTimeout = (callback: () => void, delayMs: number): unknown => {
      timers.push(delayMs)
      return systemClock.setTimeout(callback, delayMs)
    }
    const { broker, port } = await start({ setTimeout })
    const flooding = await RawClient.connect(port)
    timers.length = 0
    flooding.sendBytes(Buffer.concat(Array<Buffer>(FLOOD).fill(PUBLISH)))
    await until(() => broker.stats().publishesReceived === FLOOD)
    expect(broker.stats().turnsYielded).toBeGreaterThan(20)
    expect(timers).toEqual([])
  })
})
