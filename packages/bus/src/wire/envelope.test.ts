import { topics } from '@jamey/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MessageError } from '../support/errors.js'
import { checkData, decodeEnvelope, type Envelope, encodeEnvelope } from './envelope.js'

const TOPIC = 'jamey/conscience/evaluate'
const UUID = '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11'

/** A whole envelope, as a program of another language writes it. */
const example = {
  message_id: UUID,
  timestamp: '2024-11-14T20:00:00Z',
  topic: TOPIC,
  payload: { action: 'evaluate', data: { action: 'delete everything', context: {} } },
  metadata: { client_id: 'jamey-instance-1', correlation_id: '6f9c1b7e-5b0a-4d0e-8a43-0c4f6f4f6f4f' },
} satisfies Envelope

function bytesOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function faultOf(action: () => unknown): MessageError {
  try {
    action()
  } catch (error) {
    if (error instanceof MessageError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('the envelope', () => {
  it('reads what a program of another language writes', () => {
    expect(decodeEnvelope(TOPIC, bytesOf(example))).toEqual(example)
  })

  it('writes JSON in UTF-8 with exactly the specified fields', () => {
    const written = encodeEnvelope(example)
    expect(JSON.parse(written.toString('utf8'))).toEqual(example)
    expect(Object.keys(JSON.parse(written.toString('utf8')))).toEqual([
      'message_id',
      'timestamp',
      'topic',
      'payload',
      'metadata',
    ])
  })

  it('reads back whatever it wrote', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    const envelopes = fc.record({
      message_id: fc.uuid(),
      timestamp: fc
        .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
        .map((date) => date.toISOString()),
      topic: text,
      payload: fc.record({ action: text, data: fc.jsonValue() }),
      metadata: fc.record({ client_id: text, correlation_id: fc.uuid() }),
    })
    fc.assert(
      fc.property(envelopes, (envelope) => {
        const read = decodeEnvelope(envelope.topic, encodeEnvelope(envelope))
        // -0 is no JSON number of its own, so JSON says what equal means here.
        expect(JSON.stringify(read)).toBe(JSON.stringify(envelope))
      }),
    )
  })

  it('never throws anything but MessageError, whatever bytes arrive [promise 37]', () => {
    const changed = fc.tuple(fc.nat(bytesOf(example).length - 1), fc.nat(255)).map(([at, value]) => {
      const bytes = bytesOf(example)
      bytes[at] = value
      return bytes
    })
    const anything = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(fc.oneof(changed, anything), (bytes) => {
        try {
          decodeEnvelope(TOPIC, bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(MessageError)
        }
      }),
    )
  })

  it('lets metadata through that it does not know', () => {
    const metadata = { ...example.metadata, region: 'eu' }
    expect(decodeEnvelope(TOPIC, bytesOf({ ...example, extra: 1, metadata })).metadata).toEqual(metadata)
  })

  it('drops fields beside the envelope that it does not know', () => {
    expect(decodeEnvelope(TOPIC, bytesOf({ ...example, extra: 1 }))).toEqual(example)
  })

  it.each(['2024-11-14T20:00:00Z', '2024-11-14T21:00:00.000+01:00', '2024-02-29T00:00:00Z'])(
    'takes the time %s again and again, and no other that is none',
    (timestamp) => {
      for (let i = 0; i < 2; i++) {
        expect(decodeEnvelope(TOPIC, bytesOf({ ...example, timestamp })).timestamp).toBe(timestamp)
        const wrong = { ...example, timestamp: '2023-02-29T00:00:00Z' }
        expect(faultOf(() => decodeEnvelope(TOPIC, bytesOf(wrong))).field).toBe('timestamp')
      }
    },
  )

  it.each([
    ['message_id', { message_id: 'abc' }, 'message_id', 'must be a UUID; found "abc"'],
    ['timestamp', { timestamp: 'yesterday' }, 'timestamp', 'found "yesterday"'],
    ['no timestamp', { timestamp: undefined }, 'timestamp', 'found nothing'],
    ['another topic', { topic: 'jamey/other' }, 'topic', 'it is "jamey/other"'],
    ['no payload', { payload: undefined }, 'payload', 'found nothing'],
    ['no action', { payload: { data: {} } }, 'payload.action', 'found nothing'],
    ['payload in a list', { payload: [{ action: 'evaluate' }] }, 'payload', 'found an array of 1'],
    ['an empty action', { payload: { action: '' } }, 'payload.action', 'found ""'],
    ['reply_to', { metadata: { ...example.metadata, reply_to: '' } }, 'metadata.reply_to', 'found ""'],
    ['traceparent', { metadata: { ...example.metadata, traceparent: 7 } }, 'metadata.traceparent', 'found 7'],
    ['metadata of null', { metadata: null }, 'metadata', 'found null'],
    ['no metadata', { metadata: undefined }, 'metadata', 'found nothing'],
    ['client_id', { metadata: { ...example.metadata, client_id: 7 } }, 'metadata.client_id', 'found 7'],
    [
      'correlation_id',
      { metadata: { ...example.metadata, correlation_id: 'x' } },
      'metadata.correlation_id',
      'found "x"',
    ],
  ])('names the field that is wrong: %s [promise 37]', (_, change, field, words) => {
    const fault = faultOf(() => decodeEnvelope(TOPIC, bytesOf({ ...example, ...change })))
    expect(fault.field).toBe(field)
    expect(fault.message).toContain(words)
    expect(fault.message).toContain(TOPIC)
    expect(fault).toMatchObject({ code: 'invalid', retryable: false })
  })

  it.each([
    ['no JSON', Buffer.from('{"message_id"'), 'is not JSON'],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'is not UTF-8'],
    ['no object', Buffer.from('[]'), 'expected object'],
    ['nothing', Buffer.alloc(0), 'is not JSON'],
  ])('says so where the bytes are %s', (_, bytes, words) => {
    expect(faultOf(() => decodeEnvelope(TOPIC, bytes)).message).toContain(words)
  })

  it('takes a replacement character that was really sent for what it is', () => {
    const envelope = { ...example, payload: { action: 'evaluate', data: 'a \ufffd b' } }
    expect(decodeEnvelope(TOPIC, bytesOf(envelope)).payload.data).toBe('a \ufffd b')
  })

  it.each([
    ['message_id', { ...example, message_id: 'mine' }],
    ['metadata.correlation_id', { ...example, metadata: { ...example.metadata, correlation_id: 'mine' } }],
    ['metadata.traceparent', { ...example, metadata: { ...example.metadata, traceparent: '00-1-2-3' } }],
    ['payload.data', { ...example, payload: { action: 'evaluate', data: 1n } }],
  ])('refuses to write a wrong %s', (field, envelope) => {
    expect(faultOf(() => encodeEnvelope(envelope)).field).toBe(field)
  })
})

describe('data of a contract', () => {
  it('gets its defaults', () => {
    expect(checkData(topics.memory.store.schema, TOPIC, { content: 'x' })).toEqual({
      content: 'x',
      layer: 'short_term',
      tags: [],
      importance: 0.5,
      scope: 'private',
    })
  })

  it.each([
    [{ content: '' }, 'payload.data.content', 'found ""'],
    [{ content: 'x', importance: 7 }, 'payload.data.importance', 'found 7'],
    [{ content: 'x', layer: 'attic' }, 'payload.data.layer', 'found "attic"'],
    [{ content: 'x', tag: 'y' }, 'payload.data.tag', 'no such field'],
    [{ content: 'x', tags: ['ok', 3] }, 'payload.data.tags[1]', 'found 3'],
    [{ content: 'x'.repeat(100_001) }, 'payload.data.content', 'found 100001 characters'],
    [undefined, 'payload.data', 'found nothing'],
  ])('is refused with the name of its field: %j', (data, field, words) => {
    const fault = faultOf(() => checkData(topics.memory.store.schema, TOPIC, data))
    expect(fault.field).toBe(field)
    expect(fault.message).toContain(words)
  })
})
