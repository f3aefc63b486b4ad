import type { Binding } from '@jamey/contracts'
import type { Message as MqttMessage } from '@jamey/mqtt'
import type { Principal, Request, Sender } from '../model/message.js'
import { digestOf } from '../wire/binding.js'
import type { Envelope } from '../wire/envelope.js'
import type { ReplyAddress } from '../wire/request-properties.js'

/** A request that was read, with all that answering it takes. */
export interface Incoming {
  readonly message: MqttMessage
  readonly envelope: Envelope
  /** Of the contract. */
  readonly topic: string
  readonly sender: Sender
  readonly principal: Principal
  readonly reply: ReplyAddress | undefined
  readonly key: string
  readonly deadline: number
}

/** What a handler gets; what its answer is about is found out for those that ask. */
export class ServedRequest implements Request<unknown> {
  readonly data: unknown
  readonly envelope: Envelope
  readonly topic: string
  readonly isRetained: boolean
  readonly sender: Sender
  readonly principal: Principal

  constructor({ message, envelope, topic, sender, principal }: Incoming, data: unknown) {
    this.data = data
    this.envelope = envelope
    this.topic = topic
    this.isRetained = message.retain
    this.sender = sender
    this.principal = principal
  }

  get binding(): Binding {
    const { envelope, principal } = this
    return {
      request_digest: digestOf(envelope.topic, envelope.payload),
      requested_by: principal.clientId,
      correlation_id: envelope.metadata.correlation_id,
    }
  }
}
