import { connectPacket, FakeClock, RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { type BrokerOptions, MemoryBrokerStore } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

async function start(options: Partial<BrokerOptions> = {}) {
  const clock = new FakeClock()
  const { broker, port } = await startBroker({ clock, ...options })
  return { broker, port, clock }
}

const pubrel = { type: 'pubrel', packetIdentifier: 2, reasonCode: 0, properties: undefined } as const

describe('close', () => {
  it.each([
    [{}, 0x8b, undefined],
    [{ reasonCode: 0x8b }, 0x8b, undefined],
    [{ serverReference: 'b:1' }, 0x9c, 'b:1'],
    [{ reasonCode: 0x9c, serverReference: 'b:1 c:2' }, 0x9c, 'b:1 c:2'],
    [{ reasonCode: 0x9d, serverReference: 'b:1' }, 0x9d, 'b:1'],
    [{ reasonCode: 0x9d }, 0x9d, undefined],
  ] as const)(
    'tells MQTT 5.0 clients why and where to go: %j',
    async (options, reasonCode, serverReference) => {
      const { broker, port } = await start()
      const five = await RawClient.connect(port)
      const four = await RawClient.connect(port, { protocolVersion: 4, clientId: 'four' })
      const closing = broker.close(options)
      const disconnect = await five.expect('disconnect')
      expect(disconnect.reasonCode).toBe(reasonCode)
      expect(disconnect.properties?.serverReference).toBe(serverReference)
      expect(await four.next()).toBeUndefined()
      await closing
    },
  )

  it.each([
    [{ reasonCode: 0x8b, serverReference: 'b:1' }, 'serverReference goes with'],
    [{ reasonCode: 0x00 as 0x8b }, 'got 0; expected 0x8B'],
  ] as const)('refuses %j, and closes nothing [promise 37]', async (options, message) => {
    const { broker, port } = await start()
    const a = await RawClient.connect(port)
    await expect(broker.close(options)).rejects.toMatchObject({ code: 'close-invalid' })
    await expect(broker.close(options)).rejects.toThrow(message)
    expect(await a.received()).toEqual([])
    const closing = broker.close()
    expect((await a.expect('disconnect')).reasonCode).toBe(0x8b)
    await closing
  })

  it.each([
    ['memory', undefined],
    ['a store', new MemoryBrokerStore()],
  ])('lets clients finish what is under way, with %s [promise 38]', async (_name, store) => {
    const { broker, port } = await start({ store })
    const properties = { receiveMaximum: 1, sessionExpiryInterval: store === undefined ? 0 : 60 }
    const receiver = await RawClient.connect(port, { clientId: 'r', properties })
    await receiver.subscribe('t', 1)
    const sender = await RawClient.connect(port, { clientId: 's' })
    const idle = await RawClient.connect(port, { clientId: 'idle' })
    await sender.publishOnce('t', '1')
    await sender.publishOnce('t', '2')
    sender.publish('u', '3', { qos: 2, packetIdentifier: 2 })
    await sender.expect('pubrec')
    const first = await receiver.expect('publish')
    const closing = broker.close()
    expect((await idle.expect('disconnect')).reasonCode).toBe(0x8b)
    // Both are still served.
    expect(await receiver.received()).toEqual([])
    expect(await sender.publishOnce('u', '4')).toBe(0x10)
    receiver.acknowledge(first)
    const second = await receiver.expect('publish')
    expect(text(second)).toBe('t=2 q1')
    receiver.acknowledge(second)
    expect((await receiver.expect('disconnect')).reasonCode).toBe(0x8b)
    sender.send(pubrel)
    await sender.expect('pubcomp')
    expect((await sender.expect('disconnect')).reasonCode).toBe(0x8b)
    await closing
  })

  it('waits for a hook that thinks about what was sent', async () => {
    let decide = (): void => {}
    const onPublish = (): Promise<undefined> =>
      new Promise((resolve) => {
        decide = () => resolve(undefined)
      })
    const { broker, port } = await start({ hooks: { onPublish } })
    const a = await RawClient.connect(port)
    const idle = await RawClient.connect(port, { clientId: 'idle' })
    const answer = a.publishOnce('t', 'm')
    await until(() => broker.stats().publishesReceived === 1)
    const closing = broker.close()
    await idle.closed
    decide()
    expect(await answer).toBe(0x10)
    await a.expect('disconnect')
    await closing
  })

  it('says goodbye within the grace to those that finish nothing, and is over with it', async () => {
    const { broker, port, clock } = await start()
    const a = await RawClient.connect(port, { clientId: 'a' })
    await a.subscribe('t', 1)
    a.publish('t', 'm')
    a.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
    await a.expect('publish')
    await a.expect('publish')
    await a.expect('puback')
    const closing = broker.close({ graceMs: 2000 })
    await clock.advance(1749)
    expect(await a.received()).toEqual([])
    await clock.advance(1)
    expect((await a.expect('disconnect')).reasonCode).toBe(0x8b)
    await closing
    expect(clock.pendingTimers).toBe(0)
  })

  it('tells those that come too late', async () => {
    const { broker, port } = await start()
    const busy = await RawClient.connect(port, { clientId: 'busy' })
    busy.publish('u', '3', { qos: 2, packetIdentifier: 2 })
    await busy.expect('pubrec')
    // Still waiting for the authenticator when the broker begins to close.
    let letIn = (): void => {}
    const slow = new Promise<void>((resolve) => {
      letIn = resolve
    })
    const other = await startBroker({
      authenticator: {
        authenticate: async ({ clientId }) => {
          await slow
          return {
            username: clientId,
            mayPublish: () => true,
            maySubscribe: () => true,
            mayReceive: () => true,
          }
        },
      },
    })
    const late = await RawClient.open(other.port)
    late.send(connectPacket({ clientId: 'late' }))
    await until(() => other.broker.stats().bytesReceived > 0)
    const closingOther = other.broker.close({ serverReference: 'b:1' })
    const connack = await late.expect('connack')
    expect(connack).toMatchObject({ reasonCode: 0x9c, properties: { serverReference: 'b:1' } })
    letIn()
    await closingOther
    const closing = broker.close()
    busy.send(pubrel)
    await busy.expect('pubcomp')
    await busy.expect('disconnect')
    await closing
  })
})

describe('wills of a broker that closes', () => {
  const will = { topic: 'w', payload: Buffer.from('gone'), qos: 1, retain: false } as const

  it('reach those who are still there where sessions end with it [MQTT-3.1.2-8]', async () => {
    const { broker, port, clock } = await start()
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('w', 1)
    const delayed = { ...will, payload: Buffer.from('late'), properties: { willDelayInterval: 60 } }
    const away = await RawClient.connect(port, { properties: { sessionExpiryInterval: 90 }, will: delayed })
    await away.vanish()
    await until(() => broker.stats().connections === 1)
    await RawClient.connect(port, { will: { ...will, properties: undefined } })
    const closing = broker.close()
    for (const payload of ['late', 'gone']) {
      const message = await watcher.expect('publish')
      expect(text(message)).toBe(`w=${payload} q1`)
      watcher.acknowledge(message)
    }
    await watcher.expect('disconnect')
    await clock.advance(1_000)
    await closing
    expect(broker.stats().willsPublished).toBe(2)
  })

  it('reach them at once, too, where there is no grace', async () => {
    const { broker, port } = await start()
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('w')
    await RawClient.connect(port, { will: { ...will, properties: undefined } })
    const closing = broker.close({ graceMs: 0 })
    expect(text(await watcher.expect('publish'))).toBe('w=gone')
    await watcher.expect('disconnect')
    await closing
  })

  it('are judged by the hooks first, for as long as the grace lasts', async () => {
    let judge = (): void => {}
    const judged = new Promise<void>((resolve) => {
      judge = resolve
    })
    const hooks = { onPublish: () => judged }
    const { broker, port } = await start({ hooks })
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('w')
    await RawClient.connect(port, { will: { ...will, properties: undefined } })
    const closing = broker.close()
    judge()
    expect(text(await watcher.expect('publish'))).toBe('w=gone')
    await closing
  })
})
