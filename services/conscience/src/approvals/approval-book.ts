import { randomUUID } from 'node:crypto'
import { type Approval, approvalSchema } from '@jamey/contracts'
import { settledApproval, tooLargeToAsk, unknownApproval } from './approval-errors.js'
import { APPROVAL_LIMITS, type ApprovalLimits, ApprovalRoom } from './approval-room.js'
import { CallIndex, IdSets } from './call-index.js'
import { type Ask, type AskedCall, covers, type KnownApprovals, knownOf } from './coverage.js'
import { DurableMap, type DurableRecords } from './durable-map.js'
import {
  answered,
  asOf,
  type GivenAnswer,
  givenBack,
  isSettled,
  type Lifetimes,
  pendingOf,
  revoked,
  used,
  withdrawn,
} from './transitions.js'

/** As many as a person can look through, and a retained message bears. */
const MOST_CHARACTERS_SHOWN = 65_536
/** A settled approval is of interest for so long, in milliseconds. */
export const SETTLED_KEPT_MS = 3_600_000

export interface ApprovalBookParts {
  /** The client identifier of this conscience. */
  readonly keeper: string
  readonly records: DurableRecords
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly lifetimes: Lifetimes
  readonly limits?: ApprovalLimits | undefined
  /** Told of each change once it is durable; undefined: it is forgotten. */
  readonly onChange?: ((approvalId: string, approval: Approval | undefined) => void) | undefined
  /** Told of records that cannot be read. */
  readonly onDamage?: ((key: string, error: Error) => void) | undefined
}

/**
 * The approvals that one conscience keeps. It alone decides about them, and each change is on disk before anybody is told
 * of it: so what was approved for once is used once, however many consciences judge and whenever one of them is killed.
 */
export class ApprovalBook {
  readonly #parts: ApprovalBookParts
  readonly #map: DurableMap<Approval>
  readonly #room: ApprovalRoom
  readonly #ofCall = new CallIndex()
  /** The settled ones of each requester, the oldest first. */
  readonly #settled = new IdSets()
  readonly #limits: ApprovalLimits

  constructor(parts: ApprovalBookParts) {
    this.#parts = parts
    this.#limits = parts.limits ?? APPROVAL_LIMITS
    this.#room = new ApprovalRoom(this.#limits)
    this.#map = new DurableMap(
      { records: parts.records, encode, onChange: (before, after) => this.#note(before, after) },
      this.#read(),
    )
  }

