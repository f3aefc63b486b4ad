import { hash } from 'node:crypto'
import type { Binding, RequestContract } from '@jamey/contracts'
import { AnswerMismatchError, MessageError } from '../support/errors.js'
import { canonicalJson } from './canonical-json.js'
import { type EnvelopePayload, jsonOf } from './envelope.js'
import type { Draft } from './envelope-writer.js'

const FIELDS = ['request_digest', 'requested_by', 'correlation_id'] as const

/**
 * `sha256:` and the SHA-256 of a request's `payload`, as JSON.parse gave it, in canonical JSON (RFC 8785), in hex.
 * Throws `MessageError` where it has no canonical form: half a surrogate pair in a string, or thousands of levels.
 */
export function digestOf(topic: string, payload: EnvelopePayload): string {
  let text: string | undefined
  try {
    text = canonicalJson(payload)
  } catch (error) {
    const fault = `has no canonical JSON (RFC 8785): ${(error as Error).message}`
    throw new MessageError(topic, 'payload', fault, { cause: error })
  }
  return `sha256:${hash('sha256', text ?? '')}`
}

/** `request_digest` of a request with this payload, as JSON.parse gave it. Throws `MessageError` as `digestOf`. */
export function requestDigest(contract: Pick<RequestContract, 'topic' | 'action'>, data: unknown): string {
  return digestOf(contract.topic, { action: contract.action, data })
}

/**
 * The binding that the answer to a request must have: by the JSON that is sent, for that is what the other side reads.
 */
export function bindingOf({ topic, payload, correlationId, onBehalfOf }: Draft, clientId: string): Binding {
  const sent = JSON.parse(jsonOf(topic, payload) ?? '') as EnvelopePayload
  return {
    request_digest: digestOf(topic, sent),
    requested_by: onBehalfOf?.clientId ?? clientId,
    correlation_id: correlationId,
  }
}

/** Throws `AnswerMismatchError` where the data of an answer is about another request. */
export function assertBound({ topic, action }: RequestContract, data: unknown, expected: Binding): void {
  const found = data as Partial<Binding>
  const field = FIELDS.find((name) => found[name] !== expected[name])
  if (field === undefined) return
  throw new AnswerMismatchError({ topic, action, field, expected: expected[field], found: found[field] })
}
