import { type Status, topicOf, topics } from '@jamey/contracts'
import type { WillOptions } from '@jamey/mqtt'
import { JSON_PROPERTIES, type Publisher } from '../messaging/publisher.js'
import type { BusComponent, BusLog } from '../model/config.js'
import type { ErrorContext } from '../model/message.js'
import type { Clock } from '../support/clock.js'
import type { Counters } from '../support/counters.js'
import { kindOf } from '../support/error-counts.js'
import type { Health } from '../support/health.js'
import { RateLimiter } from '../support/rate-limiter.js'
import { randomUuid } from '../support/uuid.js'
import type { MqttPort } from '../wire/mqtt-port.js'
import { ProcessMetrics } from './process-metrics.js'

/** Error events are for people and alarms: more of them in a second tell nothing new. */
const REPORTS_PER_SECOND = 10
const REPORT_TIMEOUT_MS = 10_000
const MAXIMUM_MESSAGE = 2000

export interface PresenceParts {
  readonly clientId: string
  readonly component: BusComponent
  readonly heartbeatSeconds: number
  readonly port: MqttPort
  readonly clock: Clock
  readonly counters: Counters
  readonly publisher: Publisher
  readonly log: BusLog
  readonly health: Health
}

/** Tells the others that this component is there, how it is, and what went wrong. */
export class Presence {
  readonly #parts: PresenceParts
  readonly #metrics = new ProcessMetrics()
  /** The time of day, for people; the age comes from the other clock. */
  readonly #sinceMs: number
  readonly #startedAtMs: number
  readonly #reports: RateLimiter
  readonly #stopWatching: () => void
  #sequence = 0
  #timer: unknown

  constructor(parts: PresenceParts) {
    assertHeartbeat(parts.heartbeatSeconds)
    this.#parts = parts
    this.#sinceMs = parts.clock.timeOfDay()
    this.#startedAtMs = parts.clock.now()
    this.#reports = new RateLimiter(
      { messagesPerSecond: REPORTS_PER_SECOND, overflow: 'reject' },
      parts.clock,
    )
    const stopWatchingState = parts.port.onState(({ state }) => {
      if (state === 'connected') this.#greet()
    })
    const stopWatchingHealth = parts.health.onChange(() => {
      if (parts.port.state === 'connected') this.#greet()
    })
    this.#stopWatching = () => {
      stopWatchingState()
      stopWatchingHealth()
    }
    if (parts.port.state === 'connected') this.#greet()
    this.#scheduleHeartbeat()
  }

  /** The will, which the server publishes for us when the connection is lost; asked for with every connection. */
  will(): WillOptions {
    const { clientId, publisher } = this.#parts
    const { topic, qos } = {
      ...topics.events.status,
      topic: topicOf(topics.events.status, { client_id: clientId }),
    }
    const payload = publisher.write({
      topic,
      messageId: randomUuid(),
      payload: { action: topics.events.status.action, data: this.#status('offline', 'connection lost') },
      correlationId: randomUuid(),
    })
    return { topic, payload, qos, retain: true, properties: JSON_PROPERTIES }
  }

  /** Publishes an error event, unless there have been too many just now. Never rejects. */
  async report(error: unknown, context: ErrorContext): Promise<void> {
    const { component, publisher, counters } = this.#parts
    const facts = error as { retryable?: unknown } | undefined
    const message = error instanceof Error ? error.message : String(error)
    const kind = kindOf(error, context.kind)
    try {
      await this.#reports.pass(1)
      await publisher.publish(
        topics.events.errors,
        {
          component: component.name,
          kind,
          message: message.slice(0, MAXIMUM_MESSAGE),
          retryable: facts?.retryable === true,
          ...(context.topic === undefined ? {} : { topic: context.topic }),
          ...(context.correlationId === undefined ? {} : { correlation_id: context.correlationId }),
        },
        { timeoutMs: REPORT_TIMEOUT_MS },
      )
    } catch {
      counters.reportsLost++
    }
  }

  /** Says goodbye in the place of the will. */
  async leave(timeoutMs: number): Promise<void> {
    this.stop()
    if (this.#parts.port.state !== 'connected') return
    await this.#publishStatus('offline', 'closed', timeoutMs)
  }

  stop(): void {
    this.#stopWatching()
    this.#metrics.stop()
    this.#parts.clock.clearTimeout(this.#timer)
  }

  /**
   * Publishes the status after every connect, for the will of the last connection may have spoken, and whenever
   * something else is wrong.
   */
  #greet(): void {
    void this.#publishStatus('online')
  }

  async #publishStatus(state: Status['state'], reason?: string, timeoutMs?: number): Promise<void> {
    const { publisher, log } = this.#parts
    try {
      // A status of another process would be wrong, and every connection brings a new one.
      const options = { isDurable: false, ...(timeoutMs === undefined ? {} : { timeoutMs }) }
      await publisher.publish(topics.events.status, this.#status(state, reason), options)
    } catch (error) {
      log.warn({ event: 'bus.status.unpublished', err: error, state }, 'could not publish the status')
    }
  }

  #status(state: Status['state'], reason?: string): Status {
    const { component, clock, health } = this.#parts
    const { faults, remarks } = health
    const why = reason ?? (state === 'online' && remarks.length > 0 ? remarks.join('; ') : undefined)
    return {
      state,
      component: component.name,
      version: component.version,
      since: new Date(state === 'online' ? this.#sinceMs : clock.timeOfDay()).toISOString(),
      ...(why === undefined ? {} : { reason: why }),
      ...(state === 'offline' || faults.length === 0 ? {} : { faults: [...faults] }),
    }
  }

  #scheduleHeartbeat(): void {
    const { heartbeatSeconds, clock } = this.#parts
    if (heartbeatSeconds === 0) return
    this.#timer = clock.setTimeout(() => {
      this.#scheduleHeartbeat()
      void this.#beat()
    }, heartbeatSeconds * 1000)
  }

  async #beat(): Promise<void> {
    const { component, clock, counters, port, publisher, log } = this.#parts
    if (port.state !== 'connected') return
    this.#sequence++
    try {
      await publisher.publish(topics.events.heartbeat, {
        component: component.name,
        sequence: this.#sequence,
        uptime_seconds: (clock.now() - this.#startedAtMs) / 1000,
        process: this.#metrics.read(),
        messages: { published: counters.published, received: counters.received },
      })
    } catch (error) {
      log.warn({ event: 'bus.heartbeat.unpublished', err: error }, 'could not publish a heartbeat')
    }
  }
}

function assertHeartbeat(heartbeatSeconds: number): void {
  if (heartbeatSeconds >= 0 && heartbeatSeconds < Number.POSITIVE_INFINITY) return
  throw new RangeError(`heartbeatSeconds is ${heartbeatSeconds}; expected seconds, or 0 for no heartbeats.`)
}
