import type { Permissions } from '@jamey/auth'
import { type LeaseEvent, messagesFilterOf, type Status, topicOf, topics } from '@jamey/contracts'
import { JSON_PROPERTIES, type Publisher } from '../messaging/publisher.js'
import type { Subscriber } from '../messaging/subscriber.js'
import type { BusLog } from '../model/config.js'
import type { BusSubscription, Message } from '../model/message.js'
import type { Clock } from '../support/clock.js'
import type { Health } from '../support/health.js'
import { randomUuid } from '../support/uuid.js'
import type { MqttPort } from '../wire/mqtt-port.js'
import type { ServerStamp } from '../wire/server-stamp.js'

/** Between two words of the member that serves. */
const RENEWAL_MS = 1000
/** From the moment at which such a word was sent: so long its sender serves, and the others stand by. */
const LEASE_MS = 5000
/** For so long a member that would serve waits for one that does to say so; a round trip takes milliseconds. */
const OBJECTION_MS = 500
const WORDS_KEPT = 16

/** Who of several that get the same requests carries them out. */
export interface Turn {
  /** A promise where it is not decided. */
  readonly mayServe: boolean | Promise<boolean>
  /** What came before is carried out by whoever has the lease, by the monotonic clock. */
  readonly answeredUntilMs: number
}

/** What is served by a lease. */
export interface LeaseMember {
  readonly pendingMs: number
  /** The lease is this member's; `answeredUntilMs` is what is known of the one before. */
  takeOver(answeredUntilMs: number): void
}

export interface LeaseParts {
  readonly clientId: string
  readonly permissions: Permissions
  readonly port: MqttPort
  readonly clock: Clock
  readonly log: BusLog
  readonly health: Health
  readonly publisher: Publisher
  readonly subscriber: Subscriber
  readonly stamp: ServerStamp
  readonly acceptUnverified: boolean
}

/** Whether this member serves, for those that wait to know. */
interface Decision {
  readonly mayServe: Promise<boolean>
  readonly take: (mayServe: boolean) => void
}

/**
 * ```
 *           join          its own claim is back, and nobody objects
 *   idle ---------> claiming ------------------------> holding
 *                    ^  ^  |  \  nothing comes back              |  its words are not back in time,
 *                    |  |  |   `---------> unheard               |  or the connection is lost: claiming
 *                    |  |  |  another one holds, or claims more  |
 *     it is gone, or |  |  `----> standing by <------------------'  another one holds with a larger number
 *     says nothing   `--+--------------'
 * ```
 */
type Place =
  | { readonly name: 'idle' }
  | { readonly name: 'claiming'; readonly decision: Decision; readonly sinceMs: number; isHeard: boolean }
  | { readonly name: 'unheard' }
  | { readonly name: 'holding' }
  | { readonly name: 'standing-by'; readonly holder: string; number: number; heardAtMs: number }

/**
 * Decides which member of a group serves where each gets every request: the one that holds the lease. It says so every
 * second on a topic of the members, and serves only for as long as its own words come back to it in time: a process that
 * stood still finds its lease run out before it does anything else, by the clock that goes on evenly. The others count
 * from when a word came, which is later. Whoever finds the lease free claims it under a larger number, and of two that
 * hold it the smaller number stands back.
 */
export class Lease implements Turn {
  readonly #parts: LeaseParts
  readonly #group: string
  readonly #topic: string
  #place: Place = { name: 'idle' }
  #number = 0
  #highest = 0
  #sequence = 0
  /** When each of the last words was sent, by its sequence. */
  readonly #sentAtMs = new Map<number, number>()
  #validUntilMs = 0
  #answeredUntilMs = Number.NEGATIVE_INFINITY
  readonly #users = new Map<string, LeaseMember>()
  #subscriptions: Promise<readonly BusSubscription[]> | undefined
  #stopWatching: () => void = () => {}
  #timer: unknown

  constructor(parts: LeaseParts, group: string) {
    this.#parts = parts
    this.#group = group
    this.#topic = topicOf(topics.events.leases, { group })
  }

