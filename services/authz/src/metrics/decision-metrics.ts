import { Counter, gaugeLines, Histogram } from './exposition.js'

/** Seconds: from what is in the table to what an issuer far away is asked for. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

export interface DecisionFacts {
  readonly broker: string
  readonly hook: string
  readonly isAllowed: boolean
  readonly reason: string
  readonly seconds: number
}

/** Counts decisions: numbers alone, no name of a client or a topic. */
export class DecisionMetrics {
  readonly #decisions = new Counter(
    'jamey_authz_decisions_total',
    'Decisions by broker, what it asked, outcome and reason.',
  )
  readonly #rejected = new Counter(
    'jamey_authz_rejected_requests_total',
    'Requests that no broker was seen to send, and what is served nowhere.',
  )
  readonly #seconds = new Histogram(
    'jamey_authz_decision_seconds',
    'Time from the headers of a request to its answer.',
    BOUNDS,
  )

  decided({ broker, hook, isAllowed, reason, seconds }: DecisionFacts): void {
    this.#decisions.add({ broker, hook, outcome: isAllowed ? 'allow' : 'deny', reason })
    this.#seconds.observe({ broker, hook }, seconds)
  }

  rejected(reason: 'unauthenticated' | 'not-found' | 'unreadable'): void {
    this.#rejected.add({ reason })
  }

  text(now: { readonly grants: number; readonly inFlight: number }): string {
    const lines = [
      ...this.#decisions.lines(),
      ...this.#rejected.lines(),
      ...this.#seconds.lines(),
      ...gaugeLines('jamey_authz_grants', 'Connections whose grants are kept here.', now.grants),
      ...gaugeLines('jamey_authz_in_flight', 'Decisions under way.', now.inFlight),
    ]
    return `${lines.join('\n')}\n`
  }
}
