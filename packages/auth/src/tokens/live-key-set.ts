import type { KeyObject } from 'node:crypto'
import { KeySetError, TokenError } from '../support/errors.js'
import { ask, urlFault } from '../support/https-request.js'
import { KeySet, readKeySetFile, type VerificationKeys } from './key-set.js'
import type { TokenHeader } from './token-form.js'

/** Age at which keys are looked for again, while those that are there are used. */
const REFRESH_MS = 300_000
/** Age from which they are not used before somebody looked. */
const STALE_MS = 2 * REFRESH_MS
/** Age until which they are used where nobody can look: for a day, an issuer that is away shuts nobody out. */
const GIVEN_UP_MS = 86_400_000
/** Time between two looks, whatever tokens name: anybody can name keys that do not exist as often as they like. */
const COOLDOWN_MS = 30_000
/** Time between two looks while there are no keys, and so nobody comes in. */
const FIRST_COOLDOWN_MS = 2_000
const TIMEOUT_MS = 5_000
const MAXIMUM_BYTES = 262_144

export interface LiveKeySetOptions {
  /** URL at which the keys are published: `https:`, or `http:` of this machine. Or `path`: the file they stand in. */
  readonly url?: string | undefined
  readonly path?: string | undefined
  /** Authorities that may have signed the certificate of that server, PEM; those that Node knows by default. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined
  /** Told of every look that failed. */
  readonly onError?: ((error: Error) => void) | undefined
  /** Milliseconds by a clock that nobody sets; the runtime's by default. */
  readonly now?: (() => number) | undefined
}

/**
 * A key set that changes: read when a token needs it, and looked at again in the background, five minutes later or when
 * a token names a key that is not among them, though not more often than every 30 seconds.
 */
export class LiveKeySet implements VerificationKeys {
  readonly #options: LiveKeySetOptions
  readonly #now: () => number
  #keys: KeySet | undefined
  #readAtMs = 0
  #triedAtMs = Number.NEGATIVE_INFINITY
  #running: Promise<void> | undefined
  #fault = 'nobody looked yet'

  /** Throws `KeySetError` 'key-set-unreadable' for a URL that may not be asked. */
  constructor(options: LiveKeySetOptions) {
    const fault = options.path === undefined ? urlFault(options.url ?? '') : undefined
    if (fault !== undefined) {
      // It may hold what its writer would not have in a log.
      throw new KeySetError('key-set-unreadable', `the URL of the key set ${fault}; expected https://...`)
    }
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  async keysFor(header: TokenHeader): Promise<readonly KeyObject[]> {
    const ageMs = this.#now() - this.#readAtMs
    if (this.#keys === undefined || ageMs > STALE_MS || !this.#keys.has(header)) await this.#look()
    else if (ageMs > REFRESH_MS) void this.#look()
    if (this.#keys === undefined || this.#now() - this.#readAtMs > GIVEN_UP_MS) {
      throw new TokenError(
        'token-keys-unavailable',
        `the keys that tokens are verified with cannot be had: ${this.#fault}; try again later`,
      )
    }
    return this.#keys.keysFor(header)
  }

  /** Resolves when the present look is over; at once where it is too early for another. Never rejects. */
  #look(): Promise<void> {
    if (this.#running !== undefined) return this.#running
    const cooldownMs = this.#keys === undefined ? FIRST_COOLDOWN_MS : COOLDOWN_MS
    if (this.#now() - this.#triedAtMs < cooldownMs) return Promise.resolve()
    this.#triedAtMs = this.#now()
    this.#running = this.#read().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #read(): Promise<void> {
    try {
      const { path, url = '', ca } = this.#options
      this.#keys = path === undefined ? await fetchKeySet(new URL(url), ca) : await readKeySetFile(path)
      this.#readAtMs = this.#now()
    } catch (error) {
      this.#fault = (error as Error).message
      this.#options.onError?.(error as Error)
    }
  }
}

async function fetchKeySet(url: URL, ca: LiveKeySetOptions['ca']): Promise<KeySet> {
  const bounds = { timeoutMs: TIMEOUT_MS, maximumBytes: MAXIMUM_BYTES }
  const { status, text } = await ask({ url, method: 'GET', ca, ...bounds })
  if (status !== 200) throw new Error(`HTTP status ${status}`)
  return new KeySet(text)
}
