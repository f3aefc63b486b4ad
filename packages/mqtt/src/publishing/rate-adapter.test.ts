import { FakeClock, FaultProxy, MqttPeer, settled, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { nodeParts } from '../client/node-parts.js'
import { makeHarness, rejection, text } from '../test-support/harness.js'
import { RateAdapter } from './rate-adapter.js'

const { connectTo, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

/** Sends as fast as it may for `seconds`; returns how many it was. */
async function sendFor(rate: RateAdapter, clock: FakeClock, seconds: number): Promise<number> {
  let sent = 0
  for (let step = 0; step < seconds * 100; step++) {
    while (rate.isOpen && sent < 1_000_000) {
      rate.take()
      sent++
      if (rate.messagesPerSecond === undefined) break
    }
    await clock.advance(10)
  }
  return sent
}

describe('the rate', () => {
  it('is unlimited until the server complains, then half of what it was, and recovers [promise 26]', async () => {
    const clock = new FakeClock()
    const rate = new RateAdapter(clock, nodeParts, () => {})
    for (let i = 0; i < 1000; i++) {
      expect(rate.isOpen).toBe(true)
      rate.take()
      await clock.advance(1)
    }
    expect(rate.messagesPerSecond).toBeUndefined()
    rate.slow()
    expect(rate.messagesPerSecond).toBeGreaterThan(450)
    expect(rate.messagesPerSecond).toBeLessThan(550)
    expect(rate.isOpen).toBe(false)
    const first = await sendFor(rate, clock, 1)
    expect(first).toBeGreaterThan(450)
    expect(first).toBeLessThan(600)
    rate.slow()
    expect(rate.messagesPerSecond).toBeLessThan(300)
    await clock.advance(60_000)
    expect(rate.messagesPerSecond).toBeUndefined()
    expect(rate.isOpen).toBe(true)
    rate.stop()
    expect(clock.pendingTimers).toBe(0)
  })

  it('never stands still, however often the server complains [promise 26]', async () => {
    const clock = new FakeClock()
    const rate = new RateAdapter(clock, nodeParts, () => {})
    for (let i = 0; i < 50; i++) rate.slow()
    expect(await sendFor(rate, clock, 5)).toBeGreaterThan(3)
  })
})

describe('a client whose server complains', () => {
  it('with 0x97 gets its refusal, and sends what follows more slowly [promise 26]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    let isFull = true
    peer.follow({
      publish: ({ packetIdentifier }, server) =>
        server.acknowledge('puback', packetIdentifier, isFull ? 0x97 : 0),
    })
    const client = await connectTo(peer, { clock, keepAliveSeconds: 0 })
    await clock.advance(1000)
    const refusal = await rejection(client.publish('t', 'refused', { qos: 1 }))
    expect(refusal).toMatchObject({ code: 'refused', reasonCode: 0x97, retryable: true })
    isFull = false
    const published = ['1', '2', '3'].map((payload) => client.publish('t', payload, { qos: 1 }))
    const server = await peer.connection(0)
    await settled(10)
    expect(server.all('publish')).toHaveLength(1)
    expect(client.explain().because).toContain('the server asked for less')
    for (let i = 0; i < 3; i++) {
      await clock.advance(1000)
      await server.packet('publish', i + 1)
    }
    await Promise.all(published)
    expect(server.all('publish').map((packet) => text(packet.payload))).toEqual(['refused', '1', '2', '3'])
  })

  it('with 0x97 about a message that is not paced goes on as fast as before', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    peer.follow({
      publish: ({ packetIdentifier, topic }, server) =>
        server.acknowledge('puback', packetIdentifier, topic === 'full' ? 0x97 : 0),
    })
    const client = await connectTo(peer, { clock, keepAliveSeconds: 0 })
    await clock.advance(1000)
    for (let i = 0; i < 5; i++) {
      const refusal = await rejection(client.publish('full', 'x', { qos: 1, isPaced: false }))
      expect(refusal).toMatchObject({ code: 'refused', reasonCode: 0x97 })
      await client.publish('t', 'x', { qos: 1 })
    }
    expect(client.explain().because ?? '').not.toContain('the server asked for less')
  })

  it('leaves no timer when it is closed while messages wait for their turn [promise 18]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    peer.follow({
      publish: ({ packetIdentifier }, server) => server.acknowledge('puback', packetIdentifier, 0x97),
    })
    const client = await connectTo(peer, { clock, keepAliveSeconds: 0 })
    await rejection(client.publish('t', 'refused', { qos: 1 }))
    client.publish('t', 'waits', { qos: 1 }).catch(() => {})
    expect(client.explain().because).toContain('the server asked for less')
    await client.close({ drain: false })
    expect(clock.pendingTimers).toBe(0)
  })

  it.each([0x96, 0x97])(
    'with DISCONNECT %i comes back and holds back QoS 0 publishers, too [promise 26]',
    async (reasonCode) => {
      const clock = new FakeClock()
      const peer = await startPeer()
      const client = await connectTo(peer, { clock, keepAliveSeconds: 0 })
      for (let i = 0; i < 4; i++) await client.publish('t', 'x')
      await clock.advance(1000)
      ;(await peer.connection(0)).send({ type: 'disconnect', reasonCode, properties: undefined })
      await until(() => client.state === 'reconnecting')
      await clock.advance(0)
      await until(() => client.state === 'connected')
      let done = 0
      const publishing = (async () => {
        for (let i = 0; i < 4; i++) {
          await client.publish('t', 'x')
          done++
        }
      })()
      await settled(10)
      expect(done).toBeLessThan(2)
      for (let i = 0; i < 8; i++) await clock.advance(1000)
      await publishing
    },
  )
})
