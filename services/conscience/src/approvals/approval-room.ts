import type { Approval } from '@jamey/contracts'
import { fullOfApprovals } from './approval-errors.js'
import { isSettled } from './transitions.js'

/** How much is kept at once. What is at a bound is refused to whoever asks for more; nothing that is kept goes for it. */
export interface ApprovalLimits {
  /** Those that are neither settled nor approved for always, of one requester and of all. */
  readonly openPerRequester: number
  readonly open: number
  /** Their bytes as JSON. */
  readonly bytesPerRequester: number
  readonly bytes: number
  /** Those that are approved for always, of one requester. */
  readonly standingPerRequester: number
  /** Those that are settled, for whoever looks back: the oldest go. */
  readonly settledPerRequester: number
  /** And those that people denied and that still hold. */
  readonly deniedPerRequester: number
}

export const APPROVAL_LIMITS: ApprovalLimits = {
  openPerRequester: 100,
  open: 5_000,
  bytesPerRequester: 1_048_576,
  bytes: 67_108_864,
  standingPerRequester: 1_000,
  settledPerRequester: 100,
  deniedPerRequester: 1_000,
}

interface Amount {
  open: number
  bytes: number
  standing: number
}

/** Counts what is kept, of each requester and of all. */
export class ApprovalRoom {
  readonly #limits: ApprovalLimits
  readonly #byRequester = new Map<string, Amount>()
  readonly #all: Amount = { open: 0, bytes: 0, standing: 0 }

  constructor(limits: ApprovalLimits) {
    this.#limits = limits
  }

  /** One takes the place of another, or comes, or goes. */
  change(before: Approval | undefined, after: Approval | undefined): void {
    if (before !== undefined) this.#count(before, -1)
    if (after !== undefined) this.#count(after, 1)
  }

  /** Throws `RequestError` `approvals-full`, which may pass. */
  assertRoomFor(approval: Approval): void {
    const { openPerRequester, open, bytesPerRequester, bytes } = this.#limits
    const { requested_by } = approval
    const own = this.#byRequester.get(requested_by)
    const needed = bytesOf(approval)
    const isFull = (amount: Amount | undefined, most: number, mostBytes: number): boolean =>
      amount !== undefined && (amount.open >= most || amount.bytes + needed > mostBytes)
    if (isFull(own, openPerRequester, bytesPerRequester)) {
      throw fullOfApprovals(`of ${requested_by}`, `${openPerRequester} calls`)
    }
    if (isFull(this.#all, open, bytes)) throw fullOfApprovals('in all', `${open} calls`)
  }

  /** Throws `RequestError` `approvals-full`. */
  assertRoomToStand({ requested_by }: Approval): void {
    const { standingPerRequester } = this.#limits
    if ((this.#byRequester.get(requested_by)?.standing ?? 0) < standingPerRequester) return
    throw fullOfApprovals(`approved for always of ${requested_by}`, `${standingPerRequester} calls`)
  }

  #count(approval: Approval, by: 1 | -1): void {
    if (isSettled(approval)) return
    const { requested_by } = approval
    const own = this.#byRequester.get(requested_by) ?? { open: 0, bytes: 0, standing: 0 }
    for (const amount of [own, this.#all]) {
      if (isStanding(approval)) amount.standing += by
      else {
        amount.open += by
        amount.bytes += by * bytesOf(approval)
      }
    }
    if (own.open === 0 && own.standing === 0) this.#byRequester.delete(requested_by)
    else this.#byRequester.set(requested_by, own)
  }
}

function isStanding({ status, scope }: Approval): boolean {
  return status === 'approved' && scope === 'always'
}

/** Of what the requester chose; the same however often it is asked. */
function bytesOf({ arguments: args, changed_arguments, intent = '' }: Approval): number {
  return Buffer.byteLength(JSON.stringify([args, changed_arguments, intent]))
}
