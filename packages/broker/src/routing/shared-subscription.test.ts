import type { Connect, QoS } from '@jamey/protocol'
import { RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import type { AuthenticationRequest, BrokerOptions, Identity } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const FILTER = '$share/g/t/#'

async function start(options: Partial<BrokerOptions> = {}) {
  const { broker, port } = await startBroker(options)
  const join = async (clientId: string, connect: Partial<Connect> = {}, qos: QoS = 2): Promise<RawClient> => {
    const member = await RawClient.connect(port, { clientId, ...connect })
    await member.subscribe(FILTER, qos)
    return member
  }
  const publisher = await RawClient.connect(port, { clientId: 'p' })
  return { broker, port, join, publisher }
}

function staying(receiveMaximum?: number): Partial<Connect> {
  return { properties: { sessionExpiryInterval: 100, receiveMaximum } }
}

async function publishAll(publisher: RawClient, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) expect(await publisher.publishOnce('t/x', String(n))).toBe(0)
}

function numbers(lines: readonly string[]): number[] {
  return lines.map((line) => Number(/=(\d+)/.exec(line)?.[1]))
}

async function acknowledgeAll(member: RawClient): Promise<string[]> {
  const seen: string[] = []
  for (;;) {
    const packets = await member.settle()
    if (packets.length === 0) return seen
    for (const packet of packets) {
      if (packet.type !== 'publish') throw new Error(`got ${packet.type}`)
      seen.push(text(packet))
      if (packet.qos === 1) member.acknowledge(packet)
    }
  }
}

describe('members of a shared subscription', () => {
  it('share fairly what several publishers say on several topics', async () => {
    const { port, join, publisher } = await start()
    const members = [await join('a'), await join('b'), await join('c')]
    const other = await RawClient.connect(port, { clientId: 'q' })
    for (let n = 0; n < 150; n++) {
      await publisher.publishOnce(`t/${n % 7}`, 'm')
      await other.publishOnce(`t/${n % 3}`, 'm')
    }
    const counts = await Promise.all(members.map(async (member) => (await member.settle()).length))
    expect(counts).toEqual([100, 100, 100])
  })

  it('lose nothing when they die one after the other, at whatever QoS 1 was', async () => {
    const { broker, join, publisher } = await start()
    const seen: number[] = []
    let current = await join('m0', staying(3))
    await publishAll(publisher, 0, 10)
    for (let life = 1; life < 4; life++) {
      const next = await join(`m${life}`, staying(3))
      const first = await current.expect('publish')
      current.acknowledge(first)
      seen.push(...numbers([text(first)]))
      await publishAll(publisher, life * 10, life * 10 + 10)
      await current.vanish()
      await until(() => broker.stats().connections === 2)
      current = next
    }
    seen.push(...numbers(await acknowledgeAll(current)))
    expect([...new Set(seen)].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n))
    expect(broker.stats()).toMatchObject({ queuedMessages: 0, inFlightMessages: 0, droppedOverflow: 0 })
  })

  it('get what one leaves whose session ends with its connection', async () => {
    const { join, publisher } = await start()
    const dying = await join('dying', { properties: { receiveMaximum: 1 } })
    await publishAll(publisher, 0, 5)
    const other = await join('other')
    await dying.vanish()
    const got = []
    for (let n = 0; n < 5; n++) got.push(text(await other.expect('publish')))
    expect(numbers(got)).toEqual([0, 1, 2, 3, 4])
  })

  it('get what one that leaves the group was not sent, and what it was sent when it dies', async () => {
    const { join, publisher } = await start()
    const leaving = await join('leaving', { properties: { receiveMaximum: 1 } })
    await publishAll(publisher, 0, 4)
    expect(text(await leaving.expect('publish'))).toBe('t/x=0 q1')
    const other = await join('other')
    leaving.send({ type: 'unsubscribe', packetIdentifier: 1, filters: [FILTER], properties: undefined })
    await leaving.expect('unsuback')
    expect(numbers(await acknowledgeAll(other))).toEqual([1, 2, 3])
    await leaving.vanish()
    expect(numbers([text(await other.expect('publish'))])).toEqual([0])
  })

  it('do not get what was sent to another with QoS 2, which completes it when it is back [MQTT-4.8.2-4] [MQTT-4.8.2-5]', async () => {
    const { broker, join, publisher } = await start()
    const dying = await join('dying', staying(1))
    for (const packetIdentifier of [1, 2]) {
      publisher.publish('t/x', String(packetIdentifier), { qos: 2, packetIdentifier })
      await publisher.expect('pubrec')
    }
    await dying.expect('publish')
    const other = await join('other')
    await dying.vanish()
    expect(text(await other.expect('publish'))).toBe('t/x=2 q2')
    expect(await other.received()).toEqual([])
    const back = await RawClient.connect(broker.addresses[0]?.port ?? 0, {
      clientId: 'dying',
      cleanStart: false,
      ...staying(1),
    })
    expect(text(await back.expect('publish'))).toBe('t/x=1 q2 dup')
  })

  it('do not get what another refused [MQTT-4.8.2-6]', async () => {
    const { join, publisher } = await start()
    const refusing = await join('refusing', staying())
    const other = await join('other', staying())
    await publishAll(publisher, 0, 2)
    const publish = await refusing.expect('publish')
    refusing.send({
      type: 'puback',
      packetIdentifier: publish.packetIdentifier,
      reasonCode: 0x83,
      properties: undefined,
    })
    expect(await refusing.received()).toEqual([])
    await refusing.vanish()
    expect(numbers(await acknowledgeAll(other))).toEqual([1])
  })

  it('without room leave to one that is away what is its own', async () => {
    const { broker, port, join, publisher } = await start({
      limits: { queuedMessages: 3, slowSubscriberMs: 1 },
    })
    const away = await join('away', staying(1))
    await publishAll(publisher, 0, 4)
    const small = await join('small', { properties: { receiveMaximum: 1 } })
    await small.subscribe('own', 1)
    for (let n = 0; n < 3; n++) await publisher.publishOnce('own', '9')
    await away.vanish()
    await until(() => broker.stats().connections === 2)
    const back = await RawClient.connect(port, { clientId: 'away', cleanStart: false, ...staying(10) })
    const seen = [...(await acknowledgeAll(back)), ...(await acknowledgeAll(small))]
    expect(numbers(seen).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 9, 9, 9])
  })

  it('that may not receive a topic leave it to those that may, even if these are away', async () => {
    const authenticate = async ({ clientId }: AuthenticationRequest): Promise<Identity> => ({
      username: clientId,
      mayPublish: () => true,
      maySubscribe: () => true,
      mayReceive: (topic) => clientId !== 'blind' || topic !== 't/x',
    })
    const { port, join, publisher } = await start({ authenticator: { authenticate } })
    const away = await join('away', staying())
    await publishAll(publisher, 0, 3)
    expect(await away.received()).toHaveLength(3)
    const blind = await join('blind')
    await away.vanish()
    expect(await publisher.publishOnce('t/x', '3')).toBe(0)
    expect(await publisher.publishOnce('t/y', '4')).toBe(0)
    expect(numbers(await blind.received())).toEqual([4])
    const back = await RawClient.connect(port, { clientId: 'away', cleanStart: false })
    expect(numbers(await back.received())).toEqual([0, 1, 2, 3])
  })
})

