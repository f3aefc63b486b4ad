import {
  type Clock,
  type Message,
  type Request,
  type RequestContext,
  RequestError,
  type ServedContract,
} from '@jamey/bus'
import {
  type AnswerApproval,
  type Approval,
  type ApprovalList,
  atKeeper,
  type CallVerdict,
  COMPONENTS,
  type Decision,
  type ForwardedWithdrawal,
  type ListApprovals,
  topics,
  type UseApproval,
} from '@jamey/contracts'
import { ApprovalBook, SETTLED_KEPT_MS } from '../approvals/approval-book.js'
import { unknownApproval } from '../approvals/approval-errors.js'
import type { Ask, AskedCall } from '../approvals/coverage.js'
import type { DurableRecords } from '../approvals/durable-map.js'
import { isSettled } from '../approvals/transitions.js'
import { pageOf } from './approval-page.js'
import { ApprovalWaiters } from './approval-waiters.js'
import type { ConscienceBus } from './conscience-bus.js'
import { OtherConsciences } from './other-consciences.js'
import { openAlone } from './owned-records.js'
import { SERVING } from './serving.js'

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
/** An approval of another conscience is told of within this time after it was made. */
const HEARING_MS = 2_000
/** The part of a requester's time that is left for the answer to travel. */
const ANSWER_MS = 250
/** Approvals that could not be settled are tried again after this time. */
const SWEEP_RETRY_MS = 1_000

const { approvals } = topics.conscience

/** Keeps the approvals of one conscience, lets people see and answer them, and tells what they decided. */
export class ApprovalService {
  readonly #parts: ApprovalServiceParts
  readonly #others: OtherConsciences
  #waiters: ApprovalWaiters
  readonly #consciences: ReadonlySet<string>
  #book: ApprovalBook | undefined
  #served: ServedContract[] = []
  #stopping = new AbortController()
  #sweep: { readonly atMs: number; readonly timer: unknown } | undefined

