import {
  isFailure,
  type Packet,
  type Puback,
  type Publish,
  type Pubrec,
  ReasonCode,
  type Suback,
} from '@jamey/protocol'
import { violation } from './connection-errors.js'
import type { ConnectionListener } from './connection-listener.js'
import { Deferred } from './deferred.js'
import { ConnectionError, type MqttError, PublishError } from './errors.js'
import { type ConnectionFacts, type Explanation, type FailureKind, LastFailures } from './explanation.js'
import { Handling, NO_HANDLINGS } from './handling.js'
import { Incoming } from './incoming.js'
import { Journal } from './journal.js'
import type { Link } from './link.js'
import type { PublishResult } from './options.js'
import { Outgoing } from './outgoing.js'
import type { Publication } from './publication.js'
import { SUCCESS } from './publish-result.js'
import type { Answer } from './receipt-desk.js'
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
  readonly #lastFailures: LastFailures
  readonly #onState: (change: StateChange) => void
  #server: ServerInformation | undefined
  #loading: Promise<void> | undefined
  /** QoS 0 publishers that wait until the socket has room: one promise for all of them. */
  #room: Deferred<PublishResult> | undefined

  constructor(settings: Settings, onState: (change: StateChange) => void) {
    this.#settings = settings
    this.#onState = onState
    this.#lastFailures = new LastFailures(() => settings.clock.now())
    const report = (error: MqttError): void => settings.onBackgroundError(error)
    this.#journal = new Journal(settings.store, settings.clock, report)
    this.subscriptions = new Subscriptions(settings.clock, this.counters, report)
    this.outgoing = new Outgoing(
      settings,
      this.counters,
      this.#journal,
      report,
      () => this.onWritable(),
      () => this.load(),
    )
    this.incoming = new Incoming(settings, this.counters, this.#journal, this.#finder())
  }

  /** What the last CONNACK told. */
  get server(): ServerInformation | undefined {
    return this.#server
  }

  get stats(): ClientStats {
    const { messages, storing, bytes, inFlight } = this.outgoing.facts
    return {
      ...this.counters,
      queuedMessages: messages + storing,
      queuedBytes: bytes,
      inFlightMessages: inFlight,
      handlersRunning: this.incoming.running,
    }
  }

  explain(connection: ConnectionFacts, isClosed: boolean): Explanation {
    const { maximumMessages, maximumBytes } = this.#settings.queue
    const { oldestBeganAtMs } = this.incoming
    const { isWindowFull, bufferedBytes, isWritable, ...outgoing } = this.outgoing.facts
    const { quota, onWire, inFlight, messagesPerSecond, ...queue } = outgoing
    const facts = {
      ...connection,
      cause: plain(connection.cause),
      server: this.#server,
      sending: { quota, onWire, inFlight, messagesPerSecond, setAside: this.outgoing.setAside.size },
      queue: { ...queue, maximumMessages, maximumBytes },
      socket: { bufferedBytes, isWritable },
      receiving: {
        handlersRunning: this.incoming.running,
        oldestAgeMs: oldestBeganAtMs === undefined ? undefined : this.#settings.clock.now() - oldestBeganAtMs,
        unacknowledged: this.incoming.unacknowledged,
        receiveMaximum: this.#settings.receiveMaximum,
      },
      lastFailures: this.#lastFailures.all,
    }
    const { because } = this.#settings.platform
    return { because: because(facts, isClosed, isWindowFull), ...facts }
  }

  /** Once: takes over what an earlier process left in the store. */
  load(): Promise<void> {
    this.#loading ??= this.#load()
    return this.#loading
  }

  /** QoS 1 and 2. Throws `PublishError` where the queue does not take it. */
  publish(publication: Publication): void {
    this.outgoing.enqueue(publication)
    // What the store holds comes first, also before there is a connection.
    if (this.#loading === undefined) this.load().catch(() => {})
  }

  /** See `Receipts.ask`. Rejects where the store can not be read, or the receipt is none of it. */
  async ask(receipt: string): Promise<Answer> {
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
    this.outgoing.receipts.close()
    await this.#journal.close()
  }

  onConnected(link: Link, server: ServerInformation, isInDoubt: boolean): void {
    this.#server = server
    const isResumed = server.sessionPresent
    // Subscriptions first: the answer to what is published next may already need them.
    this.subscriptions.onConnected(link, server, isResumed, isInDoubt)
    this.incoming.onConnected(link, isResumed, isInDoubt)
    this.outgoing.onConnected(link, server, isResumed)
  }

  /** Throws `ProtocolError` where the packet must not come. */
  onPacket(link: Link, packet: Packet): void {
    switch (packet.type) {
      case 'publish':
        return this.incoming.onPublish(packet)
      case 'puback':
        this.#note('publish', packet.reasonCode, packet)
        return this.outgoing.onPuback(packet)
      case 'pubrec':
        this.#note('publish', packet.reasonCode, packet)
        return this.outgoing.onPubrec(link, packet)
      case 'pubrel':
        return this.incoming.onPubrel(link, packet)
      case 'pubcomp':
        return this.outgoing.onPubcomp(packet)
      case 'suback':
        this.#note('subscribe', packet.reasonCodes[0] ?? 0, packet)
        return this.subscriptions.onSuback(packet)
      case 'unsuback':
        return this.subscriptions.onUnsuback(packet)
      case 'pingresp':
        return
      default:
        throw violation(`${packet.type} came within a connection`)
    }
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
    this.#takeRoom()?.reject(
      new PublishError('lost', 'publish at QoS 0: the connection broke while the message was being sent', {
        mayBeDelivered: true,
        retryable: true,
      }),
    )
  }

  onFailure(kind: FailureKind, reasonCode: number, reasonString: string | undefined): void {
    this.#lastFailures.tell(kind, reasonCode, reasonString)
  }

  onState(change: StateChange): void {
    if (change.state === 'reconnecting' && isComplaint(change.cause)) this.outgoing.pace.slow()
    this.#onState(change)
  }

  #takeRoom(): Deferred<PublishResult> | undefined {
    const room = this.#room
    this.#room = undefined
    return room
  }

  #note(kind: FailureKind, reasonCode: number, { properties }: Puback | Pubrec | Suback): void {
    if (isFailure(reasonCode)) this.#lastFailures.tell(kind, reasonCode, properties?.reasonString)
  }

  /** Rejects with `ConnectionError` 'store-failed'; what waits for the store is rejected, too. */
  async #load(): Promise<void> {
    const { store, platform } = this.#settings
    try {
      const session = await store.open()
      if (store.commits) {
        const { Backlog, Commits } = await platform.storeParts()
        this.outgoing.restore(session, Backlog, await Backlog.firstPage(store, session))
        this.#journal.begin(session.nextSequence, Commits)
      }
      this.incoming.restore(session.received)
    } catch (cause) {
      this.#loading = undefined
      this.#journal.failEarly(cause)
      const reason = cause instanceof Error ? cause.message : String(cause)
      const error = new ConnectionError('store-failed', `the session store can not be read: ${reason}`, {
        cause,
      })
      this.#settings.onBackgroundError(error)
      throw error
    }
  }

  #publishOffline(topic: string): Promise<PublishResult> {
    if (this.#settings.queue.qos0WhenOffline === 'reject') throw offline(topic, undefined)
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

/** The server said that it was too much, by ending the connection. */
function isComplaint(cause: Error | undefined): boolean {
  const reasonCode = cause instanceof ConnectionError ? cause.reasonCode : undefined
  return reasonCode === ReasonCode.messageRateTooHigh || reasonCode === ReasonCode.quotaExceeded
}

function plain(cause: Error | undefined): Explanation['cause'] {
  if (cause === undefined) return undefined
  const { code, reasonCode } = cause as Partial<MqttError>
  return { name: cause.name, code, reasonCode, message: cause.message }
}

export function offline(topic: string, cause: Error | undefined): PublishError {
  const why = cause === undefined ? 'there is no connection' : cause.message
  return new PublishError('offline', `publish to '${topic}': ${why}`, { retryable: true, cause })
}
