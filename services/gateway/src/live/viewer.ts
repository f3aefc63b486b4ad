import { covers, type Permissions } from '@jamey/auth'
import type { MqttMessage } from '@jamey/bus'
import type { GatewayBus } from '../api/gateway-bus.js'
import { type Caller, mayReceive, maySubscribe } from '../callers/caller.js'
import { Problem } from '../problems/problem.js'
import { type EventStream, MAXIMUM_BUFFERED_BYTES } from './event-stream.js'
import { eventText } from './event-text.js'

/** Messages in a second; the others are left out, and told. */
export const MAXIMUM_MESSAGES_PER_SECOND = 2_000
/** How long the server has to say yes. */
export const SUBSCRIBE_TIMEOUT_MS = 10_000

/** The filters without those that another one covers; of two that cover each other, the first. */
function uncovered(filters: readonly string[]): readonly string[] {
  return filters.filter(
    (filter, i) =>
      !filters.some((other, j) => i !== j && covers(other, filter) && (j < i || !covers(filter, other))),
  )
}

type Subscription = Awaited<ReturnType<GatewayBus['mqtt']['subscribe']>>

interface Held {
  readonly retained: Buffer[]
  readonly live: Buffer[]
  bytes: number
  dropped: number
}

export interface ViewerParts {
  readonly bus: GatewayBus
  readonly caller: Caller
  readonly filters: readonly string[]
  /** The event of a message, which is made once for all who get it. */
  readonly eventOf: (message: MqttMessage) => Buffer
}

/**
 * Somebody who looks at messages of some filters. Each has handlers of its own at the client of the gateway, which
 * keeps one subscription of a filter however many look at it, and has the server send what it retains to the new one.
 */
export class Viewer {
  readonly caller: Caller
  readonly filters: readonly string[]
  /** Those of the filters that bring everything: what another one covers would bring it once more, retained ones too. */
  readonly subscribed: readonly string[]
  readonly #parts: ViewerParts
  #subscriptions: Subscription[] = []
  #stream: EventStream | undefined
  /** What came before the stream began, which is when the server has said yes; undefined from then on. */
  #held: Held | undefined = { retained: [], live: [], bytes: 0, dropped: 0 }
  #thisSecond = 0
  #last: MqttMessage | undefined
  #isOver = false
  #bounds: Permissions | undefined

  constructor(parts: ViewerParts) {
    this.#parts = parts
    this.caller = parts.caller
    this.filters = parts.filters
    this.subscribed = uncovered(parts.filters)
    this.#bounds = parts.caller.bounds?.()
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Subscribes, anew where it has before; throws the client's errors, and then everything is as it was. */
  async subscribe(): Promise<void> {
    const { bus } = this.#parts
    const handler = (message: MqttMessage): void => this.#take(message)
    // QoS 0: whoever looks is told what was left out, and the server keeps nothing for a gateway that is away.
    const options = { qos: 0, timeoutMs: SUBSCRIBE_TIMEOUT_MS } as const
    const asked = await Promise.allSettled(
      this.subscribed.map((filter) => bus.mqtt.subscribe(filter, options, handler)),
    )
    const granted = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const refused = asked.find((each) => each.status === 'rejected')
    if (refused !== undefined || this.#isOver) {
      leave(granted)
      throw refused?.reason ?? new Problem('client-closed', 'The caller went away.')
    }
    leave(this.#subscriptions)
    this.#subscriptions = granted
  }

  /** What came meanwhile is sent, behind what the server retained. */
  show(stream: EventStream): void {
    this.#stream = stream
    const { retained = [], live = [], dropped = 0 } = this.#held ?? {}
    this.#held = undefined
    for (const event of [...retained, ...live]) stream.send(event)
    stream.drop(dropped)
  }

  /** The connection of the gateway to its server has changed; one that is back brings what is retained anew. */
  tellState(state: string): void {
    this.#stream?.send(Buffer.from(eventText('state', { state })))
    if (state !== 'connected' || this.#stream === undefined) return
    this.subscribe().catch((error: { retryable?: boolean }) => {
      // A connection that is lost again is followed by another one, with which this is tried anew.
      if (error.retryable !== true) this.end('refused')
    })
  }

  /** False where a manifest has changed so that the caller may look no more; what its token permits stays. */
  get isPermitted(): boolean {
    const bounds = this.caller.bounds?.()
    if (bounds === this.#bounds) return true
    this.#bounds = bounds
    return this.filters.every((filter) => maySubscribe(this.caller, filter))
  }

  /** Called once a second. */
  tick(): void {
    this.#thisSecond = 0
  }

  beat(): void {
    this.#stream?.beat()
  }

  /** Ends the stream, too. */
  end(reason: string): void {
    if (!this.#isOver) this.#stream?.end(reason)
    this.#isOver = true
    leave(this.#subscriptions)
    this.#subscriptions = []
  }

  #take(message: MqttMessage): void {
    if (this.#isOver || !mayReceive(this.caller, message.topic)) return
    // Filters that overlap bring one message once for each.
    if (message === this.#last) return
    this.#last = message
    if (!message.retain && ++this.#thisSecond > MAXIMUM_MESSAGES_PER_SECOND) return this.#drop()
    const event = this.#parts.eventOf(message)
    if (this.#held === undefined) this.#stream?.send(event)
    else this.#hold(this.#held, event, message.retain)
  }

  /** Retained messages go first. */
  #hold(held: Held, event: Buffer, isRetained: boolean): void {
    if (held.bytes + event.length > MAXIMUM_BUFFERED_BYTES) {
      held.dropped++
      return
    }
    held.bytes += event.length
    const list = isRetained ? held.retained : held.live
    list.push(event)
  }

  #drop(): void {
    if (this.#held === undefined) this.#stream?.drop()
    else this.#held.dropped++
  }
}

function leave(subscriptions: readonly Subscription[]): void {
  // Where the connection is gone, the next one asks for none of them.
  for (const subscription of subscriptions) subscription.unsubscribe().catch(() => {})
}
