import { connect, createServer, type Server, Socket } from 'node:net'
import { FakeClock, MqttPeer, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CheckedClient } from '../client/checked-client.js'
import { readSettings } from '../client/settings-reader.js'
import { makeNodePlatform } from '../entry/node-platform.js'
import { systemClock } from '../support/node-clock.js'
import { NodeAddresses } from './node-addresses.js'
import { NodeDialer } from './node-dialer.js'

const AVOID_MS = 60_000

/** Of the name `cluster`; all of 127.0.0.0/8 is this machine. */
function dialerTo(...addresses: string[]): NodeDialer {
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  return new NodeDialer(systemClock, AVOID_MS, async () => found)
}

/** A server that hangs up at once. */
async function hangingUp(host: string, port: number): Promise<{ taken: () => number }> {
  let taken = 0
  const server: Server = createServer((socket: Socket) => {
    taken++
    // What it is sent is read, or it would not see that the other side hangs up as well.
    socket.resume().end()
  })
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())))
  return { taken: () => taken }
}

describe('addresses of one name', () => {
  it('of both families take turns, and one that failed comes last for a while', async () => {
    const clock = new FakeClock()
    const addresses = new NodeAddresses(clock, AVOID_MS)
    const found = ['::1', '::2', '::3', '10.0.0.1'].map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }))
    expect(addresses.inOrder(found)).toEqual(['::1', '10.0.0.1', '::2', '::3'])
    addresses.failed('::1')
    await clock.advance(10)
    addresses.failed('10.0.0.1')
    expect(addresses.inOrder(found)).toEqual(['::2', '::3', '::1', '10.0.0.1'])
    addresses.held('10.0.0.1')
    expect(addresses.inOrder(found)).toEqual(['10.0.0.1', '::2', '::3', '::1'])
    await clock.advance(AVOID_MS)
    expect(addresses.inOrder(found)).toEqual(['::1', '10.0.0.1', '::2', '::3'])
  })

  it('are tried within one attempt where one refuses', async () => {
    const peer = await MqttPeer.listen()
    onTestFinished(() => peer.close())
    const dialer = dialerTo('127.0.0.2', '127.0.0.1')
    const socket = await dialer.dial('cluster', peer.port, new AbortController().signal)
    expect(socket.remoteAddress).toBe('127.0.0.1')
    socket.destroy()
  })

  it('are all told where none takes a connection', async () => {
    const peer = await MqttPeer.listen()
    const { port } = peer
    await peer.close()
    const dialling = dialerTo('127.0.0.2', '127.0.0.1').dial('cluster', port, new AbortController().signal)
    await expect(dialling).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('are raced: one that does not answer holds up no other, and is given up with the attempt alone', async () => {
    const peer = await MqttPeer.listen()
    onTestFinished(() => peer.close())
    const clock = new FakeClock()
    const silent = new Socket()
    const found = ['127.0.0.2', '127.0.0.1'].map((address) => ({ address, family: 4 }))
    const dialer = new NodeDialer(
      clock,
      AVOID_MS,
      async () => found,
      (host, port) => (host === '127.0.0.2' ? silent : connect({ host, port })),
    )
    const dialling = dialer.dial('cluster', peer.port, new AbortController().signal)
    dialling.catch(() => {})
    await clock.advance(250)
    expect((await dialling).remoteAddress).toBe('127.0.0.1')
    ;(await dialling).destroy()
    expect(silent.destroyed).toBe(true)
    expect(clock.pendingTimers).toBe(0)
  })

  it('are candidates: of one that takes connections and hangs up, the next attempt goes to another', async () => {
    const peer = await MqttPeer.listen()
    onTestFinished(() => peer.close())
    const bad = await hangingUp('127.0.0.2', peer.port)
    const platform = makeNodePlatform(dialerTo('127.0.0.2', '127.0.0.1'))
    const client = new CheckedClient(
      readSettings({ url: `mqtt://cluster:${peer.port}`, clientId: 'test' }, platform),
    )
    onTestFinished(async () => void (await client.close({ drain: false, timeoutMs: 500 })))
    await client.connect()
    expect(bad.taken()).toBe(1)
    ;(await peer.connection(0)).cut()
    await until(() => client.stats().connects === 2)
    expect(bad.taken()).toBeLessThanOrEqual(2)
  })

  it('leave nothing behind when the attempt is given up', async () => {
    const giving = new AbortController()
    const silent = new Socket()
    const clock = new FakeClock()
    const found = [{ address: '127.0.0.2', family: 4 }]
    const dialer = new NodeDialer(
      clock,
      AVOID_MS,
      async () => found,
      () => silent,
    )
    const dialling = dialer.dial('cluster', 1883, giving.signal)
    dialling.catch(() => {})
    await clock.advance(100)
    giving.abort(new Error('given up'))
    await expect(dialling).rejects.toThrow('given up')
    expect(silent.destroyed).toBe(true)
    expect(clock.pendingTimers).toBe(0)
    expect(dialer.hasHealthy('cluster', 1883)).toBe(false)
  })
})