  /** Whether the permissions are there to agree with other members. */
  get isPossible(): boolean {
    const { permissions } = this.#parts
    const filter = messagesFilterOf(topics.events.leases, { group: this.#group })
    return (
      permissions.decide('publish', this.#topic).isAllowed &&
      permissions.decide('subscribe', filter).isAllowed
    )
  }

  /** Whether this member carries out what comes now; a promise where that is not decided, which it soon is. */
  get mayServe(): boolean | Promise<boolean> {
    this.#look()
    const place = this.#place
    if (place.name === 'claiming') return place.decision.mayServe
    return place.name !== 'standing-by'
  }

  get answeredUntilMs(): number {
    return this.#answeredUntilMs
  }

  /** `user`: the name of what is served by it. Rejects where the server does not give the subscriptions. */
  async join(user: string, member: LeaseMember): Promise<void> {
    this.#users.set(user, member)
    if (this.#subscriptions === undefined) {
      this.#subscriptions = this.#subscribe()
      this.#subscriptions.then(
        () => this.#begin(),
        () => {
          this.#subscriptions = undefined
        },
      )
    }
    await this.#subscriptions
  }

  /** The last one lets another member serve. */
  async leave(user: string): Promise<void> {
    if (!this.#users.delete(user) || this.#users.size > 0) return
    const subscriptions = this.#subscriptions
    this.#subscriptions = undefined
    this.#stopWatching()
    if (this.#place.name === 'holding') this.#say('leaves')
    this.#become({ name: 'idle' }, false)
    this.#parts.clock.clearTimeout(this.#timer)
    for (const subscription of (await subscriptions?.catch(() => [])) ?? []) {
      await subscription.unsubscribe().catch(() => {})
    }
  }

  async #subscribe(): Promise<readonly BusSubscription[]> {
    const { subscriber, permissions, log } = this.#parts
    const options = { parameters: { group: this.#group } }
    const words = await subscriber.subscribe(topics.events.leases, options, (message) => this.#hear(message))
    if (!permissions.decide('subscribe', messagesFilterOf(topics.events.status)).isAllowed) return [words]
    try {
      const ends = await subscriber.subscribe(topics.events.status, {}, (message) => this.#see(message))
      return [words, ends]
    } catch (error) {
      // Without it, the end of a member shows by its silence.
      log.debug({ event: 'bus.lease.status_unseen', err: error }, 'the status of other members is not seen')
      return [words]
    }
  }

  #begin(): void {
    if (this.#users.size === 0) return
    const { port } = this.#parts
    this.#stopWatching = port.onState(({ state }) => {
      if (state === 'connected') return this.#claim()
      // What the server was told for us, and what others did then, is known with the next connection.
      this.#parts.clock.clearTimeout(this.#timer)
      this.#become(this.#claiming(), undefined)
    })
    this.#claim()
  }

  /** Takes the place that the time asks for. */
  #look(): void {
    const place = this.#place
    const nowMs = this.#parts.clock.now()
    if (place.name === 'holding' && nowMs >= this.#validUntilMs) this.#claim()
    if (place.name === 'standing-by' && nowMs >= place.heardAtMs + LEASE_MS) this.#claim()
  }

  #tick(): void {
    this.#look()
    const place = this.#place
    if (place.name === 'holding') {
      this.#say('holds')
      return this.#schedule(RENEWAL_MS)
    }
    if (place.name === 'standing-by') return this.#schedule(RENEWAL_MS)
    if (place.name === 'claiming' && place.isHeard) return this.#hold()
    if (place.name === 'idle') return
    this.#say('claims')
    this.#schedule(place.name === 'unheard' ? RENEWAL_MS : OBJECTION_MS)
    if (place.name === 'claiming' && this.#parts.clock.now() >= place.sinceMs + LEASE_MS) this.#despair()
  }

  /** Larger than all that was heard, and, where nothing was, than those of before by the time of day. */
  #claim(): void {
    this.#number = Math.max(this.#highest + 1, this.#parts.clock.timeOfDay())
    this.#highest = this.#number
    this.#sentAtMs.clear()
    this.#become(this.#claiming(), undefined)
    this.#say('claims')
    this.#schedule(OBJECTION_MS)
  }

  #claiming(): Place {
    const place = this.#place
    const decision = place.name === 'claiming' ? place.decision : undecided()
    return { name: 'claiming', decision, sinceMs: this.#parts.clock.now(), isHeard: false }
  }

  #hold(): void {
    this.#become({ name: 'holding' }, true)
    this.#say('holds')
    this.#schedule(RENEWAL_MS)
    const { log, health } = this.#parts
    health.remark(this.#name, undefined)
    const facts = { group: this.#group, number: this.#highest }
    log.info({ event: 'bus.lease.held', ...facts }, `serves the requests of ${this.#group}`)
    for (const member of this.#users.values()) member.takeOver(this.#answeredUntilMs)
  }

  #standBy(holder: string, number: number): void {
    const place = this.#place
    // Others may have stood back for this claim, and would wait for words that do not come.
    if (place.name === 'claiming') this.#say('leaves')
    const isNews = place.name !== 'standing-by' || place.holder !== holder
    this.#become({ name: 'standing-by', holder, number, heardAtMs: this.#parts.clock.now() }, false)
    if (!isNews) return
    this.#schedule(RENEWAL_MS)
    const { log, health } = this.#parts
    health.remark(this.#name, `stands by: ${holder} serves`)
    const message = `${holder} serves the requests of ${this.#group}; standing by`
    log.info({ event: 'bus.lease.standby', group: this.#group, number: this.#highest }, message)
  }

  /** As where a server takes such words and gives them to nobody: then each member serves, as without a lease. */
  #despair(): void {
    this.#become({ name: 'unheard' }, true)
    const { log } = this.#parts
    const message = `what members of ${this.#group} say on ${this.#topic} does not come back, so that each of several serves every request; does the server let this client publish and subscribe there?`
    log.warn({ event: 'bus.lease.unheard', group: this.#group, topic: this.#topic }, message)
    this.#parts.health.remark(this.#name, message)
  }

  #become(place: Place, mayServe: boolean | undefined): void {
    const former = this.#place
    this.#place = place
    if (mayServe !== undefined && former.name === 'claiming') former.decision.take(mayServe)
    if (place.name === 'idle') this.#parts.health.remark(this.#name, undefined)
  }

  get #name(): string {
    return `lease/${this.#group}`
  }

  #hear({ data, sender }: Message<LeaseEvent>): void {
    if (!sender.isVerified && !this.#parts.acceptUnverified) return
    this.#highest = Math.max(this.#highest, data.number)
    if (sender.clientId === this.#parts.clientId) return this.#hearItself(data)
    this.#look()
    const place = this.#place
    const isHolder = place.name === 'standing-by' && place.holder === sender.clientId
    if (data.state === 'holds') {
      const pendingMs = data.pending_ms + RENEWAL_MS
      this.#answeredUntilMs = Math.max(this.#answeredUntilMs, this.#parts.clock.now() - pendingMs)
    }
    if (data.state === 'leaves') {
      if (isHolder) this.#claim()
    } else if (isHolder) {
      place.number = data.number
      place.heardAtMs = this.#parts.clock.now()
    } else if (data.state === 'holds') this.#hearHolder(sender.clientId, data.number)
    else this.#hearClaim(sender.clientId, data.number)
  }

  /** Its words are back: the server had them, and gave them to everybody. */
  #hearItself({ number, sequence }: LeaseEvent): void {
    const sentAtMs = this.#sentAtMs.get(sequence)
    if (number !== this.#number || sentAtMs === undefined) return
    this.#validUntilMs = sentAtMs + LEASE_MS
    if (this.#place.name === 'unheard') this.#become(this.#claiming(), undefined)
    const place = this.#place
    if (place.name !== 'claiming' || place.isHeard) return
    place.isHeard = true
    this.#schedule(OBJECTION_MS)
  }

  #hearHolder(holder: string, number: number): void {
    const place = this.#place
    if (place.name === 'idle') return
    if (place.name === 'holding' && !this.#isBehind(holder, number)) return this.#say('holds')
    if (place.name === 'standing-by' && number < place.number) return
    this.#standBy(holder, number)
  }

  #hearClaim(claimant: string, number: number): void {
    const place = this.#place
    if (place.name === 'holding') return this.#say('holds')
    if (place.name !== 'claiming' && place.name !== 'unheard') return
    if (this.#isBehind(claimant, number)) this.#standBy(claimant, number)
    // It may have subscribed after the claim was made.
    else this.#say('claims')
  }

  #isBehind(other: string, number: number): boolean {
    return number > this.#number || (number === this.#number && other > this.#parts.clientId)
  }

  /** The last word of a member: it was closed, or the server says that its connection was lost. */
  #see({ data, sender, isRetained }: Message<Status>): void {
    const place = this.#place
    if (isRetained || data.state !== 'offline' || place.name !== 'standing-by') return
    if (place.holder === sender.clientId) this.#claim()
  }

  /** Past the rate limit, and at most once: the next one makes up for it. */
  #say(state: LeaseEvent['state']): void {
    const { publisher, stamp, clock, log, port } = this.#parts
    if (port.state !== 'connected') return
    const sequence = ++this.#sequence
    this.#sentAtMs.set(sequence, clock.now())
    this.#sentAtMs.delete(sequence - WORDS_KEPT)
    const topic = stamp.topicFor(this.#topic)
    const { action, qos, retain } = topics.events.leases
    const pending = Math.max(0, ...[...this.#users.values()].map(({ pendingMs }) => pendingMs))
    const data = { state, number: this.#number, sequence, pending_ms: Math.ceil(pending) }
    const payload = { action, data }
    const bytes = publisher.write({ topic, messageId: randomUuid(), payload, correlationId: randomUuid() })
    const sending = { qos, retain, isDurable: false, properties: JSON_PROPERTIES, timeoutMs: RENEWAL_MS }
    publisher.deliver(topic, bytes, sending).catch((error: unknown) => {
      log.debug(
        { event: 'bus.lease.unpublished', err: error, group: this.#group },
        'could not say who serves',
      )
    })
  }

  #schedule(delayMs: number): void {
    const { clock } = this.#parts
    clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(() => this.#tick(), delayMs)
  }
}

function undecided(): Decision {
  let take: Decision['take'] = () => {}
  const mayServe = new Promise<boolean>((resolve) => {
    take = resolve
  })
  return { mayServe, take }
}
