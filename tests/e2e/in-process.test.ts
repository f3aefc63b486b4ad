import { type Broker, createBroker, insecureAuthenticator } from '@jamey/broker'
import { type Client, type ConnectOptions, connect } from '@jamey/mqtt'
import { FakeClock } from '@jamey/testing'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'

let broker: Broker

beforeEach(async () => {
  broker = await createBroker({ listeners: [], authenticator: insecureAuthenticator() })
  onTestFinished(() => broker.close({ graceMs: 0 }))
})

async function enter(clientId: string, options: ConnectOptions = {}): Promise<Client> {
  const transport = () => broker.connectInProcess()
  const client = await connect({ url: 'mqtt://in-process', clientId, transport, ...options })
  onTestFinished(async () => void (await client.close({ timeoutMs: 1_000 })))
  return client
}

describe('a client in the process of its broker, which has no listener', () => {
  it.each([4, 5] as const)(
    'publishes and receives with version %i, in order, each QoS and any size',
    async (protocolVersion) => {
      const reader = await enter('reader', { protocolVersion })
      const writer = await enter('writer', { protocolVersion })
      const got: string[] = []
      await reader.subscribe('t/#', { qos: 2 }, ({ topic, payload }) => {
        got.push(`${topic} ${payload.length}`)
      })
      const sizes = Array.from({ length: 300 }, (_, n) => (n % 50 === 0 ? 200_000 + n : n))
      await Promise.all(
        sizes.map((size) => writer.publish('t/1', 'x'.repeat(size), { qos: size % 2 === 0 ? 1 : 2 })),
      )
      await expect.poll(() => got.length).toBe(300)
      expect(got).toEqual(sizes.map((size) => `t/1 ${size}`))
    },
  )

  it('comes back when the broker ends its connection, and loses nothing that it published meanwhile', async () => {
    const got: string[] = []
    const reader = await enter('reader')
    await reader.subscribe('t', { qos: 1 }, ({ payload }) => {
      got.push(new TextDecoder().decode(payload))
    })
    const writer = await enter('writer')
    const published = Array.from({ length: 100 }, (_, n) => writer.publish('t', `${n}`, { qos: 1 }))
    for (const clientId of ['reader', 'writer']) broker.disconnect(clientId, { reasonCode: 0x98 })
    await Promise.all(published)
    await expect.poll(() => new Set(got).size).toBe(100)
    expect(broker.stats()).toMatchObject({ connectionsInProcess: 2, connectionsAccepted: 4 })
  })

  it('is kept alive by PINGREQ as over the network', async () => {
    const clock = new FakeClock()
    const client = await enter('quiet', { keepAliveSeconds: 10, clock })
    await clock.advance(10_000)
    await expect.poll(() => client.stats().pings).toBeGreaterThan(0)
    expect(client.state).toBe('connected')
  })

  it('is refused, and told so, once the broker has closed', async () => {
    await broker.close()
    await expect(enter('late', { reconnect: false })).rejects.toThrow(
      'the broker closes; nobody connects any more',
    )
  })
})