  /** As they are now, the oldest first. */
  *all(): Generator<Approval> {
    const nowMs = this.#parts.now()
    for (const approval of this.#map.values()) yield asOf(approval, nowMs)
  }

  /** As it is now. */
  get(approvalId: string): Approval | undefined {
    const approval = this.#map.get(approvalId)
    return approval && asOf(approval, this.#parts.now())
  }

  known(call: AskedCall): KnownApprovals {
    return knownOf(this.#about(call), call)
  }

  /** A pending one, where there was none. Throws `RequestError` where people cannot be asked, or about too much already. */
  async add(ask: Ask): Promise<Approval> {
    const characters = JSON.stringify([ask.arguments, ask.changedArguments, ask.intent]).length
    if (characters > MOST_CHARACTERS_SHOWN) throw tooLargeToAsk(characters, MOST_CHARACTERS_SHOWN)
    const { keeper, now, lifetimes } = this.#parts
    const approval = pendingOf(ask, `${randomUUID()}.${keeper}`, now(), lifetimes)
    this.#room.assertRoomFor(approval)
    return this.#keep(approval)
  }

  /** Throws `RequestError`. */
  async answer(approvalId: string, answer: GivenAnswer): Promise<Approval> {
    const { now, lifetimes } = this.#parts
    const approval = answered(this.#existing(approvalId), answer, now(), lifetimes)
    if (approval.scope === 'always') this.#room.assertRoomToStand(approval)
    return this.#keep(approval)
  }

  /** Throws `RequestError`. */
  async revoke(approvalId: string, revokedBy: string): Promise<Approval> {
    return this.#keep(revoked(this.#existing(approvalId), revokedBy, this.#parts.now()))
  }

  /** By its requester alone. Throws `RequestError`. */
  async withdraw(approvalId: string, requestedBy: string, because: string | undefined): Promise<Approval> {
    const approval = this.get(approvalId)
    if (approval?.requested_by !== requestedBy) throw unknownApproval(approvalId)
    const next = withdrawn(approval, because, this.#parts.now())
    if (next !== approval) return this.#keep(next)
    await this.#map.durable()
    return approval
  }

  /** For one call; undefined where it does not do for it, or is used up. */
  async use(approvalId: string, call: AskedCall, evaluationId: string): Promise<Approval | undefined> {
    const approval = this.get(approvalId)
    if (approval?.status !== 'approved' || !covers(approval, call)) return undefined
    const next = used(approval, evaluationId, this.#parts.now())
    if (next !== approval) return this.#keep(next)
    // Its approver may not have been told so yet, and never be.
    await this.#map.durable()
    return approval
  }

  /**
   * Takes back what `use` did for this evaluation, which nobody was answered and nobody is going to be; undefined where it
   * did nothing. Until that is on disk, and for good where the process ends before, it is used up.
   */
  async giveBack(approvalId: string, evaluationId: string): Promise<Approval | undefined> {
    const approval = this.get(approvalId)
    if (approval?.status !== 'used' || approval.evaluation_id !== evaluationId) return undefined
    return this.#keep(givenBack(approval, this.#parts.now()))
  }

  /** Settles what has expired and forgets what is settled for long; resolves with when to look again. */
  async sweep(): Promise<number> {
    const nowMs = this.#parts.now()
    const changes: Promise<unknown>[] = []
    let nextAtMs = nowMs + SETTLED_KEPT_MS
    for (const kept of [...this.#map.values()]) {
      const approval = asOf(kept, nowMs)
      if (approval !== kept) changes.push(this.#keep(approval))
      const endsAtMs = forgottenAtMs(approval)
      if (isSettled(approval) && endsAtMs <= nowMs) changes.push(this.#forget(approval.approval_id))
      const dueAtMs = isSettled(approval) ? endsAtMs : Date.parse(approval.expires_at ?? '')
      if (dueAtMs > nowMs) nextAtMs = Math.min(nextAtMs, dueAtMs)
    }
    await Promise.all(changes)
    return nextAtMs
  }

  /** Resolves once what is read now is on disk; rejects where it is not to be. */
  durable(): Promise<void> {
    return this.#map.durable()
  }

  close(): Promise<void> {
    return this.#map.close()
  }

  #existing(approvalId: string): Approval {
    const approval = this.get(approvalId)
    if (approval === undefined) throw unknownApproval(approvalId)
    if (approval.status === 'expired') throw settledApproval(approval, 'takes no answer')
    return approval
  }

  async #keep(approval: Approval): Promise<Approval> {
    const { approval_id } = approval
    await this.#map.set(approval_id, approval)
    this.#parts.onChange?.(approval_id, approval)
    if (isSettled(approval)) this.#makeRoom(approval)
    return approval
  }

  async #forget(approvalId: string): Promise<void> {
    await this.#map.set(approvalId, undefined)
    this.#parts.onChange?.(approvalId, undefined)
  }

  /** Of what is settled the newest stay, and denials to their end: who asks could have them forgotten by asking more. */
  #makeRoom({ requested_by }: Approval): void {
    const settled = this.#settled.of(requested_by)
    if (settled.size <= this.#limits.settledPerRequester) return
    const nowMs = this.#parts.now()
    const holds = (id: string): boolean => {
      const { status, expires_at = '' } = this.#map.get(id) ?? {}
      return status === 'denied' && Date.parse(expires_at) > nowMs
    }
    const isFull = settled.size > this.#limits.settledPerRequester + this.#limits.deniedPerRequester
    const oldest = [...settled].find((id) => isFull || !holds(id))
    // A failure is tried again with the next one.
    if (oldest !== undefined) this.#forget(oldest).catch(() => {})
  }

  *#about(call: AskedCall): Generator<Approval> {
    const nowMs = this.#parts.now()
    for (const id of this.#ofCall.of(call)) {
      const approval = this.#map.get(id)
      if (approval !== undefined) yield asOf(approval, nowMs)
    }
  }

  /** Keeps counts and indexes with what memory has: a change, or one that is about to be taken back. */
  #note(before: Approval | undefined, after: Approval | undefined): void {
    this.#room.change(before, after)
    const approval = after ?? before
    if (approval === undefined) return
    this.#ofCall.put(approval, after !== undefined)
    this.#settled.put(approval.requested_by, approval.approval_id, after !== undefined && isSettled(after))
  }

  *#read(): Generator<readonly [string, Approval]> {
    const approvals: Approval[] = []
    for (const found of this.#parts.records.records()) {
      try {
        if ('error' in found) throw found.error
        approvals.push(approvalSchema.parse(JSON.parse(Buffer.from(found.value).toString('utf8'))))
      } catch (error) {
        this.#parts.onDamage?.(found.key, error as Error)
      }
    }
    approvals.sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at))
    for (const approval of approvals) yield [approval.approval_id, approval]
  }
}

/** When nobody looks back at it any more. A denial holds to its end. */
function forgottenAtMs({ changed_at, expires_at, status }: Approval): number {
  const keptMs = Date.parse(changed_at) + SETTLED_KEPT_MS
  return status === 'denied' ? Math.max(keptMs, Date.parse(expires_at ?? changed_at)) : keptMs
}

function encode(approval: Approval): Uint8Array {
  return Buffer.from(JSON.stringify(approval), 'utf8')
}
