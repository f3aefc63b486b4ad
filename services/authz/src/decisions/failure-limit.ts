/** Names that are remembered at once; beyond, the one that began first is forgotten. */
const MAXIMUM_NAMES = 20_000
const WINDOW_MS = 60_000
/** Number of clients whose failures one address may have: many clients may come from behind one. */
const CLIENTS_OF_ADDRESS = 10

interface Window {
  readonly beganAtMs: number
  count: number
}

/**
 * Failures to connect within a minute, by client and address and by address alone. Where the broker does not tell the
 * address nothing is limited: whoever knows the name of a client could keep it out.
 */
export class FailureLimit {
  readonly #most: number
  readonly #now: () => number
  readonly #windows = new Map<string, Window>()

  /** `most`: of one client at one address; 0 for no limit. `now`: milliseconds, of any beginning. */
  constructor(most: number, now: () => number = () => performance.now()) {
    this.#most = most
    this.#now = now
  }

  isReached(clientId: string, address: string | undefined): boolean {
    if (this.#most === 0) return false
    return limitsOf(clientId, address).some(([name, factor]) => this.#countOf(name) >= this.#most * factor)
  }

  count(clientId: string, address: string | undefined): void {
    if (this.#most === 0) return
    for (const [name] of limitsOf(clientId, address)) this.#add(name)
  }

  #countOf(name: string): number {
    const window = this.#windows.get(name)
    return window === undefined || this.#isOver(window) ? 0 : window.count
  }

  #add(name: string): void {
    const window = this.#windows.get(name)
    if (window !== undefined && !this.#isOver(window)) {
      window.count++
      return
    }
    this.#windows.delete(name)
    this.#windows.set(name, { beganAtMs: this.#now(), count: 1 })
    if (this.#windows.size > MAXIMUM_NAMES) this.#windows.delete(this.#windows.keys().next().value ?? '')
  }

  #isOver({ beganAtMs }: Window): boolean {
    return this.#now() - beganAtMs >= WINDOW_MS
  }
}

/** An address of this machine is that of a proxy, or of everybody here, and stands for nobody. */
function limitsOf(clientId: string, address: string | undefined): readonly (readonly [string, number])[] {
  if (address === undefined || address === '') return []
  const ofClient = [`${address} ${clientId}`, 1] as const
  const isOfThisMachine = /^(::ffff:)?127\.|^::1$/i.test(address)
  return isOfThisMachine ? [ofClient] : [ofClient, [address, CLIENTS_OF_ADDRESS]]
}
