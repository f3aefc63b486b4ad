/** The standard envelope of every message, from the specification's section 4. */
export interface Envelope {
  readonly message_id: string
  /** ISO 8601 by the sender's clock. */
  readonly timestamp: string
  readonly topic: string
  readonly payload: EnvelopePayload
  readonly metadata: EnvelopeMetadata
}

export interface EnvelopePayload {
  readonly action: string
  readonly data?: unknown
  /** In answers only, in the place of `data`. */
  readonly error?: unknown
}

export interface EnvelopeMetadata {
  readonly client_id: string
  readonly correlation_id: string
  /** Where the answer goes, for requests. */
  readonly reply_to?: string
  readonly traceparent?: string
}
