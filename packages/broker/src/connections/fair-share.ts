import { type LimitedConnection, RateLimiter } from './rate-limiter.js'

/** So long one connection may be at work, beyond as long as it was not, until it lets the others go on. */
const SLICE_MS = 1
/** And where no other publishes: each slice ends with writes to every receiver. */
const SLICE_ALONE_MS = 5
/** Longer nobody rests: what took longer was rather a machine that had no time for us. */
const LONGEST_REST_MS = 50
/** What the system does for a byte before anybody sees it: reading and decrypting. */
const MS_PER_BYTE = 1e-6
/** The clock is asked once in so many packets: more often it shows in what one publisher can send. */
const PACKETS_PER_LOOK = 16
/** Other publishers are busy from this share of the time on, looked at over so long: with a message after each slice. */
const BUSY_FROM = 0.003
const BUSY_SPAN_MS = 10

/**
 * Has one who sends as fast as it can leave half of the time to others, which is what they had to share with it anyway.
 * What a connection brings is work, which the time pays in which it does not work; whoever owes a slice is not read from
 * until the turn is over and, where other publishers are busy, for as long as it owes. Alone it only lets the turn end.
 */
export class FairShare {
  /** What the connection may publish even if nobody else wants anything. */
  readonly rateLimiter: RateLimiter
  readonly #connection: LimitedConnection
  #owedMs = 0
  /** Up to when that is right. */
  #atMs = 0
  #publishes = 0
  #packets = 0
  #isResting = false
  #areOthersBusy = false
  /** When, and at how much work of publishers (its own and all), it was looked for the last time whether they are. */
  #lookedAtMs = 0
  #own = 0
  #ownThen = 0
  #allThen = 0

  constructor(connection: LimitedConnection) {
    this.#connection = connection
    this.rateLimiter = new RateLimiter(connection)
  }

  /** So many bytes came, or what came earlier goes on. */
  begin(bytes: number): void {
    const { context } = this.#connection
    const nowMs = context.clock.now()
    this.#owedMs = Math.max(0, this.#owedMs - (nowMs - this.#atMs)) + bytes * MS_PER_BYTE
    this.#atMs = nowMs
    this.#publishes = context.counters.publishesReceived
  }

  /** A packet was handled. */
  count(): void {
    if (++this.#packets % PACKETS_PER_LOOK === 0) this.#look()
  }

  /** Nothing more is handled for now. */
  end(): void {
    this.#look()
  }

  #look(): void {
    const { clock, counters, publishing } = this.#connection.context
    const nowMs = clock.now()
    const workMs = nowMs - this.#atMs
    this.#atMs = nowMs
    this.#owedMs += workMs
    if (counters.publishesReceived !== this.#publishes) {
      this.#own += workMs
      publishing.ms += workMs
    }
    if (this.#owedMs < SLICE_MS || this.#isResting || this.#connection.holds > 0) return
    this.#lookAtOthers(nowMs)
    if (this.#owedMs < SLICE_ALONE_MS && !this.#areOthersBusy) return
    this.#isResting = true
    counters.turnsYielded++
    this.#connection.pauseReading()
    const allMs = publishing.ms
    // After what was written in this turn has left, which is work for it as well.
    setImmediate(() => this.#rest(allMs))
  }

  #rest(allMs: number): void {
    const { clock, publishing } = this.#connection.context
    const nowMs = clock.now()
    this.#owedMs += nowMs - this.#atMs - (publishing.ms - allMs)
    this.#atMs = nowMs
    const restMs = Math.min(this.#owedMs, LONGEST_REST_MS)
    this.#owedMs = 0
    if (this.#areOthersBusy) clock.setTimeout(() => this.#goOn(), restMs)
    else this.#goOn()
  }

  #goOn(): void {
    this.#isResting = false
    this.#connection.resumeReading()
  }

  #lookAtOthers(nowMs: number): void {
    const { context } = this.#connection
    const spanMs = nowMs - this.#lookedAtMs
    if (spanMs < BUSY_SPAN_MS) return
    const all = context.publishing.ms
    const othersMs = all - this.#allThen - (this.#own - this.#ownThen)
    this.#areOthersBusy = othersMs > BUSY_FROM * spanMs
    this.#lookedAtMs = nowMs
    this.#ownThen = this.#own
    this.#allThen = all
  }
}
