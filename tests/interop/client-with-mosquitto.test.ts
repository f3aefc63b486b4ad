import { type Client, type ConnectOptions, connect, type Message } from '@jamey/mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Mosquitto } from './mosquitto.js'

let broker: Mosquitto

beforeAll(async () => {
  broker = await Mosquitto.start()
})

afterAll(() => broker?.stop())

const text = (message: Message) => Buffer.from(message.payload).toString()

function open(clientId: string, options: ConnectOptions = {}): Promise<Client> {
  return connect({ url: `mqtts://127.0.0.1:${broker.tlsPort}`, clientId, tls: { ca: broker.ca }, ...options })
}

describe.each([4, 5] as const)('our client with Mosquitto over TLS 1.3, version %i', (protocolVersion) => {
  it.each([0, 1, 2] as const)(
    'carries QoS %i in order, no more in flight than Mosquitto takes',
    async (qos) => {
      const name = `v${protocolVersion}q${qos}`
      const receiver = await open(`${name}-in`, { protocolVersion })
      const sender = await open(`${name}-out`, { protocolVersion })
      const seen: string[] = []
      await receiver.subscribe(`test/${name}/+`, { qos }, (message) => {
        seen.push(text(message))
      })
      const sent = Array.from({ length: 500 }, (_, i) => String(i))
      await Promise.all(sent.map((value) => sender.publish(`test/${name}/x`, value, { qos })))
      await expect.poll(() => seen.length).toBe(sent.length)
      expect(seen).toEqual(sent)
      await Promise.all([receiver.close(), sender.close()])
    },
  )

  it('gets retained messages and wills', async () => {
    const name = `v${protocolVersion}`
    const sender = await open(`${name}-retain`, {
      protocolVersion,
      will: { topic: `test/will/${name}`, payload: 'gone', qos: 1 },
      // Mosquitto 2.0.11 cuts a client that is taken over without saying so (0x8E): it would come back.
      reconnect: false,
    })
    await sender.publish(`test/retained/${name}`, 'kept', { qos: 1, retain: true })
    const receiver = await open(`${name}-watch`, { protocolVersion })
    const seen: string[] = []
    await receiver.subscribe(`test/+/${name}`, { qos: 1 }, (message) => {
      seen.push(text(message))
    })
    await expect.poll(() => seen).toEqual(['kept'])
    // Another client of the same name makes the server end the first one, which then publishes its will.
    const usurper = await open(`${name}-retain`, { protocolVersion })
    await expect.poll(() => seen).toEqual(['kept', 'gone'])
    await Promise.all([sender.close(), receiver.close(), usurper.close()])
  })
})

describe.each([
  ['ws', 4],
  ['ws', 5],
  ['wss', 4],
  ['wss', 5],
] as const)('our client with Mosquitto over %s, version %i', (scheme, protocolVersion) => {
  it.each([0, 1, 2] as const)('carries QoS %i in order, small and large', async (qos) => {
    const name = `${scheme}v${protocolVersion}q${qos}`
    const port = scheme === 'ws' ? broker.webSocketPort : broker.webSocketTlsPort
    const client = await open(name, { protocolVersion, url: `${scheme}://127.0.0.1:${port}` })
    const seen: string[] = []
    await client.subscribe(`test/${name}`, { qos }, (message) => {
      seen.push(text(message))
    })
    // Mosquitto 2.0.11 sends large messages over WebSocket in small pieces with pauses, whoever the client is.
    const large = 'x'.repeat(20_000)
    const sent = Array.from({ length: 100 }, (_, i) => (i === 50 ? `${i}${large}` : String(i)))
    await Promise.all(sent.map((value) => client.publish(`test/${name}`, value, { qos })))
    await expect.poll(() => seen.length).toBe(sent.length)
    expect(seen).toEqual(sent)
    await client.close()
  })
})

describe('our client when Mosquitto is killed and started again', () => {
  it('comes back by itself, subscribes again, and sends what was not acknowledged [promises 3, 11]', async () => {
    const reconnect = { baseDelayMs: 20, maxDelayMs: 50, failuresBeforeOpen: Number.POSITIVE_INFINITY }
    const receiver = await open('phoenix-in', { reconnect })
    const sender = await open('phoenix-out', { reconnect })
    const seen = new Set<string>()
    await receiver.subscribe('phoenix/#', { qos: 1 }, (message) => {
      seen.add(text(message))
    })
    await sender.publish('phoenix/x', 'before', { qos: 1 })
    await expect.poll(() => seen.has('before')).toBe(true)
    const counts = new Map<string, number>()
    await receiver.subscribe('phoenix/#', { qos: 1 }, (message) => {
      counts.set(text(message), (counts.get(text(message)) ?? 0) + 1)
    })
    await broker.kill()
    const during = ['during', 'and this'].map((value) => sender.publish('phoenix/x', value, { qos: 1 }))
    await broker.resume()
    await Promise.all(during)
    await expect.poll(() => receiver.state).toBe('connected')
    // Mosquitto kept nothing, and both clients tell.
    expect([receiver.status.session, sender.status.session]).toEqual(['lost', 'lost'])
    expect(receiver.stats().sessionsLost).toBe(1)
    for (const count of counts.values()) expect(count).toBe(1)
    await sender.publish('phoenix/x', 'after', { qos: 1 })
    await expect.poll(() => seen.has('after')).toBe(true)
    await Promise.all([receiver.close(), sender.close()])
  })
})
