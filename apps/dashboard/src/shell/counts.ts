import { toneOfSeverity } from '../state/attention.js'
import { findings, outbox, waitingCount } from '../state/system.js'

/** A number beside a name, and what it counts. */
export interface Counted {
  readonly count: number
  readonly of: string
  /** True where somebody waits for it. */
  readonly isUrgent?: boolean
}

export const concernsCount = {
  approvals: (): Counted => ({ count: waitingCount.value, of: 'waiting', isUrgent: true }),
  findings: (): Counted => ({
    count: (findings.remote.value.data?.findings ?? []).filter(
      ({ severity }) => toneOfSeverity(severity) !== undefined,
    ).length,
    of: 'to mend',
  }),
  deadLetters: (): Counted => ({
    count: (outbox.remote.value.data?.components ?? []).reduce((sum, { dead }) => sum + dead, 0),
    of: 'dead letters',
  }),
} as const
