import { createRequire } from 'node:module'
import type { Core } from './core.js'
import { Deadline } from './deadline.js'
import { Message } from './message.js'

const { version } = createRequire(import.meta.url)('../package.json') as { version: string }

/**
 * Publishes how the broker is doing under `$SYS/broker/`, retained, for whoever is permitted to read it. The topics
 * are those of other brokers, so that their dashboards work.
 */
export class SysTopics {
  readonly #core: Core
  readonly #startedAtMs: number
  readonly #next: Deadline

  constructor(core: Core) {
    this.#core = core
    this.#startedAtMs = core.clock.now()
    this.#next = new Deadline(core.clock, () => {
      this.publish()
      this.#arm()
    })
  }

  get uptimeSeconds(): number {
    return Math.floor((this.#core.clock.now() - this.#startedAtMs) / 1000)
  }

  /** Also anew, with another interval. */
  start(): void {
    this.stop()
    if (this.#core.limits.sysIntervalSeconds === 0) return
    this.publish()
    this.#arm()
  }

  stop(): void {
    this.#next.clear()
  }

  publish(): void {
    const { counters, sessions, retained, router } = this.#core
    const values: Record<string, string | number> = {
      version: `jamey ${version}`,
      uptime: this.uptimeSeconds,
      'clients/connected': sessions.connected,
      'clients/disconnected': sessions.size - sessions.connected,
      'clients/total': sessions.size,
      'clients/maximum': counters.connectionsMaximum,
      'subscriptions/count': router.tree.size,
      'retained messages/count': retained.size,
      'publish/messages/received': counters.publishesReceived,
      'publish/messages/sent': counters.publishesSent,
      'publish/messages/dropped': counters.droppedSlow + counters.droppedOverflow + counters.droppedExpired,
      'bytes/received': counters.bytesReceived,
      'bytes/sent': counters.bytesSent,
    }
    for (const [name, value] of Object.entries(values)) this.#say(`$SYS/broker/${name}`, String(value))
  }

  #say(topic: string, text: string): void {
    const message = new Message(topic, Buffer.from(text), 0, true, undefined, Number.POSITIVE_INFINITY, '')
    // Past the store: what the broker says about itself is said anew by the next one.
    this.#core.retained.set(message)
    this.#core.router.publish(message, undefined)
  }

  #arm(): void {
    this.#next.set(this.#core.clock.now() + this.#core.limits.sysIntervalSeconds * 1000)
  }
}
