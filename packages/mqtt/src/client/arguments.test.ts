import { MqttPeer } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Client, ConnectionError, PublishError, SubscriptionError } from '../index.js'
import { makeHarness, rejection, text } from '../test-support/harness.js'

const { connectTo, startPeer, makeClient } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: () => Promise.reject(new Error('no proxy here')),
})

/** What JavaScript hands over where the types allow something else. */
const wrong = (value: unknown): never => value as never

const PAYLOADS = [5, null, undefined, {}, ['a'], new Float64Array(2), new ArrayBuffer(2), true, Symbol('x')]
const PROPERTIES: [string, unknown][] = [
  ['no object', 'contentType'],
  ['null', null],
  ['userProperties as an object', { userProperties: { a: 'b' } }],
  ['userProperties as text', { userProperties: 'ab' }],
  ['a user property that is no pair', { userProperties: ['ab'] }],
  ['a user property with a number', { userProperties: [['a', 1]] }],
  ['contentType as a number', { contentType: 5 }],
  ['correlationData as text', { correlationData: 'id' }],
  ['messageExpiryInterval as text', { messageExpiryInterval: '5' }],
  ['messageExpiryInterval as a fraction', { messageExpiryInterval: 1.5 }],
  ['a lone surrogate', { contentType: '\ud800' }],
]
const OPTIONS: [string, unknown][] = [
  ['null', null],
  ['text', 'qos'],
  ['qos 3', { qos: 3 }],
  ['qos as text', { qos: '1' }],
  ['retain as text', { retain: 'false' }],
  ['timeoutMs NaN', { timeoutMs: Number.NaN }],
  ['timeoutMs as text', { timeoutMs: '5s' }],
  ['a signal that is none', { signal: {} }],
]

describe('publish refuses at once, and the process goes on', () => {
  const asked: [string, (client: Client, qos: 0 | 1 | 2) => Promise<unknown>][] = [
    ...PAYLOADS.map((payload): (typeof asked)[number] => [
      `a payload that is ${Object.prototype.toString.call(payload)}`,
      (client, qos) => client.publish('t', wrong(payload), { qos }),
    ]),
    ...PROPERTIES.map(([name, properties]): (typeof asked)[number] => [
      `properties with ${name}`,
      (client, qos) => client.publish('t', 'x', { qos, properties: wrong(properties) }),
    ]),
    ...OPTIONS.map(([name, options]): (typeof asked)[number] => [
      `options: ${name}`,
      (client, qos) =>
        client.publish(
          't',
          'x',
          wrong(options && typeof options === 'object' ? { qos, ...options } : options),
        ),
    ]),
    ...[5, null, undefined, {}].map((topic): (typeof asked)[number] => [
      `a topic that is ${topic}`,
      (client, qos) => client.publish(wrong(topic), 'x', { qos }),
    ]),
    ['until: later', (client) => client.publish('t', 'x', { qos: 1, until: wrong('later') })],
    ['isPaced as text', (client) => client.publish('t', 'x', { qos: 1, isPaced: wrong('no') })],
    ['isDurable as text', (client) => client.publish('t', 'x', { qos: 1, isDurable: wrong('no') })],
  ]

  it.each(asked)('%s', async (_, publish) => {
    const peer = await startPeer()
    const connected = await connectTo(peer)
    const offline = makeClient({ url: peer.url })
    for (const client of [connected, offline]) {
      for (const qos of [0, 1, 2] as const) {
        const error = await rejection(publish(client, qos))
        expect(error).toBeInstanceOf(PublishError)
        expect(error).toMatchObject({ code: 'invalid-argument', retryable: false, mayBeDelivered: false })
      }
    }
    await connected.publish('t', 'good', { qos: 1 })
    const server = await peer.connection(0)
    expect(server.all('publish').map(({ payload }) => text(payload))).toEqual(['good'])
  })

  it('takes the bytes of another realm', async () => {
    const client = await connectTo(await startPeer())
    const { runInNewContext } = await import('node:vm')
    const bytes = runInNewContext('new Uint8Array([1, 2])') as Uint8Array
    expect(bytes).not.toBeInstanceOf(Uint8Array)
    await expect(client.publish('t', bytes, { qos: 1 })).resolves.toMatchObject({ reasonCode: 0 })
  })
})

describe('every other call refuses at once', () => {
  const handler = (): void => {}
  const calls: [string, (client: Client) => unknown, abstract new (...parts: never[]) => Error][] = [
    ['subscribe to a number', (c) => c.subscribe(wrong(5), handler), SubscriptionError],
    ['subscribe to nothing', (c) => c.subscribe(wrong(undefined), handler), SubscriptionError],
    ['subscribe without a handler', (c) => c.subscribe('t', wrong({})), SubscriptionError],
    ['subscribe with no handler but text', (c) => c.subscribe('t', {}, wrong('x')), SubscriptionError],
    ['subscribe with null', (c) => c.subscribe('t', wrong(null), handler), SubscriptionError],
    ['subscribe at QoS 3', (c) => c.subscribe('t', { qos: wrong(3) }, handler), SubscriptionError],
    ['subscribe with noLocal 1', (c) => c.subscribe('t', { noLocal: wrong(1) }, handler), SubscriptionError],
    [
      'subscribe with retainHandling 3',
      (c) => c.subscribe('t', { retainHandling: wrong(3) }, handler),
      SubscriptionError,
    ],
    [
      'subscribe with another end of a failed handler',
      (c) => c.subscribe('t', { whenHandlerFails: wrong('retry') }, handler),
      SubscriptionError,
    ],
    ['subscribe for NaN ms', (c) => c.subscribe('t', { timeoutMs: Number.NaN }, handler), SubscriptionError],
    ['unsubscribe from a number', (c) => c.unsubscribe(wrong(5)), SubscriptionError],
    ['unsubscribe for NaN ms', (c) => c.unsubscribe('t', { timeoutMs: Number.NaN }), SubscriptionError],
    ['messages of a number', (c) => c.messages(wrong(5)).next(), SubscriptionError],
    ['messages at QoS 3', (c) => c.messages('t', { qos: wrong(3) }), SubscriptionError],
    [
      'messages with a buffer of NaN',
      (c) => c.messages('t', { maximumBuffered: Number.NaN }),
      SubscriptionError,
    ],
    ['acknowledged of a number', (c) => c.acknowledged(wrong(5)), PublishError],
    ['acknowledged for NaN ms', (c) => c.acknowledged('abc-1', { timeoutMs: Number.NaN }), PublishError],
    ['onState without a function', (c) => c.onState(wrong(5)), ConnectionError],
    ['connect for NaN ms', (c) => c.connect({ timeoutMs: Number.NaN }), ConnectionError],
    ['connect with a signal that is none', (c) => c.connect({ signal: wrong(5) }), ConnectionError],
    ['drained for text', (c) => c.drained({ timeoutMs: wrong('5') }), ConnectionError],
    ['reauthenticate for NaN ms', (c) => c.reauthenticate({ timeoutMs: Number.NaN }), ConnectionError],
    ['close for NaN ms', (c) => c.close({ timeoutMs: Number.NaN }), ConnectionError],
  ]

  it.each(calls)('%s', async (_, call, type) => {
    const client = await connectTo(await startPeer())
    const error = await rejection((async () => call(client))())
    expect(error).toBeInstanceOf(type)
    expect(error).toMatchObject({ code: 'invalid-argument', retryable: false })
    await expect(client.publish('t', 'still there', { qos: 1 })).resolves.toMatchObject({ reasonCode: 0 })
  })
})
