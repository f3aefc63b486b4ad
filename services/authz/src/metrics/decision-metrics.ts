import { type Labels, type MetricDefinition, Metrics, type Sample } from '@jamey/metrics'
import { LatencyHistogram } from '@jamey/protocol'

export interface DecisionFacts {
  readonly broker: string
  readonly hook: string
  readonly isAllowed: boolean
  readonly reason: string
  readonly ms: number
}

/** What is read when somebody asks. */
export interface PresentNumbers {
  readonly grants: () => number
  readonly inFlight: () => number
}

/** Counts decisions: numbers alone, no name of a client or a topic. */
export class DecisionMetrics {
  readonly #decisions = new Series(() => ({ value: 0 }))
  readonly #rejected = new Series(() => ({ value: 0 }))
  readonly #durations = new Series(() => ({ value: new LatencyHistogram() }))

  decided({ broker, hook, isAllowed, reason, ms }: DecisionFacts): void {
    this.#decisions.at({ broker, hook, outcome: isAllowed ? 'allow' : 'deny', reason }).value++
    this.#durations.at({ broker, hook }).value.observe(ms)
  }

  rejected(reason: 'unauthenticated' | 'not-found' | 'unreadable'): void {
    this.#rejected.at({ reason }).value++
  }

  /** With those of the process. */
  registry(now: PresentNumbers): Metrics {
    const metrics = new Metrics()
    metrics.add(...this.definitions(now))
    return metrics
  }

  definitions({ grants, inFlight }: PresentNumbers): MetricDefinition[] {
    return [
      {
        name: 'jamey_authz_decisions_total',
        type: 'counter',
        help: 'Decisions for other brokers, by broker, what it asked, outcome and reason.',
        read: () => this.#decisions.samples(),
      },
      {
        name: 'jamey_authz_rejected_requests_total',
        type: 'counter',
        help: 'Requests that no broker was seen to send, and what is served nowhere.',
        read: () => this.#rejected.samples(),
      },
      {
        name: 'jamey_authz_decision_duration_seconds',
        type: 'histogram',
        help: 'From the headers of a request of another broker to its answer.',
        read: () => this.#durations.samples(),
      },
      {
        name: 'jamey_authz_grants',
        type: 'gauge',
        help: 'Connections to other brokers whose grants are kept.',
        read: () => [{ value: grants() }],
      },
      {
        name: 'jamey_authz_in_flight',
        type: 'gauge',
        help: 'Decisions for other brokers that are under way.',
        read: () => [{ value: inFlight() }],
      },
    ]
  }
}

/** Values by labels, which are few. */
class Series<Value extends Pick<Sample, 'value'>> {
  readonly #make: () => Value
  readonly #byLabels = new Map<string, { readonly labels: Labels; readonly held: Value }>()

  constructor(make: () => Value) {
    this.#make = make
  }

  at(labels: Labels): Value {
    const key = JSON.stringify(labels)
    const known = this.#byLabels.get(key)
    if (known !== undefined) return known.held
    const held = this.#make()
    this.#byLabels.set(key, { labels, held })
    return held
  }

  samples(): Sample[] {
    return [...this.#byLabels.values()].map(({ labels, held }) => ({ labels, value: held.value }))
  }
}
