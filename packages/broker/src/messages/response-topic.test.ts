import { signToken, tokenAuthenticator } from '@jamey/auth'
import type { Publish } from '@jamey/protocol'
import { publishPacket, RawClient, text } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'

const secret = Buffer.alloc(32, 7)

function asking(responseTopic: string): Partial<Publish> {
  return { properties: { responseTopic } }
}

async function start() {
  const { broker, port } = await startBroker({ authenticator: tokenAuthenticator({ secret }) })
  async function connectOptions(clientId: string, permissions: string[]) {
    const password = Buffer.from(await signToken({ sub: clientId, permissions }, secret))
    return { clientId, username: clientId, password }
  }
  async function connect(clientId: string, permissions: string[]): Promise<RawClient> {
    return RawClient.connect(port, await connectOptions(clientId, permissions))
  }
  return { broker, port, connect, connectOptions }
}

describe('a Response Topic', () => {
  it('is refused where its publisher could not get the answer [promise 23] [promise 36]', async () => {
    const { broker, connect } = await start()
    const service = await connect('service', ['q', 'publish:jamey/api/responses/#'])
    await service.subscribe('q', 1)
    const asker = await connect('asker', ['publish:q', 'subscribe:news/#', 'publish:log'])
    const refused = [
      'jamey/api/responses/other/1',
      'jamey/api/responses/askers',
      'jamey/events/status/other',
      'log',
    ]
    for (const topic of refused) expect(await asker.publishOnce('q', 'm', asking(topic))).toBe(0x87)
    asker.publish('q', 'm', { qos: 2, packetIdentifier: 8, ...asking('log') })
    expect((await asker.expect('pubrec')).reasonCode).toBe(0x87)
    asker.publish('q', 'm', asking('log'))
    for (const topic of ['jamey/api/responses/asker/1', 'news/today']) {
      expect(await asker.publishOnce('q', topic, asking(topic))).toBe(0)
    }
    expect(await service.received()).toEqual(['q=jamey/api/responses/asker/1 q1', 'q=news/today q1'])
    expect(broker.stats().publishesDenied).toBe(6)
  })

  it('of another inbox is refused even to who may read everything [promise 23]', async () => {
    const { connect } = await start()
    const operator = await connect('operator', ['#'])
    expect(await operator.publishOnce('q', 'm', asking('jamey/api/responses/other/1'))).toBe(0x87)
    expect(await operator.publishOnce('q', 'm', asking('anything/else'))).toBe(0x10)
  })

  it('is refused with a topic alias and with RETAIN, too, and sets nothing', async () => {
    const { broker, connect } = await start()
    const asker = await connect('asker', ['publish:q'])
    const responseTopic = 'jamey/api/responses/other/1'
    asker.send(publishPacket('q', 'm', { retain: true, properties: { topicAlias: 1, responseTopic } }))
    asker.send(publishPacket('', 'm', { retain: true, properties: { topicAlias: 1, responseTopic } }))
    expect(await asker.settle()).toEqual([])
    expect(broker.stats()).toMatchObject({ publishesDenied: 2, retainedMessages: 0 })
  })

  it('of a will is refused with its CONNECT [promise 36]', async () => {
    const { port, connectOptions } = await start()
    const codes: number[] = []
    for (const responseTopic of ['jamey/api/responses/other/1', 'jamey/api/responses/asker/1']) {
      const client = await RawClient.open(port)
      const will = {
        topic: 'q',
        payload: Buffer.from('m'),
        qos: 1,
        retain: false,
        properties: { responseTopic },
      } as const
      const options = await connectOptions('asker', ['publish:q'])
      codes.push((await client.handshake({ ...options, will })).reasonCode)
    }
    expect(codes).toEqual([0x87, 0])
  })

  it('reaches whoever answers, whose own permissions are not asked about', async () => {
    const { connect } = await start()
    const service = await connect('service', ['subscribe:q', 'publish:jamey/api/responses/#'])
    await service.subscribe('q', 1)
    const asker = await connect('asker', ['publish:q'])
    await asker.subscribe('jamey/api/responses/asker/#', 1)
    expect(await asker.publishOnce('q', 'm', asking('jamey/api/responses/asker/1'))).toBe(0)
    const { properties } = await service.expect('publish')
    expect(await service.publishOnce(properties?.responseTopic ?? '', 'answer')).toBe(0)
    expect(text(await asker.expect('publish'))).toBe('jamey/api/responses/asker/1=answer q1')
  })
})
