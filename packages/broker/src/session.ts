import type { ProtocolVersion, Will } from '@jamey/protocol'
import type { Identity } from './authenticator.js'
import type { Connection } from './connection.js'
import type { Core } from './core.js'
import { Deadline } from './deadline.js'
import type { ClientInfo } from './hooks.js'
import { Outgoing } from './outgoing.js'
import type { Subscription } from './subscription.js'

/** The Session Expiry Interval that means never. [MQTT 5.0 section 3.1.2.11.2] */
export const NEVER_EXPIRES = 0xffff_ffff

/** What the broker keeps for a client identifier, connected or not. Section 4.1. */
export class Session {
  readonly clientId: string
  username: string
  version: ProtocolVersion
  /** Who it was when last connected; unknown after the session was loaded from a store. */
  identity: Identity | undefined
  connection: Connection | undefined
  /** What hooks know the last connection by; absent without hooks. */
  client: ClientInfo | undefined
  /** Seconds after the connection's end; 0: ends with it. */
  expirySeconds = 0
  disconnectedAtMs: number | undefined
  will: Will | undefined
  readonly subscriptions = new Map<string, Subscription>()
  /** Packet identifiers of QoS 2 publishes that were taken and wait for PUBREL. [MQTT-4.3.3-10] */
  readonly incoming = new Set<number>()
  /** Those among them that an earlier connection took: they do not count against this one's Receive Maximum. Section 4.9 */
  takenBefore: Set<number> | undefined
  readonly outgoing: Outgoing
  /** It outlives the process, so its changes go to the store. */
  isStored = false
  readonly expiry: Deadline
  readonly willDelay: Deadline

  constructor(core: Core, clientId: string, username: string, version: ProtocolVersion) {
    this.clientId = clientId
    this.username = username
    this.version = version
    this.outgoing = new Outgoing(core, this)
    this.expiry = new Deadline(core.clock, () => core.sessions.expire(this))
    this.willDelay = new Deadline(core.clock, () => core.sessions.endWillDelay(this))
  }

  /** Whether anybody could take over what came through its shared subscriptions. */
  get sharesWithOthers(): boolean {
    for (const { group } of this.subscriptions.values()) {
      if (group?.members.some(({ session }) => session !== this)) return true
    }
    return false
  }

  /** Unknown permissions are checked when the client is back, before anything is sent. */
  mayReceive(topic: string): boolean {
    return this.identity === undefined || this.identity.mayReceive(topic)
  }
}
