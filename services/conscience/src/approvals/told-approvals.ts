import { type Approval, keeperOf } from '@jamey/contracts'
import { SETTLED_KEPT_MS } from './approval-book.js'
import { CallIndex } from './call-index.js'
import { type AskedCall, type KnownApprovals, knownOf } from './coverage.js'
import { asOf, isSettled } from './transitions.js'

/** Twice as many as a conscience keeps that are not settled. */
const MAXIMUM_PER_KEEPER = 10_000
/** Those that are settled are forgotten by and by: so often it is looked. */
const SWEEP_INTERVAL_MS = 60_000

/**
 * Approvals of other consciences, as these tell of them. They say whom to ask, and make a verdict stricter; nothing
 * is allowed by it.
 */
export class ToldApprovals {
  readonly #now: () => number
  readonly #byKeeper = new Map<string, Map<string, Approval>>()
  readonly #ofCall = new CallIndex()
  #sweptAtMs = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** In the place of what was told of it before. False: `keeper` tells of more than are remembered. */
  put(keeper: string, approval: Approval): boolean {
    this.#sweep()
    const told = this.#byKeeper.get(keeper) ?? new Map<string, Approval>()
    const { approval_id } = approval
    if (!told.has(approval_id) && told.size >= MAXIMUM_PER_KEEPER) return false
    told.set(approval_id, approval)
    this.#ofCall.put(approval, true)
    this.#byKeeper.set(keeper, told)
    return true
  }

  get(keeper: string, approvalId: string): Approval | undefined {
    const approval = this.#byKeeper.get(keeper)?.get(approvalId)
    return approval && asOf(approval, this.#now())
  }

  *all(): Generator<Approval> {
    const nowMs = this.#now()
    for (const told of this.#byKeeper.values()) {
      for (const approval of told.values()) yield asOf(approval, nowMs)
    }
  }

  known(call: AskedCall): KnownApprovals {
    const ids = [...this.#ofCall.of(call)]
    return knownOf(
      ids.flatMap((id) => this.get(keeperOf(id), id) ?? []),
      call,
    )
  }

  #sweep(): void {
    const nowMs = this.#now()
    if (Math.abs(nowMs - this.#sweptAtMs) < SWEEP_INTERVAL_MS) return
    this.#sweptAtMs = nowMs
    for (const told of this.#byKeeper.values()) {
      for (const [id, approval] of told) {
        const now = asOf(approval, nowMs)
        const lastMs = Math.max(Date.parse(now.changed_at), Date.parse(now.expires_at ?? now.changed_at))
        if (!isSettled(now) || lastMs + SETTLED_KEPT_MS > nowMs) continue
        told.delete(id)
        this.#ofCall.put(approval, false)
      }
    }
  }
}
