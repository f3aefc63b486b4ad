import { type Clock, type RequestContext, RequestError, type ServedContract } from '@jamey/bus'
import { type Approval, type CallVerdict, COMPONENTS, type Decision } from '@jamey/contracts'
import { ApprovalBook } from '../../approvals/approval-book.js'
import type { Ask } from '../../approvals/coverage.js'
import type { DurableRecords } from '../../approvals/durable-map.js'
import { isSettled } from '../../approvals/transitions.js'
import type { ConscienceBus } from '../conscience-bus.js'
import { openAlone } from '../owned-records.js'
import { ApprovalAnnouncements } from './approval-announcements.js'
import { ApprovalRequests } from './approval-requests.js'
import { ApprovalSweeper } from './approval-sweeper.js'
import { ApprovalWaiters } from './approval-waiters.js'
import { OtherConsciences } from './other-consciences.js'

export interface ApprovalOptions {
  /**
   * Opens what approvals are kept in, of one process at a time: for as long as another has it, it rejects with an error
   * whose `code` is `in-use`, and this one stands by.
   */
  readonly open: () => Promise<DurableRecords>
  /** How long people have to answer, and a call that they approved for once is good; an hour by default. */
  readonly seconds?: number | undefined
  /** The client identifiers of all consciences that judge for the same clients; `jamey-conscience` by default. */
  readonly consciences?: readonly string[] | undefined
}

export interface ApprovalServiceParts {
  readonly bus: ConscienceBus
  readonly clock: Clock
  readonly options: ApprovalOptions
  readonly report: (kind: string, error: unknown) => void
  /** Resolves once the audit has what was answered. */
  readonly record: (approval: Approval) => Promise<void>
}

/** The word of people on a call that a rule asks about. */
export interface Resolution {
  readonly decision: Decision
  /** The one that decided, or that people are asked by; undefined where they cannot be asked about such a call. */
  readonly approval: Approval | undefined
  /** Why they cannot. */
  readonly reason?: string | undefined
}

const DEFAULT_APPROVAL_SECONDS = 3_600
const SESSION_MS = 86_400_000

/** Keeps the approvals of one conscience, has people answer them, and says what they decided about a call. */
export class ApprovalService {
  readonly #parts: ApprovalServiceParts
  readonly #others: OtherConsciences
  readonly #announcements: ApprovalAnnouncements
  readonly #consciences: ReadonlySet<string>
  #waiters: ApprovalWaiters
  #sweeper: ApprovalSweeper
  #book: ApprovalBook | undefined
  #served: ServedContract[] = []
  #stopping = new AbortController()

