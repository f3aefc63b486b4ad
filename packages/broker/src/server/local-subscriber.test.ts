import { FakeClock, RawClient, settled, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import type { BrokerOptions, ReceivedMessage } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

async function start(options: Partial<BrokerOptions> = {}) {
  const clock = new FakeClock()
  return { ...(await startBroker({ clock, ...options })), clock }
}

const textOf = ({ topic, payload, retain }: ReceivedMessage): string => {
  return `${topic}=${Buffer.from(payload)}${retain ? ' retain' : ''}`
}

/** A handler whose promises a test settles. */
function slow() {
  const got: string[] = []
  const ends: (() => void)[] = []
  const handler = (message: ReceivedMessage): Promise<void> => {
    got.push(textOf(message))
    return new Promise((resolve) => ends.push(resolve))
  }
  const end = async (): Promise<void> => {
    await until(() => ends.length > 0)
    ends.shift()?.()
    await settled()
  }
  return { got, ends, handler, end }
}

describe('a handler of the program that embeds the broker', () => {
  it('gets what is published under its filter, by clients and by the program, with all that is known of it', async () => {
    const { broker, port } = await start()
    const got: ReceivedMessage[] = []
    broker.subscribe('t/+', (message) => got.push(message))
    const p = await RawClient.connect(port, { clientId: 'p' })
    const properties = { contentType: 'c', userProperties: [['a', '1']] as const }
    expect(await p.publishOnce('t/1', 'one', { properties })).toBe(0)
    expect(await p.publishOnce('elsewhere', 'x')).toBe(0x10)
    expect(await broker.publish('t/2', 'two')).toBe(true)
    await until(() => got.length === 2)
    expect(got[0]).toMatchObject({ topic: 't/1', qos: 1, retain: false, properties, publishedBy: 'p' })
    expect(got.map(textOf)).toEqual(['t/1=one', 't/2=two'])
    expect(got[1]).toMatchObject({ qos: 0, publishedBy: '' })
  })

  it('gets what is retained first, unless it wants none of it', async () => {
    const { broker } = await start()
    for (const topic of ['a', 'b/1', 'b/2']) await broker.publish(topic, 'kept', { retain: true })
    const all: string[] = []
    broker.subscribe('b/#', (message) => all.push(textOf(message)))
    const fresh: string[] = []
    broker.subscribe('b/#', { retained: false }, (message) => fresh.push(textOf(message)))
    await broker.publish('b/3', 'new', { retain: true })
    await until(() => all.length === 4)
    expect(all.slice(0, 2).sort()).toEqual(['b/1=kept retain', 'b/2=kept retain'])
    expect(all.at(-1)).toBe('b/3=new')
    expect(fresh).toEqual(['b/3=new'])
  })

  it('is at one message at a time, in order, and what is too much for it is dropped and counted', async () => {
    const { broker } = await start()
    const { got, handler, end } = slow()
    const subscription = broker.subscribe('t', { maximumWaiting: 2 }, handler)
    await broker.publish('t', '0')
    await until(() => got.length === 1)
    for (const n of [1, 2, 3, 4]) await broker.publish('t', `${n}`, { qos: 1 })
    await settled()
    expect(got).toEqual(['t=0'])
    expect([subscription.dropped, broker.stats().droppedSlow]).toEqual([2, 2])
    await end()
    await end()
    expect(got).toEqual(['t=0', 't=1', 't=2'])
    await end()
    await broker.publish('t', '5')
    await until(() => got.length === 4)
  })

  it('has no more bytes waiting than a session may, but for one message', async () => {
    const { broker } = await start({ limits: { queuedBytes: 1_000 } })
    const { got, handler, end } = slow()
    const subscription = broker.subscribe('t', handler)
    await broker.publish('t', 'first')
    await until(() => got.length === 1)
    for (let n = 0; n < 3; n++) await broker.publish('t', Buffer.alloc(2_000))
    expect(subscription.dropped).toBe(2)
    await end()
    expect(got).toHaveLength(2)
  })

  it('that throws or rejects costs nobody but itself, and is called for the next', async () => {
    const { broker, port } = await start()
    const got: string[] = []
    broker.subscribe('t', (message) => {
      got.push(textOf(message))
      throw new Error('no')
    })
    broker.subscribe('t', async (message) => {
      got.push(textOf(message))
      throw new Error('no')
    })
    const s = await RawClient.connect(port)
    await s.subscribe('t')
    for (const n of [1, 2]) await broker.publish('t', `${n}`)
    await until(() => broker.stats().handlersFailed === 4)
    expect(got.sort()).toEqual(['t=1', 't=1', 't=2', 't=2'])
    expect(await s.received()).toEqual(['t=1', 't=2'])
  })

  it('may publish, subscribe and unsubscribe', async () => {
    const { broker, port } = await start()
    const first = broker.subscribe('ask/#', ({ topic, payload }) => {
      first.unsubscribe()
      broker.subscribe('later', () => {})
      return broker.publish(`answer/${topic}`, payload)
    })
    const c = await RawClient.connect(port)
    await c.subscribe('answer/#')
    for (const n of [1, 2]) await broker.publish('ask/1', `${n}`)
    await settled()
    expect(await c.received()).toEqual(['answer/ask/1=1'])
    expect(await broker.publish('later', 'm')).toBe(true)
  })

  it('is called no more when it has unsubscribed, and its end can be waited for', async () => {
    const { broker } = await start()
    const { got, handler, ends } = slow()
    const subscription = broker.subscribe('t', handler)
    for (const n of [1, 2]) await broker.publish('t', `${n}`)
    await until(() => got.length === 1)
    let isDisposed = false
    const disposed = subscription[Symbol.asyncDispose]().then(() => {
      isDisposed = true
    })
    await settled()
    expect(isDisposed).toBe(false)
    ends[0]?.()
    await disposed
    expect(got).toEqual(['t=1'])
    expect(await broker.publish('t', 'x')).toBe(false)
    expect(broker.stats().subscriptions).toBe(0)
  })

  it('does not get what expired while it waited', async () => {
    const { broker, clock } = await start()
    const { got, handler, end } = slow()
    broker.subscribe('t', handler)
    await broker.publish('t', '1')
    await broker.publish('t', '2', { properties: { messageExpiryInterval: 1 } })
    await broker.publish('t', '3')
    await clock.advance(2_000)
    await end()
    expect(got).toEqual(['t=1', 't=3'])
    expect(broker.stats().droppedExpired).toBe(1)
  })

  it('holds the bytes of a message for as long as it waits, whatever came behind them', async () => {
    const { broker, port } = await start()
    const { got, handler, end } = slow()
    broker.subscribe('t', handler)
    const p = await RawClient.connect(port)
    for (const n of [1, 2, 3]) p.publish('t', `message ${n}`)
    for (let n = 0; n < 50; n++) p.publish('other', 'x'.repeat(3_000))
    await p.settle()
    for (let n = 0; n < 2; n++) await end()
    expect(got).toEqual(['t=message 1', 't=message 2', 't=message 3'])
  })

  it.each<[string, () => unknown]>([
    ['no handler', () => ['t']],
    ['no topic filter', () => ['t/#/x', () => {}]],
    ['a shared subscription', () => ['$share/g/t', () => {}]],
    ['no number', () => ['t', { maximumWaiting: 0 }, () => {}]],
  ])('is refused with %s', async (_what, given) => {
    const { broker } = await start()
    const subscribe = broker.subscribe.bind(broker) as (...given: unknown[]) => unknown
    expect(() => subscribe(...(given() as unknown[]))).toThrow(
      expect.objectContaining({ code: 'subscribe-invalid' }),
    )
    await broker.close()
    expect(() => broker.subscribe('t', () => {})).toThrow(expect.objectContaining({ code: 'broker-closed' }))
  })
})
