import type { ProtocolVersion, Will } from '@jamey/protocol'
import type { Identity } from './authenticator.js'
import type { Connection } from './connection.js'
import type { Core } from './core.js'
import { Deadline } from './deadline.js'
import type { GreetingRest } from './greeter.js'
import type { ClientInfo } from './hooks.js'
import { Outgoing } from './outgoing.js'
import type { SharedGroup } from './shared-group.js'
import type { Stamp, Stamping } from './stamping.js'
import type { Subscription } from './subscription.js'

/** The Session Expiry Interval that means never. [MQTT 5.0 section 3.1.2.11.2] */
export const NEVER_EXPIRES = 0xffff_ffff

/** What the broker keeps for a client identifier, connected or not. Section 4.1. */
export class Session {
  /** Of one that is over and was set aside: a name that no client can have. */
  clientId: string
  /** Client identifier in what it publishes, its will included, which hooks may still judge when it is over. */
  readonly publishesAs: string
  username: string
  version: ProtocolVersion
  connection: Connection | undefined
  /** What hooks know the last connection by; absent without hooks. */
  client: ClientInfo | undefined
  /** Seconds after the connection's end; 0: ends with it. */
  expirySeconds = 0
  /** By the monotonic clock; of one from an earlier life of the broker perhaps before its beginning. */
  disconnectedAtMs: number | undefined
  will: Will | undefined
  readonly subscriptions = new Map<string, Subscription>()
  /** By filter: those it unsubscribed from, while what it was not sent goes to their members. */
  readonly leftGroups = new Map<string, SharedGroup>()
  /** Packet identifiers of QoS 2 publishes that were taken and wait for PUBREL. [MQTT-4.3.3-10] */
  readonly incoming = new Set<number>()
  /** Its connection took it up where another had left it. */
  isResumed = false
  /** Those among them that an earlier connection took: they do not count against this one's Receive Maximum. Section 4.9 */
  takenBefore: Set<number> | undefined
  readonly outgoing: Outgoing
  /** Retained messages that its last connection was not sent before it ended. */
  greetingRest: GreetingRest | undefined
  /** It outlives the process, so its changes go to the store. */
  isStored = false
  /** It ended; what came through its shared subscriptions is on its way to others. */
  isOver = false
  readonly expiry: Deadline
  readonly willDelay: Deadline
  readonly #stamping: Stamping | undefined
  #identity: Identity | undefined
  /** Made for its first message that has one. */
  #stamp: Stamp | undefined

  constructor(core: Core, clientId: string, username: string, version: ProtocolVersion) {
    this.clientId = this.publishesAs = clientId
    this.#stamping = core.stamping
    this.username = username
    this.version = version
    this.outgoing = new Outgoing(core, this)
    this.expiry = new Deadline(core.clock, () => core.sessions.expire(this))
    this.willDelay = new Deadline(core.clock, () => core.sessions.endWillDelay(this))
  }

  /** Who it was when last connected; unknown after the session was loaded from a store. */
  get identity(): Identity | undefined {
    return this.#identity
  }

  set identity(identity: Identity) {
    this.#identity = identity
    this.#stamp = undefined
  }

  /** What receivers of its messages to `topic` are told about its client; undefined: nothing. */
  stampFor(topic: string): Stamp | undefined {
    if (!this.#stamping?.selects(topic)) return undefined
    this.#stamp ??= this.#stamping.stampOf(this.publishesAs, this.#identity?.actsFor ?? [])
    return this.#stamp
  }

  /** The group of a shared subscription that it has, or left while something waits to go to the others. */
  groupOf(filter: string): SharedGroup | undefined {
    return this.subscriptions.get(filter)?.group ?? this.leftGroups.get(filter)
  }

  *sharedGroups(): Generator<SharedGroup> {
    for (const { group } of this.subscriptions.values()) if (group !== undefined) yield group
  }

  /** Whether anybody could take over what came through its shared subscriptions. */
  get hasHeirs(): boolean {
    for (const group of this.leftGroups.values()) if (group.hasOtherThan(this)) return true
    if (this.connection !== undefined) return false
    for (const group of this.sharedGroups()) {
      if (this.isOver ? group.hasOtherThan(this) : group.hasConnectedBeside(this)) return true
    }
    return false
  }

  /** Unknown permissions are checked when the client is back, before anything is sent. */
  mayReceive(topic: string): boolean {
    return this.#identity === undefined || this.#identity.mayReceive(topic)
  }
}
