import { type ReceiptKeys as KeySet, topics } from '@jamey/contracts'
import type { Logger } from 'pino'
import type { GatewayBus } from '../api/gateway-bus.js'

/** The keys that verify receipts, as each conscience tells its own: what `/v1/jwks` is made of. */
export class ReceiptKeys {
  readonly #bus: GatewayBus
  readonly #log: Logger
  readonly #consciences: ReadonlySet<string>
  /** Keys by conscience. */
  readonly #keys = new Map<string, KeySet['keys']>()
  #stopWatching: (() => void) | undefined
  #isSubscribed = false

  /** `consciences`: the client identifiers of those whose keys count. */
  constructor(bus: GatewayBus, log: Logger, consciences: readonly string[]) {
    this.#bus = bus
    this.#log = log
    this.#consciences = new Set(consciences)
  }

  /** A JWK Set (RFC 7517); empty until a conscience told its keys. */
  get jwks(): KeySet {
    return { keys: [...this.#keys.values()].flat() }
  }

  /** Subscribes with the first connection; whatever is retained comes with it. */
  start(): void {
    this.#stopWatching = this.#bus.onState(({ state }) => {
      if (state === 'connected') void this.#subscribe()
    })
    if (this.#bus.state === 'connected') void this.#subscribe()
  }

  stop(): void {
    this.#stopWatching?.()
  }

  async #subscribe(): Promise<void> {
    if (this.#isSubscribed) return
    this.#isSubscribed = true
    try {
      await this.#bus.subscribe(topics.conscience.keys, ({ sender, data }) => this.#take(sender, data))
    } catch (error) {
      // The next connection asks again.
      this.#isSubscribed = false
      this.#log.warn(
        { event: 'gateway.receipt_keys.unavailable', err: error },
        'the keys of receipts cannot be read, so /v1/jwks lacks them',
      )
    }
  }

  #take({ clientId, isVerified }: { clientId: string; isVerified: boolean }, { keys }: KeySet): void {
    // A key here decides what is approved, and many a client may publish there, such as the operator's: only a
    // conscience counts.
    if (!isVerified || !this.#consciences.has(clientId)) return
    this.#keys.set(clientId, keys)
  }
}
