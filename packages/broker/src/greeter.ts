import type { Connection } from './connection.js'
import type { Core } from './core.js'
import type { Subscription } from './subscription.js'

/** Nodes of the retained tree to look at in one turn of the event loop; some milliseconds. */
const MOST_VISITED_PER_TURN = 20_000

type Greeted = Pick<Connection, 'state' | 'pauseReading' | 'resumeReading'>

/**
 * Sends new subscriptions what is retained, filter by filter. A filter may select everything, and a client may send
 * thousands of them at once: what is more than one turn's share waits for the next, and with it whatever else the
 * client sent, so that nobody but the client waits.
 */
export class Greeter {
  readonly #core: Core
  readonly #connection: Greeted
  #waiting: Subscription[] = []
  #visited = 0
  #isTurnBegun = false

  constructor(core: Core, connection: Greeted) {
    this.#core = core
    this.#connection = connection
  }

  get isBusy(): boolean {
    return this.#waiting.length > 0
  }

  greet(subscriptions: readonly Subscription[]): void {
    if (subscriptions.length === 0) return
    const wasBusy = this.isBusy
    this.#waiting.push(...subscriptions)
    this.#run()
    if (this.isBusy && !wasBusy) this.#connection.pauseReading()
  }

  #run(): void {
    const { retained } = this.#core
    while (this.#visited < MOST_VISITED_PER_TURN) {
      const subscription = this.#waiting.shift()
      if (subscription === undefined) return
      const before = retained.visited
      sendRetained(this.#core, subscription)
      this.#visited += retained.visited - before
      if (this.#isTurnBegun) continue
      this.#isTurnBegun = true
      setImmediate(() => this.#nextTurn())
    }
  }

  #nextTurn(): void {
    this.#isTurnBegun = false
    this.#visited = 0
    if (!this.isBusy) return
    if (this.#connection.state !== 'open') {
      this.#waiting = []
      return
    }
    this.#run()
    if (!this.isBusy) this.#connection.resumeReading()
  }
}

function sendRetained(
  core: Core,
  { session, path, qos: mostQoS, subscriptionIdentifier }: Subscription,
): void {
  const identifiers = subscriptionIdentifier === undefined ? undefined : [subscriptionIdentifier]
  for (const message of core.retained.match(path)) {
    if (message.expiresAtMs <= core.clock.now()) {
      core.counters.droppedExpired++
      core.forgetRetained(message.topic)
      continue
    }
    if (!session.mayReceive(message.topic)) continue
    const qos = mostQoS < message.qos ? mostQoS : message.qos
    // It is sent because of the subscription, so RETAIN is set whatever Retain As Published says. [MQTT-3.3.1-8]
    if (qos === 0) session.connection?.sendAtMostOnce(message, true, identifiers, -1)
    else session.outgoing.offer(message, qos, true, identifiers, undefined, -1)
  }
}
