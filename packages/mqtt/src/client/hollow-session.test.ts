import { FakeClock, FaultProxy, MqttPeer, type PeerConnection, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { collectErrors, makeHarness, rejection } from '../test-support/harness.js'

const { connectTo, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

/** A server that keeps every session, and answers a SUBSCRIBE with the code that `answer` gives at the time. */
async function keepingServer(answer: (filter: string) => number = () => 1) {
  const peer = await startPeer()
  peer.follow({
    connect: ({ cleanStart }, server) => server.accept({ sessionPresent: !cleanStart }),
    subscribe: ({ packetIdentifier, subscriptions }, server) => {
      const reasonCodes = subscriptions.map(({ filter }) => answer(filter))
      server.send({ type: 'suback', packetIdentifier, reasonCodes, properties: undefined })
    },
  })
  return peer
}

function filtersOf(server: PeerConnection): (string | undefined)[] {
  return server.all('subscribe').map(({ subscriptions }) => subscriptions[0]?.filter)
}

describe('a session that the server says it has', () => {
  it('may have lost its shared subscriptions, so they are asked for again with every connection', async () => {
    const peer = await keepingServer()
    const client = await connectTo(peer, { reconnect: { baseDelayMs: 1 } })
    await client.subscribe('$share/g/a', () => {})
    await client.subscribe('b', () => {})
    ;(await peer.connection(0)).cut()
    const second = await peer.connection(1)
    await second.packet('subscribe')
    second.cut()
    const third = await peer.connection(2)
    await third.packet('subscribe')
    expect([filtersOf(second), filtersOf(third)]).toEqual([['$share/g/a'], ['$share/g/a']])
  })

  it('can be asked for a subscription anew while the connection lasts', async () => {
    let code = 1
    const peer = await keepingServer(() => code)
    const { errors, onBackgroundError } = collectErrors()
    const client = await connectTo(peer, { onBackgroundError, clock: new FakeClock() })
    const seen: string[] = []
    const subscription = await client.subscribe('a', { retainHandling: 0 }, ({ topic }) => seen.push(topic))
    await subscription.renew()
    const server = await peer.connection(0)
    expect(server.all('subscribe').map(({ subscriptions }) => subscriptions[0])).toMatchObject([
      { filter: 'a', retainHandling: 0 },
      { filter: 'a', retainHandling: 1 },
    ])
    code = 0x87
    expect(await rejection(subscription.renew())).toMatchObject({ code: 'refused', reasonCode: 0x87 })
    expect(errors).toMatchObject([{ code: 'refused' }])
    // It is still wanted: what comes all the same finds its handler.
    server.publish('a', 'x', { qos: 1, packetIdentifier: 1 })
    await server.packet('puback')
    expect(seen).toEqual(['a'])
    await subscription.unsubscribe()
    expect(await rejection(subscription.renew())).toMatchObject({ code: 'aborted' })
  })
})

describe('a subscription that was granted and is refused after a reconnect', () => {
  async function refused(reasonCode: number) {
    let code = 1
    const clock = new FakeClock()
    const peer = await keepingServer(() => code)
    const { errors, onBackgroundError } = collectErrors()
    const client = await connectTo(peer, { onBackgroundError, clock })
    await client.subscribe('$share/g/a', () => {})
    code = reasonCode
    ;(await peer.connection(0)).cut()
    await until(() => client.state !== 'connected')
    await clock.advance(0)
    const server = await peer.connection(1)
    await until(() => errors.length === 1)
    const grant = (): void => {
      code = 1
    }
    return { clock, client, errors, server, grant }
  }

  it('is asked for again within the connection, ever more seldom, until it is granted', async () => {
    const { clock, client, errors, server, grant } = await refused(0x87)
    expect(filtersOf(server)).toHaveLength(1)
    await clock.advance(999)
    expect(filtersOf(server)).toHaveLength(1)
    await clock.advance(1)
    await until(() => errors.length === 2)
    await clock.advance(1999)
    expect(errors).toHaveLength(2)
    grant()
    await clock.advance(1)
    await until(() => filtersOf(server).length === 3)
    await client.subscribe('$share/g/a', () => {})
    await clock.advance(120_000)
    expect(errors).toHaveLength(2)
    expect(filtersOf(server)).toHaveLength(3)
  })

  it('is left alone where the server says that it can never have it', async () => {
    const { clock, errors, server } = await refused(0x9e)
    await clock.advance(120_000)
    expect(errors).toHaveLength(1)
    expect(filtersOf(server)).toHaveLength(1)
  })
})
