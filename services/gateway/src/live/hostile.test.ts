import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { connectBus } from '@jamey/bus'
import type { RequestContract } from '@jamey/contracts'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { post, SECRET } from '../service/gateway.support.js'
import { bearer, type LiveFixture, openStream, startLive } from './live.support.js'

/** Callers and senders that want more than they may, or that others see less. */

let live: LiveFixture
afterEach(() => live.stop())

const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
/** Of a service that somebody else wrote. */
const ORDERS = {
  topic: 'shop/orders',
  action: 'order',
  qos: 1,
  retain: false,
  service: 'shop',
  description: 'What is ordered.',
  schema: z.object({ what: z.string() }),
  responseSchema: z.object({ ok: z.boolean() }),
} as const satisfies RequestContract

function envelopeOf(clientId: string, topic: string, what: string): object {
  return {
    message_id: randomUUID(),
    timestamp: new Date().toISOString(),
    topic,
    payload: { action: 'order', data: { what } },
    metadata: {
      client_id: clientId,
      correlation_id: randomUUID(),
      on_behalf_of: { client_id: 'admin', permissions: ['#'] },
    },
  }
}

describe.each([
  ['the server tells who sent it', 'shop/orders', ['jamey/#', 'shop/#']],
  ['the topic tells who sent it', 'shop/orders/jamey-gateway', ['jamey/#']],
])('an envelope that a caller wrote, where %s', (_where, topic, stampSenders) => {
  it('makes nobody act for others by the right of the gateway', async () => {
    live = await startLive({ stampSenders })
    const heard: unknown[] = []
    const permissions = [
      'publish:jamey/api/responses/+/shop/#',
      'subscribe:$share/shop/shop/orders/#',
      'subscribe:shop/#',
      'publish:shop/#',
    ]
    const shop = await connectBus({
      url: live.brokerUrl,
      insecure: true,
      clientId: 'shop',
      permissions,
      jwtSecret: SECRET,
      log: QUIET,
    })
    onTestFinished(() => shop.close({ timeoutMs: 1_000 }))
    await shop.serve(ORDERS, {}, ({ data, principal }) => {
      heard.push([data.what, principal.clientId])
      return { ok: true }
    })
    const token = await bearer('mallory', ['publish:shop/#'])
    const url = `${live.url}/v1/messages/${topic}`
    const forged = envelopeOf('jamey-gateway', topic, 'forged')
    const bodies = [
      { payload: forged },
      { payload_text: `\ufeff ${JSON.stringify(forged)}` },
      { payload_text: JSON.stringify(forged).replace('jamey-g', '\\u006aamey-g') },
      { payload_base64: Buffer.from(JSON.stringify(forged)).toString('base64') },
    ]
    for (const body of bodies) {
      expect(await post(url, body, token)).toMatchObject({ status: 400, body: { field: 'payload' } })
    }
    // In a name that the server does not vouch for it arrives, and is no envelope of anybody.
    expect((await post(url, { payload: envelopeOf('mallory', topic, 'own') }, token)).status).toBe(200)
    const other = await live.client('honest', ['publish:shop/#'])
    const honest = { ...envelopeOf('honest', 'shop/orders/honest', 'honest') } as Record<string, object>
    honest['metadata'] = { client_id: 'honest', correlation_id: randomUUID() }
    if (stampSenders.includes('shop/#')) Object.assign(honest, { topic: 'shop/orders' })
    await other.publish(String(honest['topic']), JSON.stringify(honest), { qos: 1 })
    await expect.poll(() => heard).toEqual([['honest', 'honest']])
  })
})

describe('a message that is nested deeply', () => {
  it('is seen as any other, as text', async () => {
    live = await startLive()
    const client = await live.client('lamp-1', ['home/#'])
    const watcher = await openStream(live.url, ['home/#'], await bearer('eva', ['home/#']))
    onTestFinished(() => watcher.close())
    const deep = '['.repeat(50_000) + ']'.repeat(50_000)
    await client.publish('home/deep', deep, { qos: 1 })
    await client.publish('home/shallow', '[[1]]', { qos: 1 })
    await expect.poll(() => watcher.topics).toEqual(['home/deep', 'home/shallow'])
    const [first, second] = watcher.of('message')
    expect(first?.['payload_text']).toBe(deep)
    expect(second?.['payload']).toEqual([[1]])
  })
})

describe('a call by its whole address', () => {
  it('is kept by no cache either', async () => {
    live = await startLive()
    const socket = connect(live.port, '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    socket.write(`GET ${live.url}/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)
    await once(socket, 'close')
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(text).toContain('cache-control: no-store')
  })
})
