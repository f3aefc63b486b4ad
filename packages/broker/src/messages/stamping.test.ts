import type { Publish, PublishProperties, QoS, UserProperty } from '@jamey/protocol'
import { publishPacket, RawClient, text } from '@jamey/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AuthenticationRequest, BrokerOptions, Identity } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const METHOD = { authenticationMethod: 'ACT' }

/** Who may act for those whom the password, or the data, names with commas between them. */
async function authenticate(request: AuthenticationRequest): Promise<Identity> {
  const { clientId, username = clientId, password, authenticationData } = request
  const named = Buffer.from(authenticationData ?? password ?? []).toString()
  return {
    username: named.startsWith('user ') ? named : username,
    mayPublish: () => true,
    maySubscribe: () => true,
    mayReceive: () => true,
    actsFor: named === '' ? [] : named.split(','),
  }
}

function start(options: Partial<BrokerOptions> = {}) {
  return startBroker({ stampSenders: ['s/#'], authenticator: { authenticate }, ...options })
}

const pairsOf = (packet: Publish): readonly UserProperty[] | undefined => packet.properties?.userProperties

async function publishes(client: RawClient): Promise<Publish[]> {
  return (await client.settle()).filter((packet) => packet.type === 'publish')
}

const sender = (clientId: string): UserProperty => ['jamey-sender', clientId]
const actFor = (clientId: string): UserProperty => ['jamey-act-for', clientId]
const FORGED: PublishProperties = { userProperties: [sender('victim'), ['a', '1'], actFor('+')] }

describe('the word that a message is for another', () => {
  const behalf = (whom: string): UserProperty => ['jamey-on-behalf-of', whom]

  it.each<[string, string[]]>([
    ['', []],
    ['eva', ['eva']],
    ['+', ['eva', 'bob']],
  ])(
    'is that of one that may act for it, under every topic; with the right to act for "%s" it is %j',
    async (rights, kept) => {
      const { port } = await start()
      const s = await RawClient.connect(port, { clientId: 's' })
      await s.subscribe('#', 0)
      const password = Buffer.from(rights)
      const will = {
        topic: 'last',
        payload: Buffer.from('w'),
        qos: 0 as const,
        retain: false,
        properties: { userProperties: [behalf('eva'), behalf('bob')] },
      }
      const p = await RawClient.connect(port, { clientId: 'p', username: 'p', password, will })
      const userProperties = [behalf('eva'), ['a', '1'] as const, behalf('bob')]
      for (const topic of ['t', 's/t']) p.publish(topic, 'm', { properties: { userProperties } })
      await p.settle()
      const before = await publishes(s)
      p.socket.destroy()
      const last = await s.expect('publish')
      const found = [...before, last].map((packet) =>
        (pairsOf(packet) ?? []).filter(([name]) => name === 'jamey-on-behalf-of'),
      )
      expect(found).toEqual(Array(3).fill(kept.map(behalf)))
    },
  )

  it('is left as it is by a broker that tells nothing of senders', async () => {
    const { port } = await start({ stampSenders: [] })
    const [p, s] = [await RawClient.connect(port), await RawClient.connect(port)]
    await s.subscribe('#', 0)
    p.publish('t', 'm', { properties: { userProperties: [behalf('eva')] } })
    await p.settle()
    expect((await publishes(s)).map(pairsOf)).toEqual([[behalf('eva')]])
  })
})

