import type { Clock } from '@jamey/bus'
import { type Approval, topics } from '@jamey/contracts'
import { SETTLED_KEPT_MS } from '../../approvals/approval-book.js'
import { isSettled } from '../../approvals/transitions.js'
import type { ConscienceBus } from '../conscience-bus.js'

export interface ApprovalAnnouncementsParts {
  readonly bus: Pick<ConscienceBus, 'publish'>
  readonly clock: Pick<Clock, 'timeOfDay'>
  readonly report: (kind: string, error: unknown) => void
}

/** Tells the other consciences, and whoever may look, how approvals stand. */
export class ApprovalAnnouncements {
  readonly #parts: ApprovalAnnouncementsParts

  constructor(parts: ApprovalAnnouncementsParts) {
    this.#parts = parts
  }

  /** Retained for as long as it is of interest. What cannot be told is told when this conscience starts again. */
  tell(approval: Approval): void {
    const { bus, clock, report } = this.#parts
    const { approval_id, expires_at } = approval
    const leftMs =
      expires_at === undefined || isSettled(approval) ? 0 : Date.parse(expires_at) - clock.timeOfDay()
    const isStanding = expires_at === undefined && !isSettled(approval)
    const expirySeconds = isStanding ? undefined : Math.ceil((Math.max(0, leftMs) + SETTLED_KEPT_MS) / 1_000)
    bus
      .publish(topics.conscience.approvals.state, approval, { parameters: { approval_id }, expirySeconds })
      .catch((error: unknown) => report('approval-untold', error))
  }
}
