import type { Clock } from '@jamey/bus'

/** More than people and fact services say within the time that their words last. */
const MAXIMUM = 10_000
/** One of them cannot take the room of all the others. */
const MAXIMUM_PER_ATTESTOR = 2_000
const SWEEP_INTERVAL_MS = 1000

/** The word of one client about one request. */
export interface Attestation {
  readonly requestDigest: string
  /** The client whose request it is. */
  readonly requester: string
  readonly attestor: string
  readonly facts: Readonly<Record<string, unknown>>
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
}

/** One fact that counts, and who gave it. */
export interface AttestedFact {
  readonly name: string
  readonly value: unknown
  readonly attestor: string
}

/** The word of others than the requester about requests, by the digest of each; it is believed until it expires. */
export class Attestations {
  readonly #clock: Pick<Clock, 'timeOfDay'>
  /** By digest, then by attestor; the oldest first. */
  readonly #byDigest = new Map<string, Map<string, Attestation>>()
  readonly #countOf = new Map<string, number>()
  #size = 0
  #sweptAtMs = Number.NEGATIVE_INFINITY

  constructor(clock: Pick<Clock, 'timeOfDay'>) {
    this.#clock = clock
  }

  get size(): number {
    return this.#size
  }

  /** In place of what the same attestor said about the same request before. False: there is no room for more of its. */
  put(attestation: Attestation): boolean {
    const { requestDigest, attestor, expiresAtMs } = attestation
    this.remove(requestDigest, attestor)
    if (expiresAtMs <= this.#clock.timeOfDay()) return true
    if (!this.#hasRoomFor(attestor)) this.#sweep()
    if (!this.#hasRoomFor(attestor)) return false
    const said = this.#byDigest.get(requestDigest) ?? new Map<string, Attestation>()
    said.set(attestor, attestation)
    this.#byDigest.set(requestDigest, said)
    this.#count(attestor, 1)
    return true
  }

  /** Its attestor takes it back. */
  remove(requestDigest: string, attestor: string): void {
    const said = this.#byDigest.get(requestDigest)
    if (said?.delete(attestor) !== true) return
    if (said.size === 0) this.#byDigest.delete(requestDigest)
    this.#count(attestor, -1)
  }

  /**
   * Facts that count for that request of that requester, which `sender` passed on or sent: nobody attests what is its
   * own. Where two say different things of one name, both are given.
   */
  about(requestDigest: string, requester: string, sender: string): AttestedFact[] {
    const nowMs = this.#clock.timeOfDay()
    const facts: AttestedFact[] = []
    for (const said of this.#byDigest.get(requestDigest)?.values() ?? []) {
      const { attestor, expiresAtMs } = said
      if (said.requester !== requester || expiresAtMs <= nowMs) continue
      if (attestor === requester || attestor === sender) continue
      for (const [name, value] of Object.entries(said.facts)) facts.push({ name, value, attestor })
    }
    return facts
  }

  #hasRoomFor(attestor: string): boolean {
    return this.#size < MAXIMUM && (this.#countOf.get(attestor) ?? 0) < MAXIMUM_PER_ATTESTOR
  }

  /** Not with each one that finds no room: that would be work for whoever floods. */
  #sweep(): void {
    const nowMs = this.#clock.timeOfDay()
    if (Math.abs(nowMs - this.#sweptAtMs) < SWEEP_INTERVAL_MS) return
    this.#sweptAtMs = nowMs
    for (const said of [...this.#byDigest.values()]) {
      for (const { requestDigest, attestor, expiresAtMs } of [...said.values()]) {
        if (expiresAtMs <= nowMs) this.remove(requestDigest, attestor)
      }
    }
  }

  #count(attestor: string, by: 1 | -1): void {
    this.#size += by
    const count = (this.#countOf.get(attestor) ?? 0) + by
    if (count === 0) this.#countOf.delete(attestor)
    else this.#countOf.set(attestor, count)
  }
}
