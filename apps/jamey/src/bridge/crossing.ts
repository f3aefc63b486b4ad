import { type Client, exchangeOf, type Message, type PublishError, systemClock } from '@jamey/mqtt'
import type { Carrier, Copy, Left } from './carrier.js'
import type { CrossingStore } from './crossing-store.js'
import { Unheard } from './unheard.js'

/** Until what could not be stored is tried again, milliseconds: the outbox is full, or its disk. */
const RETRY_MS = 100
/** Of QoS 0 on its way to the socket; what is beyond is dropped, as QoS 0 may be. */
const MOST_QOS0_BYTES = 8 * 1024 * 1024

/** Since this process started, but for the last ones, which are of this moment. */
export interface CrossingCounts {
  /** In the outbox and acknowledged to the side that they came from. */
  readonly carried: number
  /** QoS 0, handed over. */
  readonly carriedOnce: number
  /** QoS 0, for which there was no connection or no room. */
  readonly dropped: number
  /** QoS 2, which came again while its copy was in the outbox. */
  readonly repeated: number
  /** Not encodable for the other side. */
  readonly unfit: number
  readonly looped: number
  readonly unverified: number
  readonly forged: number
  readonly notRelayed: number
  /** How often a request was sent again that nobody subscribes to on the other side. */
  readonly unheard: number
  /** Taken from the one side, not yet in the outbox and so not acknowledged. */
  readonly held: number
}

export interface CrossingParts {
  readonly carrier: Carrier
  readonly store: CrossingStore
  /** Publishes on the far side. */
  readonly to: Pick<Client, 'publish' | 'acknowledged' | 'state'>
  /** Whether enough is known of the far side to say how a message has to look there. */
  readonly isKnown: () => boolean
  /** Whether the outbox takes so many bytes more. */
  readonly hasRoomFor: (bytes: number) => boolean
  readonly onLeft: (why: Left | 'unfit', message: Message, error?: Error) => void
}

interface Held {
  readonly number: number
  readonly message: Message
  /** It was taken from a share group. */
  readonly isOfGroup: boolean
  readonly resolve: () => void
}

/**
 * The way from one side to the other. What comes at QoS 1 or 2 is acknowledged when its copy is on disk; while the outbox
 * is full nothing is acknowledged, so that the server of the near side sends no more than this client's Receive Maximum.
 */
export class Crossing {
  readonly #parts: CrossingParts
  /** In the order in which they came. */
  readonly #held: Held[] = []
  /** One that several subscriptions brought has several handlers. */
  readonly #coming = new WeakMap<Message, Promise<void>>()
  readonly #counts = {
    carried: 0,
    carriedOnce: 0,
    dropped: 0,
    repeated: 0,
    unfit: 0,
    looped: 0,
    unverified: 0,
    forged: 0,
    notRelayed: 0,
  }
  readonly #unheard: Unheard
  #lastNumber = 0
  #retained = 0
  #qos0Bytes = 0
  #storing = 0
  #timer: unknown
  #isClosed = false

  constructor(parts: CrossingParts) {
    this.#parts = parts
    this.#unheard = new Unheard(parts.to)
  }

  get counts(): CrossingCounts {
    return { ...this.#counts, unheard: this.#unheard.repeated, held: this.#held.length + this.#storing }
  }

  /** All that has come, at whatever QoS. */
  get received(): number {
    return this.#lastNumber
  }

  /** Of these, what was or became retained. */
  get retained(): number {
    return this.#retained
  }

  /** The handler of every subscription. Settles when the message may be acknowledged; never rejects. */
  readonly take = (message: Message): Promise<void> => this.#takeOnce(message, false)

  /** That of a shared one. */
  readonly takeOfGroup = (message: Message): Promise<void> => this.#takeOnce(message, true)

  /** Goes on with what is held: something is known now, or has room. */
  resume(): void {
    while (!this.#isClosed && this.#timer === undefined && this.#parts.isKnown()) {
      const held = this.#held.shift()
      if (held === undefined) return
      this.#carry(held)
    }
  }

  /** What is held is never acknowledged: its server sends it again. */
  close(): void {
    this.#isClosed = true
    systemClock.clearTimeout(this.#timer)
    this.#unheard.close()
    this.#held.length = 0
  }

  #takeOnce(message: Message, isOfGroup: boolean): Promise<void> {
    let coming = this.#coming.get(message)
    if (coming === undefined) {
      coming = this.#take(message, isOfGroup)
      this.#coming.set(message, coming)
    }
    return coming
  }

  #take(message: Message, isOfGroup: boolean): Promise<void> {
    const number = ++this.#lastNumber
    if (message.retain) this.#retained++
    if (message.qos === 0 && (this.#held.length > 0 || !this.#parts.isKnown())) {
      this.#counts.dropped++
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      this.#held.push({ number, message, isOfGroup, resolve })
      this.resume()
    })
  }

  #carry(held: Held): void {
    const { message, resolve } = held
    const { carrier, store } = this.#parts
    const exchange = exchangeOf(message)
    if (exchange !== undefined && store.has(exchange)) {
      this.#counts.repeated++
      return resolve()
    }
    const copy = carrier.carry(message)
    if (typeof copy === 'string') return this.#leave(copy, held)
    if (copy.qos === 0) return this.#sendOnce(copy, resolve)
    // Asked before, for what comes behind it must not overtake it.
    if (!this.#parts.hasRoomFor(copy.payload.length)) return this.#wait(held)
    if (exchange !== undefined) store.link(copy.properties, exchange)
    const { topic, payload, qos, retain, properties } = copy
    this.#storing++
    this.#parts.to.publish(topic, payload, { qos, retain, properties, until: 'stored' }).then(
      ({ receipt }) => {
        this.#storing--
        this.#counts.carried++
        if (held.isOfGroup && receipt !== undefined) this.#unheard.watch(copy, receipt)
        resolve()
      },
      (error: PublishError) => {
        this.#storing--
        this.#failed(held, error)
      },
    )
  }

  #leave(why: Left | 'unfit', { message, resolve }: Held, error?: Error): void {
    this.#counts[why === 'not-relayed' ? 'notRelayed' : why]++
    this.#parts.onLeft(why, message, error)
    resolve()
  }

  /** What cannot be encoded never could be; all else passes, and then it has its place before those that came later. */
  #failed(held: Held, error: PublishError): void {
    if (this.#isClosed) return
    if (error.code === 'invalid-argument') return this.#leave('unfit', held, error)
    this.#wait(held)
  }

  #wait(held: Held): void {
    const at = this.#held.findIndex(({ number }) => number > held.number)
    this.#held.splice(at < 0 ? this.#held.length : at, 0, held)
    this.#timer ??= systemClock.setTimeout(() => {
      this.#timer = undefined
      this.resume()
    }, RETRY_MS)
  }

  /** Nothing waits for QoS 0, and nobody is told. */
  #sendOnce({ topic, payload, retain, properties }: Copy, resolve: () => void): void {
    resolve()
    const { to } = this.#parts
    if (to.state !== 'connected' || this.#qos0Bytes + payload.length > MOST_QOS0_BYTES) {
      this.#counts.dropped++
      return
    }
    this.#qos0Bytes += payload.length
    const done = (name: 'carriedOnce' | 'dropped') => (): void => {
      this.#qos0Bytes -= payload.length
      this.#counts[name]++
    }
    to.publish(topic, payload, { qos: 0, retain, properties }).then(done('carriedOnce'), done('dropped'))
  }
}
