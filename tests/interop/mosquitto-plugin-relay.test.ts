import type { Publish, UserProperty } from '@jamey/protocol'
import type { RawClient } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { TokenMosquitto } from './token-mosquitto.js'

/** The right to relay the messages of others, as the plugin of Mosquitto holds it. */

let mosquitto: TokenMosquitto

beforeAll(async () => {
  mosquitto = await TokenMosquitto.start({ options: 'plugin_opt_stamp jamey/#' })
})
afterAll(() => mosquitto?.stop())

const sender = (clientId: string): UserProperty => ['jamey-sender', clientId]
const actFor = (clientId: string): UserProperty => ['jamey-act-for', clientId]

async function connect(clientId: string, ...permissions: string[]): Promise<RawClient> {
  const client = await mosquitto.connect(clientId, permissions)
  onTestFinished(() => client.vanish())
  return client
}

const told = async (client: RawClient) =>
  (await client.settle())
    .filter((packet): packet is Publish => packet.type === 'publish')
    .map(({ properties }) => properties?.userProperties)

describe('a client that relays for others', () => {
  it('speaks for those that its token names, and for nobody else [promise 40]', async () => {
    const reader = await connect('reader', 'subscribe:jamey/t')
    await reader.subscribe('jamey/t', 1)
    const bridge = await connect('bridge', 'publish:jamey/t', 'relay:ada', 'relay:bob')
    for (const userProperties of [
      [['a', '1'] as const, sender('ada'), actFor('bob')],
      [sender('eve')],
      [sender('ada'), sender('bob')],
      [sender('ada'), actFor('+')],
    ]) {
      bridge.publish('jamey/t', 'm', { properties: { userProperties } })
      await bridge.settle()
    }
    const plain = await connect('eve', 'publish:jamey/t', 'act-for:ada')
    plain.publish('jamey/t', 'm', { properties: { userProperties: [sender('ada')] } })
    await plain.settle()
    expect(await told(reader)).toEqual([
      [['a', '1'], actFor('bob'), sender('ada')],
      [sender('bridge')],
      [sender('bridge')],
      [sender('bridge')],
      [sender('eve'), actFor('ada')],
    ])
  })

  it('has the own topics of those for whom it does, as far as its token grants them', async () => {
    const list = ['jamey/#', 'relay:ada']
    const bridge = await connect('bridge', ...list)
    const answers = await Promise.all(
      ['jamey/api/responses/ada/#', 'jamey/api/responses/eve/#', 'jamey/api/responses/+/#'].map((filter) =>
        bridge.subscribe(filter, 1),
      ),
    )
    expect(answers.map((answer) => answer.reasonCodes)).toEqual([[1], [0x87], [0x87]])
    const codes: (number | undefined)[] = []
    for (const [at, whom] of ['ada', 'eve'].entries()) {
      bridge.publish(`jamey/events/status/${whom}`, 'm', { qos: 1, packetIdentifier: at + 10 })
      const puback = (await bridge.settle()).find((packet) => packet.type === 'puback')
      codes.push(puback?.reasonCode)
    }
    expect(codes).toEqual([0x10, 0x87])
  })
})
