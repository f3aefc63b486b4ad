import type { Publish, UserProperty } from '@jamey/protocol'
import { RawClient, text } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { type AuthenticationRequest, type BrokerOptions, type Identity, MemoryBrokerStore } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

/** Who relays for those whom the user name gives with commas between them. */
async function authenticate({ clientId, username = '' }: AuthenticationRequest): Promise<Identity> {
  return {
    username: clientId,
    mayPublish: () => true,
    maySubscribe: () => true,
    mayReceive: () => true,
    relays: username === '' ? [] : username.split(','),
  }
}

function start(options: Partial<BrokerOptions> = {}) {
  return startBroker({ stampSenders: ['s/#'], authenticator: { authenticate }, ...options })
}

const sender = (clientId: string): UserProperty => ['jamey-sender', clientId]
const actFor = (clientId: string): UserProperty => ['jamey-act-for', clientId]
const told = (packet: Publish | undefined): readonly UserProperty[] | undefined =>
  packet?.properties?.userProperties

async function publishes(client: RawClient): Promise<Publish[]> {
  return (await client.settle()).filter((packet) => packet.type === 'publish')
}

describe('a message that is relayed', () => {
  it('is of whom it names, and may act for whom that one may [promise 40]', async () => {
    const { port } = await start()
    const reader = await RawClient.connect(port, { clientId: 'reader' })
    await reader.subscribe('#', 1)
    const bridge = await RawClient.connect(port, { clientId: 'bridge', username: '+' })
    for (const userProperties of [
      [['a', '1'] as const, sender('ada')],
      [sender('gateway'), actFor('+'), ['b', '2'] as const],
      [['c', '3'] as const],
    ]) {
      bridge.publish('s/t', 'm', { properties: { userProperties } })
      await bridge.settle()
    }
    expect((await publishes(reader)).map(told)).toEqual([
      [['a', '1'], sender('ada')],
      [['b', '2'], sender('gateway'), actFor('+')],
      // Its own.
      [['c', '3'], sender('bridge')],
    ])
  })

  it.each<[string, string, UserProperty[]]>([
    ['one that it does not relay for', 'ada,bob', [sender('eve')]],
    ['two senders', '+', [sender('ada'), sender('bob')]],
    ['somebody to act for whom it does not relay for', 'ada', [sender('ada'), actFor('bob')]],
  ])('is refused where it names %s, and nobody gets it', async (_what, username, userProperties) => {
    const { port } = await start()
    const reader = await RawClient.connect(port, { clientId: 'reader' })
    await reader.subscribe('#', 1)
    const bridge = await RawClient.connect(port, { clientId: 'bridge', username })
    bridge.publish('s/t', 'm', { qos: 1, packetIdentifier: 1, properties: { userProperties } })
    const [answer] = (await bridge.settle()).filter((packet) => packet.type === 'puback')
    expect(answer?.reasonCode).toBe(0x87)
    expect(await publishes(reader)).toEqual([])
  })

  it('is of its sender still where it is retained and the broker began anew', async () => {
    const store = new MemoryBrokerStore()
    const before = await start({ store })
    const bridge = await RawClient.connect(before.port, { clientId: 'bridge', username: '+' })
    const properties = { userProperties: [sender('gateway'), actFor('ada')] }
    bridge.publish('s/kept', 'm', { qos: 1, packetIdentifier: 1, retain: true, properties })
    await bridge.settle()
    await before.broker.close({ graceMs: 0 })
    const after = await start({ store })
    const reader = await RawClient.connect(after.port, { clientId: 'reader' })
    await reader.subscribe('#', 1)
    const [kept] = await publishes(reader)
    expect([text(kept as Publish), told(kept)]).toEqual([
      's/kept=m q1 retain',
      [sender('gateway'), actFor('ada')],
    ])
  })
})
