import type { Publish, PublishProperties, UserProperty, Will } from '@jamey/protocol'
import { FakeClock, publishPacket, RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import {
  type BrokerHooks,
  type BrokerOptions,
  type Identity,
  MemoryBrokerStore,
  type PublishChange,
} from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const sender = (clientId: string): UserProperty => ['jamey-sender', clientId]
const FORGED: PublishProperties = {
  userProperties: [sender('victim'), ['a', '1'], ['jamey-act-for', '+']],
}
const STAYS = { sessionExpiryInterval: 1000 }

/** Everybody may do everything, and `gateway` act for `agent-7`. */
async function authenticate({ clientId }: { clientId: string }): Promise<Identity> {
  return {
    username: 'u',
    mayPublish: () => true,
    maySubscribe: () => true,
    mayReceive: () => true,
    actsFor: clientId === 'gateway' ? ['agent-7'] : [],
  }
}

function start(options: Partial<BrokerOptions> = {}) {
  return startBroker({ stampSenders: ['s/#'], authenticator: { authenticate }, ...options })
}

function will(topic: string, properties?: Will['properties']): Will {
  return {
    topic,
    payload: Buffer.from('gone'),
    qos: 1,
    retain: true,
    properties: { ...FORGED, ...properties },
  }
}

/** What a publish says: topic and payload, and the user properties. */
function told(publish: Publish): string {
  const pairs = publish.properties?.userProperties ?? []
  return [text(publish), ...pairs.map(([name, value]) => `${name}:${value}`)].join(' ')
}

async function toldTo(client: RawClient): Promise<string[]> {
  return (await client.settle()).filter((packet) => packet.type === 'publish').map(told)
}

describe('a will under a stamped topic', () => {
  it('tells whose it is: at once, after its delay, and when the session is over [promise 40]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await start({ clock })
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('#')
    const die = async (clientId: string, properties?: Will['properties']): Promise<void> => {
      const dying = { clientId, properties: STAYS, will: will(`s/${clientId}`, properties) }
      await (await RawClient.connect(port, dying)).vanish()
      await until(() => broker.stats().connections === 1)
    }
    await die('now')
    await die('gateway', { willDelayInterval: 10 })
    await die('ended', { willDelayInterval: 5000 })
    await clock.advance(10_000)
    await clock.advance(1_000_000)
    expect(await toldTo(watcher)).toEqual([
      's/now=gone a:1 jamey-sender:now',
      's/gateway=gone a:1 jamey-sender:gateway jamey-act-for:agent-7',
      's/ended=gone a:1 jamey-sender:ended',
    ])
    const late = await RawClient.connect(port)
    await late.subscribe('s/now')
    expect(await toldTo(late)).toEqual(['s/now=gone retain a:1 jamey-sender:now'])
  })

  it('tells it when another life of the broker publishes it [promise 33] [promise 40]', async () => {
    const store = new MemoryBrokerStore()
    const first = await start({ store })
    const dying = { clientId: 'd', properties: STAYS, will: will('s/w', { willDelayInterval: 10 }) }
    await RawClient.connect(first.port, dying)
    await first.broker.close({ graceMs: 0 })
    const clock = new FakeClock()
    const second = await start({ store, clock })
    const watcher = await RawClient.connect(second.port)
    await watcher.subscribe('#')
    await clock.advance(10_000)
    expect(await toldTo(watcher)).toEqual(['s/w=gone a:1 jamey-sender:d'])
  })

  it('tells it also where a hook judges when its session is over and has another name', async () => {
    let judge = (_change: PublishChange): void => {}
    const verdict = new Promise<PublishChange>((resolve) => {
      judge = resolve
    })
    const onPublish: BrokerHooks['onPublish'] = ({ isWill }) => (isWill ? verdict : undefined)
    const { broker, port } = await start({ store: new MemoryBrokerStore(), hooks: { onPublish } })
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('s/w')
    const dying = { clientId: 'd', properties: STAYS, will: will('w', { willDelayInterval: 10 }) }
    const d = await RawClient.connect(port, dying)
    await d.subscribe('$share/g/t', 1)
    const heir = await RawClient.connect(port, { clientId: 'heir', properties: STAYS })
    await heir.subscribe('$share/g/t', 1)
    await heir.vanish()
    await d.vanish()
    await until(() => broker.stats().connections === 1)
    // Half of them wait in either, and so more than go to the heir at once.
    for (let i = 0; i < 5; i++) {
      const packets = Array.from({ length: 600 }, (_, n) =>
        publishPacket('t', 'm', { qos: 1, packetIdentifier: n + 1 }),
      )
      watcher.send(...packets)
      for (const _ of packets) await watcher.expect('puback')
    }
    // A clean start ends the session; what it has of the group stays in the store for the heir.
    await RawClient.connect(port, { clientId: 'd' })
    judge({ topic: 's/w' })
    await until(() => broker.stats().willsPublished === 1)
    expect(await toldTo(watcher)).toEqual(['s/w=gone a:1 jamey-sender:d'])
  })
})

