import { ReasonCode } from '@jamey/protocol'
import type { Message } from '../messages/message.js'
import type { ClientInfo, DroppedMessage, DropReason } from '../ports/hooks.js'
import type { Context } from '../support/context.js'
import { Deadline } from '../support/deadline.js'
import type { WriteBatcher } from '../support/write-batcher.js'
import type { AwaitedQueue, ClientLink } from './client-link.js'

/** Share of its limits from which on a queue slows down whoever publishes into it. */
const CROWDED_FROM = 1 / 2
/** A queue whose publisher could not be stopped at the limit is given up at this many times the limit. */
const MAXIMUM_TIMES = 2
/** However slowly a subscriber takes something: nobody waits for one message longer than so many of its delays. */
const MAXIMUM_DELAYS = 6
/** Stored deliveries that are looked at for one that needs a place, before the policy decides; some milliseconds. */
const MAXIMUM_SWEPT = 2048
/** Longer chains of publishers that wait for each other are taken for a circle. */
const MAXIMUM_CHAIN = 100

/**
 * The fate of a message that finds a session's queue full, whose client is away or takes nothing: it, or the oldest in
 * the queue, is dropped and counted; the connection ends; or the publish is refused with 0x97 before anybody has it
 * ('refuse'; before MQTT 5.0 the publisher's connection ends, for it cannot be told).
 */
export type Overflow = 'drop-newest' | 'drop-oldest' | 'disconnect' | 'refuse'

export interface CapacityContext extends Context {
  readonly overflow: Overflow
  /** The broker has begun to shut down. */
  readonly isClosing: boolean
  readonly writeBatcher: WriteBatcher
  /** Undefined where nobody is told of what is dropped. */
  readonly drops: DropObserver | undefined
}

const COUNTER_OF = {
  overflow: 'droppedOverflow',
  expired: 'droppedExpired',
  'too-large': 'droppedTooLarge',
  denied: 'droppedDenied',
} as const

/** Told of each message that a session does not get. */
interface DropObserver {
  dropped(message: DroppedMessage, client: ClientInfo, reason: DropReason): void
}

/** The session whose queue it is. */
interface Owner {
  readonly clientId: string
  readonly info: ClientInfo
  readonly connection: ClientLink | undefined
  noteDropped(topic: string, reason: DropReason): void
}

interface BoundedQueue {
  readonly queued: number
  readonly bytes: number
  dropExpired(maximum: number): boolean
  /** Drops a delivery that the client cannot have seen. False where there is none. */
  dropOldest(): boolean
}

/** A connection that is not read from while a queue is full. */
export interface PausablePublisher {
  readonly sender: ClientLink
  pauseReading(): void
  resumeReading(): void
}

/** An acknowledgement that waits until the receiver of what it acknowledges takes something. */
export interface PendingAcknowledgement {
  /** Set by the `QueueCapacity`. */
  since: number
  release(): void
}

interface Paused {
  readonly publisher: PausablePublisher
  readonly since: number
}

/**
 * How much may wait in one session, and who waits because of it. While its client is connected and takes what it is
 * sent, a queue does not overflow: from half of its limits on, publishers get an acknowledgement for each message that
 * the client takes; from the limits on they are not read from either. A client that takes nothing for
 * `limits.slowSubscriberMs` is given up: nobody waits for it, and what finds its queue full is up to the overflow
 * policy, as for a session that is away.
 */
export class QueueCapacity implements AwaitedQueue {
  readonly #context: CapacityContext
  readonly #session: Owner
  readonly #queue: BoundedQueue
  /** True where `onSettled` is to be told. */
  isWatched = false
  #isGivenUp = false
  /** Number of messages dropped since it last had room. */
  #dropped = 0
  #acknowledgements: PendingAcknowledgement[] = []
  #paused: Paused[] = []
  #roomAwaiters: (() => void)[] = []
  /** Number of messages that the client took since the last flush. */
  #settled = 0
  #hasMoved = false
  #isScheduled = false
  #delays = 0
  /** A sign of life is due. */
  readonly #delay: Deadline

