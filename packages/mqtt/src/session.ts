import { type Packet, ProtocolError, type Publish, ReasonCode } from '@jamey/protocol'
import type { ConnectionListener } from './connection.js'
import { type MqttError, PublishError } from './errors.js'
import { Handling, NO_HANDLINGS } from './handling.js'
import { Incoming } from './incoming.js'
import { Journal } from './journal.js'
import type { Link } from './link.js'
import type { PublishResult } from './options.js'
import { Outgoing } from './outgoing.js'
import { Publication } from './publication.js'
import { SUCCESS } from './publish-result.js'
import type { ServerInformation } from './server-information.js'
import type { Settings } from './settings.js'
import type { StateChange } from './state.js'
import { type ClientStats, Counters } from './stats.js'
import { Subscriptions } from './subscriptions.js'

const SUCCEEDED: Promise<PublishResult> = Promise.resolve(SUCCESS)

/** All that outlives a connection: what goes out, what comes in, and what is subscribed. */
export class Session implements ConnectionListener {
  readonly counters = new Counters()
  readonly outgoing: Outgoing
  readonly incoming: Incoming
  readonly subscriptions: Subscriptions
  readonly #settings: Settings
  readonly #journal: Journal
  readonly #onState: (change: StateChange) => void
  #server: ServerInformation | undefined
  #loading: Promise<void> | undefined
  /** QoS 0 publishers that wait until the socket has room: one promise for all of them. */
  #room: { promise: Promise<PublishResult>; resolve(): void; reject(error: Error): void } | undefined

  constructor(settings: Settings, onState: (change: StateChange) => void) {
    this.#settings = settings
    this.#onState = onState
    const report = (error: MqttError): void => settings.onBackgroundError(error)
    this.#journal = new Journal(settings.store, report)
    this.subscriptions = new Subscriptions(settings.clock, this.counters, report)
    this.outgoing = new Outgoing(settings, this.counters, this.#journal)
    this.incoming = new Incoming(settings, this.counters, this.#journal, this.#finder())
  }

  /** What the last CONNACK told. */
  get server(): ServerInformation | undefined {
    return this.#server
  }

  get stats(): ClientStats {
    return {
      ...this.counters,
      queuedMessages: this.outgoing.queuedMessages,
      queuedBytes: this.outgoing.queuedBytes,
      inFlightMessages: this.outgoing.inFlightMessages,
      handlersRunning: this.incoming.running,
    }
  }

  /** Once: takes over what an earlier process left in the store. */
  load(): Promise<void> {
    this.#loading ??= this.#load()
    return this.#loading
  }

  /** QoS 0: on its way, or refused; nothing is kept. Throws `PublishError`. */
  publishOnce(publication: Publication): Promise<PublishResult> {
    const link = this.outgoing.sendOnce(publication)
    if (link === undefined) return this.#publishOffline(publication)
    if (link.outbox.isWritable) return SUCCEEDED
    this.#room ??= makeRoom()
    return this.#room.promise
  }

  /** Forgets everything; what waits is rejected. */
  async close(makeError: (publication: Publication) => PublishError): Promise<void> {
    this.outgoing.close(makeError)
    await this.#journal.close()
  }

  onConnected(link: Link, server: ServerInformation): void {
    this.#server = server
    const isResumed = server.sessionPresent
    // Subscriptions first: the answer to what is published next may already need them.
    this.subscriptions.onConnected(link, server, isResumed)
    this.incoming.onConnected(link, isResumed)
    this.outgoing.onConnected(link, server, isResumed)
  }

  /** Throws `ProtocolError` where the packet must not come. */
  onPacket(link: Link, packet: Packet): void {
    switch (packet.type) {
      case 'publish':
        return this.incoming.onPublish(packet)
      case 'puback':
        return this.outgoing.onPuback(packet)
      case 'pubrec':
        return this.outgoing.onPubrec(link, packet)
      case 'pubrel':
        return this.incoming.onPubrel(link, packet)
      case 'pubcomp':
        return this.outgoing.onPubcomp(packet)
      case 'suback':
        return this.subscriptions.onSuback(packet)
      case 'unsuback':
        return this.subscriptions.onUnsuback(packet)
      case 'pingresp':
        return
      default:
        throw new ProtocolError(
          'protocol-error',
          ReasonCode.protocolError,
          -1,
          `${packet.type} came within a connection`,
        )
    }
  }

  onWritable(): void {
    this.outgoing.pump()
    const room = this.#room
    this.#room = undefined
    room?.resolve()
  }

  onDisconnected(): void {
    this.outgoing.onDisconnected()
    this.incoming.onDisconnected()
    this.subscriptions.onDisconnected()
    const room = this.#room
    this.#room = undefined
    room?.reject(
      new PublishError('lost', 'publish at QoS 0: the connection broke while the message was being sent', {
        mayBeDelivered: true,
        retryable: true,
      }),
    )
  }

  onState(change: StateChange): void {
    this.#onState(change)
  }

  async #load(): Promise<void> {
    const stored = await this.#settings.store.load()
    const publications = stored.publishes.map(({ publish }) => {
      const { topic, payload, qos, retain, properties } = publish
      return new Publication(topic, payload, qos, retain, properties)
    })
    this.outgoing.restore(stored, publications)
    this.incoming.restore(stored.received)
  }

  #publishOffline(publication: Publication): Promise<PublishResult> {
    if (this.#settings.queue.qos0WhenOffline === 'reject') throw offline(publication.topic, undefined)
    this.counters.messagesDropped++
    return SUCCEEDED
  }

  #finder(): (packet: Publish) => readonly Handling[] {
    const { dispatcher } = this.subscriptions
    const handler = this.#settings.onUnhandledMessage
    const otherwise = handler === undefined ? NO_HANDLINGS : [new Handling(handler, false)]
    return (packet) => {
      const found = dispatcher.find(packet)
      if (found.length > 0) return found
      this.counters.messagesUnhandled++
      return otherwise
    }
  }
}

export function offline(topic: string, cause: Error | undefined): PublishError {
  const why = cause === undefined ? 'there is no connection' : cause.message
  return new PublishError('offline', `publish to '${topic}': ${why}`, { retryable: true, cause })
}

function makeRoom(): { promise: Promise<PublishResult>; resolve(): void; reject(error: Error): void } {
  let settle!: { resolve(): void; reject(error: Error): void }
  const promise = new Promise<PublishResult>((resolve, reject) => {
    settle = { resolve: () => resolve(SUCCESS), reject }
  })
  return { promise, ...settle }
}