describe('a message under a stamped topic', () => {
  const name = fc.oneof(
    fc.constantFrom('jamey-sender', 'jamey-act-for', 'Jamey-Sender', 'jamey-sender ', ''),
    fc.string({ unit: 'grapheme', maxLength: 20 }).map((value) => value.replace(/\0/g, '')),
  )
  const pairs = fc.array(fc.tuple(name, fc.constantFrom('', 'victim', 'p', 'ü'.repeat(60))), { maxLength: 8 })

  it('tells once who published it, and the rest as it was and in order [promise 40] [MQTT-3.3.2-18]', async () => {
    const { port } = await start()
    const p = await RawClient.connect(port, { clientId: 'p' })
    const s = await RawClient.connect(port, { clientId: 's' })
    await s.subscribe('#', 0)
    const one = async (
      userProperties: UserProperty[],
      contentType: string | undefined,
      isStamped: boolean,
    ) => {
      const given: PublishProperties = { contentType, userProperties }
      const properties = contentType === undefined && userProperties.length === 0 ? undefined : given
      p.publish(isStamped ? 's/t' : 't', 'm', { properties })
      await p.settle()
      const [found] = await publishes(s)
      const own = userProperties.filter(([key]) => key !== 'jamey-sender' && key !== 'jamey-act-for')
      const expected = isStamped ? [...own, sender('p')] : userProperties
      expect([text(found as Publish), found?.properties?.contentType]).toEqual([
        isStamped ? 's/t=m' : 't=m',
        contentType,
      ])
      expect(pairsOf(found as Publish) ?? []).toEqual(expected)
    }
    const contentType = fc.option(fc.constantFrom('', 'x'.repeat(120)), { nil: undefined })
    await fc.assert(fc.asyncProperty(pairs, contentType, fc.boolean(), one), { numRuns: 150 })
  })

  it.each<[QoS, boolean]>([
    [0, false],
    [1, false],
    [2, false],
    [1, true],
  ])('says so to every receiver alike, QoS %i, with retain %s', async (qos, retain) => {
    const { port } = await start()
    const p = await RawClient.connect(port, { clientId: 'p' })
    const receivers = await Promise.all([1, 2, 3].map(() => RawClient.connect(port)))
    for (const [i, receiver] of receivers.entries()) await receiver.subscribe('s/+', qos, i + 1)
    p.publish('s/t', 'm', { qos, retain, packetIdentifier: qos === 0 ? 0 : 1, properties: FORGED })
    await p.settle()
    for (const receiver of receivers) {
      const [publish] = await publishes(receiver)
      expect(pairsOf(publish as Publish)).toEqual([['a', '1'], sender('p')])
    }
  })

  it('of a client before MQTT 5.0 does so, too, and is for one what it would be without [promise 40]', async () => {
    const seen: string[] = []
    for (const stampSenders of [['s/#'], []]) {
      const { port } = await start({ stampSenders })
      const p = await RawClient.connect(port, { clientId: 'p', protocolVersion: 4 })
      const old = await RawClient.connect(port, { protocolVersion: 4 })
      const present = await RawClient.connect(port)
      await old.subscribe('#')
      await present.subscribe('#')
      const bytes: Buffer[] = []
      old.socket.on('data', (chunk: Buffer) => bytes.push(chunk))
      p.publish('s/t', 'm')
      await p.settle()
      await old.settle()
      seen.push(Buffer.concat(bytes).toString('hex'))
      const [publish] = await publishes(present)
      expect(publish?.properties).toEqual(
        stampSenders.length === 0 ? undefined : expect.objectContaining({ userProperties: [sender('p')] }),
      )
    }
    expect(seen[0]).toBe(seen[1])
  })

  it('by a topic alias is one as any other', async () => {
    const { port } = await start()
    const p = await RawClient.connect(port, { clientId: 'p' })
    const s = await RawClient.connect(port, { properties: { topicAliasMaximum: 5 } })
    await s.subscribe('#')
    const topic = 's/a/topic/that/is/long/enough'
    p.publish(topic, '1', { properties: { ...FORGED, topicAlias: 1 } })
    p.publish('', '2', { properties: { ...FORGED, topicAlias: 1 } })
    // Properties that repeat are read once.
    for (let i = 0; i < 20; i++) p.publish('', '3', { properties: { topicAlias: 1 } })
    await p.settle()
    const found = await publishes(s)
    expect(found.map(({ topic: shown }) => shown)).toEqual([topic, ...Array(21).fill('')])
    expect(found.slice(0, 2).map(pairsOf)).toEqual(Array(2).fill([['a', '1'], sender('p')]))
    expect(found.slice(2).map(pairsOf)).toEqual(Array(20).fill([sender('p')]))
  })

  it('is counted with its stamp against a Maximum Packet Size [MQTT-3.1.2-24]', async () => {
    const { broker, port } = await start()
    const p = await RawClient.connect(port, { clientId: 'publisher' })
    const packet = publishPacket('s/t', 'm'.repeat(50), {
      properties: { userProperties: [sender('publisher')] },
    })
    // Fixed header, topic, properties, payload.
    const size = 2 + 5 + (1 + 1 + 2 + 12 + 2 + 9) + 50
    const properties = (maximumPacketSize: number) => ({ properties: { maximumPacketSize } })
    const [fits, small] = [
      await RawClient.connect(port, properties(size)),
      await RawClient.connect(port, properties(size - 1)),
    ]
    for (const client of [fits, small]) await client.subscribe('#')
    p.publish('s/t', 'm'.repeat(50))
    await p.settle()
    expect((await publishes(fits))[0]?.properties).toMatchObject(packet.properties ?? {})
    expect(await publishes(small)).toEqual([])
    expect(broker.stats().droppedTooLarge).toBe(1)
    p.publish('t', 'm'.repeat(50))
    await p.settle()
    expect(await small.received()).toHaveLength(1)
  })

  it('comes to members of a shared subscription as to others, also the one that gets what another left', async () => {
    const { port } = await start()
    const p = await RawClient.connect(port, { clientId: 'p' })
    const stays = { properties: { sessionExpiryInterval: 60, receiveMaximum: 1 } }
    const [one, two] = [
      await RawClient.connect(port, { clientId: 'one', ...stays }),
      await RawClient.connect(port, { clientId: 'two' }),
    ]
    for (const member of [one, two]) await member.subscribe('$share/g/s/+', 1)
    for (let i = 1; i <= 4; i++) await p.publishOnce('s/t', `${i}`, { properties: FORGED })
    const first = await publishes(one)
    await one.vanish()
    const second = [await two.expect('publish'), await two.expect('publish'), await two.expect('publish')]
    const all = [...first, ...second]
    expect(new Set(all.map(({ payload }) => Buffer.from(payload).toString())).size).toBe(4)
    expect(all.map(pairsOf)).toEqual(all.map(() => [['a', '1'], sender('p')]))
  })
})

