import type { Connection } from '../connections/connection.js'
import { ConnectionLimiter } from '../connections/connection-limiter.js'
import { within } from '../connections/handlers/capabilities.js'
import { handle } from '../connections/handlers/handle.js'
import { HeldBytes } from '../connections/held-bytes.js'
import { PublishingTime } from '../connections/publishing-time.js'
import { Descriptors } from '../listeners/descriptors.js'
import { InProcessConnections } from '../listeners/in-process.js'
import type { ListenerContext } from '../listeners/listener.js'
import { Stamping } from '../messages/stamping.js'
import type { Authenticator, Identity } from '../ports/authenticator.js'
import type { BrokerStore } from '../ports/broker-store.js'
import { HookRunner } from '../ports/hook-runner.js'
import type { BrokerHooks } from '../ports/hooks.js'
import { type Revise, revised } from '../ports/revise.js'
import { Router, type SharedSubscriptions } from '../routing/router.js'
import { PublishBackpressure } from '../sessions/publish-backpressure.js'
import type { Overflow } from '../sessions/queue-capacity.js'
import { SessionRegistry } from '../sessions/session-registry.js'
import { SharedRedelivery } from '../sessions/shared-redelivery.js'
import { Wills } from '../sessions/wills.js'
import { ExpirySweep } from '../storage/expiry-sweep.js'
import { GroupCommit } from '../storage/group-commit.js'
import { Persistence } from '../storage/persistence.js'
import { RetainedMessages } from '../storage/retained-messages.js'
import type { Capabilities } from '../support/capabilities.js'
import type { Clock } from '../support/clock.js'
import { Counters } from '../support/counters.js'
import { DroppedTopics } from '../support/drop-counts.js'
import type { Limits } from '../support/limits.js'
import { type Log, RareLog, SparingLog } from '../support/log.js'
import { WriteBatcher } from '../support/write-batcher.js'
import type { Shutdown } from './shutdown.js'

const ALL: Capabilities = { maximumQos: 2, retainAvailable: true, sharedSubscriptionAvailable: true }

export interface CoreOptions {
  readonly authenticator: Authenticator
  readonly store: BrokerStore | undefined
  readonly limits: Limits
  readonly clock: Clock
  readonly log: Log
  readonly overflow: Overflow
  readonly responseInformation: ((clientId: string) => string | undefined) | undefined
  readonly hooks?: BrokerHooks | undefined
  readonly sharedSubscriptions?: SharedSubscriptions | undefined
  readonly stampSenders?: readonly string[] | undefined
  readonly refuseWhenFull?: readonly string[] | undefined
  readonly capabilities?: Capabilities | undefined
  readonly descriptors?: Descriptors | undefined
}

/** All parts of one broker; the type of each part's context says which of them it needs. */
export class Core implements ListenerContext {
  authenticator: Authenticator
  /** The object is never changed, but replaced at a reload. */
  limits: Readonly<Limits>
  readonly clock: Clock
  readonly log: Log
  /** Log for lines about unauthenticated connections, which may not fill the disk. */
  readonly unauthenticatedLog: Log
  /** Log for shortages of the whole process. */
  readonly shortageLog: RareLog
  readonly descriptors: Descriptors
  readonly overflow: Overflow
  readonly responseInformation: ((clientId: string) => string | undefined) | undefined
  /** Undefined where no hooks were given. */
  readonly hooks: HookRunner | undefined
  /** The hooks where some are told of what is dropped, else undefined. */
  readonly drops: HookRunner | undefined
  /** Undefined where no topic is stamped. */
  readonly stamping: Stamping | undefined
  readonly counters = new Counters()
  readonly droppedTopics = new DroppedTopics()
  readonly connections = new Set<Connection>()
  readonly inProcess = new InProcessConnections(this)
  readonly heldBytes = new HeldBytes(this)
  readonly publishingTime: PublishingTime
  readonly capabilities: Capabilities
  readonly handle: typeof handle
  readonly backpressure = new PublishBackpressure()
  readonly retained: RetainedMessages
  readonly expirySweep: ExpirySweep
  readonly writeBatcher: WriteBatcher
  readonly persistence: Persistence
  /** Acknowledgements wait for its commits; undefined without a store. */
  readonly groupCommit: GroupCommit | undefined
  readonly router: Router
  readonly sessions: SessionRegistry
  readonly wills: Wills
  readonly sharedRedelivery: SharedRedelivery
  readonly connectionLimiter: ConnectionLimiter
  /** Finds the present identity of an earlier one; undefined until the first reload that brought it. */
  revise: Revise | undefined
  /** Undefined until `close` is called. */
  shutdown: Shutdown | undefined
  /** Called when the last connection is gone. */
  whenEmpty: (() => void) | undefined

  constructor(options: CoreOptions) {
    this.authenticator = options.authenticator
    this.capabilities = options.capabilities ?? ALL
    this.handle = within(this.capabilities, handle)
    this.clock = options.clock
    this.log = options.log
    this.descriptors = options.descriptors ?? new Descriptors()
    this.limits = this.fitted(options.limits)
    this.shortageLog = new RareLog(options.log, options.clock)
    this.unauthenticatedLog = new SparingLog(options.log, options.clock)
    this.overflow = options.overflow
    this.responseInformation = options.responseInformation
    this.hooks = options.hooks && new HookRunner(this, options.hooks)
    this.drops = this.hooks?.observesDrops ? this.hooks : undefined
    const { stampSenders = [] } = options
    this.stamping = stampSenders.length === 0 ? undefined : new Stamping(stampSenders, options.log)
    this.publishingTime = new PublishingTime(this.clock)
    this.writeBatcher = new WriteBatcher({
      beforeFlush: () => {
        this.publishingTime.beforeFlush()
        this.groupCommit?.endTurn()
      },
      afterFlush: () => this.publishingTime.afterFlush(),
    })
    this.persistence = new Persistence(options.store, options.clock, this.stamping, () =>
      this.writeBatcher.request(),
    )
    this.groupCommit = options.store && new GroupCommit(this, this.persistence, this.writeBatcher)
    this.retained = new RetainedMessages(this, this.persistence, (atMs) =>
      this.expirySweep.noteRetained(atMs),
    )
    this.expirySweep = new ExpirySweep(this, this.retained)
    this.router = new Router(this, this.persistence, this.backpressure, options)
    this.wills = new Wills(this)
    this.sessions = new SessionRegistry(this)
    this.sharedRedelivery = new SharedRedelivery(this)
    this.connectionLimiter = new ConnectionLimiter(this.limits, this.clock)
  }

  get isClosing(): boolean {
    return this.shutdown !== undefined
  }

  /** Limits for which there are descriptors. */
  fitted(limits: Readonly<Limits>): Readonly<Limits> {
    const { most, reserve } = this.descriptors
    const fitted = this.descriptors.fit(limits)
    if (fitted === limits) return limits
    const { connections, pendingConnections, waitingConnections } = fitted
    this.log.warn(
      {
        event: 'broker.limits.lowered',
        descriptors: most,
        reserve,
        connections,
        pendingConnections,
        waitingConnections,
      },
      'this process may open too few files (ulimit -n) for the connections that its limits allow; they are lowered',
    )
    return fitted
  }

  /**
   * The identity of a client that was authenticated while a reload changed who may do what. Throws `ConnectionFault`.
   */
  revised(identity: Identity, clientId: string): Identity {
    return this.revise === undefined ? identity : revised(this.revise, identity, clientId)
  }
}
