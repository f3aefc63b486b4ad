import type { PublishProperties } from '@jamey/protocol'

/** A QoS 1 or 2 message this client has promised to publish. */
export interface StoredPublish {
  /** Ascends in the order of publishing and is never reused within a store. */
  readonly sequence: number
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
}

/** Why the server does not take a message. */
export interface StoredReason {
  /** A code of `PublishError`. */
  readonly code: string
  readonly message: string
  /** Of the server's acknowledgement, where it refused the message itself. */
  readonly reasonCode: number | undefined
}

/** What an earlier process left. */
export interface StoredSession {
  /**
   * Ascending by `sequence`; `released` where PUBREC had arrived, so that only PUBREL is due; `setAside` where the
   * message is not to be sent.
   */
  readonly publishes: readonly {
    readonly publish: StoredPublish
    readonly released: boolean
    readonly setAside?: StoredReason | undefined
  }[]
  /** Packet identifiers of received QoS 2 messages whose PUBREL is still to come. */
  readonly received: readonly number[]
}

/**
 * The write-ahead memory of one session, a port.
 *
 * The changing methods return at once. A store that writes to disk gathers them and makes all of them durable in one
 * transaction per `commit()`, which the client calls once per turn of the event loop; nothing that depends on a
 * change goes out before its commit. A store that keeps no promise beyond the process has `commits: false` and is
 * never asked to.
 */
export interface SessionStore {
  readonly commits: boolean
  load(): Promise<StoredSession>
  /** Before the first PUBLISH. The payload must be copied or written before `commit` settles. */
  append(publish: StoredPublish): void
  /** PUBREC arrived: from now on PUBREL is repeated instead of PUBLISH. [MQTT-4.3.3-6] */
  release(sequence: number): void
  /**
   * The server does not take the message; it stays in the store, but is not sent again. Without this method the next
   * process tries it once more.
   */
  setAside?(sequence: number, reason: StoredReason): void
  /** The message is acknowledged or given up. */
  remove(sequence: number): void
  /** A QoS 2 message arrived and must not be delivered twice. [MQTT-4.3.3-10] */
  receive(packetIdentifier: number): void
  /** PUBREL arrived: the identifier is free again. */
  complete(packetIdentifier: number): void
  /** The server lost the session: no received identifier means anything any more. */
  forgetReceived(): void
  /** Everything told so far is durable once this resolves. */
  commit(): Promise<void>
  close(): Promise<void>
}
