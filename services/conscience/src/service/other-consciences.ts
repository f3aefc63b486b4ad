import type { BusSubscription, Clock, Message } from '@jamey/bus'
import { RemoteError, RequestError } from '@jamey/bus'
import {
  type Approval,
  atKeeper,
  type ForwardedWithdrawal,
  keeperOf,
  parametersOf,
  topics,
} from '@jamey/contracts'
import type { AskedCall, KnownApprovals } from '../approvals/coverage.js'
import { ToldApprovals } from '../approvals/told-approvals.js'
import type { ConscienceBus } from './conscience-bus.js'

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
    const { bus, report } = this.#parts
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
      const contract = atKeeper(topics.conscience.approvals.use, keeperOf(approval_id))
      const timeoutMs = Math.max(1, Math.min(USE_TIMEOUT_MS, remainingMs / 2))
      const { approval } = await bus.request(contract, data, { timeoutMs })
      return approval ?? undefined
    } catch (error) {
      report('approval-keeper-away', error)
      return undefined
    }
  }

  /** As its keeper then has it. Rejects where the keeper says nothing: what was answered first is not known then. */
  async withdraw(data: ForwardedWithdrawal, remainingMs: number): Promise<Approval> {
    const contract = atKeeper(topics.conscience.approvals.forwardWithdrawal, keeperOf(data.approval_id))
    const timeoutMs = Math.max(1, Math.min(USE_TIMEOUT_MS, remainingMs / 2))
    try {
      return (await this.#parts.bus.request(contract, data, { timeoutMs })).approval
    } catch (error) {
      // The keeper's own words, for whoever asked it.
      if (!(error instanceof RemoteError)) throw error
      throw new RequestError(error.kind, error.message, { retryable: error.retryable })
    }
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