describe("shared subscriptions 'by-publisher'", () => {
  const sticky = { sharedSubscriptions: 'by-publisher' } as const

  it('keep what one publisher says with one member, in order, and spread the publishers', async () => {
    const { port, join } = await start(sticky)
    const members = [await join('a', { properties: { receiveMaximum: 2 } }), await join('b')]
    const publishers = await Promise.all(
      ['1', '2', '3', '4'].map((clientId) => RawClient.connect(port, { clientId })),
    )
    for (let n = 0; n < 20; n++) {
      for (const [at, publisher] of publishers.entries()) await publisher.publishOnce(`t/${at}`, String(n))
    }
    const inOrder = Array.from({ length: 20 }, (_, n) => n)
    for (const [at, member] of members.entries()) {
      const seen = await acknowledgeAll(member)
      const topics = [...new Set(seen.map((line) => line.split('=')[0]))]
      expect(topics).toEqual([`t/${at}`, `t/${at + 2}`])
      for (const topic of topics) {
        expect(numbers(seen.filter((line) => line.startsWith(`${topic}=`)))).toEqual(inOrder)
      }
    }
  })

  it('go on with another member, still in order, when the former dies or has no room', async () => {
    const { join, publisher } = await start({ ...sticky, limits: { queuedMessages: 2 } })
    const former = await join('former', { properties: { receiveMaximum: 1 } })
    const other = await join('other', staying())
    await publishAll(publisher, 0, 3)
    expect(numbers(await former.received())).toEqual([0])
    await publishAll(publisher, 3, 5)
    expect(numbers(await acknowledgeAll(other))).toEqual([3, 4])
    await former.vanish()
    await publishAll(publisher, 5, 7)
    expect(numbers(await acknowledgeAll(other))).toEqual([0, 1, 2, 5, 6])
  })
})
