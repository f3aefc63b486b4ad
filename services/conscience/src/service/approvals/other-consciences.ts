import type { BusSubscription, Clock, Message } from '@jamey/bus'
import { RemoteError, RequestError } from '@jamey/bus'
import {
  type Approval,
  atKeeper,
  type DataInput,
  type ForwardedWithdrawal,
  keeperOf,
  parametersOf,
  type RequestContract,
  type ResponseData,
  topics,
} from '@jamey/contracts'
import type { AskedCall, KnownApprovals } from '../../approvals/coverage.js'
import { ToldApprovals } from '../../approvals/told-approvals.js'
import type { ConscienceBus } from '../conscience-bus.js'

export interface OtherConsciencesParts {
  readonly bus: ConscienceBus
  readonly clock: Clock
  /** The client identifiers of all consciences; what others tell is passed over. */
  readonly consciences: ReadonlySet<string>
  readonly report: (kind: string, error: unknown) => void
  readonly onChange: (approvalId: string) => void
  /** Told what the server still has of an approval of this conscience's own. */
  readonly onOwn: (approval: Approval) => void
}

/** A keeper that does not answer within this time is not asked any longer: its approval is as good as none. */
const USE_TIMEOUT_MS = 2_000

/** The approvals that other consciences keep: heard of from what they tell, and used by asking them. */
export class OtherConsciences {
  readonly #parts: OtherConsciencesParts
  readonly #told: ToldApprovals
  #heard: BusSubscription | undefined
  #isWanted = false

  constructor(parts: OtherConsciencesParts) {
    this.#parts = parts
    this.#told = new ToldApprovals(() => parts.clock.timeOfDay())
  }

  /** Without what they tell, people are asked again: so it never rejects. */
  async start(): Promise<void> {
    this.#isWanted = true
    try {
      const heard = await this.#parts.bus.subscribe(topics.conscience.approvals.state, (message) =>
        this.#hear(message),
      )
      if (this.#isWanted) this.#heard = heard
      else await heard.unsubscribe()
    } catch (error) {
      this.#parts.report('approvals-unheard', error)
    }
  }

  stop(): void {
    this.#isWanted = false
    void this.#heard?.unsubscribe().catch(() => {})
    this.#heard = undefined
  }

  /** True for one of theirs, known already or not. */
  mayKnow(approvalId: string): boolean {
    const keeper = keeperOf(approvalId)
    return keeper !== this.#parts.bus.clientId && this.#parts.consciences.has(keeper)
  }

  get(approvalId: string): Approval | undefined {
    return this.#told.get(keeperOf(approvalId), approvalId)
  }

  all(): Iterable<Approval> {
    return this.#told.all()
  }

  known(call: AskedCall): KnownApprovals {
    return this.#told.known(call)
  }

  /** Undefined where its keeper says that it does not do, or says nothing. */
  async use(
    { approval_id }: Approval,
    call: AskedCall,
    evaluationId: string,
    remainingMs: number,
  ): Promise<Approval | undefined> {
    const { changedCallDigest, sessionId } = call
    const data = {
      approval_id,
      call_digest: call.callDigest,
      ...(changedCallDigest === undefined ? {} : { changed_call_digest: changedCallDigest }),
      rules: [...call.rules],
      requested_by: call.requestedBy,
      ...(sessionId === undefined ? {} : { session_id: sessionId }),
      approvers: call.approvers,
      evaluation_id: evaluationId,
    }
    try {
      const { approval } = await this.#ask(topics.conscience.approvals.use, data, remainingMs)
      return approval ?? undefined
    } catch (error) {
      this.#parts.report('approval-keeper-away', error)
      return undefined
    }
  }

  /** Never rejects: one whose keeper says nothing stays used up, and people are asked anew. */
  async giveBack(approvalId: string, evaluationId: string, remainingMs: number): Promise<void> {
    const data = { approval_id: approvalId, evaluation_id: evaluationId }
    try {
      await this.#ask(topics.conscience.approvals.giveBack, data, remainingMs)
    } catch (error) {
      this.#parts.report('approval-keeper-away', error)
    }
  }

  /** As its keeper then has it. Rejects where the keeper says nothing: what was answered first is not known then. */
  async withdraw(data: ForwardedWithdrawal, remainingMs: number): Promise<Approval> {
    try {
      return (await this.#ask(topics.conscience.approvals.forwardWithdrawal, data, remainingMs)).approval
    } catch (error) {
      // The keeper's own words, for whoever asked it.
      if (!(error instanceof RemoteError)) throw error
      throw new RequestError(error.kind, error.message, { retryable: error.retryable })
    }
  }

  /** The keeper of an approval, which has no more than half of the time that is left. */
  #ask<C extends RequestContract>(
    contract: C,
    data: DataInput<C> & { readonly approval_id: string },
    remainingMs: number,
  ): Promise<ResponseData<C>> {
    const timeoutMs = Math.max(1, Math.min(USE_TIMEOUT_MS, remainingMs / 2))
    return this.#parts.bus.request(atKeeper(contract, keeperOf(data.approval_id)), data, { timeoutMs })
  }

  #hear({ topic, data: approval, sender }: Message<Approval>): void {
    const { bus, consciences, report, onChange, onOwn } = this.#parts
    const { approval_id, client_id: keeper = '' } =
      parametersOf(topics.conscience.approvals.state, topic) ?? {}
    const isGenuine =
      sender.isVerified && sender.clientId === keeper && keeperOf(approval.approval_id) === keeper
    if (!isGenuine || approval.approval_id !== approval_id || !consciences.has(keeper)) return
    if (keeper === bus.clientId) return onOwn(approval)
    if (this.#told.put(keeper, approval)) return onChange(approval_id)
    const message = `${keeper} tells of more approvals than are remembered`
    report('approvals-unheard', new RequestError('approvals-full', message))
  }
}
