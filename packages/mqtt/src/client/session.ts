import {
  isFailure,
  type Packet,
  type Puback,
  type Publish,
  type Pubrec,
  ReasonCode,
  type Suback,
} from '@jamey/protocol'
import type { Connection } from '../connection/connection.js'
import { violation } from '../connection/connection-errors.js'
import type { ConnectorListener, Finding } from '../connection/connector-listener.js'
import { ConnectionError, type MqttError, type PublishError } from '../model/errors.js'
import type { ConnectionFacts, Explanation, FailureKind, Told } from '../model/explanation.js'
import type { PublishResult } from '../model/options.js'
import type { Skipped } from '../model/platform.js'
import type { ServerInformation } from '../model/server-information.js'
import type { Settings } from '../model/settings.js'
import type { StateChange } from '../model/state.js'
import { type ClientStats, Counters } from '../model/stats.js'
import { Outgoing } from '../publishing/outgoing.js'
import type { Publication } from '../publishing/publication.js'
import { lostWhileSent, offline } from '../publishing/publish-errors.js'
import { SUCCESS } from '../publishing/publish-result.js'
import type { PendingOutcome } from '../publishing/receipt-lookup.js'
import { StoreWriter } from '../publishing/store-writer.js'
import { Handling, NO_HANDLINGS } from '../receiving/handling.js'
import { Incoming } from '../receiving/incoming.js'
import { Subscriptions } from '../receiving/subscriptions.js'
import { Deferred } from '../support/deferred.js'
import type { LazyParts } from './lazy-parts.js'
import type { PoisonSearch } from './poison-search.js'

const SUCCEEDED: Promise<PublishResult> = Promise.resolve(SUCCESS)

/** The session: all that outlives a connection, which is what goes out, what comes in, and what is subscribed. */
export class Session implements ConnectorListener {
  readonly counters = new Counters()
  readonly outgoing: Outgoing
  readonly incoming: Incoming
  readonly subscriptions: Subscriptions
  readonly report: (error: MqttError) => void
  readonly settings: Settings
  readonly #parts: LazyParts
  /** The last failure that the server told, by kind. */
  readonly lastFailures = new Map<FailureKind, Told>()
  readonly #storeWriter: StoreWriter
  readonly #onState: (change: StateChange) => void
  #server: ServerInformation | undefined
  #loading: Promise<void> | undefined
  /** Looks for the packet under which connections end again and again. */
  poisonSearch: PoisonSearch | undefined
  /** Number of connections that ended while something waited for its acknowledgement. */
  #suspectEndings = 0
  /** QoS 0 publishers that wait until the socket has room: one promise for all of them. */
  #room: Deferred<PublishResult> | undefined

