import { encodedBytes } from '@jamey/protocol'
import { FaultProxy, MqttPeer, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SubscriptionError } from '../index.js'
import { collectErrors, makeHarness, rejection } from '../test-support/harness.js'

const { connectTo, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

const FAST = { baseDelayMs: 1, maxDelayMs: 2, jitter: 0 }

/** A server that takes so many bytes a packet, on its connections one after the other. */
async function startNarrow(...maxima: readonly number[]) {
  const peer = await startPeer()
  peer.follow({
    connect: (_, server) => {
      const maximumPacketSize = maxima[Math.min(peer.connections.length, maxima.length) - 1] ?? 60
      server.accept({ properties: { maximumPacketSize } })
    },
  })
  return peer
}

describe("SUBSCRIBE above the server's Maximum Packet Size", () => {
  it('is not sent: it is rejected at once with filter, size and maximum, and others go on [MQTT-3.2.2-15]', async () => {
    const peer = await startNarrow(1024)
    const client = await connectTo(peer)
    const filter = `ä/${'x'.repeat(2000)}`
    const error = await rejection(client.subscribe(filter, { timeoutMs: Infinity }, () => {}))
    expect(error).toBeInstanceOf(SubscriptionError)
    expect(error).toMatchObject({ code: 'packet-too-large', retryable: false })
    expect(error.message).toBe(
      `subscribe of '${filter}': the packet takes 2017 bytes; the server accepts 1024`,
    )
    const seen: string[] = []
    await client.subscribe('a', ({ topic }) => seen.push(topic))
    const server = await peer.connection(0)
    server.publish('a', 'x')
    await until(() => seen.length === 1)
    expect(server.all('subscribe').map((p) => p.subscriptions[0]?.filter)).toEqual(['a'])
    expect(client.stats()).toMatchObject({ subscriptionFailures: 1, connectionsLost: 0 })
    expect(client.state).toBe('connected')
  })

  it('is sent where it has the exact size, and not with one byte more [MQTT-3.2.2-15]', async () => {
    const peer = await startNarrow(60)
    const client = await connectTo(peer)
    const outcomes: string[] = []
    for (let bytes = 30; bytes < 60; bytes++) {
      await client
        .subscribe('x'.repeat(bytes), () => {})
        .then(
          () => outcomes.push('sent'),
          (error) => outcomes.push(error.code),
        )
    }
    const sizes = (await peer.connection(0)).all('subscribe').map((packet) => encodedBytes(packet, 5))
    expect(Math.max(...sizes)).toBe(60)
    expect(sizes).toHaveLength(outcomes.indexOf('packet-too-large'))
    expect(new Set(outcomes.slice(sizes.length))).toEqual(new Set(['packet-too-large']))
  })

  it('of a handler that is there is told, kept, and asked for again where a later connection takes it', async () => {
    const peer = await startNarrow(1024, 60, 1024)
    const { errors, onBackgroundError } = collectErrors()
    const client = await connectTo(peer, { onBackgroundError, reconnect: FAST })
    const filter = 'x'.repeat(100)
    await client.subscribe(filter, () => {})
    await client.subscribe('a', () => {})
    const askedOn = async (index: number) => {
      const server = await peer.connection(index)
      await server.packet('subscribe', index === 1 ? 0 : 1)
      return server.all('subscribe').map((p) => p.subscriptions[0]?.filter)
    }
    expect(await askedOn(0)).toEqual([filter, 'a'])
    ;(await peer.connection(0)).socket.destroy()
    expect(await askedOn(1)).toEqual(['a'])
    const told = errors.filter(({ name }) => name === 'SubscriptionError')
    expect(told).toMatchObject([{ code: 'packet-too-large' }])
    ;(await peer.connection(1)).socket.destroy()
    expect(await askedOn(2)).toEqual([filter, 'a'])
  })
})

describe("UNSUBSCRIBE above the server's Maximum Packet Size", () => {
  it('is not sent, and whoever waits for it is told [MQTT-3.2.2-15]', async () => {
    const peer = await startNarrow(60)
    const client = await connectTo(peer)
    // One that the session may hold from before.
    const filter = 'x'.repeat(54)
    expect(await rejection(client.unsubscribe(filter))).toMatchObject({
      code: 'packet-too-large',
      message: `unsubscribe of '${filter}': the packet takes 61 bytes; the server accepts 60`,
    })
    await client.unsubscribe('x'.repeat(53))
    const sent = (await peer.connection(0)).all('unsubscribe')
    expect(sent.map((packet) => encodedBytes(packet, 5))).toEqual([60])
    expect(client.stats()).toMatchObject({ subscriptionFailures: 1, connectionsLost: 0 })
  })

  it('that nobody waits for any more is told in the background', async () => {
    const peer = await startNarrow(1024, 60)
    const { errors, onBackgroundError } = collectErrors()
    const client = await connectTo(peer, { onBackgroundError, reconnect: FAST })
    const filter = 'x'.repeat(100)
    const { unsubscribe } = await client.subscribe(filter, () => {})
    const server = await peer.connection(0)
    // Not before it was asked for.
    let accept = (): void => {}
    const isAsked = new Promise<void>((resolve) => {
      accept = resolve
    })
    peer.follow({
      connect: (_, next) =>
        void isAsked.then(() => next.accept({ sessionPresent: true, properties: { maximumPacketSize: 60 } })),
    })
    server.socket.destroy()
    await until(() => client.state !== 'connected')
    await unsubscribe()
    accept()
    await until(() => errors.some(({ code }) => code === 'packet-too-large'))
    expect((await peer.connection(1)).all('unsubscribe')).toEqual([])
    expect(client.state).toBe('connected')
  })
})