describe('the right to act for others', () => {
  it('is told with one property for each, and by nobody who has none [promise 40]', async () => {
    const { port } = await start()
    const gateway = await RawClient.connect(port, { clientId: 'gateway', password: Buffer.from('+,agent-7') })
    const p = await RawClient.connect(port, { clientId: 'p' })
    const s = await RawClient.connect(port)
    await s.subscribe('#')
    for (const client of [gateway, p]) {
      client.publish('s/t', 'm', { properties: FORGED })
      client.publish('t', 'm')
      await client.settle()
    }
    expect((await publishes(s)).map(pairsOf)).toEqual([
      [['a', '1'], sender('gateway'), actFor('+'), actFor('agent-7')],
      undefined,
      [['a', '1'], sender('p')],
      undefined,
    ])
  })

  it('changes with AUTH, and who is the sender does not: another user is refused [promise 40]', async () => {
    const { port } = await start()
    const properties = { ...METHOD, authenticationData: Buffer.from('one') }
    const p = await RawClient.connect(port, { clientId: 'p', properties })
    const s = await RawClient.connect(port)
    await s.subscribe('#')
    const renew = (data: string): void =>
      p.send({
        type: 'auth',
        reasonCode: 0x19,
        properties: { ...METHOD, authenticationData: Buffer.from(data) },
      })
    for (const data of ['one,two', '', '+']) {
      p.publish('s/t', 'm')
      renew(data)
      expect((await p.expect('auth')).reasonCode).toBe(0)
    }
    p.publish('s/t', 'm')
    await p.settle()
    expect((await publishes(s)).map(pairsOf)).toEqual([
      [sender('p'), actFor('one')],
      [sender('p'), actFor('one'), actFor('two')],
      [sender('p')],
      [sender('p'), actFor('+')],
    ])
    renew('user victim')
    p.publish('s/t', 'meanwhile')
    expect((await p.expect('disconnect')).reasonCode).toBe(0x87)
    expect((await publishes(s)).map(pairsOf)).toEqual([[sender('p'), actFor('+')]])
  })

  it('is told for so many, of those that a client can be, and the log says that it was too much', async () => {
    const logged: unknown[] = []
    const quiet = { debug: () => {}, info: () => {}, error: () => {} }
    const warn = (fields: Record<string, unknown>): void => void logged.push(fields['leftOut'])
    const many = Array.from({ length: 70 }, (_, i) => `agent-${i}`)
    const odd = ['\ud800', 'nul\0', 'x'.repeat(70_000)]
    const identity = await authenticate({ clientId: 'p', remoteAddress: '', protocolVersion: 5 })
    const authenticator = { authenticate: async () => ({ ...identity, actsFor: [...odd, ...many] }) }
    const { port } = await start({ authenticator, log: { ...quiet, warn } })
    const p = await RawClient.connect(port, { clientId: 'p' })
    await p.subscribe('#')
    logged.splice(0)
    p.publish('s/t', '1')
    p.publish('s/t', '2')
    const expected = [sender('p'), ...many.slice(0, 64).map(actFor)]
    expect((await publishes(p)).map(pairsOf)).toEqual([expected, expected])
    expect(logged).toEqual([9])
  })
})

