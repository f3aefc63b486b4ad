import {
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
  type ForwardedWithdrawal,
  type ListApprovals,
  topics,
  type UseApproval,
} from '@jamey/contracts'
import type { ApprovalBook } from '../../approvals/approval-book.js'
import { unknownApproval } from '../../approvals/approval-errors.js'
import type { AskedCall } from '../../approvals/coverage.js'
import type { ConscienceBus } from '../conscience-bus.js'
import { SERVING } from '../serving.js'
import { pageOf } from './approval-page.js'
import type { ApprovalWaiters } from './approval-waiters.js'
import type { OtherConsciences } from './other-consciences.js'

export interface ApprovalRequestsParts {
  readonly bus: ConscienceBus
  /** Throws `RequestError` where it is closed. */
  readonly book: () => ApprovalBook
  readonly others: OtherConsciences
  readonly waiters: ApprovalWaiters
  /** The client identifiers of all consciences that judge for the same clients. */
  readonly consciences: ReadonlySet<string>
  /** Resolves once the audit has what was answered. */
  readonly record: (approval: Approval) => Promise<void>
}

/** An approval of another conscience is told of within this time after it was made. */
const HEARING_MS = 2_000
/** The part of a requester's time that is left for the answer to travel. */
const ANSWER_MS = 250

const { approvals } = topics.conscience

/** Takes what requesters, people and other consciences ask of approvals. */
export class ApprovalRequests {
  readonly #parts: ApprovalRequestsParts

  constructor(parts: ApprovalRequestsParts) {
    this.#parts = parts
  }

  serve(): Promise<ServedContract[]> {
    const { bus, book } = this.#parts
    const own = bus.clientId
    return Promise.all([
      bus.serve(approvals.get, { ...SERVING, acknowledged: 'taken' }, (request, context) =>
        this.#get(request, context),
      ),
      bus.serve(approvals.withdraw, SERVING, ({ data, principal }, { remainingMs }) =>
        this.#withdraw({ ...data, requested_by: principal.clientId }, remainingMs),
      ),
      bus.serve(approvals.list, SERVING, ({ data }) => this.#list(data)),
      bus.serve(atKeeper(approvals.answer, own), SERVING, (request) => this.#answer(request)),
      bus.serve(atKeeper(approvals.revoke, own), SERVING, ({ data, principal }) =>
        this.#recorded(book().revoke(data.approval_id, principal.clientId)),
      ),
      bus.serve(atKeeper(approvals.use, own), SERVING, (request) => this.#use(request)),
      bus.serve(atKeeper(approvals.giveBack, own), SERVING, async (request) => {
        this.#assertConscience(request)
        const { approval_id, evaluation_id } = request.data
        return { approval: (await book().giveBack(approval_id, evaluation_id)) ?? null }
      }),
      bus.serve(atKeeper(approvals.forwardWithdrawal, own), SERVING, (request) => {
        this.#assertConscience(request)
        return this.#withdrawOwn(request.data)
      }),
    ])
  }

  async #answer({ data, principal, sender }: Request<AnswerApproval>): Promise<{ approval: Approval }> {
    const { approval_id, ...answer } = data
    const by = { answeredBy: principal.clientId, sentBy: sender.clientId }
    return this.#recorded(this.#parts.book().answer(approval_id, { ...answer, ...by }))
  }

  async #recorded(changing: Promise<Approval>): Promise<{ approval: Approval }> {
    const approval = await changing
    await this.#parts.record(approval)
    return { approval }
  }

  /** By whichever conscience it comes to; the one that keeps it decides which answer was the first. */
  async #withdraw(data: ForwardedWithdrawal, remainingMs: number): Promise<{ approval: Approval }> {
    const { approval_id } = data
    if (!this.#parts.others.mayKnow(approval_id)) return this.#withdrawOwn(data)
    return { approval: await this.#parts.others.withdraw(data, remainingMs) }
  }

  async #withdrawOwn({
    approval_id,
    requested_by,
    because,
  }: ForwardedWithdrawal): Promise<{ approval: Approval }> {
    return this.#recorded(this.#parts.book().withdraw(approval_id, requested_by, because))
  }

  /** Nobody else: they would take it from whom it is for, or have one that is used up be good again. */
  #assertConscience({ principal, sender }: Pick<Request<unknown>, 'principal' | 'sender'>): void {
    if (this.#parts.consciences.has(sender.clientId) && principal.clientId === sender.clientId) return
    throw new RequestError(
      'not-permitted',
      `${principal.clientId} is no conscience that JAMEY_CONSCIENCES names here.`,
    )
  }

  async #use(request: Request<UseApproval>): Promise<{ approval: Approval | null }> {
    this.#assertConscience(request)
    const { data } = request
    const approval = await this.#parts.book().use(data.approval_id, callOf(data), data.evaluation_id)
    return { approval: approval ?? null }
  }

  #list(asked: ListApprovals): ApprovalList {
    return pageOf([...this.#parts.book().all(), ...this.#parts.others.all()], asked)
  }

  async #get(
    { data: { approval_id, wait_ms }, principal }: Message<{ approval_id: string; wait_ms: number }>,
    { remainingMs }: RequestContext,
  ): Promise<{ approval: Approval }> {
    const { book, others, waiters } = this.#parts
    const leftMs = Math.max(0, remainingMs - ANSWER_MS)
    const find = (): Approval | undefined => book().get(approval_id) ?? others.get(approval_id)
    // Another conscience has just made it, and its word is under way.
    const isUnderWay = others.mayKnow(approval_id)
    if (isUnderWay) {
      await waiters.until(approval_id, () => find() !== undefined, Math.min(HEARING_MS, leftMs))
    }
    const found = find()
    const mayRead = principal.permissions?.mayPublish(approvals.list.topic) === true
    if (found === undefined || (found.requested_by !== principal.clientId && !mayRead)) {
      throw unknownApproval(approval_id, found === undefined && isUnderWay)
    }
    await waiters.until(approval_id, () => find()?.status !== 'pending', Math.min(wait_ms, leftMs))
    return { approval: find() ?? found }
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
