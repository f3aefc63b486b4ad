import { once } from 'node:events'
import { RawClient, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { startBroker } from '../test-support/start-broker.js'

const MEBIBYTE = 1_048_576
const limits = { heldBytes: 8 * MEBIBYTE, packetBytes: 16 * MEBIBYTE }

/** The beginning of a PUBLISH of 15 MiB, of which `bytes` come. */
function beginning(bytes: number): Buffer {
  const all = Buffer.alloc(bytes, 0x61)
  // Remaining length 15 728 640, and the topic "aa" of 2 bytes.
  all.set([0x30, 0x80, 0x80, 0xc0, 0x07, 0x00, 0x02])
  return all
}

describe('bytes that all connections hold together', () => {
  it('are bounded: the one with the largest unfinished packet is ended, and told so', async () => {
    const { broker, port } = await startBroker({ limits })
    const bystander = await RawClient.connect(port)
    const modest = await RawClient.connect(port)
    modest.sendBytes(beginning(2 * MEBIBYTE))
    const greedy = await RawClient.connect(port)
    greedy.sendBytes(beginning(7 * MEBIBYTE))
    expect(await greedy.expect('disconnect')).toMatchObject({ reasonCode: 0x97 })
    await greedy.closed
    await until(() => broker.stats().heldBytes === 2 * MEBIBYTE)
    expect(broker.stats()).toMatchObject({ endedForBytes: 1, connections: 2 })
    expect(await bystander.received()).toEqual([])
    modest.socket.destroy()
    await until(() => broker.stats().heldBytes === 0)
  })

  it('are let go with every packet that becomes whole', async () => {
    const { broker, port } = await startBroker({ limits: { ...limits, heldBytes: 3 * MEBIBYTE } })
    const client = await RawClient.connect(port)
    for (let n = 0; n < 5; n++) {
      expect(await client.publishOnce('t', 'x'.repeat(2 * MEBIBYTE))).toBe(0x10)
    }
    expect(broker.stats()).toMatchObject({ endedForBytes: 0, heldBytes: 0 })
  })

  it('are bounded for those who do not read what they subscribed to', async () => {
    const { broker, port } = await startBroker({ limits: { ...limits, queuedBytes: 16 * MEBIBYTE } })
    const publisher = await RawClient.connect(port)
    const deaf = await RawClient.connect(port)
    await deaf.subscribe('t')
    deaf.socket.pause()
    const payload = 'x'.repeat(MEBIBYTE)
    for (let n = 0; n < 200 && broker.stats().endedForBytes === 0; n++) {
      publisher.publish('t', payload)
      await publisher.settle()
    }
    expect(broker.stats()).toMatchObject({ endedForBytes: 1 })
    await until(() => broker.stats().connections === 1 && broker.stats().heldBytes === 0)
  })

  it('are bounded for a WebSocket message that does not end', async () => {
    const listeners = [{ host: '127.0.0.1', port: 0, insecure: true, webSocket: true }]
    const { broker, port } = await startBroker({ limits, listeners })
    const socket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, 'mqtt')
    await once(socket, 'open')
    socket.send(Buffer.from('100d00044d51545405020000000000', 'hex'))
    await once(socket, 'message')
    const closed = once(socket, 'close')
    for (let n = 0; n < 9; n++) socket.send(Buffer.alloc(MEBIBYTE), { fin: false })
    await closed
    expect(broker.stats()).toMatchObject({ endedForBytes: 1 })
    await until(() => broker.stats().heldBytes === 0)
  })

  it('are bounded though many clients have fifteen MiB each under way', async () => {
    const { broker, port } = await startBroker({ limits: { ...limits, heldBytes: 8 * MEBIBYTE } })
    const piece = beginning(2 * MEBIBYTE)
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(port)))
    let most = 0
    for (const client of clients) client.sendBytes(piece)
    await until(() => {
      most = Math.max(most, broker.stats().heldBytes)
      return broker.stats().bytesReceived >= 20 * piece.length || broker.stats().endedForBytes >= 15
    }, 20_000)
    // One piece of one of them may be over it.
    expect(most).toBeLessThan(10 * MEBIBYTE)
    expect(broker.stats().endedForBytes).toBeGreaterThan(10)
  })
})
