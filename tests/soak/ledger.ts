/** Numbers remembered one by one; with more than this the run is long lost. */
const MAXIMUM_REMEMBERED = 20_000
/** Of QoS 0, which misses a great many in good order: few, or they would look like growth of the client. */
const MAXIMUM_MISSED = 500

export interface Faults {
  /** Never arrived. */
  lost: number
  /** Arrived twice although QoS 1 had no part in it. */
  doubled: number
  /** Arrived after a later one. */
  outOfOrder: number
  /** Arrived although its publisher was told that nobody would ever get it. */
  ghosts: number
  /** Arrived damaged, or where it does not belong. */
  damaged: number
}

export interface Tally extends Faults {
  received: number
  /** Arrived again, as QoS 1 allows after a lost connection. */
  repeated: number
  /** Of QoS 0, which may be. */
  missed: number
}

export function emptyTally(): Tally {
  return { received: 0, repeated: 0, missed: 0, lost: 0, doubled: 0, outOfOrder: 0, ghosts: 0, damaged: 0 }
}

/** A set of numbers that lets go of the oldest ones, and so stays small whatever happens. */
class NumberSet {
  readonly #numbers = new Set<number>()
  readonly #maximum: number

  constructor(maximum = MAXIMUM_REMEMBERED) {
    this.#maximum = maximum
  }

  get size(): number {
    return this.#numbers.size
  }

  /** Returns the number that had to go. */
  add(number: number): number | undefined {
    this.#numbers.add(number)
    if (this.#numbers.size <= this.#maximum) return undefined
    const [oldest] = this.#numbers
    if (oldest !== undefined) this.#numbers.delete(oldest)
    return oldest
  }

  has(number: number): boolean {
    return this.#numbers.has(number)
  }

  delete(number: number): boolean {
    return this.#numbers.delete(number)
  }

  values(): Iterable<number> {
    return this.#numbers
  }
}

/** The messages of one publisher, numbered from 0, and what it was told about those that failed. */
export class Stream {
  readonly id: number
  readonly qos: 0 | 1 | 2
  /** The next number to publish. */
  next = 0
  acknowledged = 0
  readonly #uncertain = new NumberSet()
  readonly #refused = new NumberSet()

  constructor(id: number, qos: 0 | 1 | 2) {
    this.id = id
    this.qos = qos
  }

  /** A publish failed; whether the message may be delivered all the same. */
  failed(number: number, mayBeDelivered: boolean): void {
    ;(mayBeDelivered ? this.#uncertain : this.#refused).add(number)
  }

  /** Whether a receiver may do without this one. */
  isExcused(number: number): boolean {
    return this.#uncertain.has(number) || this.#refused.has(number)
  }

  wasRefused(number: number): boolean {
    return this.#refused.has(number)
  }
}

/** What one receiver has got of one stream. */
export class Ledger {
  readonly #stream: Stream
  /** What reaches the receiver: the lower one of publisher and subscription. */
  readonly #qos: 0 | 1 | 2
  readonly #tally: Tally
  /** Below this, everything has arrived or is among the missing; undefined before the first of a late starter. */
  #next: number | undefined
  readonly #missing: NumberSet

  /** `tally` may be shared by many. A late starter misses nothing that came before its first message. */
  constructor(stream: Stream, subscriptionQoS: 0 | 1 | 2, tally: Tally, isLateStarter = false) {
    this.#stream = stream
    this.#qos = subscriptionQoS < stream.qos ? subscriptionQoS : stream.qos
    this.#tally = tally
    this.#next = isLateStarter ? undefined : 0
    this.#missing = new NumberSet(this.#qos === 0 ? MAXIMUM_MISSED : MAXIMUM_REMEMBERED)
  }

  /** How many of the published ones have not arrived yet. */
  get outstanding(): number {
    return this.#stream.next - (this.#next ?? this.#stream.next)
  }

  note(number: number): void {
    const next = this.#next ?? number
    this.#tally.received++
    if (this.#stream.wasRefused(number)) this.#tally.ghosts++
    if (number < next) return this.#noteLate(number)
    for (let between = next; between < number; between++) {
      if (this.#stream.isExcused(between)) continue
      if (this.#missing.add(between) !== undefined) this.#countMissing(1)
    }
    this.#next = number + 1
  }

  /** Whether all is here that has to be. */
  get isComplete(): boolean {
    return this.#qos === 0 || this.#left() === 0
  }

  /** Counts what is missing for good; called once. */
  close(): void {
    this.#countMissing(this.#left())
  }

  #noteLate(number: number): void {
    // QoS 1 on either side may bring a message again after a lost connection, and then it may be one that QoS 0 missed.
    const mayRepeat = this.#qos === 1 || this.#stream.qos === 1
    const wasMissing = this.#missing.delete(number)
    if (wasMissing && !(mayRepeat && this.#qos === 0)) this.#tally.outOfOrder++
    else if (mayRepeat) this.#tally.repeated++
    else this.#tally.doubled++
  }

  #countMissing(count: number): void {
    if (this.#qos === 0) this.#tally.missed += count
    else this.#tally.lost += count
  }

  #left(): number {
    const { next } = this.#stream
    let left = 0
    // What its publisher learned afterwards counts, too.
    for (const number of this.#missing.values()) if (!this.#stream.isExcused(number)) left++
    for (let number = this.#next ?? next; number < next; number++) {
      if (!this.#stream.isExcused(number)) left++
    }
    return left
  }
}

/** What a group of receivers has got of one stream, in whatever order, each message by at least one of them. */
export class GroupLedger {
  readonly #stream: Stream
  readonly #tally: Tally
  #next = 0
  readonly #ahead = new NumberSet()

  constructor(stream: Stream, tally: Tally) {
    this.#stream = stream
    this.#tally = tally
  }

  note(number: number): void {
    this.#tally.received++
    if (this.#stream.wasRefused(number)) this.#tally.ghosts++
    if (number < this.#next || this.#ahead.has(number)) {
      this.#tally.repeated++
      return
    }
    this.#ahead.add(number)
    this.#advance()
  }

  get isComplete(): boolean {
    this.#advance()
    return this.#next === this.#stream.next
  }

  close(): void {
    for (let number = this.#next; number < this.#stream.next; number++) {
      if (!this.#ahead.has(number) && !this.#stream.isExcused(number)) this.#tally.lost++
    }
  }

  #advance(): void {
    while (this.#ahead.delete(this.#next) || this.#isPassedOver(this.#next)) this.#next++
  }

  #isPassedOver(number: number): boolean {
    return number < this.#stream.next && this.#stream.isExcused(number)
  }
}