  constructor(context: CapacityContext, session: Owner, queue: BoundedQueue) {
    this.#context = context
    this.#session = session
    this.#queue = queue
    this.#delay = new Deadline(context.clock, () => this.#onDelay())
  }

  /** True where one more message may wait without anything being dropped for it. */
  hasRoomFor(message: Message): boolean {
    const { queuedMessages, queuedBytes } = this.#context.limits
    const { queued, bytes } = this.#queue
    if (queued >= queuedMessages) return false
    // One message always fits, however small the limit was set.
    return bytes === 0 || bytes + message.bytes <= queuedBytes
  }

  /** As `hasRoomFor`, after dropping what has expired where that makes the room. */
  findsRoomFor(message: Message): boolean {
    if (this.hasRoomFor(message)) return true
    return this.#queue.dropExpired(MAXIMUM_SWEPT) && this.hasRoomFor(message)
  }

  /** As `findsRoomFor`; also true where the publisher will be stopped for the message. */
  mayTake(message: Message): boolean {
    if (this.findsRoomFor(message)) return true
    if (!this.isWaitedFor) return false
    const { queuedMessages, queuedBytes } = this.#context.limits
    const { queued, bytes } = this.#queue
    return queued < MAXIMUM_TIMES * queuedMessages && bytes + message.bytes <= MAXIMUM_TIMES * queuedBytes
  }

  /** Makes room for one more message as the overflow policy says; false where there is none. */
  makeFor(message: Message): boolean {
    if (this.mayTake(message)) return true
    const { overflow } = this.#context
    while (overflow === 'drop-oldest' && this.#queue.dropOldest()) {
      if (this.hasRoomFor(message)) return true
    }
    this.#onOverflow(message)
    return false
  }

  get reader(): ClientLink | undefined {
    return this.#session.connection
  }

  /** True where publishers are to be slowed down. */
  get isCrowded(): boolean {
    return this.fullness > CROWDED_FROM
  }

  /** 1 at the limits. */
  get fullness(): number {
    const { queuedMessages, queuedBytes } = this.#context.limits
    const { queued, bytes } = this.#queue
    return Math.max(queued / queuedMessages, bytes / queuedBytes)
  }

  /** True where its client is one that publishers wait for. */
  get isWaitedFor(): boolean {
    return (
      !this.#isGivenUp &&
      this.#session.connection !== undefined &&
      this.#context.limits.slowSubscriberMs > 0 &&
      !this.#context.isClosing
    )
  }

  /** Keeps the acknowledgement until the client has taken as many messages as there are acknowledgements up to this one. */
  hold(acknowledgement: PendingAcknowledgement): void {
    acknowledgement.since = this.#delays
    this.#acknowledgements.push(acknowledgement)
    this.#watch()
  }

  /** Reads no more from the publisher while the queue is full. */
  pause(publisher: PausablePublisher): void {
    const { sender } = publisher
    if (this.fullness < 1 || sender.waitsFor !== undefined || this.#waitsFor(sender)) return
    sender.waitsFor = this
    this.#paused.push({ publisher, since: this.#delays })
    publisher.pauseReading()
    this.#watch()
  }

  /** Calls back, once and at the end of a turn, when something has left the queue. */
  whenRoomier(callback: () => void): void {
    this.#roomAwaiters.push(callback)
    this.isWatched = true
  }

  /** Something has left the queue. */
  onSettled(): void {
    this.#settled++
    this.#hasMoved = true
    this.#schedule()
  }

  /** The connection has ended, or another has come. */
  onConnection(): void {
    this.#isGivenUp = false
    this.#roomAwaiters = []
    this.#letAllGo()
  }

  /** A message was dropped, or the session's connection will be ended, because there was no room for it. */
  #onOverflow(message: Message): void {
    this.onMissed(message)
    if (this.#context.overflow === 'disconnect') {
      this.#session.connection?.end(ReasonCode.quotaExceeded, 'the queue of this session is full')
    }
  }