  constructor(parts: ApprovalServiceParts) {
    this.#parts = parts
    const { bus, clock, options, report } = parts
    this.#consciences = new Set([bus.clientId, ...(options.consciences ?? [COMPONENTS.conscience.clientId])])
    this.#waiters = new ApprovalWaiters(clock)
    this.#sweeper = this.#newSweeper()
    this.#announcements = new ApprovalAnnouncements({ bus, clock, report })
    this.#others = new OtherConsciences({
      bus,
      clock,
      report,
      consciences: this.#consciences,
      onChange: (approvalId) => this.#waiters.wake(approvalId),
      onOwn: (approval) => this.#settleLost(approval),
    })
  }

  /** Stands by while another process has the approvals; undecided calls that were left are people's to answer again. */
  async open(): Promise<void> {
    this.#stopping = new AbortController()
    this.#waiters = new ApprovalWaiters(this.#parts.clock)
    this.#sweeper = this.#newSweeper()
    const { signal } = this.#stopping
    const { bus, clock, options } = this.#parts
    const records = await openAlone({ what: 'approvals', open: options.open, clock, bus }, signal)
    if (records === undefined) return
    this.#book = this.#bookOf(records)
    await this.#others.start()
  }

  /** Beside the evaluations, whose topic some of it is on: both at once, for what is unknown there is refused. */
  async serve(): Promise<void> {
    if (this.#book === undefined) return
    const { bus, record } = this.#parts
    const requests = new ApprovalRequests({
      bus,
      book: () => this.#opened(),
      others: this.#others,
      waiters: this.#waiters,
      consciences: this.#consciences,
      record,
    })
    this.#served = await requests.serve()
    // Stopped while it waited for the broker: what was granted since must not stay behind.
    if (this.#stopping.signal.aborted) return await this.stop()
    for (const approval of this.#book.all()) if (!isSettled(approval)) this.#announcements.tell(approval)
    this.#sweeper.lookAt(this.#parts.clock.timeOfDay())
  }

  /** Takes no more requests; whoever waits for an answer is told how it stands. Calls can still be resolved. */
  async unserve(): Promise<void> {
    this.#waiters.close()
    await Promise.allSettled(this.#served.splice(0).map((served) => served.stop()))
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#sweeper.stop()
    this.#others.stop()
    await this.unserve()
    const book = this.#book
    this.#book = undefined
    await book?.close()
  }

  /**
   * The decision of people about this call; where there is none, they are asked. An approval for once is used up by
   * it. Throws `RequestError` `approvals-full` where they are asked about too much already, which may pass.
   */
  async resolve(
    ask: Ask,
    evaluationId: string,
    { remainingMs }: Pick<RequestContext, 'remainingMs'>,
  ): Promise<Resolution> {
    const book = this.#opened()
    const [own, others] = [book.known(ask), this.#others.known(ask)]
    const denied = own.denied ?? others.denied
    if (denied !== undefined) return { decision: 'deny', approval: denied }
    for (const { approval_id } of own.approved) {
      const approval = await book.use(approval_id, ask, evaluationId)
      if (approval !== undefined) return { decision: 'allow', approval }
    }
    for (const known of others.approved) {
      const approval = await this.#others.use(known, ask, evaluationId, remainingMs)
      if (approval !== undefined) return { decision: 'allow', approval }
    }
    try {
      const approval = own.pending ?? others.pending ?? (await book.add(ask))
      // Another request for the same call may have made it just now.
      await book.durable()
      return { decision: 'ask', approval }
    } catch (error) {
      if (!(error instanceof RequestError) || error.kind !== 'approval-too-large') throw error
      return { decision: 'deny', approval: undefined, reason: error.message }
    }
  }

  /**
   * What this verdict used up is good again, for nobody is answered with it. Where that cannot be written, or whoever keeps
   * it cannot be told, it stays used up, and people are asked anew.
   */
  async giveBack(
    { approval, decision, evaluation_id }: Pick<CallVerdict, 'approval' | 'decision' | 'evaluation_id'>,
    { remainingMs }: Pick<RequestContext, 'remainingMs'>,
  ): Promise<void> {
    // Nothing else used one up.
    if (approval === undefined || decision !== 'allow') return
    if (this.#others.mayKnow(approval.id))
      return this.#others.giveBack(approval.id, evaluation_id, remainingMs)
    try {
      await this.#book?.giveBack(approval.id, evaluation_id)
    } catch (error) {
      this.#parts.report('approvals-unwritten', error)
    }
  }

  #newSweeper(): ApprovalSweeper {
    const { clock, report } = this.#parts
    const sweep = async () => this.#book?.sweep()
    return new ApprovalSweeper({ clock, sweep, onFailure: (error) => report('approvals-unwritten', error) })
  }

  #bookOf(records: DurableRecords): ApprovalBook {
    const { bus, clock, options, report } = this.#parts
    const { seconds = DEFAULT_APPROVAL_SECONDS } = options
    return new ApprovalBook({
      keeper: bus.clientId,
      records,
      now: () => clock.timeOfDay(),
      lifetimes: { pendingMs: seconds * 1_000, sessionMs: SESSION_MS },
      onChange: (approvalId, approval) => this.#changed(approvalId, approval),
      onDamage: (key, error) =>
        report('approval-damaged', new Error(`approval ${key} cannot be read: ${error.message}`)),
    })
  }

  #changed(approvalId: string, approval: Approval | undefined): void {
    this.#waiters.wake(approvalId)
    if (approval === undefined) return
    this.#announcements.tell(approval)
    if (approval.expires_at !== undefined) this.#sweeper.lookAt(Date.parse(approval.expires_at))
  }

  /** The server has one that is not on our disk any more: nobody shall wait for it. */
  #settleLost(approval: Approval): void {
    const book = this.#book
    if (book === undefined || isSettled(approval) || book.get(approval.approval_id) !== undefined) return
    const changed_at = new Date(this.#parts.clock.timeOfDay()).toISOString()
    this.#announcements.tell({ ...approval, status: 'expired', changed_at })
  }

  #opened(): ApprovalBook {
    if (this.#book !== undefined) return this.#book
    throw new RequestError('aborted', 'The conscience is stopping.', { retryable: true })
  }
}
