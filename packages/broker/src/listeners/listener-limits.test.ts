import { once } from 'node:events'
import { connect } from 'node:net'
import { connectPacket, RawClient, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { createBroker, insecureAuthenticator, type ListenerLimits } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const plain = { host: '127.0.0.1', port: 0, insecure: true } as const

async function start(limits: ListenerLimits) {
  const { broker } = await startBroker({ listeners: [plain, { ...plain, limits }] })
  const [all = 0, own = 0] = broker.addresses.map(({ port }) => port)
  return { broker, all, own }
}

describe('a listener with limits of its own', () => {
  it('announces them to its clients and holds them, and no other listener does', async () => {
    const { broker, all, own } = await start({
      packetBytes: 1_000,
      receiveMaximum: 2,
      keepAliveSeconds: 30,
      topicAliases: 1,
    })
    const told = { maximumPacketSize: 1_000, receiveMaximum: 2, serverKeepAlive: 30, topicAliasMaximum: 1 }
    const here = await RawClient.open(own)
    expect((await here.handshake()).properties).toMatchObject(told)
    const there = await RawClient.open(all)
    expect((await there.handshake()).properties).toMatchObject({
      receiveMaximum: 1_024,
      topicAliasMaximum: 64,
    })
    expect(await there.publishOnce('t', 'x'.repeat(2_000))).toBe(0x10)
    here.publish('t', 'x'.repeat(2_000))
    expect(await here.expect('disconnect')).toMatchObject({ reasonCode: 0x95 })
    broker.reload({ limits: { receiveMaximum: 7 } })
    const later = await RawClient.open(own)
    expect((await later.handshake()).properties).toMatchObject(told)
    const other = await RawClient.open(all)
    expect((await other.handshake()).properties).toMatchObject({ receiveMaximum: 7 })
  })

  it('takes no CONNECT that is larger than it says', async () => {
    const { own } = await start({ connectPacketBytes: 100 })
    const client = await RawClient.open(own)
    client.send(connectPacket({ clientId: 'x'.repeat(200) }))
    expect(await client.next()).toBeUndefined()
    await RawClient.connect(own, { clientId: 'x'.repeat(20) })
  })

  it('has as many sockets as it says, and leaves the others theirs', async () => {
    const { broker, all, own } = await start({ connections: 1 })
    const first = await RawClient.connect(own, { clientId: 'first' })
    const second = connect(own, '127.0.0.1')
    second.on('error', () => {})
    await once(second, 'close')
    await RawClient.connect(all, { clientId: 'other' })
    await first.vanish()
    await until(() => broker.stats().connections === 1)
    await RawClient.connect(own, { clientId: 'third' })
  })

  it.each<[string, Record<string, unknown>]>([
    ['of all connections', { heldBytes: 1 }],
    ['out of its range', { packetBytes: 1 }],
    ['that is none', { nothing: 1 }],
  ])('is refused one %s', async (_what, limits) => {
    const made = createBroker({
      listeners: [{ ...plain, limits: limits as ListenerLimits }],
      authenticator: insecureAuthenticator(),
    })
    await expect(made).rejects.toMatchObject({ code: 'limit-invalid' })
  })
})
