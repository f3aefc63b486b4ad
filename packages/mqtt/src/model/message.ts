import type { PublishProperties, QoS } from '@jamey/protocol'

/** A received message. */
export interface Message {
  readonly topic: string
  /**
   * To be read, not written to. It never changes, and keeps in memory what it came in, which is a packet or up to 64 KiB:
   * copy (`slice`) what is kept in number.
   */
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  /** The server may have sent it before. */
  readonly dup: boolean
  /** Undefined before MQTT 5.0. `subscriptionIdentifiers` stands here, too. */
  readonly properties: PublishProperties | undefined
}
