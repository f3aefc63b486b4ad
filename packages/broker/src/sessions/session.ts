import type { ProtocolVersion, PublishProperties, Will } from '@jamey/protocol'
import type { Message } from '../messages/message.js'
import { type Stamp, type Stamping, withoutUnpermitted } from '../messages/stamping.js'
import type { Identity } from '../ports/authenticator.js'
import type { ClientInfo, DropReason } from '../ports/hooks.js'
import type { SharedGroup, Subscriber, Subscription } from '../routing/subscription.js'
import { Deadline } from '../support/deadline.js'
import type { DropCounts } from '../support/drop-counts.js'
import type { ClientLink } from './client-link.js'
import { Outgoing } from './outgoing.js'
import type { OutgoingContext } from './outgoing-context.js'

const NO_DROPS: DropCounts = {}

/** The Session Expiry Interval that means never. [MQTT 5.0 section 3.1.2.11.2] */
export const NEVER_EXPIRES = 0xffff_ffff

export interface SessionContext extends OutgoingContext {
  readonly stamping: Stamping | undefined
  readonly sessions: SessionTimers
  readonly sharedRedelivery: { start(from: Session): void }
}

/** What the deadlines of a session call when they have passed; `SessionRegistry` fills it. */
interface SessionTimers {
  expire(session: Session): void
  endWillDelay(session: Session): void
}

/** Retained messages that one connection was not sent, for the next one of its session. */
export interface UnsentRetained {
  readonly waiting: Subscription[]
  readonly left: Iterator<Message | undefined> | undefined
  readonly message: Message | undefined
  readonly identifiers: readonly number[] | undefined
}

/** What the broker keeps for a client identifier, connected or not. Section 4.1. */
export class Session implements Subscriber {
  /** The client identifier; of a session that is over and still stored a name that no client can have. */
  clientId: string
  /** Client identifier in what it publishes, its will included, which hooks may still judge when it is over. */
  readonly publishesAs: string
  username: string
  version: ProtocolVersion
  connection: ClientLink | undefined
  /** The last connection as hooks know it; undefined without hooks. */
  client: ClientInfo | undefined
  /** Seconds after the connection's end; 0: ends with it. */
  expirySeconds = 0
  /** Moment by the monotonic clock; that of an earlier life of the broker may lie before the clock began. */
  disconnectedAtMs: number | undefined
  will: Will | undefined
  readonly subscriptions = new Map<string, Subscription>()
  /** Groups by filter that it unsubscribed from, while what it was not sent goes to their members. */
  readonly leftGroups = new Map<string, SharedGroup>()
  /** Packet identifiers of QoS 2 publishes that were taken and wait for PUBREL. [MQTT-4.3.3-10] */
  readonly incoming = new Set<number>()
  /** True where its connection took it up where another had left it. */
  isResumed = false
  /**
   * Identifiers of `incoming` that an earlier connection took: they do not count against this one's Receive Maximum.
   * Section 4.9
   */
  takenBefore: Set<number> | undefined
  readonly outgoing: Outgoing
  /** Retained messages that its last connection was not sent before it ended. */
  unsentRetained: UnsentRetained | undefined
  /** It outlives the process, so its changes go to the store. */
  isStored = false
  /** It ended; what came through its shared subscriptions is on its way to others. */
  isOver = false
  readonly expiry: Deadline
  readonly willDelay: Deadline
  readonly #context: SessionContext
  /** Made for the first message that is dropped. */
  #drops: Record<string, number> | undefined
  #identity: Identity | undefined
  /** The stamp of its messages, made for the first one that has one. */
  #stamp: Stamp | undefined

  constructor(context: SessionContext, clientId: string, username: string, version: ProtocolVersion) {
    this.clientId = this.publishesAs = clientId
    this.#context = context
    this.username = username
    this.version = version
    this.outgoing = new Outgoing(context, this)
    this.expiry = new Deadline(context.clock, () => context.sessions.expire(this))
    this.willDelay = new Deadline(context.clock, () => context.sessions.endWillDelay(this))
  }

  /** The identity of its last connection; undefined after the session was loaded from a store. */
  get identity(): Identity | undefined {
    return this.#identity
  }

  set identity(identity: Identity) {
    this.#identity = identity
    this.#stamp = undefined
  }

  /** Messages that it was to get and did not. */
  get drops(): DropCounts {
    return this.#drops ?? NO_DROPS
  }

  noteDropped(topic: string, reason: DropReason): void {
    this.#drops ??= {}
    this.#drops[reason] = (this.#drops[reason] ?? 0) + 1
    this.#context.droppedTopics.note(topic, reason)
  }

  /** The stamp for receivers of its messages to `topic`; undefined: they are told nothing. */
  stampFor(topic: string): Stamp | undefined {
    const { stamping } = this.#context
    if (!stamping?.selects(topic)) return undefined
    this.#stamp ??= stamping.stampOf(this.publishesAs, this.#identity?.actsFor ?? [])
    return this.#stamp
  }

  /** The same of a message that it may have relayed, as its properties say; `own` is `stampFor` of its topic. */
  stampOf(own: Stamp, properties: PublishProperties | undefined): Stamp | undefined {
    const relays = this.#identity?.relays
    if (relays === undefined || relays.length === 0) return own
    return this.#context.stamping?.relayedStamp(own, relays, properties)
  }

  /** What its messages say beside their stamp, without what only those say who may act for others. */
  permitted(properties: PublishProperties | undefined): PublishProperties | undefined {
    if (properties === undefined || this.#context.stamping === undefined) return properties
    return withoutUnpermitted(properties, this.#identity)
  }

  /** The group of a shared subscription that it has, or left while something waits to go to the others. */
  groupOf(filter: string): SharedGroup | undefined {
    return this.subscriptions.get(filter)?.group ?? this.leftGroups.get(filter)
  }

  *sharedGroups(): Generator<SharedGroup> {
    for (const { group } of this.subscriptions.values()) if (group !== undefined) yield group
  }

  redeliverShared(): void {
    this.#context.sharedRedelivery.start(this)
  }

  /** True where another member could be sent what came through its shared subscriptions. */
  get hasOtherMembers(): boolean {
    for (const group of this.leftGroups.values()) if (group.hasOtherThan(this)) return true
    if (this.connection !== undefined) return false
    for (const group of this.sharedGroups()) {
      if (this.isOver ? group.hasOtherThan(this) : group.hasConnectedBeside(this)) return true
    }
    return false
  }

  /** Its client as hooks are told of it: as last connected, or what is left of that after a restart. */
  get info(): ClientInfo {
    if (this.client !== undefined) return this.client
    const { publishesAs: clientId, username, version: protocolVersion } = this
    return { clientId, username, remoteAddress: '', protocolVersion, certificate: undefined }
  }

  /** Unknown permissions are checked when the client is back, before anything is sent. */
  mayReceive(topic: string): boolean {
    return this.#identity === undefined || this.#identity.mayReceive(topic)
  }
}
