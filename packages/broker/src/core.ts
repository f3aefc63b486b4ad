import { ReasonCode } from '@jamey/protocol'
import { Admission } from './admission.js'
import type { Authenticator, Identity } from './authenticator.js'
import type { BrokerStore } from './broker-store.js'
import type { Clock } from './clock.js'
import { CommitGate } from './commit-gate.js'
import type { Connection } from './connection.js'
import { Counters } from './counters.js'
import { Descriptors } from './descriptors.js'
import { ExpirySweep } from './expiry-sweep.js'
import { HandOvers } from './hand-over.js'
import { HeldBytes } from './held-bytes.js'
import { HookRunner } from './hook-runner.js'
import type { BrokerHooks } from './hooks.js'
import type { Limits } from './limits.js'
import { type Log, RareLog, SparingLog } from './log.js'
import type { Message } from './message.js'
import { Persistence } from './persistence.js'
import { type Revise, revised } from './reload.js'
import { RetainedTree } from './retained-tree.js'
import { Router } from './router.js'
import { Sessions } from './sessions.js'
import type { Shutdown } from './shutdown.js'
import { Stamping } from './stamping.js'
import { Turn } from './turn.js'

/** Who of a shared subscription gets a message: the next member, or the one that got the publisher's last. */
export type SharedSubscriptions = 'in-turn' | 'by-publisher'

/**
 * What becomes of a message that finds a session's queue full, whose client is away or takes nothing: it, or the oldest
 * in the queue, is dropped and counted; the connection ends; or the publish is refused with 0x97 before anybody has it
 * ('refuse'; before MQTT 5.0 the publisher's connection ends, for it can not be told).
 */
export type Overflow = 'drop-newest' | 'drop-oldest' | 'disconnect' | 'refuse'

export interface CoreOptions {
  authenticator: Authenticator
  store: BrokerStore | undefined
  limits: Limits
  clock: Clock
  log: Log
  overflow: Overflow
  responseInformation: ((clientId: string) => string | undefined) | undefined
  hooks?: BrokerHooks | undefined
  sharedSubscriptions?: SharedSubscriptions | undefined
  stampSenders?: readonly string[] | undefined
  refuseWhenFull?: readonly string[] | undefined
  descriptors?: Descriptors | undefined
}

/** A disk that fails may have spoiled very many. */
const MOST_DAMAGE_LINES = 20

/** What all connections share. */
export class Core {
  authenticator: Authenticator
  /** Never changed, but replaced at a reload. */
  limits: Readonly<Limits>
  readonly clock: Clock
  readonly log: Log
  /** For what happens with those who were not let in: they may not fill the disk. */
  readonly strangersLog: Log
  /** Of what the whole process has too little of. */
  readonly shortageLog: RareLog
  readonly descriptors: Descriptors
  readonly overflow: Overflow
  readonly sharedSubscriptions: SharedSubscriptions
  readonly responseInformation: ((clientId: string) => string | undefined) | undefined
  /** Absent where none was given. */
  readonly hooks: HookRunner | undefined
  /** Absent where no topic is stamped. */
  readonly stamping: Stamping | undefined
  readonly counters = new Counters()
  readonly connections = new Set<Connection>()
  readonly heldBytes = new HeldBytes(this)
  /** The time that handling what publishers sent has taken. */
  readonly publishing = { ms: 0 }
  readonly retained = new RetainedTree()
  readonly expirySweep: ExpirySweep
  readonly turn: Turn
  readonly persistence: Persistence
  /** Present with a store: acknowledgements wait for it. */
  readonly gate: CommitGate | undefined
  readonly router: Router
  readonly sessions: Sessions
  readonly handOvers: HandOvers
  readonly admission: Admission
  /** Present from the first reload that brought one: who is who by now. */
  revise: Revise | undefined
  /** Present from the call of `close` on. */
  shutdown: Shutdown | undefined
  /** Called when the last connection is gone. */
  whenEmpty: (() => void) | undefined

  constructor(options: CoreOptions) {
    this.authenticator = options.authenticator
    this.clock = options.clock
    this.log = options.log
    this.descriptors = options.descriptors ?? new Descriptors()
    this.limits = this.fitted(options.limits)
    this.shortageLog = new RareLog(options.log, options.clock)
    this.strangersLog = new SparingLog(options.log, options.clock)
    this.overflow = options.overflow
    this.sharedSubscriptions = options.sharedSubscriptions ?? 'in-turn'
    this.responseInformation = options.responseInformation
    this.hooks = options.hooks && new HookRunner(this, options.hooks)
    const { stampSenders = [] } = options
    this.stamping = stampSenders.length === 0 ? undefined : new Stamping(stampSenders, options.log)
    this.turn = new Turn(() => this.gate?.endTurn())
    this.persistence = new Persistence(options.store, options.clock, this.stamping, () => this.turn.request())
    this.gate = options.store && new CommitGate(this)
    this.expirySweep = new ExpirySweep(this)
    this.router = new Router(this, options.refuseWhenFull)
    this.sessions = new Sessions(this)
    this.handOvers = new HandOvers(this)
    this.admission = new Admission(this.limits, this.clock)
  }

  /** Limits for which there are descriptors. */
  fitted(limits: Readonly<Limits>): Readonly<Limits> {
    const { most, reserve } = this.descriptors
    const fitted = this.descriptors.fit(limits)
    if (fitted === limits) return limits
    const { connections, pendingConnections, waitingConnections } = fitted
    this.log.warn(
      { descriptors: most, reserve, connections, pendingConnections, waitingConnections },
      'this process may open too few files (ulimit -n) for the connections that its limits allow; they are lowered',
    )
    return fitted
  }

  /** For one that was authenticated while a reload changed who may do what. Throws `ConnectionFault`. */
  revised(identity: Identity, clientId: string): Identity {
    return this.revise === undefined ? identity : revised(this.revise, identity, clientId)
  }

  /** Says, and counts, what the store has set aside. */
  noteDamage(): void {
    const damage = this.persistence.takeDamage()
    this.counters.damagedRecords += damage.length
    for (const err of damage.slice(0, MOST_DAMAGE_LINES)) {
      this.log.error({ err }, 'the store holds what can not be read; it was set aside')
    }
    const leftOut = damage.length - MOST_DAMAGE_LINES
    if (leftOut > 0) this.log.error({ leftOut }, 'left out lines about what can not be read')
  }

  /** Makes `message` the retained one of its topic, or removes that when the payload is empty. [MQTT-3.3.1-6] */
  retain(message: Message): number {
    const { retained } = this
    if (message.payload.length === 0) {
      this.forgetRetained(message.topic)
      return ReasonCode.success
    }
    if (!this.#hasRoomToRetain(message)) {
      this.counters.retainedRefused++
      return ReasonCode.quotaExceeded
    }
    retained.set(message.keep())
    if (message.expiresAtMs !== Number.POSITIVE_INFINITY) this.expirySweep.noteRetained(message.expiresAtMs)
    this.persistence.putRetained(message)
    return ReasonCode.success
  }

  #hasRoomToRetain(message: Message): boolean {
    while (!this.retained.hasRoomFor(message, this.limits)) {
      if (!this.expirySweep.dropRetained()) return false
    }
    return true
  }

  forgetRetained(topic: string): void {
    if (this.retained.delete(topic)) this.persistence.removeRetained(topic)
  }
}
