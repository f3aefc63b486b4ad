import type { Approval } from '@jamey/contracts'
import { ApprovalBook, type ApprovalBookParts } from './approval-book.js'
import type { Ask } from './coverage.js'
import type { DurableRecords } from './durable-map.js'

export const LIFETIMES = { pendingMs: 60_000, sessionMs: 600_000 }
export const START_MS = Date.parse('2024-11-14T20:00:00Z')

/** A disk whose commits the test can hold and fail. */
export class TestRecords implements DurableRecords {
  readonly content = new Map<string, Uint8Array>()
  commits = 0
  /** Resolved where nothing is held. */
  gate: Promise<void> = Promise.resolve()
  failure: Error | undefined;

  *records(): Generator<{ key: string; value: Uint8Array }> {
    for (const [key, value] of this.content) yield { key, value }
  }

  async commit(changes: readonly { key: string; value: Uint8Array | undefined }[]): Promise<void> {
    const { failure } = this
    await this.gate
    if (failure !== undefined) throw failure
    this.commits++
    for (const { key, value } of changes) {
      if (value === undefined) this.content.delete(key)
      else this.content.set(key, value)
    }
  }

  /** Until the function it gives is called, nothing is committed. */
  hold(): () => void {
    let open = (): void => {}
    this.gate = new Promise((resolve) => {
      open = resolve
    })
    return open
  }

  async close(): Promise<void> {}
}

/** A book of which the test moves the time. */
export class TestBook extends ApprovalBook {
  readonly time: { nowMs: number }
  readonly told: Approval[]

  constructor(records: DurableRecords = new TestRecords(), parts: Partial<ApprovalBookParts> = {}) {
    const time = { nowMs: START_MS }
    const told: Approval[] = []
    super({
      keeper: 'jamey-conscience',
      records,
      now: () => time.nowMs,
      lifetimes: LIFETIMES,
      onChange: (_, approval) => approval && told.push(approval),
      ...parts,
    })
    this.time = time
    this.told = told
  }
}

export function askOf(changes: Partial<Ask> = {}): Ask {
  return {
    tool: 'send_email',
    arguments: { to: 'ann@example.org' },
    callDigest: `sha256:${'1'.repeat(64)}`,
    reasons: ['it leaves the company'],
    rules: ['mail-to-others'],
    policyVersion: '1',
    requestedBy: 'agent-7',
    sentBy: 'agent-7',
    sessionId: 'trip',
    approvers: 1,
    ...changes,
  }
}

export const APPROVE = { answeredBy: 'ada', sentBy: 'ada', decision: 'approve', scope: 'once' } as const
export const DENY = { ...APPROVE, decision: 'deny' } as const