  /** The session does not get the message. */
  onDropped(message: Message, reason: Exclude<DropReason, 'slow'>): void {
    const { counters, drops } = this.#context
    counters[COUNTER_OF[reason]]++
    this.#session.noteDropped(message.topic, reason)
    drops?.dropped(message, this.#session.info, reason)
  }

  /** There was no room for a message, and the session misses it. */
  onMissed(message: Message): void {
    const { log, limits, overflow } = this.#context
    const { clientId } = this.#session
    this.onDropped(message, 'overflow')
    this.isWatched = true
    if (this.#dropped++ === 0) {
      const { queued, bytes } = this.#queue
      const about = { clientId, queued, bytes, limit: limits.queuedBytes, overflow }
      log.warn(
        { event: 'broker.queue.full', ...about },
        'the queue of a session is full; messages for it are dropped',
      )
    }
  }

  /** The end of a turn in which something has left the queue. */
  flush(): void {
    this.#isScheduled = false
    const isCrowded = this.isCrowded
    this.#letGo(isCrowded ? this.#settled : this.#acknowledgements.length)
    this.#settled = 0
    if (this.fullness < 1) this.#resume()
    const awaiters = this.#roomAwaiters
    this.#roomAwaiters = []
    for (const callBack of awaiters) callBack()
    if (!isCrowded) this.#onRoom()
    if (this.#acknowledgements.length + this.#paused.length === 0) this.#delay.clear()
    this.isWatched = this.#isHeeded
  }

  get #isHeeded(): boolean {
    const waiting = this.#acknowledgements.length + this.#paused.length + this.#roomAwaiters.length
    return waiting > 0 || this.#isGivenUp || this.#dropped > 0
  }

  #onRoom(): void {
    this.#isGivenUp = false
    if (this.#dropped === 0) return
    const about = { clientId: this.#session.clientId, dropped: this.#dropped }
    this.#context.log.info(
      { event: 'broker.queue.has_room', ...about },
      'the queue of a session has room again',
    )
    this.#dropped = 0
  }

  #watch(): void {
    this.isWatched = true
    if (this.#delay.isSet) return
    this.#hasMoved = false
    this.#arm()
  }

  #arm(): void {
    const { clock, limits } = this.#context
    this.#delay.set(clock.now() + limits.slowSubscriberMs)
  }

  #onDelay(): void {
    this.#delays++
    const first = Math.min(
      this.#acknowledgements[0]?.since ?? Number.POSITIVE_INFINITY,
      this.#paused[0]?.since ?? Number.POSITIVE_INFINITY,
    )
    if (this.#hasMoved && this.#delays - first < MAXIMUM_DELAYS) {
      this.#hasMoved = false
      return this.#arm()
    }
    this.#isGivenUp = true
    this.#context.counters.subscribersGivenUp++
    const { clientId } = this.#session
    const { queued, bytes } = this.#queue
    this.#context.log.warn(
      { event: 'broker.subscriber.slow', clientId, queued, bytes },
      'publishers no longer wait for a slow subscriber',
    )
    this.#letAllGo()
  }

  #letAllGo(): void {
    if (this.#acknowledgements.length + this.#paused.length === 0) return
    this.#delay.clear()
    this.#letGo(this.#acknowledgements.length)
    this.#resume()
  }

  #letGo(count: number): void {
    if (count === 0 || this.#acknowledgements.length === 0) return
    for (const acknowledgement of this.#acknowledgements.splice(0, count)) acknowledgement.release()
  }

  #resume(): void {
    const paused = this.#paused
    this.#paused = []
    for (const { publisher } of paused) {
      publisher.sender.waitsFor = undefined
      publisher.resumeReading()
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#context.writeBatcher.add(this)
  }

  /**
   * Whether this queue can only shrink when more is read from `publisher`: it is its own, or that of one that is not
   * read from until another's shrinks, and so on.
   */
  #waitsFor(publisher: ClientLink): boolean {
    let room: AwaitedQueue | undefined = this
    for (let hops = 0; hops < MAXIMUM_CHAIN; hops++) {
      const reader: ClientLink | undefined = room.reader
      if (reader === publisher) return true
      room = reader?.waitsFor
      if (room === undefined) return false
    }
    return true
  }
}
