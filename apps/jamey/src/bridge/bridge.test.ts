import { until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { statusOf } from './status.js'
import { bridged, carried, listen, TestBroker, told } from './two-brokers.support.js'

async function pair(options = {}) {
  const one = await TestBroker.start(options)
  const two = await TestBroker.start(options)
  return { one, two, ports: [one.port, two.port] as const }
}

describe('a bridge', () => {
  it('carries what a side publishes, with its QoS, its properties and whether it is retained', async () => {
    const { one, two, ports } = await pair()
    await bridged({ ports, carried: [carried(0, 'lab/#')] })
    const heard = await listen(await two.client('reader'), '#')
    const ada = await one.client('ada')
    const properties = {
      payloadFormatIndicator: 1,
      contentType: 'text/plain',
      responseTopic: 'lab/answers',
      correlationData: Buffer.from('c1'),
      messageExpiryInterval: 600,
      userProperties: [
        ['a', '1'],
        ['a', '2'],
      ],
    } as const
    for (const qos of [0, 1, 2] as const) await ada.publish(`lab/${qos}`, 'm', { qos, properties })
    await ada.publish('lab/kept', 'k', { qos: 1, retain: true })
    await ada.publish('lab/kept', '', { qos: 1, retain: true })
    await ada.publish('elsewhere', 'm', { qos: 1 })
    await until(() => heard.length === 5)
    expect(heard.map(told)).toEqual([
      'lab/0=m q0',
      'lab/1=m q1',
      'lab/2=m q2',
      'lab/kept=k q1 retained',
      'lab/kept= q1 retained',
    ])
    const { userProperties, messageExpiryInterval, ...others } = heard[1]?.properties ?? {}
    expect(messageExpiryInterval).toBeGreaterThan(590)
    expect(userProperties).toEqual([...properties.userProperties, ['jamey-bridge', 'ours']])
    expect(others).toMatchObject({
      payloadFormatIndicator: 1,
      contentType: 'text/plain',
      responseTopic: 'lab/answers',
      correlationData: Uint8Array.from(Buffer.from('c1')),
    })
  })

  it('carries the same topics both ways, and nothing a second time', async () => {
    const { one, two, ports } = await pair()
    const bridge = await bridged({ ports, carried: [carried(0, '#'), carried(1, '#')] })
    const [here, there] = [await one.client('ada'), await two.client('bob')]
    const heard = [await listen(here, 'lab/#'), await listen(there, 'lab/#')]
    for (let i = 0; i < 20; i++) {
      await here.publish('lab/a', `${i}`, { qos: 1 })
      await there.publish('lab/b', `${i}`, { qos: 2 })
    }
    await until(() => heard.every((all) => all.length >= 40))
    for (const all of heard) expect(new Set(all.map(told)).size).toBe(all.length)
    expect(statusOf(bridge).directions).toMatchObject([
      { from: 'ours', to: 'cluster', carried: 20, looped: 0, unverified: 0 },
      { from: 'cluster', to: 'ours', carried: 20, looped: 0, unverified: 0 },
    ])
  })

  it('is no way round for three brokers in a ring', async () => {
    const { one, two } = await pair()
    const three = await TestBroker.start()
    const both = [carried(0, 'lab/#'), carried(1, 'lab/#')]
    const names = ['one', 'two', 'three']
    for (const [a, b] of [
      [0, 1],
      [1, 2],
      [2, 0],
    ] as const) {
      const at = [one.port, two.port, three.port]
      const [from = '', to = ''] = [names[a], names[b]]
      await bridged({
        ports: [at[a] ?? 0, at[b] ?? 0],
        carried: both,
        names: [from, to],
        clientId: `bridge-${a}`,
      })
    }
    const heard = await Promise.all(
      [one, two, three].map(async (broker) => listen(await broker.client('reader'), 'lab/#')),
    )
    const ada = await one.client('ada')
    await ada.publish('lab/a', '1', { qos: 1 })
    await until(() => heard.every((all) => all.length > 0))
    // Whatever went round would be before this one.
    await ada.publish('lab/last', '2', { qos: 1 })
    await until(() => heard.every((all) => all.some(({ topic }) => topic === 'lab/last')))
    expect(heard[0]?.map(told)).toEqual(['lab/a=1 q1', 'lab/last=2 q1'])
  })

  it('has what both have retained at its start: where both have it, that of the first side', async () => {
    const { one, two, ports } = await pair()
    const [here, there] = [await one.client('ada'), await two.client('bob')]
    await here.publish('lab/both', 'ours', { qos: 1, retain: true })
    await here.publish('lab/here', 'ours', { qos: 1, retain: true })
    await there.publish('lab/both', 'theirs', { qos: 1, retain: true })
    await there.publish('lab/there', 'theirs', { qos: 1, retain: true })
    const bridge = await bridged({ ports, carried: [carried(0, 'lab/#'), carried(1, 'lab/#')] })
    await until(
      () =>
        statusOf(bridge)
          .directions.map((one) => one.acknowledged)
          .join() === '2,1',
    )
    for (const broker of [one, two]) {
      const kept = await listen(await broker.client('reader'), 'lab/#')
      await until(() => kept.length === 3)
      expect(kept.map(told).sort()).toEqual([
        'lab/both=ours q1 retained',
        'lab/here=ours q1 retained',
        'lab/there=theirs q1 retained',
      ])
    }
  })
})
