import { type BusSubscription, type Clock, type Message, RequestError } from '@jamey/bus'
import { type Attestation, parametersOf, topics } from '@jamey/contracts'
import { Attestations, type AttestedFact } from '../verdict/attestations.js'
import type { ConscienceBus } from './conscience-bus.js'

/** However long an attestation is meant to count. */
const LONGEST_ATTESTATION_MS = 86_400_000

export interface AttestationListenerOptions {
  readonly bus: Pick<ConscienceBus, 'subscribe'>
  readonly clock: Pick<Clock, 'timeOfDay'>
  readonly report: (kind: string, error: unknown) => void
}

/** Hears what others than the requester say about requests. */
export class AttestationListener {
  readonly #options: AttestationListenerOptions
  readonly #attestations: Attestations
  #heard: BusSubscription | undefined
  #isWanted = false

  constructor(options: AttestationListenerOptions) {
    this.#options = options
    this.#attestations = new Attestations(options.clock)
  }

  /** Without them nobody's word but the requester's is heard, which is the stricter way: so it never rejects. */
  async start(): Promise<void> {
    this.#isWanted = true
    try {
      const heard = await this.#options.bus.subscribe(topics.conscience.facts, (message) =>
        this.#hear(message),
      )
      if (this.#isWanted) this.#heard = heard
      else await heard.unsubscribe()
    } catch (error) {
      this.#options.report('attestations-unheard', error)
    }
  }

  stop(): void {
    this.#isWanted = false
    void this.#heard?.unsubscribe().catch(() => {})
    this.#heard = undefined
  }

  /** See `Attestations.about`. */
  about(requestDigest: string, requester: string, sender: string): AttestedFact[] {
    return this.#attestations.about(requestDigest, requester, sender)
  }

  #hear({ topic, data: payload, sender }: Message<Attestation>): void {
    const { request_digest: requestDigest, client_id } = parametersOf(topics.conscience.facts, topic) ?? {}
    if (!sender.isVerified || sender.clientId !== client_id || requestDigest === undefined) return
    const latestMs = this.#options.clock.timeOfDay() + LONGEST_ATTESTATION_MS
    const expiresAtMs = Math.min(Date.parse(payload.expires_at), latestMs)
    const { requested_by: requester, facts } = payload
    const attestation = { requestDigest, requester, attestor: sender.clientId, facts, expiresAtMs }
    if (this.#attestations.put(attestation)) return
    const message = `${sender.clientId} attests more than can be kept`
    this.#options.report('attestations-full', new RequestError('attestations-full', message))
  }
}
