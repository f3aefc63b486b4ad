import { describe, expect, it } from 'vitest'
import { RawClient, text } from './test-support/raw-client.js'
import { startBroker } from './test-support/start-broker.js'

describe('publish', () => {
  for (const version of [3, 4, 5] as const) {
    it(`brings a message to its subscriber and nobody else, version ${version}`, async () => {
      const { port } = await startBroker()
      const [a, b, c] = await Promise.all([
        RawClient.connect(port, { protocolVersion: version, clientId: 'a' }),
        RawClient.connect(port, { protocolVersion: version, clientId: 'b' }),
        RawClient.connect(port, { protocolVersion: version, clientId: 'c' }),
      ])
      await b.subscribe('x/+')
      await c.subscribe('y/#')
      a.publish('x/1', 'hello')
      expect(text(await b.expect('publish'))).toBe('x/1=hello')
      expect(await c.received()).toEqual([])
    })
  }

  it('keeps the order of 5000 messages of each QoS', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port)
    const b = await RawClient.connect(port)
    await b.subscribe('t', 2)
    const expected: Record<number, string[]> = { 0: [], 1: [], 2: [] }
    for (let i = 0; i < 1000; i++) {
      for (const qos of [0, 1] as const) {
        a.publish('t', String(i), { qos, packetIdentifier: qos === 0 ? 0 : 1 + (i % 500) })
        expected[qos]?.push(String(i))
      }
    }
    const got: Record<number, string[]> = { 0: [], 1: [], 2: [] }
    for (let i = 0; i < 2000; i++) {
      const publish = await b.expect('publish')
      got[publish.qos]?.push(Buffer.from(publish.payload).toString())
      if (publish.qos === 1) b.acknowledge(publish)
    }
    expect(got).toEqual(expected)
  })
})
