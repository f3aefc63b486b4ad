import { pingOf, type RequestContract, topics } from '@jamey/contracts'
import type { GatewayBus } from './options.js'
import { Problem, retryAfter } from './problem.js'

/** What was found out is believed for this long, however often somebody asks. */
const FRESH_MS = 5_000
const TIMEOUT_MS = 2_000

interface Service {
  readonly name: string
  readonly contract: RequestContract
  readonly data: object
}

/** The memory is asked for something that it has to read from its file. */
const SERVICES: readonly Service[] = [
  { name: 'conscience', contract: pingOf(topics.conscience.evaluate.topic, 'conscience'), data: {} },
  { name: 'memory', contract: topics.memory.query, data: { limit: 1 } },
]

/**
 * Whether the services behind the gateway answer. One that never did may not be meant to run, so that nothing follows
 * from its silence; one that did, and does not now, keeps the gateway from being ready, and so does one that refuses.
 */
export class ServiceHealth {
  readonly #bus: GatewayBus
  readonly #answered = new Set<string>()
  #asked: { readonly atMs: number; readonly outcome: Promise<Problem | undefined> } | undefined

  constructor(bus: GatewayBus) {
    this.#bus = bus
  }

  unreadiness(): Promise<Problem | undefined> {
    const nowMs = performance.now()
    if (this.#asked === undefined || nowMs - this.#asked.atMs >= FRESH_MS) {
      this.#asked = { atMs: nowMs, outcome: this.#ask() }
    }
    return this.#asked.outcome
  }

  async #ask(): Promise<Problem | undefined> {
    const faults = await Promise.all(SERVICES.map((service) => this.#faultOf(service)))
    const told = faults.filter((fault) => fault !== undefined)
    if (told.length === 0) return undefined
    return new Problem('unavailable', told.join(' '), { headers: retryAfter(FRESH_MS) })
  }

  async #faultOf({ name, contract, data }: Service): Promise<string | undefined> {
    try {
      await this.#bus.request(contract, data, { timeoutMs: TIMEOUT_MS })
    } catch (error) {
      const { name: kindOfError, kind, message } = error as Error & { kind?: string }
      if (kindOfError !== 'RemoteError') {
        return this.#answered.has(name) ? `The ${name} does not answer.` : undefined
      }
      // One that does not know the question was there to say so.
      if (kind !== 'unknown-action') return `The ${name} refuses: ${message}`
    }
    this.#answered.add(name)
    return undefined
  }
}
