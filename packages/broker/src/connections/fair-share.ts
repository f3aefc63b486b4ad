import type { Context } from '../support/context.js'
import type { WriteBatcher } from '../support/write-batcher.js'
import type { Publishing, PublishingTime } from './publishing-time.js'
import { type LimitedConnection, RateLimiter } from './rate-limiter.js'

/** So long one connection may be at work, beyond as long as it was not, until it lets the others go on. */
const SLICE_MS = 1
/** And where no other publishes: each slice ends with writes to every receiver. */
const SLICE_ALONE_MS = 5
/**
 * Who brings so many bytes in one turn and takes half of the time floods, until it takes less than this smaller part. Who
 * waits for answers is nobody of that kind, however many it waits for: it would only be kept from asking on.
 */
const FLOODING_BYTES = 65_536
const FLOODING_FROM = 0.5
const FLOODING_UNTIL = 0.1
/**
 * Who floods rests so many times as long as it worked, until it leaves so much to those who do not: a client that alone
 * would have all of the time keeps three quarters, and half of what it does then, since it also waits for slices to end
 * and what it does costs more in small pieces.
 */
const REST_FACTOR = 3
/** Longer nobody rests: what took longer was rather a machine that had no time for us. */
const LONGEST_REST_MS = 50
/** The clock is asked once in so many packets: more often it shows in what one publisher can send. */
const PACKETS_PER_LOOK = 16
/** Other publishers are busy from this share of the time on: with a message after each slice. */
const BUSY_FROM = 0.003
/** They are looked at after so long, and what was is forgotten in such a time (to a part of e). */
const LOOK_MS = 10
const FORGOTTEN_MS = 200

interface SharedConnection extends LimitedConnection {
  readonly context: Context & { readonly publishingTime: PublishingTime; readonly writeBatcher: WriteBatcher }
}

/**
 * Has one who sends as fast as it can leave the larger part of the time to others. What a connection brings is work, from
 * reading it to writing what comes of it, which the time pays in which it does not work; whoever owes a slice is not read
 * from until the turn is over and, where it floods while other publishers are busy, for longer than it worked.
 */
export class FairShare implements Publishing {
  /** What the connection may publish even if nobody else wants anything. */
  readonly rateLimiter: RateLimiter
  readonly #connection: SharedConnection
  isFlooding = false
  /** What it brought in this turn, or in the turn of which the rest is handled now. */
  #turnBytes = 0
  #isNewTurn = false
  /** When it last was so much. */
  #muchAtMs = Number.NEGATIVE_INFINITY
  #owedMs = 0
  /** Up to when that is right. */
  #atMs = 0
  #publishes = 0
  #packets = 0
  #isResting = false
  #leavesTime = false
  #areOthersBusy = false
  /** When it was looked at the others, and at how much work: its own, of all publishers, and of the event loop. */
  #lookedAtMs: number | undefined
  #ownMs = 0
  #ownThenMs = 0
  #allThenMs = 0
  #modestThenMs = 0
  #workedThenMs = 0
  /** What lies not long back. */
  #recentMs = 0
  #recentOwnMs = 0
  #recentOthersMs = 0
  #recentModestMs = 0

  constructor(connection: SharedConnection) {
    this.#connection = connection
    this.rateLimiter = new RateLimiter(connection)
  }

