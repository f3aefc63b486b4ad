import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createAuthority } from '@jamey/auth'
import { FakeClock, FaultProxy, MqttPeer, settled, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Client, ConnectOptions } from '../index.js'
import { isBun, makeHarness, rejection, text } from '../test-support/harness.js'
import { HeldStore } from '../test-support/held-store.js'

const { connectTo, makeClient, startPeer, startProxy } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

/** A server that takes connections and says nothing. */
async function startMute(): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => sockets.push(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as { port: number }).port, sockets }
}

const never = (): Promise<never> => new Promise(() => {})

/** Everything that may hang while a client is closed, and what the client is doing then. */
const hanging: Record<
  string,
  (options: ConnectOptions) => Promise<{ client: Client; waiting?: Promise<unknown> }>
> = {
  'the handshake of TLS': async (options) => {
    const { port, sockets } = await startMute()
    const ca = (await createAuthority()).certPem
    const client = makeClient({ ...options, url: `mqtts://127.0.0.1:${port}`, tls: { ca } })
    const waiting = client.connect()
    await until(() => sockets.length > 0)
    return { client, waiting }
  },
  'the handshake of WebSocket': async (options) => {
    const { port, sockets } = await startMute()
    const client = makeClient({ ...options, url: `ws://127.0.0.1:${port}` })
    const waiting = client.connect()
    await until(() => sockets.length > 0)
    return { client, waiting }
  },
  'the answer to CONNECT': async (options) => {
    const { port, sockets } = await startMute()
    const client = makeClient({ ...options, url: `mqtt://127.0.0.1:${port}` })
    const waiting = client.connect()
    await until(() => sockets.length > 0)
    return { client, waiting }
  },
  'the credentials function': async (options) => {
    const client = makeClient({ ...options, url: 'mqtt://127.0.0.1:1', credentials: never })
    const waiting = client.connect()
    await until(() => client.state === 'connecting')
    return { client, waiting }
  },
  'the wait for the next attempt': async (options) => {
    const client = makeClient({ ...options, url: 'mqtt://127.0.0.1:1', waitForConnection: false })
    const waiting = client.connect()
    await until(() => client.state === 'reconnecting')
    return { client, waiting }
  },
  'reading the store': async (options) => {
    const store = new HeldStore()
    store.open = never
    const client = makeClient({ ...options, url: 'mqtt://127.0.0.1:1', store })
    const waiting = client.connect()
    return { client, waiting }
  },
  'a handler': async (options) => {
    const peer = await startPeer()
    const client = await connectTo(peer, options)
    await client.subscribe('t', never)
    peer.connections[0]?.publish('t', 'x', { qos: 1, packetIdentifier: 1 })
    await until(() => client.stats().handlersRunning === 1)
    return { client, waiting: client.drained().then(() => Promise.reject(new Error('drained'))) }
  },
  'a commit of the store': async (options) => {
    const peer = await startPeer()
    const store = new HeldStore()
    const client = await connectTo(peer, { ...options, store })
    store.isHeld = true
    client.publish('t', 'x', { qos: 1 }).catch(() => {})
    await until(() => store.commitsAsked > 0)
    return { client }
  },
  'the acknowledgement of a publish': async (options) => {
    const peer = await startPeer()
    peer.follow({ publish: () => {} })
    const client = await connectTo(peer, options)
    return { client, waiting: client.publish('t', 'x', { qos: 1 }) }
  },
  'a server that takes nothing': async (options) => {
    const peer = await startPeer()
    const client = await connectTo(peer, options)
    peer.connections[0]?.stopReading()
    const payload = Buffer.alloc(1_048_576)
    for (let i = 0; i < 32; i++) client.publish('t', payload).catch(() => {})
    await until(() => !client.explain().socket.isWritable)
    return { client, waiting: client.publish('t', 'x', { qos: 1 }) }
  },
  'the goodbye before a reconnect for fresh credentials': async (options) => {
    const peer = await startPeer()
    const client = await connectTo(peer, options)
    peer.connections[0]?.stopReading()
    return { client, waiting: client.reauthenticate() }
  },
  'the answer to AUTH': async (options) => {
    const peer = await startPeer()
    const credentials = { authenticationMethod: 'M', authenticationData: 'x' }
    const client = await connectTo(peer, { ...options, credentials })
    return { client, waiting: client.reauthenticate() }
  },
}

