import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { until } from '@jamey/testing'
import { expect, it, onTestFinished } from 'vitest'
import { type Client, connect } from '../index.js'
import { text } from '../test-support/harness.js'

/** A client of a broker of its own; both end with the test. */
async function connected(protocolVersion: 4 | 5 = 5): Promise<Client> {
  const broker = await createBroker({
    listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
    authenticator: insecureAuthenticator(),
    limits: { sysIntervalSeconds: 0 },
  })
  onTestFinished(() => broker.close({ graceMs: 100 }))
  await broker.listen()
  const url = `mqtt://127.0.0.1:${broker.addresses[0]?.port}`
  const client = await connect({ url, clientId: 'one', protocolVersion })
  onTestFinished(async () => void (await client.close({ drain: false })))
  return client
}

it.each([
  [5, ['1', '2', '3']],
  // Before MQTT 5.0 nothing tells the copies apart, and one too many is better than none.
  [4, ['1', '2', '3', '1', '2', '3']],
] as const)(
  'version %i: the second handler of a filter gets what the broker has retained',
  async (version, ofTheFirst) => {
    const client = await connected(version)
    for (let i = 1; i <= 3; i++) await client.publish(`t/${i}`, `${i}`, { qos: 1, retain: true })
    const seen: Record<'first' | 'second', string[]> = { first: [], second: [] }
    await client.subscribe('t/+', (message) => seen.first.push(text(message.payload)))
    await client.subscribe('t/+', (message) => seen.second.push(text(message.payload)))
    await until(() => seen.first.length >= ofTheFirst.length && seen.second.length >= 3)
    await client.publish('t/4', 'live', { qos: 1 })
    await until(() => seen.first.includes('live') && seen.second.includes('live'))
    expect(seen.first.sort()).toEqual([...ofTheFirst, 'live'].sort())
    expect(new Set(seen.second)).toEqual(new Set(['1', '2', '3', 'live']))
  },
)

it('many handlers that come one after the other, while retained messages are under way, get each of them once', async () => {
  const client = await connected()
  const topics = Array.from({ length: 2000 }, (_, i) => `t/${i}`)
  await Promise.all(topics.map((topic) => client.publish(topic, 'x', { qos: 1, retain: true })))
  const seen: number[] = []
  const asked: Promise<unknown>[] = []
  for (let i = 0; i < 16; i++) {
    seen[i] = 0
    asked.push(
      client.subscribe('t/+', () => {
        seen[i] = (seen[i] ?? 0) + 1
      }),
    )
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(asked)
  // Sent behind all that is retained.
  await client.publish('t/live', 'x', { qos: 1 })
  await until(() => seen.every((count) => count > topics.length))
  expect(seen).toEqual(Array(16).fill(topics.length + 1))
})
