import { type MqttMessage, systemClock } from '@jamey/bus'
import type { Logger } from 'pino'
import type { GatewayBus } from '../api/gateway-bus.js'
import { AttemptLimit } from '../callers/attempt-limit.js'
import type { Caller, CallerPolicy } from '../callers/caller.js'
import { Problem, retryAfter } from '../problems/problem.js'
import { eventText, shownMessage } from './event-text.js'
import { Viewer } from './viewer.js'

/** Half of the connections that there may be, so that calls find room beside them. */
export const MAXIMUM_STREAMS = 500
/** Of one name; a browser opens six connections to a host. */
export const MAXIMUM_STREAMS_OF_CALLER = 64
/** Different filters of all; a broker bounds the subscriptions of a client. */
export const MAXIMUM_FILTERS = 500
/** Different filters of one name. */
export const MAXIMUM_FILTERS_OF_CALLER = 64
/** Streams that one name opens in a minute. */
export const MAXIMUM_OPENINGS = 180
/** Subscriptions of these: each has the server send all that it retains for it. */
export const MAXIMUM_SUBSCRIPTIONS = 720
export const HEARTBEAT_MS = 15_000
/** What a stream rests on is looked at so often: tokens, sessions, deny lists, manifests. */
const LOOK_MS = 1_000

export interface ViewersParts {
  readonly bus: GatewayBus
  readonly policy: Pick<CallerPolicy, 'verifier' | 'sessions'>
  readonly log: Logger
}

/** All streams of this gateway: how many there may be, what they show, and when they end. */
export class Viewers {
  readonly #parts: ViewersParts
  readonly #viewers = new Set<Viewer>()
  readonly #events = new WeakMap<MqttMessage, Buffer>()
  readonly #stopWatching: () => void
  readonly #openings = new AttemptLimit(MAXIMUM_OPENINGS, 60_000)
  readonly #subscriptions = new AttemptLimit(MAXIMUM_SUBSCRIPTIONS, 60_000)
  #sequence = 0
  #timer: unknown
  #sinceHeartbeatMs = 0
  #isOver = false

  constructor(parts: ViewersParts) {
    this.#parts = parts
    this.#stopWatching = parts.bus.onState(({ state }) => {
      for (const viewer of this.#viewers) viewer.tellState(state)
    })
  }

  get size(): number {
    return this.#viewers.size
  }

  /**
   * A viewer for a caller that may have these filters, subscribed. Throws a `Problem` where there are too many, or the
   * client's errors.
   */
  async open(caller: Caller, filters: readonly string[]): Promise<Viewer> {
    this.#assertRoom(caller, filters)
    const { bus, log } = this.#parts
    const viewer = new Viewer({ bus, caller, filters, eventOf: (message) => this.#eventOf(message) })
    this.#count(viewer)
    this.#viewers.add(viewer)
    this.#look()
    try {
      await viewer.subscribe()
    } catch (error) {
      this.end(viewer, 'refused')
      throw error
    }
    log.info({ event: 'gateway.stream.begun', caller: caller.name, filters }, 'a stream of events began')
    return viewer
  }

  /** Throws a `Problem` where its caller has opened too many of late. */
  #count({ caller, subscribed }: Viewer): void {
    const whose = `${caller.hasToken} ${caller.name}`
    let waitMs = this.#openings.take(whose)
    let what = `${MAXIMUM_OPENINGS} streams are opened`
    if (waitMs === undefined) {
      waitMs = this.#subscriptions.take(whose, subscribed.length)
      if (waitMs === undefined) return
      this.#openings.giveBack(whose)
      what = `${MAXIMUM_SUBSCRIPTIONS} filters of streams are subscribed to`
    }
    const detail = `No more than ${what} by one caller in a minute.`
    throw new Problem('rate-limited', detail, { headers: retryAfter(waitMs) })
  }

  /** Ends one, whatever it is about. */
  end(viewer: Viewer, reason: string): void {
    if (!this.#viewers.delete(viewer)) return
    viewer.end(reason)
    this.#parts.log.info(
      { event: 'gateway.stream.ended', caller: viewer.caller.name, filters: viewer.filters, reason },
      'a stream ended',
    )
  }

  /** Ends those whose callers may look no more. */
  sweep(): void {
    for (const viewer of this.#viewers) {
      const reason = this.#endOf(viewer)
      if (reason !== undefined) this.end(viewer, reason)
    }
  }

  /** Ends all of them; none is opened any more. */
  endAll(reason: string): void {
    this.#isOver = true
    this.#stopWatching()
    systemClock.clearTimeout(this.#timer)
    for (const viewer of this.#viewers) this.end(viewer, reason)
  }

  #endOf(viewer: Viewer): string | undefined {
    if (viewer.isOver) return 'refused'
    const { verifier, sessions } = this.#parts.policy
    const { claims, session } = viewer.caller
    if (session !== undefined && sessions?.isOpen(session) !== true) return 'session-over'
    const end = claims && verifier?.endOf(claims)
    if (end !== undefined) return end.code
    return viewer.isPermitted ? undefined : 'permission-missing'
  }

  /** One timer for all, while there is any. */
  #look(): void {
    if (this.#timer !== undefined || this.#isOver) return
    this.#timer = systemClock.setTimeout(() => {
      this.#timer = undefined
      this.sweep()
      this.#sinceHeartbeatMs += LOOK_MS
      const isHeartbeat = this.#sinceHeartbeatMs >= HEARTBEAT_MS
      if (isHeartbeat) this.#sinceHeartbeatMs = 0
      for (const viewer of this.#viewers) {
        viewer.tick()
        if (isHeartbeat) viewer.beat()
      }
      if (this.#viewers.size > 0) this.#look()
    }, LOOK_MS)
  }

  #eventOf(message: MqttMessage): Buffer {
    const known = this.#events.get(message)
    if (known !== undefined) return known
    const { bus } = this.#parts
    const vouched = { sender: bus.senderOf(message), principal: bus.principalOf(message) }
    const shown = shownMessage(message, vouched, new Date())
    const event = Buffer.from(eventText('message', shown, ++this.#sequence))
    this.#events.set(message, event)
    return event
  }

  #assertRoom({ name, hasToken }: Caller, filters: readonly string[]): void {
    if (this.#isOver) throw new Problem('draining', 'The gateway is stopping and takes no new calls.')
    const all = [...this.#viewers]
    const own = all.filter(({ caller }) => caller.name === name && caller.hasToken === hasToken)
    const bounds = [
      [all.length + 1, MAXIMUM_STREAMS, 'streams of events'],
      [own.length + 1, MAXIMUM_STREAMS_OF_CALLER, 'streams of events of one caller'],
      [different(all, filters), MAXIMUM_FILTERS, 'different filters'],
      [different(own, filters), MAXIMUM_FILTERS_OF_CALLER, 'different filters of one caller'],
    ] as const
    for (const [count, maximum, what] of bounds) {
      if (count <= maximum) continue
      const detail = `There may be ${maximum} ${what} at a time, and this would be one too many.`
      throw new Problem('rate-limited', detail, { headers: retryAfter(10_000) })
    }
  }
}

function different(viewers: readonly Viewer[], more: readonly string[]): number {
  return new Set([...viewers.flatMap(({ filters }) => filters), ...more]).size
}