describe('close() in time', () => {
  it.each(Object.keys(hanging))(
    'ends %s, leaves no timer, and settles what waits for it [promise 18]',
    async (name) => {
      const clock = new FakeClock()
      const { client, waiting } = await (hanging[name] as (typeof hanging)[string])({
        clock,
        keepAliveSeconds: 0,
        reconnect: { baseDelayMs: 1000 },
      })
      const rejected = waiting && rejection(waiting)
      let isClosed = false
      const closing = client.close({ timeoutMs: 100 }).then(() => {
        isClosed = true
      })
      await clock.advance(100)
      // The time is up. What else it takes are turns of the event loop.
      await until(() => isClosed)
      await closing
      await rejected
      expect(client.state).toBe('disconnected')
      expect(clock.pendingTimers).toBe(0)
    },
  )

  it('ends the socket of a server that takes nothing, too [promise 18]', async (context) => {
    if (isBun) context.skip('Bun does not tell which sockets there are')
    const clock = new FakeClock()
    const peer = await startPeer()
    const sockets = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
    const before = sockets()
    const client = await connectTo(peer, { clock })
    peer.connections[0]?.stopReading()
    const payload = Buffer.alloc(1_048_576)
    for (let i = 0; i < 32; i++) client.publish('t', payload).catch(() => {})
    await until(() => !client.explain().socket.isWritable)
    const closing = client.close({ drain: false, timeoutMs: 50 })
    await clock.advance(50)
    await closing
    await settled(5)
    // The server's side is left.
    expect(sockets()).toBe(before + 1)
  })

  it('says goodbye although draining took all the time [promise 18]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    const client = await connectTo(peer, { clock })
    await client.subscribe('t', never)
    const server = await peer.connection(0)
    server.publish('t', 'x', { qos: 1, packetIdentifier: 1 })
    await until(() => client.stats().handlersRunning === 1)
    const closing = client.close({ timeoutMs: 100 })
    await clock.advance(100)
    expect(await closing).toMatchObject({ runningHandlers: 1 })
    expect(await server.packet('disconnect')).toMatchObject({ reasonCode: 0 })
  })

  it('says goodbye after all that was written, however slowly the server takes it [promise 18]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    const proxy = await startProxy(peer)
    const client = await connectTo({ url: `mqtt://127.0.0.1:${proxy.port}` }, { clock })
    proxy.faults = { isStalled: true }
    const payload = Buffer.alloc(1_048_576)
    for (let i = 0; i < 32; i++) client.publish('t', payload).catch(() => {})
    await until(() => !client.explain().socket.isWritable)
    const closing = client.close({ drain: false })
    await settled(10)
    proxy.faults = {}
    await closing
    const server = await peer.connection(0)
    expect(await server.packet('disconnect')).toMatchObject({ reasonCode: 0 })
    expect(server.all('publish')).toHaveLength(32)
    expect(clock.pendingTimers).toBe(0)
  })

  it('tells that a message which the store holds may still be delivered, and it is [promise 2] [promise 3]', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const client = makeClient({ url: peer.url, store })
    const publishing = ['1', '2'].map((payload) => rejection(client.publish('t', payload, { qos: 1 })))
    await until(() => client.explain().queue.storing === 0 && client.explain().queue.messages === 2)
    // On its way into the store.
    publishing.push(rejection(client.publish('t', '3', { qos: 1 })))
    await client.close({ drain: false })
    for (const error of await Promise.all(publishing)) {
      expect(error).toMatchObject({ code: 'closed', mayBeDelivered: true })
    }
    const next = await connectTo(peer, { store })
    await next.drained()
    const delivered = (await peer.connection(0)).all('publish').map(({ payload }) => text(payload))
    expect(delivered).toEqual(['1', '2', '3'])
  })

  it('rejects who asks for a receipt at that moment: nothing was acknowledged [promise 2]', async () => {
    const peer = await startPeer()
    peer.follow({ publish: () => {} })
    const client = await connectTo(peer)
    const { receipt } = await client.publish('t', 'x', { qos: 1, until: 'stored' })
    const asked = rejection(client.acknowledged(receipt as string))
    await client.close({ drain: false })
    expect(await asked).toMatchObject({ code: 'closed', mayBeDelivered: true })
  })
})
