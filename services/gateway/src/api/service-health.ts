import { RemoteError } from '@jamey/bus'
import { type OperationName, pingOf, type RequestContract, topics } from '@jamey/contracts'
import { Problem, retryAfter } from '../problems/problem.js'
import type { GatewayBus } from './gateway-bus.js'

/** What was found out is believed for this long, however often somebody asks. */
const FRESH_MS = 5_000
/** And for this long once a call has failed. */
const DOUBTED_MS = 1_000
const TIMEOUT_MS = 2_000

interface Service {
  readonly name: string
  readonly contract: RequestContract
  readonly data: object
}

type Failure = Error & { readonly kind?: string; readonly retryable?: boolean }

/** The memory is asked for something that it has to read from its file. */
const SERVICES: readonly Service[] = [
  { name: 'conscience', contract: pingOf(topics.conscience.evaluate.topic, 'conscience'), data: {} },
  { name: 'memory', contract: topics.memory.query, data: { limit: 1 } },
]

/**
 * Whether the services behind the gateway answer. One that never did may not be meant to run, so that nothing follows
 * from its silence, unless all are `expected`; one that did, and does not now, keeps the gateway from being ready, and so
 * does one that refuses, or a broker that takes no requests. The calls show as much as what is asked here.
 */
export class ServiceHealth {
  readonly #bus: GatewayBus
  readonly #isExpected: boolean
  readonly #answered = new Set<string>()
  #isDoubted = false
  #asked: { readonly atMs: number; readonly outcome: Promise<Problem | undefined> } | undefined

  constructor(bus: GatewayBus, { expected = false }: { readonly expected?: boolean | undefined } = {}) {
    this.#bus = bus
    this.#isExpected = expected
  }

  unreadiness(): Promise<Problem | undefined> {
    const nowMs = performance.now()
    const freshMs = this.#isDoubted ? DOUBTED_MS : FRESH_MS
    if (this.#asked === undefined || nowMs - this.#asked.atMs >= freshMs) {
      this.#isDoubted = false
      this.#asked = { atMs: nowMs, outcome: this.#ask() }
    }
    return this.#asked.outcome
  }

  /** What came of a call. */
  noteOutcome(operation: OperationName, error: unknown): void {
    if (error === undefined) this.#answered.add(operation.slice(0, operation.indexOf('.')))
    else this.#isDoubted ||= !(error instanceof RemoteError) || error.retryable
  }

  async #ask(): Promise<Problem | undefined> {
    const faults = await Promise.all(SERVICES.map((service) => this.#faultOf(service)))
    const told = new Set(faults.filter((fault) => fault !== undefined))
    if (told.size === 0) return undefined
    return new Problem('unavailable', [...told].join(' '), { headers: retryAfter(FRESH_MS) })
  }

  async #faultOf({ name, contract, data }: Service): Promise<string | undefined> {
    try {
      await this.#bus.request(contract, data, { timeoutMs: TIMEOUT_MS })
    } catch (error) {
      const { name: kindOfError, kind, message, retryable } = error as Failure
      // Then nobody was asked: its disk is full, say.
      if (kindOfError === 'PublishError' && retryable) return 'The message broker takes no requests.'
      if (kindOfError !== 'RemoteError') {
        if (this.#answered.has(name)) return `The ${name} does not answer.`
        if (!this.#isExpected) return undefined
        // It is starting, which takes a moment.
        this.#isDoubted = true
        return `The ${name} does not answer yet.`
      }
      // One that does not know the question was there to say so.
      if (kind !== 'unknown-action') return `The ${name} refuses: ${message}`
    }
    this.#answered.add(name)
    return undefined
  }
}
