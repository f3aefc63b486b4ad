import { IsoClock } from '../support/iso-clock.js'
import { type EnvelopePayload, jsonOf } from './envelope.js'

/** Another client that a request is made for, and what that may do. */
export interface OnBehalfOf {
  readonly clientId: string
  readonly permissions: readonly string[]
}

/**
 * Number of words that keep their JSON form: more than there are topics and actions, and a bound for those of others.
 */
const QUOTED_KEPT = 1000

/** The parts of an envelope apart from its time and sender. Its identifiers and trace context were checked. */
export interface Draft {
  readonly topic: string
  readonly messageId: string
  readonly payload: EnvelopePayload
  readonly correlationId: string
  readonly replyTo?: string | undefined
  readonly traceparent?: string | undefined
  readonly onBehalfOf?: OnBehalfOf | undefined
}

/**
 * Writes the envelopes of one client: the very JSON that `encodeEnvelope` writes, but only the data goes through
 * `JSON.stringify`; words that come again and again are quoted once, and UUIDs need no quoting.
 */
export class EnvelopeWriter {
  readonly #isoClock: IsoClock
  readonly #quoted = new Map<string, string>()
  readonly #clientId: string

  constructor(clientId: string, now: () => number) {
    this.#isoClock = new IsoClock(now)
    this.#clientId = JSON.stringify(clientId)
  }

  /** The bytes of an envelope of this moment. Throws `MessageError` where the data cannot be written as JSON. */
  write(draft: Draft): Buffer {
    const { topic, messageId, payload, correlationId, replyTo, traceparent, onBehalfOf } = draft
    const text =
      `{"message_id":"${messageId}","timestamp":"${this.#isoClock.now()}","topic":${this.#quote(topic)},` +
      `"payload":{"action":${this.#quote(payload.action)}` +
      member('data', jsonOf(topic, payload.data)) +
      member('error', jsonOf(topic, payload.error)) +
      `},"metadata":{"client_id":${this.#clientId},"correlation_id":"${correlationId}"` +
      member('reply_to', replyTo === undefined ? undefined : this.#quote(replyTo)) +
      (traceparent === undefined ? '' : `,"traceparent":"${traceparent}"`) +
      (onBehalfOf === undefined ? '}}' : `,"on_behalf_of":${jsonOfPrincipal(onBehalfOf)}}}`)
    return Buffer.from(text, 'utf8')
  }

  #quote(text: string): string {
    const known = this.#quoted.get(text)
    if (known !== undefined) return known
    const quoted = JSON.stringify(text)
    if (this.#quoted.size >= QUOTED_KEPT) this.#quoted.clear()
    this.#quoted.set(text, quoted)
    return quoted
  }
}

function jsonOfPrincipal({ clientId, permissions }: OnBehalfOf): string {
  return JSON.stringify({ client_id: clientId, permissions })
}

/** Nothing where there is no value, as JSON has it. */
function member(name: string, json: string | undefined): string {
  return json === undefined ? '' : `,"${name}":${json}`
}
