import { ReasonCode } from '@jamey/protocol'
import type { Clock } from '../support/clock.js'
import { ConnectionFault } from '../support/errors.js'
import type { Message, Outlet } from './message.js'
import { hasExpired } from './message-expiry.js'

/**
 *     queued --sent--> sent --PUBACK / PUBCOMP--> done
 *       ^               |  \--PUBREC--> released --PUBCOMP--> done
 *       +--reconnect----+
 */
export type DeliveryState = 'queued' | 'sent' | 'released' | 'done'

export const MAXIMUM_IDENTIFIER = 65_535

/** The packet identifier of a delivery, unless another in flight has it; so a store need not be told. */
export function identifierOf(sequence: number): number {
  return 1 + (sequence % MAXIMUM_IDENTIFIER)
}

/** A shared subscription, as far as a delivery knows it. */
export interface ShareGroup {
  /** `$share/<name>/<filter>`. */
  readonly filter: string
  /** True where a session other than `one` could take what that one does not. */
  hasConnectedBeside(one: object): boolean
}

/** One message of QoS 1 or 2 on its way to one session. */
export class Delivery {
  readonly message: Message
  readonly qos: 1 | 2
  readonly retain: boolean
  readonly subscriptionIdentifiers: readonly number[] | undefined
  /** The shared subscription it came through, whose other members may take it over. */
  readonly group: ShareGroup | undefined
  /** Position in its session: ascending, never used again. */
  readonly sequence: number
  /** 0 until the first time it is sent, then the same until it is done. [MQTT-4.4.0-1] */
  packetIdentifier = 0
  state: DeliveryState = 'queued'
  /** It may have been on the wire, so it is marked DUP when sent again. [MQTT-3.3.1-1] */
  mayHaveBeenSent = false
  isStored = false

  /** It may have reached the client. */
  get wasSent(): boolean {
    return this.mayHaveBeenSent || this.state !== 'queued'
  }

  constructor(
    message: Message,
    qos: 1 | 2,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    group: ShareGroup | undefined,
    sequence: number,
  ) {
    this.message = message
    this.qos = qos
    this.retain = retain
    this.subscriptionIdentifiers = subscriptionIdentifiers
    this.group = group
    this.sequence = sequence
  }

  /** It turned out that it was not sent. */
  forgetSending(): void {
    this.packetIdentifier = 0
    this.mayHaveBeenSent = false
    this.state = 'queued'
  }

  /** A delivery that has begun is completed all the same. [MQTT-3.3.2-5] */
  hasExpired(clock: Clock): boolean {
    return !this.mayHaveBeenSent && hasExpired(this.message.expiresAtMs, clock)
  }

  /** Writes the packet as `Message.writeTo` does. */
  writeTo(outlet: Outlet, frameIndex: number, clock: Clock): boolean {
    const { message, qos, retain, mayHaveBeenSent, packetIdentifier, subscriptionIdentifiers } = this
    return message.writeTo(
      outlet,
      qos,
      retain,
      mayHaveBeenSent,
      packetIdentifier,
      subscriptionIdentifiers,
      frameIndex,
      clock,
    )
  }

  /** The fault to throw where the client acknowledges with a packet that its QoS, or its state, does not have. */
  mismatch(packet: string): ConnectionFault {
    const { packetIdentifier, qos, state } = this
    const what = `${packet} ${packetIdentifier} does not fit a message of QoS ${qos} that is ${state}`
    return new ConnectionFault(ReasonCode.protocolError, what)
  }
}