  constructor(settings: Settings, parts: LazyParts, onState: (change: StateChange) => void) {
    this.settings = settings
    this.#parts = parts
    this.#onState = onState
    const report = settings.onBackgroundError
    this.report = report
    this.#storeWriter = new StoreWriter(settings.store, settings.clock, report)
    this.subscriptions = new Subscriptions(settings.clock, this.counters, report)
    this.outgoing = new Outgoing(
      settings,
      parts,
      this.counters,
      this.#storeWriter,
      report,
      () => this.onWritable(),
      () => this.load(),
    )
    this.incoming = new Incoming(settings, this.counters, this.#storeWriter, this.#finder())
  }

  /** The facts that the last CONNACK told. */
  get server(): ServerInformation | undefined {
    return this.#server
  }

  get stats(): ClientStats {
    const { queue, inFlight } = this.outgoing
    return {
      ...this.counters,
      queuedMessages: queue.messages + queue.held,
      queuedBytes: queue.bytes,
      inFlightMessages: inFlight.count,
      handlersRunning: this.incoming.running,
    }
  }

  /** See `Client.explain`. */
  explain(connection: ConnectionFacts, isClosed: boolean): Explanation {
    return this.#parts.explain(this, connection, isClosed)
  }

  /** Loads what an earlier process left in the store; called once. */
  load(): Promise<void> {
    this.#loading ??= this.#load()
    return this.#loading
  }

  /** QoS 1 and 2. Throws `PublishError` where the queue does not take it. */
  publish(publication: Publication): void {
    this.outgoing.enqueue(publication)
    // Messages of the store are loaded first, also before there is a connection.
    if (this.#loading === undefined) this.load().catch(() => {})
  }

  /** See `Receipts.ask`. Rejects where the store cannot be read, or the receipt is none of it. */
  async ask(receipt: string): Promise<PendingOutcome> {
    await this.load()
    return this.outgoing.ask(receipt)
  }

  /** QoS 0: on its way, or refused; nothing is kept. Throws `PublishError`. */
  publishOnce(publish: Publish): Promise<PublishResult> {
    if (!this.outgoing.sendOnce(publish)) return this.#publishOffline(publish.topic)
    if (this.outgoing.isOpen) return SUCCEEDED
    this.#room ??= new Deferred()
    return this.#room.promise
  }

  /** Forgets everything; what waits is rejected. */
  async close(makeError: (publication: Publication) => PublishError): Promise<void> {
    this.outgoing.close(makeError)
    await this.#storeWriter.close()
  }

  onConnected(connection: Connection, server: ServerInformation, isInDoubt: boolean, wasAway: boolean): void {
    this.#server = server
    const isResumed = server.sessionPresent
    this.poisonSearch?.begin(connection)
    // Subscriptions first: the answer to what is published next may already need them.
    this.subscriptions.onConnected(connection, server, isResumed, isInDoubt || wasAway)
    this.incoming.onConnected(connection, isResumed, isInDoubt)
    this.outgoing.onConnected(connection, server, isResumed)
  }

  /** Throws `ProtocolError` where the packet must not come. */
  onPacket(connection: Connection, packet: Packet | Skipped): void {
    switch (packet.type) {
      case 'publish':
        return this.incoming.onPublish(packet)
      case 'puback':
        if (packet.reasonCode !== 0) this.#note('publish', packet.reasonCode, packet)
        this.outgoing.onPuback(packet)
        break
      case 'pubrec':
        if (packet.reasonCode !== 0) this.#note('publish', packet.reasonCode, packet)
        this.outgoing.onPubrec(connection, packet)
        break
      case 'skipped':
        return this.incoming.onPublish(packet.publish, NO_HANDLINGS)
      case 'pubrel':
        return this.incoming.onPubrel(connection, packet)
      case 'pubcomp':
        this.outgoing.onPubcomp(packet)
        break
      case 'suback':
        this.#note('subscribe', packet.reasonCodes[0] ?? 0, packet)
        this.subscriptions.onSuback(packet)
        break
      case 'unsuback':
        this.subscriptions.onUnsuback(packet)
        break
      case 'pingresp':
        return this.poisonSearch?.onPong()
      default:
        throw violation(`${packet.type} came within a connection`)
    }
    this.poisonSearch?.onAnswer()
  }

  onWritable(): void {
    this.outgoing.pump()
    // The queue goes first: what it leaves is for QoS 0.
    if (this.#room !== undefined && this.outgoing.isOpen) this.#takeRoom()?.resolve(SUCCESS)
  }

  onDisconnected(): void {
    this.outgoing.onDisconnected()
    this.incoming.onDisconnected()
    this.subscriptions.onDisconnected()
    this.#takeRoom()?.reject(lostWhileSent())
  }

  /**
   * The connection ended, perhaps because of one packet. Where it has happened twice, what waits for its answer is
   * looked at piece by piece, which costs a sound connection little.
   */
  onEnding(error: MqttError): Finding {
    if (this.poisonSearch !== undefined) return this.poisonSearch.onEnding(error)
    // A search begins with every second one.
    if (this.outgoing.inFlight.onWire + this.subscriptions.asked.size > 0 && this.#suspectEndings++ % 2 > 0) {
      this.#parts.startPoisonSearch(this).then(
        (poisonSearch) => {
          this.poisonSearch = poisonSearch
        },
        () => {},
      )
    }
    return 'none'
  }

  onFailure(kind: FailureKind, reasonCode: number, reasonString: string | undefined): void {
    this.lastFailures.set(kind, { reasonCode, reasonString, atMs: this.settings.clock.now() })
  }

  onState(change: StateChange): void {
    if (change.state === 'reconnecting' && isComplaint(change.cause)) this.outgoing.rate.slow()
    this.#onState(change)
  }

  #takeRoom(): Deferred<PublishResult> | undefined {
    const room = this.#room
    this.#room = undefined
    return room
  }

  #note(kind: FailureKind, reasonCode: number, { properties }: Puback | Pubrec | Suback): void {
    if (isFailure(reasonCode)) this.onFailure(kind, reasonCode, properties?.reasonString)
  }

  /** Rejects with `ConnectionError` 'store-failed'; what waits for the store is rejected, too. */
  async #load(): Promise<void> {
    const { store } = this.settings
    try {
      const session = await store.open()
      if (store.commits) {
        const { Backlog, StoreTransactions } = await this.#parts.storeParts()
        this.outgoing.restore(session, Backlog, await Backlog.firstPage(store, session))
        this.#storeWriter.begin(session.nextSequence, StoreTransactions)
      }
      this.incoming.restore(session.received)
    } catch (cause) {
      this.#loading = undefined
      this.#storeWriter.failEarly(cause)
      const reason = cause instanceof Error ? cause.message : String(cause)
      const error = new ConnectionError('store-failed', `the session store cannot be read: ${reason}`, {
        cause,
      })
      this.settings.onBackgroundError(error)
      throw error
    }
  }

  #publishOffline(topic: string): Promise<PublishResult> {
    if (this.settings.queue.qos0WhenOffline === 'reject') throw offline(topic, undefined)
    this.counters.messagesDropped++
    return SUCCEEDED
  }

  #finder(): (packet: Publish) => readonly Handling[] {
    const { dispatcher } = this.subscriptions
    const handler = this.settings.onUnhandledMessage
    const otherwise = handler === undefined ? NO_HANDLINGS : [new Handling(handler, false)]
    return (packet) => {
      const found = dispatcher.find(packet)
      if (found.length > 0) return found
      this.counters.messagesUnhandled++
      return otherwise
    }
  }
}

/** The server said that it was too much, by ending the connection. */
function isComplaint(cause: Error | undefined): boolean {
  const reasonCode = cause instanceof ConnectionError ? cause.reasonCode : undefined
  return reasonCode === ReasonCode.messageRateTooHigh || reasonCode === ReasonCode.quotaExceeded
}
