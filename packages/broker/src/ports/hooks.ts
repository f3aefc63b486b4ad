import type { ProtocolVersion, PublishProperties, QoS } from '@jamey/protocol'
import type { AuthenticationRequest, ClientCertificate, Identity } from './authenticator.js'

/** The client of one connection. The same object goes to every hook from `onConnect` to `onDisconnect`. */
export interface ClientInfo {
  readonly clientId: string
  readonly username: string
  /** '' where nobody is connected any more and the broker was restarted since: see wills. */
  readonly remoteAddress: string
  readonly protocolVersion: ProtocolVersion
  readonly certificate: ClientCertificate | undefined
}

/** No, and why: a reason code of at least 0x80, of CONNACK or PUBACK; one they do not have becomes 0x80. */
export interface Refusal {
  readonly refuse: number
  /** Text for a client that connects; must hold no secrets. */
  readonly reason?: string | undefined
}

export interface PublishOffer {
  readonly topic: string
  /** Bytes that must not be written to. */
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
  readonly isWill: boolean
}

/** The parts of a message that are to be published in another form; absent ones stay as they are. */
export interface PublishChange {
  readonly topic?: string | undefined
  readonly payload?: Uint8Array | undefined
  /** All properties: those that are not among these are gone. */
  readonly properties?: PublishProperties | undefined
}

/** How a connection ended. */
export interface DisconnectInfo {
  /** `network`: it broke, or the peer closed it without DISCONNECT. */
  readonly by: 'client' | 'server' | 'network'
  /** Reason code of the DISCONNECT that was sent or received; absent where there was none. */
  readonly reasonCode: number | undefined
  readonly reason: string | undefined
}

/** The outcome for one topic filter of SUBSCRIBE or UNSUBSCRIBE. */
export interface FilterOutcome {
  /** The filter as sent, `$share/<group>/` included. */
  readonly filter: string
  /**
   * Of SUBACK or UNSUBACK: from 0x80 on a refusal, in SUBACK else the QoS that was granted. UNSUBACK before MQTT 5.0 does
   * not tell it.
   */
  readonly reasonCode: number
}

/** A message that did not reach one session. To be read, not written to. */
export interface DroppedMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
  /** Client identifier; '' for the broker itself and the program that embeds it. */
  readonly publishedBy: string
}

/**
 * The counter that has it: `droppedSlow` (QoS 0, and the client reads too slowly), `droppedOverflow` (its queue is full),
 * `droppedExpired`, `droppedTooLarge` (for the client's Maximum Packet Size) or `droppedDenied` (it may not receive it
 * any more).
 */
export type DropReason = 'slow' | 'overflow' | 'expired' | 'too-large' | 'denied'

/** The info of a connection that broke without DISCONNECT. */
export const CONNECTION_LOST: DisconnectInfo = { by: 'network', reasonCode: undefined, reason: undefined }

type Later<T> = T | Promise<T>
// biome-ignore lint/suspicious/noConfusingVoidType: a hook may return nothing at all.
type Nothing = void | undefined

/**
 * What whoever embeds the broker has a say in. Each may answer at once or later; until it has, nothing more of that
 * client is handled, so its packets stay in order, and nobody else waits. One that throws, rejects, answers nonsense or
 * takes longer than `limits.hookTimeoutMs` refuses with 0x80 and is logged. Hooks that are absent cost nothing.
 */
export interface BrokerHooks {
  /**
   * Asked after the authenticator let a client in, at CONNECT and at each renewal: for another identity, or a refusal.
   */
  authenticate?:
    | ((request: AuthenticationRequest, identity: Identity) => Later<Identity | Refusal | Nothing>)
    | undefined
  /**
   * Asked for each PUBLISH, will and subscription that the identity allows; `false` denies. A Response Topic is asked
   * for as a subscription, since whoever names it has answers put there. `topic` is without `$share/<group>/`, and
   * `group` is the share group of a subscription that has one.
   */
  authorize?:
    | ((
        client: ClientInfo,
        action: 'publish' | 'subscribe',
        topic: string,
        group: string | undefined,
      ) => Later<boolean>)
    | undefined
  /** Each message of a client, when it is allowed: take it as it is, change it, or refuse it. */
  onPublish?:
    | ((offer: PublishOffer, client: ClientInfo) => Later<PublishChange | Refusal | Nothing>)
    | undefined
  /** Asked before CONNACK, and before another connection of the client identifier is ended. */
  onConnect?: ((client: ClientInfo) => Later<Refusal | Nothing>) | undefined
  /**
   * Once for each client that `onConnect` let in. A client that was taken over connects before it disconnects: the
   * `client` objects tell the two apart. `Broker.close` waits for what this returns.
   */
  onDisconnect?: ((client: ClientInfo, info: DisconnectInfo) => Later<Nothing>) | undefined
  /** Told when SUBACK is decided. Nobody waits for it. */
  onSubscribe?: ((client: ClientInfo, outcomes: readonly FilterOutcome[]) => Later<Nothing>) | undefined
  /** Told when UNSUBACK is decided. Nobody waits for it. */
  onUnsubscribe?: ((client: ClientInfo, outcomes: readonly FilterOutcome[]) => Later<Nothing>) | undefined
  /**
   * Told, some moments later, of each message that was to go to a session and will not. What waits in a session that ends
   * goes with it untold. Nobody waits for it.
   */
  onDropped?:
    | ((message: DroppedMessage, client: ClientInfo, reason: DropReason) => Later<Nothing>)
    | undefined
}

/** The answer of a hook that failed, after that was logged. */
export const FAILED = Symbol('failed')
