import { getEventListeners } from 'node:events'
import { FaultProxy, MqttPeer, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Client, createClient } from '../index.js'
import { makeHarness } from '../test-support/harness.js'

const { startPeer } = makeHarness({ onTestFinished, listen: MqttPeer.listen, proxy: FaultProxy.listen })

/** How many of each kind keep the event loop alive. */
function resources(): Record<string, number> {
  const counted: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) counted[name] = (counted[name] ?? 0) + 1
  return counted
}

/** Whether there is nothing now that was not there before. */
function isBackTo(before: Record<string, number>): boolean {
  return Object.entries(resources()).every(([name, count]) => count <= (before[name] ?? 0))
}

/** How a client may have lived before it is closed. */
const lives: Record<string, (client: Client, peer: MqttPeer) => Promise<void>> = {
  'was never connected': async () => {},
  'is connecting': async (client, peer) => {
    peer.follow({ connect: () => {} })
    client.connect().catch(() => {})
    await until(() => peer.connections.length > 0)
  },
  'is connected and busy': async (client) => {
    await client.connect()
    await client.subscribe('t', () => {})
    void client.messages('u').next()
    void client.states().next()
    await client.publish('t', 'x', { qos: 2, timeoutMs: 60_000 })
  },
  'has calls that wait': async (client, peer) => {
    peer.follow({ publish: () => {}, subscribe: () => {} })
    await client.connect()
    const { signal } = new AbortController()
    client.publish('t', 'x', { qos: 1, timeoutMs: 60_000, signal }).catch(() => {})
    client.subscribe('t', { timeoutMs: 60_000, signal }, () => {}).catch(() => {})
    client.drained({ timeoutMs: 60_000 }).catch(() => {})
  },
  'waits to reconnect': async (client, peer) => {
    await client.connect()
    await peer.close()
    await until(() => client.state === 'reconnecting' && (client.status.delayMs ?? 0) > 0)
  },
  'has a server that takes nothing': async (client, peer) => {
    await client.connect()
    peer.connections[0]?.stopReading()
    const payload = Buffer.alloc(1_048_576)
    for (let i = 0; i < 32; i++) client.publish('t', payload).catch(() => {})
    await until(() => !client.explain().socket.isWritable)
  },
  'was slowed down by the server': async (client, peer) => {
    peer.follow({
      publish: ({ packetIdentifier }, server) => server.acknowledge('puback', packetIdentifier, 0x97),
    })
    await client.connect()
    await client.publish('t', 'x', { qos: 1 }).catch(() => {})
    client.publish('t', 'x', { qos: 1 }).catch(() => {})
  },
  'was stopped by the server': async (client, peer) => {
    await client.connect()
    peer.connections[0]?.send({ type: 'disconnect', reasonCode: 0x8e, properties: undefined })
    await until(() => client.state === 'error')
  },
}

describe('a closed client', () => {
  it.each(Object.keys(lives))('that %s leaves no timer, socket or listener [promise 18]', async (name) => {
    const peer = await startPeer()
    const before = resources()
    const client = createClient({ url: peer.url, clientId: 'test', waitForConnection: false })
    let told = 0
    client.onState(() => told++)
    await lives[name]?.(client, peer)
    await client.close({ drain: false, timeoutMs: 2000 })
    // The server reads again, and so sees the end.
    for (const { socket } of peer.connections) socket.resume()
    await until(() => peer.connections.every(({ socket }) => socket.destroyed))
    await until(() => isBackTo(before))
    const toldSoFar = told
    client.reset()
    expect([client.state, told]).toEqual(['disconnected', toldSoFar])
  })

  it('and a call that has ended leave nothing at the signal they were given [promise 18]', async () => {
    const peer = await startPeer()
    const { signal } = new AbortController()
    const client = createClient({ url: peer.url, clientId: 'test' })
    const call = { signal, timeoutMs: 60_000 }
    await client.connect(call)
    for (const qos of [0, 1, 2] as const) await client.publish('t', 'x', { qos, ...call })
    const subscription = await client.subscribe('t', call, () => {})
    await subscription.unsubscribe(call)
    await client.drained(call)
    await client.reauthenticate(call)
    await client.close()
    await until(() => getEventListeners(signal, 'abort').length === 0)
  })

  it('and a thousand calls with one signal have one listener there, and all end with it [promise 2] [promise 18]', async () => {
    const client = createClient({ url: 'mqtt://127.0.0.1:1', clientId: 'test', waitForConnection: false })
    const abort = new AbortController()
    const { signal } = abort
    const publish = () => client.publish('t', 'x', { qos: 1, signal, timeoutMs: 60_000 })
    const errors = Array.from({ length: 1000 }, () => publish().catch((error) => error.code))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    abort.abort()
    expect(new Set(await Promise.all(errors))).toEqual(new Set(['aborted']))
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    expect(client.stats().queuedMessages).toBe(0)
    await client.close()
  })

  it('at the end of `await using` was closed [promise 18]', async () => {
    const peer = await startPeer()
    let outlived: Client
    {
      await using client = createClient({ url: peer.url, clientId: 'test' })
      await client.connect()
      outlived = client
    }
    expect(outlived.explain().because).toBe('The client is closed.')
    await (await peer.connection(0)).packet('disconnect')
  })
})
