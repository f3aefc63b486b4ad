import { FaultProxy, MqttPeer, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeHarness, text } from '../test-support/harness.js'

const { connectTo, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

const RECONNECT = { baseDelayMs: 1, maxDelayMs: 5, failuresBeforeOpen: Number.POSITIVE_INFINITY }

/**
 * A server like VerneMQ 2.1.2: after its restart it says that a session is present which began with Clean Start, and
 * knows what was subscribed, but delivers only by what was subscribed since, and overlooks a SUBSCRIBE in which it finds
 * nothing new.
 */
async function forgetfulServer() {
  const peer = await startPeer()
  const port = peer.port
  const written = new Map<string, string>()
  const served = new Map<string, number | undefined>()
  peer.follow({
    connect: ({ cleanStart }, server) => {
      if (cleanStart) written.clear()
      server.accept({ sessionPresent: !cleanStart })
    },
    subscribe: ({ packetIdentifier, subscriptions, properties }, server) => {
      for (const subscription of subscriptions) {
        const record = JSON.stringify({ ...subscription, ...properties })
        if (written.get(subscription.filter) === record) continue
        written.set(subscription.filter, record)
        served.set(subscription.filter, properties?.subscriptionIdentifier)
      }
      server.send({
        type: 'suback',
        packetIdentifier,
        reasonCodes: subscriptions.map(() => 1),
        properties: undefined,
      })
    },
  })
  return {
    peer,
    /** Away until the client has missed it. */
    async restart(client: { stats(): { connectFailures: number; connects: number } }): Promise<void> {
      const { connectFailures, connects } = client.stats()
      await peer.close()
      served.clear()
      await until(() => client.stats().connectFailures > connectFailures)
      await peer.relisten(port)
      await until(() => client.stats().connects > connects)
    },
    /** Resolves when the server has taken what was sent before. */
    async deliver(topic: string, payload: string): Promise<void> {
      const server = peer.connections.at(-1)
      const identifier = served.get(topic)
      if (server === undefined || !served.has(topic)) return
      server.publish(topic, payload, {
        qos: 1,
        packetIdentifier: 1,
        properties: identifier === undefined ? undefined : { subscriptionIdentifiers: [identifier] },
      })
      await server.packet('puback', server.all('puback').length)
    },
    isServed: (filter: string): boolean => served.has(filter),
  }
}

describe('a server that was away', () => {
  it('is asked for every subscription anew, each time with something new, so that it serves them after every restart', async () => {
    const { peer, restart, deliver, isServed } = await forgetfulServer()
    const client = await connectTo(peer, { reconnect: RECONNECT })
    const seen: string[] = []
    for (const filter of ['a', 'b']) {
      await client.subscribe(filter, ({ payload }) => void seen.push(`${filter}: ${text(payload)}`))
    }
    for (const time of ['1', '2', '3', '4', '5']) {
      await restart(client)
      await until(() => isServed('a') && isServed('b'))
      await deliver('a', time)
      await deliver('b', time)
      expect(seen.splice(0)).toEqual([`a: ${time}`, `b: ${time}`])
    }
  })

  it('is served by the last identifiers too, for what it had on its way', async () => {
    const { peer, restart, isServed } = await forgetfulServer()
    const client = await connectTo(peer, { reconnect: RECONNECT })
    const seen: string[] = []
    await client.subscribe('a/#', { retainHandling: 0 }, () => void seen.push('a/#'))
    await client.subscribe('a/b', () => void seen.push('a/b'))
    const first = (await peer.connection(0)).all('subscribe')[0]?.properties?.subscriptionIdentifier as number
    await restart(client)
    await until(() => isServed('a/#'))
    const server = peer.connections.at(-1)
    const again = server?.all('subscribe')[0]
    expect(again?.subscriptions[0]).toMatchObject({ filter: 'a/#', retainHandling: 1 })
    expect(again?.properties?.subscriptionIdentifier).not.toBe(first)
    server?.publish('a/b', 'x', {
      qos: 1,
      packetIdentifier: 1,
      properties: { subscriptionIdentifiers: [first] },
    })
    await server?.packet('puback')
    expect(seen).toEqual(['a/#'])
  })

  it('is asked for a renewal with something new', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const subscription = await client.subscribe('a', () => {})
    await subscription.renew()
    await subscription.renew()
    const asked = (await peer.connection(0)).all('subscribe')
    const identifiers = asked.map(({ properties }) => properties?.subscriptionIdentifier)
    expect(new Set(identifiers).size).toBe(3)
  })
})