  /** So many bytes came, or what came earlier goes on. */
  begin(bytes: number): void {
    const { clock, counters, publishingTime } = this.#connection.context
    const nowMs = clock.now()
    const readingMs = publishingTime.reading(nowMs)
    const fromMs = bytes > 0 ? nowMs - readingMs : nowMs
    this.#owedMs = Math.max(0, this.#owedMs - (fromMs - this.#atMs))
    this.#atMs = fromMs
    this.#publishes = counters.publishesReceived
    if (bytes > 0 && this.#isNewTurn) this.#turnBytes = 0
    this.#isNewTurn = false
    this.#turnBytes += bytes
    if (this.#turnBytes >= FLOODING_BYTES) this.#muchAtMs = nowMs
  }

  /** A packet was handled. */
  count(): void {
    if (++this.#packets % PACKETS_PER_LOOK === 0) this.#look()
  }

  /** Nothing more is handled for now. */
  end(): void {
    this.#look()
  }

  charge(ms: number, nowMs: number): void {
    this.#ownMs += ms
    this.#owedMs += ms
    this.#isNewTurn = true
    // Else the time of writing would pay for it.
    this.#atMs = nowMs
  }

  #look(): void {
    const { clock, counters, publishingTime, writeBatcher } = this.#connection.context
    const nowMs = clock.now()
    const workMs = nowMs - this.#atMs
    this.#atMs = nowMs
    this.#owedMs += workMs
    publishingTime.handled(nowMs)
    if (counters.publishesReceived !== this.#publishes) {
      this.#ownMs += workMs
      publishingTime.took(this, workMs)
      // Whose writes they are is known at the end of the turn, which there may be none of.
      writeBatcher.request()
    }
    if (this.#owedMs < SLICE_MS || this.#isResting || this.#connection.holds > 0) return
    if (nowMs - (this.#lookedAtMs ?? Number.NEGATIVE_INFINITY) >= LOOK_MS) this.#lookAtOthers(nowMs)
    if (this.#owedMs < SLICE_ALONE_MS && !this.#areOthersBusy) return
    this.#isResting = true
    counters.turnsYielded++
    this.#connection.pauseReading()
    // After what was written in this turn has left, which is work for it as well.
    setImmediate(() => this.#rest())
  }

  #rest(): void {
    // Timers know whole milliseconds.
    const restMs = Math.min(Math.ceil(REST_FACTOR * this.#owedMs), LONGEST_REST_MS)
    this.#owedMs = 0
    if (this.#leavesTime) this.#connection.context.clock.setTimeout(() => this.#goOn(), restMs)
    else this.#goOn()
  }

  #goOn(): void {
    this.#isResting = false
    this.#connection.resumeReading()
  }

  #lookAtOthers(nowMs: number): void {
    const { publishingTime } = this.#connection.context
    const workedMs = publishingTime.workedMs(nowMs)
    // What was before its first look is no concern of this connection.
    if (this.#lookedAtMs !== undefined)
      this.#reckon(nowMs, nowMs - this.#lookedAtMs, workedMs - this.#workedThenMs)
    this.#lookedAtMs = nowMs
    this.#ownThenMs = this.#ownMs
    this.#allThenMs = publishingTime.ms
    this.#modestThenMs = publishingTime.modestMs
    this.#workedThenMs = workedMs
  }

  #reckon(nowMs: number, spanMs: number, workedMs: number): void {
    const { ms, modestMs } = this.#connection.context.publishingTime
    const allMs = ms - this.#allThenMs
    const seenMs = this.#ownMs - this.#ownThenMs
    // The work that nobody was seen to cause (sockets that take again, collected garbage) is everybody's, by what they did;
    // what is much more than that is of the program that the broker is part of, such as the services of `jamey up`.
    const shareMs = allMs > 0 ? Math.min((Math.max(0, workedMs - allMs) * seenMs) / allMs, seenMs) : 0
    this.#owedMs += shareMs
    const kept = Math.exp(-spanMs / FORGOTTEN_MS)
    this.#recentMs = this.#recentMs * kept + spanMs
    this.#recentOwnMs = this.#recentOwnMs * kept + seenMs + shareMs
    this.#recentOthersMs = this.#recentOthersMs * kept + allMs - seenMs
    // While it floods, nothing of it is among what the modest did.
    this.#recentModestMs = this.#recentModestMs * kept + (this.isFlooding ? modestMs - this.#modestThenMs : 0)
    const isBusy = (publishedMs: number): boolean => publishedMs > BUSY_FROM * this.#recentMs
    const [own, others, modest] = [this.#recentOwnMs, this.#recentOthersMs, this.#recentModestMs]
    this.#areOthersBusy = isBusy(others)
    // Those who flood share alike among each other.
    const hasMore = (isBusy(others) && own > others) || (isBusy(modest) && REST_FACTOR * own > modest)
    this.#leavesTime = this.isFlooding && hasMore
    const floodingFrom = this.isFlooding ? FLOODING_UNTIL : FLOODING_FROM
    this.isFlooding = nowMs - this.#muchAtMs < FORGOTTEN_MS && own > floodingFrom * this.#recentMs
  }
}
