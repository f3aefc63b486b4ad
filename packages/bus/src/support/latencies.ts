import { LatencyHistogram } from '@jamey/protocol'

/** Operations that are told apart; more there are only where somebody makes up contracts. */
const MAXIMUM_OPERATIONS = 200
const OTHERS = 'others'

/** Durations by operation, which is the action of a contract at its topic. */
export interface BusLatencies {
  /** From publishing at QoS 1 to the server's acknowledgement; requests and answers are not among them. */
  readonly publications: ReadonlyMap<string, LatencyHistogram>
  /** From asking to the answer, or to its failure. */
  readonly requests: ReadonlyMap<string, LatencyHistogram>
  /** From a request that has its turn to its outcome. */
  readonly handlers: ReadonlyMap<string, LatencyHistogram>
}

/** Durations of one kind, by operation. */
export class Latencies {
  readonly byOperation = new Map<string, LatencyHistogram>()

  observe(topic: string, action: string, ms: number): void {
    this.#of(`${topic} ${action}`).observe(ms)
  }

  #of(operation: string): LatencyHistogram {
    const known = this.byOperation.get(operation)
    if (known !== undefined) return known
    if (this.byOperation.size >= MAXIMUM_OPERATIONS && operation !== OTHERS) return this.#of(OTHERS)
    const made = new LatencyHistogram()
    this.byOperation.set(operation, made)
    return made
  }
}
