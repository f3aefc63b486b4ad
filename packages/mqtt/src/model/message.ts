import type { PublishProperties, QoS } from '@jamey/protocol'

/** A received message. */
export interface Message {
  readonly topic: string
  /** Valid until the handler settles: copy what is to be kept longer. */
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  /** The server may have sent it before. */
  readonly dup: boolean
  /** Undefined before MQTT 5.0. `subscriptionIdentifiers` stands here, too. */
  readonly properties: PublishProperties | undefined
}
