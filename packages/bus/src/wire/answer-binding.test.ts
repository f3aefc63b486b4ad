import { Permissions } from '@jamey/auth'
import type { Binding, RequestContract } from '@jamey/contracts'
import { FakeClock, settled } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { MqttBus } from '../entry/mqtt-bus.js'
import { FakeBroker } from '../test-support/fake-broker.js'
import { digestOf } from './answer-binding.js'

const JUDGE = {
  topic: 'jamey/lab/judge',
  action: 'judge',
  qos: 1,
  retain: false,
  schema: z.looseObject({}),
  responseSchema: z.looseObject({ isGood: z.boolean() }),
  service: 'lab',
  isBound: true,
  description: 'Judges.',
} as const satisfies RequestContract

function setUp(answer: (binding: Binding) => object) {
  const broker = new FakeBroker()
  const clock = new FakeClock()
  const make = (clientId: string, permissions: string[]): MqttBus => {
    const config = { url: 'mqtt://fake', clientId, permissions, clock }
    return new MqttBus(config, new Permissions(permissions, { clientId }), broker.connect(clientId))
  }
  broker.actsFor.set('asker', ['+'])
  const asker = make('asker', ['publish:jamey/lab/judge', 'act-for:+'])
  const server = make('server', [
    'subscribe:$share/lab/jamey/lab/judge/#',
    'publish:jamey/api/responses/+/lab/#',
  ])
  const serving = server.serve(JUDGE, {}, ({ binding }) => ({ isGood: true, ...answer(binding) }))
  return { asker, serving, broker }
}

describe('a digest', () => {
  // Figures of sha256sum over the bytes that RFC 8785 has for them.
  it.each([
    [{ action: 'a', data: {} }, '{"action":"a","data":{}}'],
    [
      { data: { b: [1e21, 0.000001, -0], a: '\u20ac\n"' }, action: 'a' },
      '{"action":"a","data":{"a":"\u20ac\\n\\"","b":[1e+21,0.000001,0]}}',
    ],
  ])('is that of the canonical JSON: %#', async (payload, canonical) => {
    const { createHash } = await import('node:crypto')
    const expected = createHash('sha256').update(canonical, 'utf8').digest('hex')
    expect(digestOf('t', payload)).toBe(`sha256:${expected}`)
  })

  it('is none where there is no canonical form', () => {
    expect(() => digestOf('t', { action: 'a', data: '\ud800' })).toThrow('RFC 8785')
  })
})

describe('a bound answer', () => {
  it('says what was asked, for whom, and under which correlation id', async () => {
    const { asker, serving } = setUp((binding) => binding)
    await serving
    const data = { what: 'cake', when: undefined, at: new Date(0) }
    const seen = await asker.request(JUDGE, data, { timeoutMs: 1000 })
    const sent = { action: 'judge', data: { what: 'cake', at: '1970-01-01T00:00:00.000Z' } }
    expect(seen).toMatchObject({ request_digest: digestOf(JUDGE.topic, sent), requested_by: 'asker' })
    const onBehalfOf = { clientId: 'eva', permissions: ['jamey/#'] }
    expect(await asker.request(JUDGE, {}, { timeoutMs: 1000, onBehalfOf })).toMatchObject({
      requested_by: 'eva',
    })
  })

  it.each([
    ['request_digest', { request_digest: `sha256:${'0'.repeat(64)}` }],
    ['requested_by', { requested_by: 'somebody' }],
    ['correlation_id', { correlation_id: '6f9c1b7e-5b0a-4d0e-8a43-0c4f6f4f6f4f' }],
    ['request_digest', { request_digest: undefined }],
  ])('rejects an answer that is about another request: %s', async (field, change) => {
    const { asker, serving } = setUp((binding) => ({ ...binding, ...change }))
    await serving
    const answer = asker.request(JUDGE, {}, { timeoutMs: 1000 })
    await expect(answer).rejects.toMatchObject({
      name: 'AnswerMismatchError',
      code: 'answer-mismatch',
      retryable: false,
      field,
    })
    expect(asker.stats()).toMatchObject({ answersMismatched: 1, invalid: 0, requestsWaiting: 0 })
  })

  it('is not asked for what has no canonical form', async () => {
    const { asker, broker } = setUp((binding) => binding)
    await expect(asker.request(JUDGE, { half: '\ud800' }, { timeoutMs: 1000 })).rejects.toThrow(
      'payload.data.half',
    )
    expect(broker.to('jamey/lab/#')).toEqual([])
  })

  it.each([
    ['{"a":1,"a":2}', 'payload.data.a must not be there twice'],
    ['{"a":1e400}', 'payload.data.a must be a number that a double holds'],
    ['{"a":"\\ud800"}', 'payload.data.a is not valid: expected text that is Unicode'],
  ])(
    'is an invalid request where other text would have the same digest, or it has none: %s',
    async (data, fault) => {
      const { serving, broker } = setUp((binding) => binding)
      await serving
      const raw = broker.connect('raw')
      const responseTopic = 'jamey/api/responses/raw/lab/x'
      const answers: string[] = []
      broker.add({
        filter: responseTopic,
        handler: async ({ payload }) => void answers.push(Buffer.from(payload).toString()),
      })
      const id = '6f9c1b7e-5b0a-4d0e-8a43-0c4f6f4f6f4f'
      const text = `{"message_id":"${id}","timestamp":"${new Date(0).toISOString()}","topic":"${JUDGE.topic}",
      "payload":{"action":"judge","data":${data}},"metadata":{"client_id":"raw","correlation_id":"${id}"}}`
      const properties = { responseTopic, correlationData: Buffer.from(id), messageExpiryInterval: 10 }
      await raw.publish(JUDGE.topic, Buffer.from(text), { qos: 1, properties })
      await settled()
      const { error } = JSON.parse(answers[0] ?? '').payload
      expect(error).toMatchObject({ kind: 'invalid-request', retryable: false })
      expect(error.message).toContain(fault)
    },
  )
})
