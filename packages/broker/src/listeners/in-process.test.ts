import { FakeClock, RawClient, settled, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { type AuthenticationRequest, type Broker, insecureAuthenticator } from '../index.js'
import { InProcessSocket } from '../test-support/in-process-socket.js'
import { startBroker } from '../test-support/start-broker.js'

const MEBIBYTE = 1_048_576

/** A client of this process, not yet let in. */
function within(broker: Broker, version: 4 | 5 = 5): RawClient {
  return new RawClient(new InProcessSocket(broker.connectInProcess()) as never, version)
}

async function entered(broker: Broker, clientId: string): Promise<RawClient> {
  const client = within(broker)
  expect((await client.handshake({ clientId })).reasonCode).toBe(0)
  return client
}

describe('a connection within the process', () => {
  it('shows the authenticator the certificate that was vouched for, and where it is from', async () => {
    const seen: AuthenticationRequest[] = []
    const open = insecureAuthenticator()
    const { broker } = await startBroker({
      authenticator: {
        authenticate: (request) => {
          seen.push(request)
          return open.authenticate(request)
        },
      },
    })
    const certificate = { commonName: 'own', raw: new Uint8Array([1]) }
    const socket = new InProcessSocket(broker.connectInProcess({ certificate }))
    await new RawClient(socket as never, 5).handshake({ clientId: 'own' })
    await entered(broker, 'bare')
    expect(seen).toMatchObject([
      { clientId: 'own', remoteAddress: 'in-process', certificate },
      { clientId: 'bare', remoteAddress: 'in-process', certificate: undefined },
    ])
    expect([...broker.clients()].map(({ remoteAddress }) => remoteAddress)).toEqual([
      'in-process',
      'in-process',
    ])
  })

  it('is let in by nobody but the authenticator', async () => {
    const { broker } = await startBroker({
      authenticator: { authenticate: () => Promise.reject(new Error('the authenticator is down')) },
    })
    const client = within(broker)
    expect((await client.handshake({ clientId: 'own' })).reasonCode).toBeGreaterThanOrEqual(0x80)
    await client.closed
    await until(() => broker.stats().connectionsInProcess === 0)
  })

  it('is counted beside those of others, and no more once it has gone', async () => {
    const { broker, port } = await startBroker()
    await RawClient.connect(port)
    const own = await entered(broker, 'own')
    expect(broker.stats()).toMatchObject({ connections: 2, connectionsInProcess: 1, connectionsAccepted: 2 })
    await own.leave()
    await until(() => broker.stats().connectionsInProcess === 0)
    const lost = await entered(broker, 'own')
    await lost.vanish()
    await until(() => broker.stats().connectionsInProcess === 0)
    expect(broker.stats().connections).toBe(1)
  })

  it('waits for no turn among strangers who say nothing, and takes no place of theirs for long', async () => {
    const { broker, port } = await startBroker({ limits: { pendingConnections: 1, waitingConnections: 1 } })
    const silent = await RawClient.open(port)
    const waiting = await RawClient.open(port)
    await entered(broker, 'own')
    await silent.vanish()
    expect((await waiting.handshake({ clientId: 'stranger' })).reasonCode).toBe(0)
  })

  it('has to say CONNECT in time, as all others', async () => {
    const clock = new FakeClock()
    const { broker } = await startBroker({ clock })
    const client = within(broker)
    await until(() => broker.stats().connectionsInProcess === 1)
    await clock.advance(60_000)
    await client.closed
    await until(() => broker.stats().connectionsInProcess === 0)
  })

  it('ends after one and a half keep alive intervals of silence [MQTT-3.1.2-22]', async () => {
    const clock = new FakeClock()
    const { broker } = await startBroker({ clock })
    const client = within(broker)
    await client.handshake({ clientId: 'own', keepAlive: 10 })
    await clock.advance(14_000)
    expect(await client.settle()).toEqual([])
    await clock.advance(16_000)
    expect(await client.expect('disconnect')).toMatchObject({ reasonCode: 0x8d })
  })

  it('shares no memory: what a publisher does to its bytes afterwards reaches nobody', async () => {
    const { broker } = await startBroker()
    const reader = await entered(broker, 'reader')
    await reader.subscribe('t')
    const transport = broker.connectInProcess()
    const payload = Buffer.alloc(40_000, 'a')
    const chunks = [
      Buffer.from('100d00044d51545405020000000000', 'hex'),
      Buffer.from([0x30, 0xc4, 0xb8, 0x02, 0, 1, 0x74, 0]),
      payload,
    ]
    transport.open({
      onOpen: () => {
        transport.write(chunks)
        payload.fill('b')
      },
      onData: () => {},
      onDrain: () => {},
      onClose: () => {},
    })
    const { payload: got } = await reader.expect('publish')
    expect(Buffer.from(got).toString()).toBe('a'.repeat(40_000))
    transport.destroy()
  })

  it('holds a client back that writes faster than the broker takes, and loses nothing', async () => {
    const { broker } = await startBroker()
    const reader = await entered(broker, 'reader')
    await reader.subscribe('t')
    const writer = await entered(broker, 'writer')
    for (let n = 0; n < 12; n++) writer.publish('t', `${n}`.padEnd(MEBIBYTE, 'x'))
    const got: number[] = []
    while (got.length < 12) {
      const { payload } = await reader.expect('publish')
      got.push(Number.parseInt(Buffer.from(payload.subarray(0, 3)).toString(), 10))
    }
    expect(got).toEqual(Array.from({ length: 12 }, (_, n) => n))
  })

  it('keeps what a client does not read within the bounds of its queue', async () => {
    const { broker } = await startBroker({ limits: { queuedBytes: 2 * MEBIBYTE } })
    const deaf = await entered(broker, 'deaf')
    await deaf.subscribe('t')
    deaf.stopReading()
    for (let n = 0; n < 50; n++) await broker.publish('t', 'x'.repeat(MEBIBYTE / 2))
    await settled()
    expect(broker.stats().droppedSlow).toBeGreaterThan(40)
    expect(broker.stats().heldBytes).toBeLessThan(4 * MEBIBYTE)
    await deaf.vanish()
    await until(() => broker.stats().heldBytes === 0)
  })

  it('is told why it ends, and opens no more once the broker closes', async () => {
    const { broker } = await startBroker()
    const client = await entered(broker, 'own')
    await broker.close()
    expect(await client.expect('disconnect')).toMatchObject({ reasonCode: 0x8b })
    await client.closed
    const late = broker.connectInProcess()
    const error = await new Promise<Error | undefined>((resolve) => {
      late.open({ onOpen: () => {}, onData: () => {}, onDrain: () => {}, onClose: resolve })
    })
    expect(error).toMatchObject({ code: 'broker-closed' })
  })

  it('publishes the will of a client that is gone without a word [MQTT-3.1.2-8]', async () => {
    const { broker, port } = await startBroker()
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('w')
    const client = within(broker)
    const will = {
      topic: 'w',
      payload: Buffer.from('gone'),
      qos: 0,
      retain: false,
      properties: undefined,
    } as const
    await client.handshake({ clientId: 'own', will })
    await client.vanish()
    expect(Buffer.from((await watcher.expect('publish')).payload).toString()).toBe('gone')
  })
})
