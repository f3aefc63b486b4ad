import type { Binding, RequestContract } from '@jamey/contracts'
import type { Message as MqttMessage } from '@jamey/mqtt'
import { tracedOf } from '../messaging/traced-message.js'
import type { Principal, Request, RequestContext, Sender } from '../model/message.js'
import type { Tracing } from '../model/tracing.js'
import { MessageError, RequestError } from '../support/errors.js'
import { digestOf } from '../wire/answer-binding.js'
import type { Envelope } from '../wire/envelope.js'
import { assertExact } from '../wire/exact-json.js'
import type { ReplyAddress } from '../wire/request-properties.js'
import type { ServingQueue } from './serving-queue.js'

/** A request that was read, with all that answering it takes. */
export interface Incoming {
  readonly message: MqttMessage
  readonly envelope: Envelope
  /** Topic of the contract. */
  readonly topic: string
  readonly sender: Sender
  readonly principal: Principal
  readonly reply: ReplyAddress | undefined
  readonly key: string
  readonly deadline: number
}

export interface Served {
  readonly contract: RequestContract
  readonly handler: (request: Request<unknown>, context: RequestContext) => unknown
  /** See `ServeOptions`. */
  readonly permittedBy: ((data: unknown) => string) | undefined
  readonly acknowledged: 'answered' | 'taken'
  readonly queue: ServingQueue
}

/** The request as a handler gets it; what its answer is about is found out for those that ask. */
export class ServedRequest implements Request<unknown> {
  readonly data: unknown
  readonly envelope: Envelope
  readonly topic: string
  readonly isRetained: boolean
  readonly sender: Sender
  readonly principal: Principal
  readonly #bytes: Uint8Array
  #binding: Binding | undefined

  constructor({ message, envelope, topic, sender, principal }: Incoming, data: unknown) {
    this.data = data
    this.envelope = envelope
    this.topic = topic
    this.isRetained = message.retain
    this.sender = sender
    this.principal = principal
    this.#bytes = message.payload
  }

  /** Throws what its requester is told, `invalid-request`, where two different requests would have one digest, or this one none. */
  get binding(): Binding {
    const { envelope, principal } = this
    this.#binding ??= {
      request_digest: this.#digest(),
      requested_by: principal.clientId,
      correlation_id: envelope.metadata.correlation_id,
    }
    return this.#binding
  }

  #digest(): string {
    const { envelope } = this
    const { topic, payload } = envelope
    const { buffer, byteOffset, length } = this.#bytes
    try {
      assertExact(topic, Buffer.from(buffer, byteOffset, length).toString('utf8'), envelope)
      return digestOf(topic, payload)
    } catch (error) {
      if (error instanceof MessageError) {
        throw new RequestError('invalid-request', error.message, { cause: error })
      }
      throw error
    }
  }
}

/** Calls the handler, within the trace of the request where somebody traces. */
export function answerOf(
  { contract, handler }: Served,
  request: Request<unknown>,
  context: RequestContext,
  { tracing, clientId }: { readonly tracing: Tracing | undefined; readonly clientId: string },
): unknown {
  if (tracing === undefined) return handler(request, context)
  return tracing.handle(tracedOf('answer', contract, request, clientId), async () =>
    handler(request, context),
  )
}
