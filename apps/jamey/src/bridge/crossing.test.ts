import { until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { Bridge } from './bridge.js'
import { statusOf } from './status.js'
import {
  bridged,
  carried,
  listen,
  newFolder,
  SILENT,
  settingsOf,
  TestBroker,
  told,
} from './two-brokers.support.js'

async function pair(options = {}) {
  const one = await TestBroker.start(options)
  const two = await TestBroker.start(options)
  return { one, two, ports: [one.port, two.port] as const }
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`)

describe('a direction', () => {
  it('takes no more than its outbox holds, in order, and goes on when the other side is back', async () => {
    const { one, two, ports } = await pair()
    const limits = { messages: 10, receiveMaximum: 5 }
    const bridge = await bridged({ ports, carried: [carried(0, 'lab/#')], limits })
    const reader = await two.client('reader', { cleanStart: false, sessionExpirySeconds: 3600 })
    await reader.close()
    await two.end()
    await until(() => bridge.sides[1].client.state !== 'connected')
    const ada = await one.client('ada')
    for (const text of numbers(0, 40)) await ada.publish('lab/a', text, { qos: 1 })
    // What the Receive Maximum lets the server send is held, and not acknowledged.
    await until(() => {
      const { carried, waiting, held } = statusOf(bridge).directions[0] ?? {}
      return carried === 10 && waiting === 10 && held === 5
    })
    await two.resume()
    const heard = await listen(await two.client('late'), 'lab/#')
    await until(() => statusOf(bridge).directions[0]?.acknowledged === 40, 10_000)
    // What came before somebody listened is nobody's; the order of the rest is kept.
    const texts = heard.map(({ payload }) => Number(Buffer.from(payload).toString()))
    expect(texts).toEqual([...texts].sort((a, b) => a - b))
  })

  it('leaves what waits on both sides to its next start, and carries it then', async () => {
    const { one, two, ports } = await pair()
    const folder = newFolder()
    const setting = { ports, folder, carried: [carried(0, 'lab/#')] }
    const heard = await listen(await two.client('reader'), 'lab/#')
    const former = await bridged(setting)
    const ada = await one.client('ada')
    await ada.publish('lab/a', '0', { qos: 1 })
    await until(() => heard.length === 1)
    await former.stop()
    for (const text of numbers(1, 10)) await ada.publish('lab/a', text, { qos: 2 })
    await bridged(setting)
    await until(() => heard.length === 10)
    expect(heard.map(({ payload }) => Buffer.from(payload).toString())).toEqual(numbers(0, 10))
  })

  it('hands over again what was refused because a queue was full, and nothing else', async () => {
    const one = await TestBroker.start()
    const two = await TestBroker.start({ overflow: 'refuse', limits: { queuedMessages: 2 } })
    const bridge = await bridged({ ports: [one.port, two.port], carried: [carried(0, 'lab/#')] })
    const kept = { cleanStart: false, sessionExpirySeconds: 3600 }
    const away = await two.client('reader', kept)
    await away.subscribe('lab/#', { qos: 1 }, () => {})
    await away.close()
    const ada = await one.client('ada')
    for (const text of numbers(0, 5)) await ada.publish('lab/a', text, { qos: 1 })
    await until(() => statusOf(bridge).directions[0]?.deadLetters === 3)
    // What waited for it comes with the connection, before anybody listens.
    const heard = await listen(await two.client('reader', kept), 'lab/#', 1)
    await bridge.retryRefused()
    await until(() => heard.length === 3)
    expect(heard.map(({ payload }) => Buffer.from(payload).toString())).toEqual(numbers(2, 5))
    expect(statusOf(bridge).directions[0]?.deadLetters).toBe(0)
  })

  it('keeps what the other side does not take as a dead letter, and goes on', async () => {
    const one = await TestBroker.start()
    const two = await TestBroker.start({ limits: { packetBytes: 2000 } })
    const bridge = await bridged({ ports: [one.port, two.port], carried: [carried(0, 'lab/#')] })
    const heard = await listen(await two.client('reader'), 'lab/#')
    const ada = await one.client('ada')
    await ada.publish('lab/large', 'x'.repeat(3000), { qos: 1 })
    await ada.publish('lab/small', 'm', { qos: 1 })
    await until(() => heard.length === 1)
    expect(heard.map(told)).toEqual(['lab/small=m q1'])
    await until(() => statusOf(bridge).directions[0]?.deadLetters === 1)
    const [letter] = await bridge.sides[1].client.deadLetters.list()
    expect([letter?.topic, letter?.reason.code]).toEqual(['lab/large', 'packet-too-large'])
  })
})

describe('a share group', () => {
  it('has the bridge as a member, so that each request goes to one service on either side', async () => {
    const { one, two, ports } = await pair()
    await bridged({ ports, carried: [carried(0, '$share/conscience/lab/ask'), carried(1, 'lab/answers')] })
    const [here, there] = [await one.client('here'), await two.client('there')]
    const asked = [
      await listen(here, '$share/conscience/lab/ask', 1),
      await listen(there, '$share/conscience/lab/ask', 1),
    ]
    const ada = await one.client('ada')
    for (const text of numbers(0, 40)) await ada.publish('lab/ask', text, { qos: 1 })
    await until(() => (asked[0]?.length ?? 0) + (asked[1]?.length ?? 0) === 40)
    const all = asked.flat().map(({ payload }) => Number(Buffer.from(payload).toString()))
    expect(all.sort((a, b) => a - b)).toEqual(numbers(0, 40).map(Number))
    expect(Math.min(...asked.map(({ length }) => length))).toBeGreaterThan(5)
  })
})

describe('a request that nobody on the other side subscribes to', () => {
  it('is sent again until somebody does: nobody else in its group can get it any more', async () => {
    const { one, two, ports } = await pair()
    const bridge = await bridged({ ports, carried: [carried(0, '$share/memory/lab/store')] })
    const ada = await one.client('ada')
    const properties = { messageExpiryInterval: 30 }
    for (const text of numbers(0, 10)) await ada.publish('lab/store', text, { qos: 1, properties })
    await until(() => (statusOf(bridge).directions[0]?.unheard ?? 0) >= 1)
    const heard = await listen(await two.client('memory'), '$share/memory/lab/store', 1)
    await until(() => heard.length === 10)
    expect(heard.map(({ payload }) => Number(Buffer.from(payload).toString())).sort((a, b) => a - b)).toEqual(
      numbers(0, 10).map(Number),
    )
  })
})

describe('the end of a bridge', () => {
  it.each([
    ['MQTT 5.0', 'auto', [carried(0, 'lab/#'), carried(1, 'lab/#')]],
    ['MQTT 3.1.1', 4, [carried(0, 'lab/#')]],
  ] as const)('carries what waits with %s, and leaves no session', async (_version, version, all) => {
    const { one, two, ports } = await pair()
    const folder = newFolder()
    const setting = { ports, folder, carried: all, versions: [version, 'auto'] as const }
    const heard = await listen(await two.client('reader'), 'lab/#')
    const former = await bridged(setting)
    await former.stop()
    const ada = await one.client('ada')
    for (const text of numbers(0, 20)) await ada.publish('lab/a', text, { qos: 1 })
    const last = await Bridge.open(settingsOf(setting), SILENT)
    await last.end()
    await until(() => heard.length === 20)
    // Whoever has the name now finds nothing of it.
    const next = await one.client('bridge', { cleanStart: false })
    expect(next.serverInformation?.sessionPresent).toBe(false)
  })
})

describe('a broker of MQTT 3.1.1', () => {
  it('carries each topic one way, with what is retained where the settings say so', async () => {
    const { one, two, ports } = await pair()
    const versions = [4, 'auto'] as const
    await bridged({ ports, versions, carried: [carried(0, 'lab/#', { retained: ['lab/kept'] })] })
    const heard = await listen(await two.client('reader'), 'lab/#')
    const ada = await one.client('ada')
    await ada.publish('lab/kept', 'k', { qos: 1, retain: true })
    await ada.publish('lab/a', 'm', { qos: 2 })
    await until(() => heard.length === 2)
    expect(heard.map(told)).toEqual(['lab/kept=k q1 retained', 'lab/a=m q2'])
  })

  it('is refused for topics that go both ways, once it is known for one', async () => {
    const { ports } = await pair()
    const setting = {
      ports,
      versions: ['auto', 4] as const,
      carried: [carried(0, 'lab/#'), carried(1, 'lab/a')],
    }
    const bridge = await Bridge.open(settingsOf(setting), SILENT)
    await expect(bridge.start()).rejects.toThrow(
      '"lab/#" (carry[0]) and "lab/a" (carry[0]) have topics in common; expected topics that go one way: cluster speaks MQTT 3.1.1',
    )
    await bridge.stop()
  })
})
