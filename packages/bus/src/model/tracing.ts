/** A message as a tracing system hears of it; the words are those of OpenTelemetry's conventions for messaging. */
export interface TracedMessage {
  /** `publish` and `request` are sent, `receive` and `answer` are handled. */
  readonly operation: 'publish' | 'request' | 'receive' | 'answer'
  /** Topic on which it travels. */
  readonly topic: string
  /** Topic of its contract, with its parameters as they are named there. */
  readonly template: string
  readonly action: string
  readonly messageId: string
  readonly correlationId: string
  readonly clientId: string
  /** The W3C traceparent that a sender gave, or that the message came with. */
  readonly traceparent: string | undefined
}

/** A message being sent. */
export interface TracedSending {
  /** The W3C traceparent that goes with it. */
  readonly traceparent: string | undefined
  /** Settled, for better or, with an error, for worse. */
  end(error?: unknown): void
}

/** The part of a tracing system that a bus needs; `openTelemetryTracing` of `@jamey/tracing` is one. Nothing of it may throw. */
export interface Tracing {
  send(message: TracedMessage): TracedSending
  /** Calls `handle` within the trace of the message, so that what it sends belongs there. */
  handle<Result>(message: TracedMessage, handle: () => Promise<Result>): Promise<Result>
}