  constructor(parts: ApprovalServiceParts) {
    this.#parts = parts
    const { bus, clock, options, report } = parts
    this.#consciences = new Set([bus.clientId, ...(options.consciences ?? [COMPONENTS.conscience.clientId])])
    this.#waiters = new ApprovalWaiters(clock)
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
    await this.#serveAll()
    if (this.#stopping.signal.aborted) return
    for (const approval of this.#book.all()) if (!isSettled(approval)) this.#tell(approval)
    this.#sweepAt(this.#parts.clock.timeOfDay())
  }

  /** Takes no more requests; whoever waits for an answer is told how it stands. Calls can still be resolved. */
  async unserve(): Promise<void> {
    this.#waiters.close()
    await Promise.allSettled(this.#served.splice(0).map((served) => served.stop()))
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#parts.clock.clearTimeout(this.#sweep?.timer)
    this.#sweep = undefined
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

  async #serveAll(): Promise<void> {
    const { bus } = this.#parts
    const own = bus.clientId
    this.#served = await Promise.all([
      bus.serve(approvals.get, { ...SERVING, acknowledged: 'taken' }, (request, context) =>
        this.#get(request, context),
      ),
      bus.serve(approvals.withdraw, SERVING, ({ data, principal }, { remainingMs }) =>
        this.#withdraw({ ...data, requested_by: principal.clientId }, remainingMs),
      ),
      bus.serve(approvals.list, SERVING, ({ data }) => this.#list(data)),
      bus.serve(atKeeper(approvals.answer, own), SERVING, (request) => this.#answer(request)),
      bus.serve(atKeeper(approvals.revoke, own), SERVING, ({ data, principal }) =>
        this.#recorded(this.#opened().revoke(data.approval_id, principal.clientId)),
      ),
      bus.serve(atKeeper(approvals.use, own), SERVING, (request) => this.#use(request)),
      bus.serve(atKeeper(approvals.giveBack, own), SERVING, async (request) => {
        this.#assertConscience(request)
        const { approval_id, evaluation_id } = request.data
        return { approval: (await this.#opened().giveBack(approval_id, evaluation_id)) ?? null }
      }),
      bus.serve(atKeeper(approvals.forwardWithdrawal, own), SERVING, (request) => {
        this.#assertConscience(request)
        return this.#withdrawOwn(request.data)
      }),
    ])
    // Stopped while it waited for the broker: what was granted since must not stay behind.
    if (this.#stopping.signal.aborted) await this.stop()
  }

  async #answer({ data, principal, sender }: Request<AnswerApproval>): Promise<{ approval: Approval }> {
    const { approval_id, ...answer } = data
    const by = { answeredBy: principal.clientId, sentBy: sender.clientId }
    return this.#recorded(this.#opened().answer(approval_id, { ...answer, ...by }))
  }

  async #recorded(changing: Promise<Approval>): Promise<{ approval: Approval }> {
    const approval = await changing
    await this.#parts.record(approval)
    return { approval }
  }

  /** By whichever conscience it comes to; the one that keeps it decides which answer was the first. */
  async #withdraw(data: ForwardedWithdrawal, remainingMs: number): Promise<{ approval: Approval }> {
    const { approval_id } = data
    if (!this.#others.mayKnow(approval_id)) return this.#withdrawOwn(data)
    return { approval: await this.#others.withdraw(data, remainingMs) }
  }

  async #withdrawOwn({
    approval_id,
    requested_by,
    because,
  }: ForwardedWithdrawal): Promise<{ approval: Approval }> {
    return this.#recorded(this.#opened().withdraw(approval_id, requested_by, because))
  }

  /** Nobody else: they would take it from whom it is for, or have one that is used up be good again. */
  #assertConscience({ principal, sender }: Pick<Request<unknown>, 'principal' | 'sender'>): void {
    if (this.#consciences.has(sender.clientId) && principal.clientId === sender.clientId) return
    throw new RequestError(
      'not-permitted',
      `${principal.clientId} is no conscience that JAMEY_CONSCIENCES names here.`,
    )
  }

  async #use(request: Request<UseApproval>): Promise<{ approval: Approval | null }> {
    this.#assertConscience(request)
    const { data } = request
    const approval = await this.#opened().use(data.approval_id, callOf(data), data.evaluation_id)
    return { approval: approval ?? null }
  }

  #list(asked: ListApprovals): ApprovalList {
    return pageOf([...this.#opened().all(), ...this.#others.all()], asked)
  }

  async #get(
    { data: { approval_id, wait_ms }, principal }: Message<{ approval_id: string; wait_ms: number }>,
    { remainingMs }: RequestContext,
  ): Promise<{ approval: Approval }> {
    const leftMs = Math.max(0, remainingMs - ANSWER_MS)
    const find = (): Approval | undefined => this.#opened().get(approval_id) ?? this.#others.get(approval_id)
    // Another conscience has just made it, and its word is under way.
    const isUnderWay = this.#others.mayKnow(approval_id)
    if (isUnderWay) {
      await this.#waiters.until(approval_id, () => find() !== undefined, Math.min(HEARING_MS, leftMs))
    }
    const found = find()
    const mayRead = principal.permissions?.mayPublish(approvals.list.topic) === true
    if (found === undefined || (found.requested_by !== principal.clientId && !mayRead)) {
      throw unknownApproval(approval_id, found === undefined && isUnderWay)
    }
    await this.#waiters.until(approval_id, () => find()?.status !== 'pending', Math.min(wait_ms, leftMs))
    return { approval: find() ?? found }
  }

  #changed(approvalId: string, approval: Approval | undefined): void {
    this.#waiters.wake(approvalId)
    if (approval === undefined) return
    this.#tell(approval)
    if (approval.expires_at !== undefined) this.#sweepAt(Date.parse(approval.expires_at))
  }

  /** Retained for as long as it is of interest. What cannot be told is told when this conscience starts again. */
  #tell(approval: Approval): void {
    const { bus, clock, report } = this.#parts
    const { approval_id, expires_at } = approval
    const leftMs =
      expires_at === undefined || isSettled(approval) ? 0 : Date.parse(expires_at) - clock.timeOfDay()
    const isStanding = expires_at === undefined && !isSettled(approval)
    const expirySeconds = isStanding ? undefined : Math.ceil((Math.max(0, leftMs) + SETTLED_KEPT_MS) / 1_000)
    bus
      .publish(approvals.state, approval, { parameters: { approval_id }, expirySeconds })
      .catch((error: unknown) => report('approval-untold', error))
  }

  /** The server has one that is not on our disk any more: nobody shall wait for it. */
  #settleLost(approval: Approval): void {
    const book = this.#book
    if (book === undefined || isSettled(approval) || book.get(approval.approval_id) !== undefined) return
    const changed_at = new Date(this.#parts.clock.timeOfDay()).toISOString()
    this.#tell({ ...approval, status: 'expired', changed_at })
  }

  #sweepAt(atMs: number): void {
    if (this.#stopping.signal.aborted || (this.#sweep !== undefined && this.#sweep.atMs <= atMs)) return
    const { clock } = this.#parts
    clock.clearTimeout(this.#sweep?.timer)
    const delayMs = Math.min(SETTLED_KEPT_MS, Math.max(0, atMs - clock.timeOfDay()))
    this.#sweep = { atMs, timer: clock.setTimeout(() => void this.#sweepNow(), delayMs) }
  }

  async #sweepNow(): Promise<void> {
    this.#sweep = undefined
    const { clock, report } = this.#parts
    try {
      const nextAtMs = await this.#book?.sweep()
      if (nextAtMs !== undefined) this.#sweepAt(nextAtMs)
    } catch (error) {
      report('approvals-unwritten', error)
      this.#sweepAt(clock.timeOfDay() + SWEEP_RETRY_MS)
    }
  }

  #opened(): ApprovalBook {
    if (this.#book !== undefined) return this.#book
    throw new RequestError('aborted', 'The conscience is stopping.', { retryable: true })
  }
}

function callOf(data: UseApproval): AskedCall {
  return {
    callDigest: data.call_digest,
    changedCallDigest: data.changed_call_digest,
    rules: data.rules,
    requestedBy: data.requested_by,
    sessionId: data.session_id,
    approvers: data.approvers === 2 ? 2 : 1,
  }
}
