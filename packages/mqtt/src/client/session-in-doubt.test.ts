import { FaultProxy, MqttPeer, settled, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeHarness, text } from '../test-support/harness.js'

const { connectTo, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

/** A client whose server says 'session present' after a CONNACK that never came. */
async function inDoubt() {
  const peer = await startPeer()
  let connects = 0
  peer.follow({
    connect: (_, server) => {
      connects++
      if (connects === 2) server.cut()
      else server.accept({ sessionPresent: connects > 1 })
    },
    pubrec: () => {},
  })
  const client = await connectTo(peer, { reconnect: { baseDelayMs: 1 } })
  const seen: string[] = []
  await client.subscribe('t', { qos: 2 }, (message) => seen.push(text(message.payload)))
  await client.subscribe('u', { qos: 1, retainHandling: 2 }, () => {})
  const before = await peer.connection(0)
  before.publish('t', 'first', { qos: 2, packetIdentifier: 1 })
  await before.packet('pubrec')
  before.cut()
  await until(() => client.state === 'connected' && connects === 3)
  return { client, peer, seen, after: await peer.connection(2) }
}

describe('a session that is resumed after a CONNACK was lost may be a new one', () => {
  it('so subscriptions are asked for again, without the retained messages that came already [promise 11] [MQTT-3.8.4-3]', async () => {
    const { after } = await inDoubt()
    await after.packet('subscribe', 1)
    const asked = after.all('subscribe').flatMap(({ subscriptions }) => subscriptions)
    expect(asked.map(({ filter, retainHandling }) => [filter, retainHandling])).toEqual([
      ['t', 1],
      ['u', 2],
    ])
  })

  it('so a QoS 2 message is a duplicate only where it is the same one [MQTT-4.3.3-10]', async () => {
    const { after, seen } = await inDoubt()
    const answered = async (count: number): Promise<void> => {
      await until(() => after.all('pubrec').length === count)
    }
    after.publish('t', 'first', { qos: 2, packetIdentifier: 1, dup: true })
    await answered(1)
    expect(seen).toEqual(['first'])
    // Sent for the first time: the same words, but another message.
    after.publish('t', 'first', { qos: 2, packetIdentifier: 1 })
    await answered(2)
    expect(seen).toEqual(['first', 'first'])
    // Sent before, on a connection that broke.
    after.publish('t', 'other', { qos: 2, packetIdentifier: 1, dup: true })
    await answered(3)
    expect(seen).toEqual(['first', 'first', 'other'])
  })

  it('and one that is resumed without such a doubt is asked for nothing', async () => {
    const peer = await startPeer()
    let connects = 0
    peer.follow({
      connect: (_, server) => server.accept({ sessionPresent: connects++ > 0 }),
      pubrec: () => {},
    })
    const client = await connectTo(peer, { reconnect: { baseDelayMs: 1 } })
    const seen: string[] = []
    await client.subscribe('t', { qos: 2 }, (message) => seen.push(text(message.payload)))
    const before = await peer.connection(0)
    before.publish('t', 'first', { qos: 2, packetIdentifier: 1 })
    await before.packet('pubrec')
    before.cut()
    const after = await peer.connection(1)
    await until(() => client.state === 'connected')
    // A server that forgets DUP is bad, but its session is the one we know.
    after.publish('t', 'first', { qos: 2, packetIdentifier: 1 })
    await after.packet('pubrec')
    await settled(3)
    expect(seen).toEqual(['first'])
    expect(after.all('subscribe')).toEqual([])
  })
})