describe('a message that waits', () => {
  it.each(['queued', 'retained'])(
    '%s, tells who published it in the next life [promise 33] [promise 40]',
    async (how) => {
      const store = new MemoryBrokerStore()
      const first = await start({ store })
      const s = await RawClient.connect(first.port, { clientId: 's', properties: STAYS })
      if (how === 'queued') await s.subscribe('#', 1)
      await s.vanish()
      await until(() => first.broker.stats().connections === 0)
      for (const clientId of ['p', 'gateway']) {
        const publisher = await RawClient.connect(first.port, { clientId })
        const options = { retain: how === 'retained', properties: FORGED }
        await publisher.publishOnce(`s/${clientId}`, 'm', options)
        await publisher.publishOnce(clientId, 'm', options)
      }
      await first.broker.close({ graceMs: 0 })
      const second = await start({ store })
      const back = await RawClient.connect(second.port, {
        clientId: 's',
        cleanStart: false,
        properties: STAYS,
      })
      if (how === 'retained') await back.subscribe('#', 1)
      const flags = how === 'retained' ? ' q1 retain' : ' q1'
      const found = await toldTo(back)
      expect(found.sort()).toEqual([
        `gateway=m${flags} jamey-sender:victim a:1 jamey-act-for:+`,
        `p=m${flags} jamey-sender:victim a:1 jamey-act-for:+`,
        `s/gateway=m${flags} a:1 jamey-sender:gateway jamey-act-for:agent-7`,
        `s/p=m${flags} a:1 jamey-sender:p`,
      ])
    },
  )

  it('since before topics were stamped lies no more, once they are [promise 40]', async () => {
    const store = new MemoryBrokerStore()
    const first = await start({ store, stampSenders: [] })
    const s = await RawClient.connect(first.port, { clientId: 's', properties: STAYS })
    await s.subscribe('s/queued', 1)
    await s.vanish()
    await until(() => first.broker.stats().connections === 0)
    const gateway = await RawClient.connect(first.port, { clientId: 'gateway' })
    await gateway.publishOnce('s/queued', 'm', { properties: FORGED })
    await gateway.publishOnce('s/retained', 'm', { properties: FORGED, retain: true })
    await first.broker.close({ graceMs: 0 })
    const second = await start({ store })
    const back = await RawClient.connect(second.port, { clientId: 's', cleanStart: false, properties: STAYS })
    expect(told(await back.expect('publish'))).toBe('s/queued=m q1 a:1 jamey-sender:gateway')
    await back.subscribe('s/retained', 1)
    // For whom it might have acted then, nobody knows.
    expect(told(await back.expect('publish'))).toBe('s/retained=m q1 retain a:1 jamey-sender:gateway')
  })
})

describe('a message that a hook has judged', () => {
  const hooks: BrokerHooks = {
    onPublish: ({ topic, properties }) => {
      if (topic === 'in') return { topic: 's/in' }
      if (topic === 's/out') return { topic: 'out' }
      if (topic === 's/own') return { properties: { userProperties: [sender('hook'), ['b', '2']] } }
      return topic === 's/seen'
        ? { payload: Buffer.from(JSON.stringify(properties?.userProperties)) }
        : undefined
    },
  }

  it.each([
    ['in', 's/in=m a:1 jamey-sender:p'],
    ['s/out', 'out=m a:1'],
    ['s/own', 's/own=m b:2 jamey-sender:p'],
    // What receivers do not see, hooks do not see either.
    ['s/seen', 's/seen=[["a","1"]] a:1 jamey-sender:p'],
    ['other', 'other=m jamey-sender:victim a:1 jamey-act-for:+'],
  ])('published to %s, is what its final topic makes of it', async (topic, expected) => {
    const { port } = await start({ hooks })
    const p = await RawClient.connect(port, { clientId: 'p' })
    await p.subscribe('#')
    p.publish(topic, 'm', { properties: FORGED })
    expect(await toldTo(p)).toEqual([expected])
    const dying = await RawClient.connect(port, {
      clientId: 'p2',
      will: { ...will(topic), payload: Buffer.from('m') },
    })
    await dying.vanish()
    expect(told(await p.expect('publish'))).toBe(expected.replace('jamey-sender:p', 'jamey-sender:p2'))
  })
})
