import { FakeClock, FaultProxy, MqttPeer, settled, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CheckedClient } from '../client/checked-client.js'
import { readSettings } from '../client/settings-reader.js'
import { makeNodePlatform } from '../entry/node-platform.js'
import type { Client } from '../index.js'
import type { Endpoint } from '../model/transport.js'
import { systemClock } from '../support/node-clock.js'
import { makeHarness } from '../test-support/harness.js'
import { NodeDialer } from '../transport/node-dialer.js'
import { readSrvUrl } from '../transport/node-srv.js'
import { Endpoints } from './endpoints.js'
import { findServer } from './node-servers.js'

const { connectTo, makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

const AVOID_MS = 60_000

function make(...hosts: string[]): { endpoints: Endpoints; clock: FakeClock; all: Endpoint[] } {
  const all = hosts.map((host) => ({
    scheme: 'mqtts',
    host,
    port: 8883,
    path: '',
    href: `mqtts://${host}:8883`,
  }))
  const clock = new FakeClock()
  return { endpoints: new Endpoints(all, AVOID_MS, clock), clock, all }
}

async function reconnected(client: Client, clock: FakeClock, connects: number): Promise<void> {
  await until(() => client.state !== 'connected' || client.stats().connects === connects)
  while (client.stats().connects < connects) {
    if (client.state === 'reconnecting') await clock.advance(client.status.delayMs ?? 0)
    await settled()
  }
}

describe('servers', () => {
  it('are tried in order, and one that failed is passed over for a while [promise 16]', async () => {
    const { endpoints, clock, all } = make('a', 'b', 'c')
    const [a, b, c] = all as [Endpoint, Endpoint, Endpoint]
    expect(endpoints.next()).toBe(a)
    endpoints.failed(a)
    await clock.advance(1000)
    expect(endpoints.next()).toBe(b)
    endpoints.failed(b)
    await clock.advance(1000)
    expect(endpoints.next()).toBe(c)
    endpoints.failed(c)
    // All have failed: the one whose failure is longest ago may have recovered.
    expect(endpoints.next()).toBe(a)
    endpoints.failed(a)
    expect(endpoints.next()).toBe(b)
    endpoints.held(c)
    expect(endpoints.next()).toBe(c)
    await clock.advance(AVOID_MS)
    expect(endpoints.next()).toBe(a)
  })

  it('may refer to another one, once or for good, but never to one without TLS [promise 15]', () => {
    const { endpoints, all } = make('a')
    const [a] = all as [Endpoint]
    endpoints.refer('b:1234', a, false)
    expect(endpoints.next().href).toBe('mqtts://b:1234')
    expect(endpoints.next()).toBe(a)
    for (const reference of ['mqtt://evil:1883', 'ws://evil', ' ', 'http://evil', undefined]) {
      endpoints.refer(reference, a, true)
      expect(endpoints.next()).toBe(a)
    }
    endpoints.refer('c other', a, true)
    expect([endpoints.next().href, endpoints.next().href]).toEqual(['mqtts://c:8883', 'mqtts://c:8883'])
  })
})

describe('a client of several servers', () => {
  const STEADY = { jitter: 0, stableAfterMs: 0, maxDelayMs: AVOID_MS }

  it('does not go back to the one that is down with every reconnect, but does when time has passed [promise 16]', async () => {
    const clock = new FakeClock()
    const [preferred, other] = [await startPeer(), await startPeer()]
    const { port } = preferred
    await preferred.close()
    const urls = [`mqtt://127.0.0.1:${port}`, other.url]
    const client = makeClient({ urls, clock, reconnect: STEADY, keepAliveSeconds: 0 })
    client.connect().catch(() => {})
    await reconnected(client, clock, 1)
    await preferred.relisten(port)
    other.connections[0]?.cut()
    await reconnected(client, clock, 2)
    expect([preferred.connections.length, other.connections.length]).toEqual([0, 2])
    await clock.advance(AVOID_MS)
    other.connections[1]?.cut()
    await reconnected(client, clock, 3)
    expect([preferred.connections.length, other.connections.length]).toEqual([1, 2])
  })

  it.each([0x9c, 0x9d])(
    'goes to the one a DISCONNECT names, %i, and comes back or stays [promise 15]',
    async (reasonCode) => {
      const clock = new FakeClock()
      const [old, young] = [await startPeer(), await startPeer()]
      const client = await connectTo(old, { clock, reconnect: STEADY, keepAliveSeconds: 0 })
      const properties = { serverReference: `127.0.0.1:${young.port}` }
      old.connections[0]?.send({ type: 'disconnect', reasonCode, properties })
      await reconnected(client, clock, 2)
      expect([old.connections.length, young.connections.length]).toEqual([1, 1])
      young.connections[0]?.cut()
      await reconnected(client, clock, 3)
      expect([old.connections.length, young.connections.length]).toEqual(
        reasonCode === 0x9d ? [1, 2] : [2, 1],
      )
    },
  )

  it('tries each of the others at once, and waits before it tries one again', async () => {
    const clock = new FakeClock()
    const [first, second, third] = [await startPeer(), await startPeer(), await startPeer()]
    const urls = [first.url, second.url, third.url]
    const client = await connectTo(first, {
      url: undefined,
      urls,
      clock,
      reconnect: STEADY,
      keepAliveSeconds: 0,
    })
    const startedAtMs = clock.now()
    await Promise.all([first.close(), second.close()])
    while (client.stats().connects < 2) await clock.advance(0)
    expect([third.connections.length, clock.now() - startedAtMs]).toEqual([1, 0])
    await third.close()
    // The third, twice: what it lost it asks for at once, and then that has failed like the others.
    while (client.stats().connectFailures < 5) await clock.advance(0)
    await until(() => client.state === 'reconnecting')
    expect(client.status.delayMs).toBe(1000)
  })

  it('takes the next one where it is sent away without a name [promise 15]', async () => {
    const clock = new FakeClock()
    const [first, second] = [await startPeer(), await startPeer()]
    const urls = [first.url, second.url]
    const client = await connectTo(first, { url: undefined, urls, clock, reconnect: STEADY })
    first.connections[0]?.send({ type: 'disconnect', reasonCode: 0x9c, properties: undefined })
    await reconnected(client, clock, 2)
    expect([first.connections.length, second.connections.length]).toEqual([1, 1])
  })
})

describe('a client of a name', () => {
  const host = '127.0.0.1'
  const STEADY = { jitter: 0, stableAfterMs: 0, maxDelayMs: AVOID_MS }

  /** As `connect` makes it, with this in the place of DNS. */
  function named(resolve: () => Promise<readonly number[]>, clock: FakeClock): Client {
    const answer = async () =>
      (await resolve()).map((port, priority) => ({ name: host, port, priority, weight: 0 }))
    const dialer = new NodeDialer(systemClock, AVOID_MS)
    const options = {
      url: 'mqtt://localhost',
      clientId: 'test',
      clock,
      reconnect: STEADY,
      keepAliveSeconds: 0,
    }
    const settings = readSettings(options, makeNodePlatform(dialer))
    const endpoints = [readSrvUrl(`mqtt+srv://${host}`, answer)]
    const client = new CheckedClient({ ...settings, endpoints, locate: findServer })
    onTestFinished(async () => void (await client.close({ drain: false, timeoutMs: 500 })))
    return client
  }

  it('connects to the servers that DNS names at the time, past the one that is down', async () => {
    const clock = new FakeClock()
    const [down, first, second] = [await startPeer(), await startPeer(), await startPeer()]
    let ports = [down.port, first.port]
    const gone = down.port
    await down.close()
    const client = named(async () => ports, clock)
    client.connect().catch(() => {})
    await reconnected(client, clock, 1)
    expect(first.connections.length).toBe(1)
    ports = [gone, second.port]
    first.connections[0]?.cut()
    await reconnected(client, clock, 2)
    expect([first.connections.length, second.connections.length]).toEqual([1, 1])
  })

  it('goes to another of them when one sends it away, also while DNS does not answer', async () => {
    const clock = new FakeClock()
    const [first, second] = [await startPeer(), await startPeer()]
    let isDown = false
    const client = named(async () => {
      if (isDown) throw new Error('queryTimeout')
      return [first.port, second.port]
    }, clock)
    await client.connect()
    isDown = true
    first.connections[0]?.send({ type: 'disconnect', reasonCode: 0x9c, properties: undefined })
    await reconnected(client, clock, 2)
    expect([first.connections.length, second.connections.length]).toEqual([1, 1])
  })

  it('says what is wrong with the name', async () => {
    const client = named(async () => [], new FakeClock())
    await expect(client.connect()).rejects.toThrow(`SRV records of _mqtt._tcp.${host} name nothing`)
  })
})