describe('CONNACK', () => {
  const filters = { stampSenders: ['s/#', 'jamey/#'] }

  it('names the filters that are stamped, in MQTT 5.0 and to who is let in [promise 40]', async () => {
    const { port } = await start(filters)
    const connack = await (await RawClient.open(port)).handshake()
    expect(connack.properties?.userProperties).toEqual([
      sender('s/#'),
      sender('jamey/#'),
      ['jamey-on-behalf-of', '#'],
    ])
    const old = await (await RawClient.open(port, 4)).handshake()
    expect(old).toMatchObject({ reasonCode: 0, properties: undefined })
    const none = await start({ stampSenders: undefined })
    const plain = await (await RawClient.open(none.port)).handshake()
    expect(plain.properties?.userProperties).toBeUndefined()
  })

  it('leaves them out where it would be larger than the client takes [MQTT-3.2.2-20]', async () => {
    const { port } = await start(filters)
    const client = await RawClient.open(port)
    const connack = await client.handshake({ clientId: 'c', properties: { maximumPacketSize: 40 } })
    expect(connack.reasonCode).toBe(0)
    expect(connack.properties?.userProperties).toBeUndefined()
  })
})

describe('stampSenders', () => {
  it.each(['', 'a/#/b', 'a+', '$share/g/a', '$SYS/#'])('is refused with %j among them', async (filter) => {
    const starting = startBroker({ stampSenders: ['s/#', filter] })
    await expect(starting).rejects.toMatchObject({ name: 'BrokerError', code: 'stamp-invalid' })
    await expect(starting).rejects.toThrow(`stampSenders: got ${JSON.stringify(filter)}`)
  })

  it('of # leaves $SYS as it is', async () => {
    const { port } = await start({ stampSenders: ['#'], limits: { sysIntervalSeconds: 10 } })
    const s = await RawClient.connect(port, { clientId: 's' })
    await s.subscribe([{ filter: '$SYS/broker/version' }, { filter: 't' }])
    s.publish('t', 'm', { properties: FORGED })
    const [version, message] = await publishes(s)
    expect([version?.properties, pairsOf(message as Publish)]).toEqual([undefined, [['a', '1'], sender('s')]])
  })
})
