import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MessageError } from '../support/errors.js'
import { encodeEnvelope } from './envelope.js'
import { EnvelopeWriter } from './envelope-writer.js'

const NOW = Date.UTC(2024, 10, 14, 20)
const UUID = '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11'

describe('the envelopes of one client', () => {
  it('are written exactly as any envelope is', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    const data = fc.option(fc.jsonValue(), { nil: undefined })
    const drafts = fc.record({
      topic: text,
      messageId: fc.uuid(),
      payload: fc.oneof(fc.record({ action: text, data }), fc.record({ action: text, error: data })),
      correlationId: fc.uuid(),
      replyTo: fc.option(text, { nil: undefined }),
      traceparent: fc.constantFrom(undefined, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
    })
    const writer = new EnvelopeWriter('the "client"', () => NOW)
    fc.assert(
      fc.property(drafts, (draft) => {
        const { topic, messageId, payload, correlationId, replyTo, traceparent } = draft
        const envelope = {
          message_id: messageId,
          timestamp: '2024-11-14T20:00:00.000Z',
          topic,
          payload,
          metadata: {
            client_id: 'the "client"',
            correlation_id: correlationId,
            ...(replyTo === undefined ? {} : { reply_to: replyTo }),
            ...(traceparent === undefined ? {} : { traceparent }),
          },
        }
        expect(writer.write(draft).toString()).toBe(encodeEnvelope(envelope).toString())
      }),
    )
  })

  it('go on being right after more topics than are remembered', () => {
    const writer = new EnvelopeWriter('a', () => NOW)
    for (let i = 0; i < 2500; i++) {
      const draft = { topic: `t/${i % 1200}`, messageId: UUID, payload: { action: 'x' }, correlationId: UUID }
      expect(JSON.parse(writer.write(draft).toString()).topic).toBe(draft.topic)
    }
  })

  it('say which field cannot be written as JSON [promise 37]', () => {
    const writer = new EnvelopeWriter('a', () => NOW)
    const draft = { topic: 't', messageId: UUID, payload: { action: 'x', data: 1n }, correlationId: UUID }
    expect(() => writer.write(draft)).toThrow(MessageError)
    expect(() => writer.write(draft)).toThrow('payload.data')
  })
})
