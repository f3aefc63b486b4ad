import { JameyError } from '@jamey/protocol'
import { signatureOf, WatchedFile } from '../support/watched-file.js'
import { type ClientEntry, readClientFile } from './client-file.js'
import { isClientSecret, NOBODYS_HASH } from './client-secret.js'

/** Secrets that are checked at once; each takes a thread and 16 MiB for some 50 ms. */
const MAXIMUM_AT_ONCE = 2
/** Number of clients that may wait for that: some two seconds. */
const MAXIMUM_WAITING = 64
/** Longer ones are nobody's, and would be hashed all the same. */
const MAXIMUM_SECRET_CHARACTERS = 512

export interface ClientRegistryOptions {
  /** A client file; it may come later. It is looked at twice a second. */
  readonly path: string
  /** It has changed and cannot be used, so that what it said before still holds. */
  readonly onError?: ((error: Error) => void) | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

/** More clients wait for their secret to be checked than may. */
export class RegistryBusyError extends JameyError<'registry-busy'> {
  override readonly name = 'RegistryBusyError'

  constructor() {
    super('registry-busy', 'too many secrets wait to be checked', { retryable: true })
  }
}

/** Decides who may have tokens, by the secrets of a file or by certificates. */
export class ClientRegistry {
  readonly #options: ClientRegistryOptions
  readonly #now: () => number
  readonly #waiting: (() => void)[] = []
  #atOnce = 0
  #clients: ReadonlyMap<string, ClientEntry> = new Map()
  #watched: WatchedFile | undefined

  private constructor(options: ClientRegistryOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** Throws `ClientFileError`. */
  static async open(options: ClientRegistryOptions): Promise<ClientRegistry> {
    const registry = new ClientRegistry(options)
    const signature = await signatureOf(options.path)
    await registry.#read()
    registry.#watched = new WatchedFile(options.path, signature, () => void registry.#reload())
    return registry
  }

  /**
   * The client of this name and secret; undefined where there is none, which takes as long. Throws `RegistryBusyError`
   * where too many ask at once.
   */
  async authenticate(clientId: string, secret: string): Promise<ClientEntry | undefined> {
    await this.#turn()
    try {
      const client = this.#clients.get(clientId)
      const nowMs = this.#now()
      const isInForce = ({ untilMs = Number.POSITIVE_INFINITY }) => untilMs > nowMs
      const hashes = (client?.secrets ?? []).filter(isInForce).map(({ hash }) => hash)
      let isRight = false
      for (const hash of hashes.length === 0 ? [NOBODYS_HASH] : hashes) {
        const isIt = await isClientSecret(secret.slice(0, MAXIMUM_SECRET_CHARACTERS + 1), hash)
        isRight ||= isIt && secret.length <= MAXIMUM_SECRET_CHARACTERS
      }
      // It may have been taken out meanwhile.
      return isRight && hashes.length > 0 ? this.#clients.get(clientId) : undefined
    } finally {
      const next = this.#waiting.shift()
      // The place goes to the next one that waits.
      if (next === undefined) this.#atOnce--
      else next()
    }
  }

  /** The client of this name where its certificate, which the caller has verified, is enough. */
  async certified(clientId: string): Promise<ClientEntry | undefined> {
    const client = this.#clients.get(clientId)
    return client?.byCertificate === true ? client : undefined
  }

  stop(): void {
    this.#watched?.stop()
  }

  async #turn(): Promise<void> {
    if (this.#atOnce >= MAXIMUM_AT_ONCE) {
      if (this.#waiting.length >= MAXIMUM_WAITING) throw new RegistryBusyError()
      return new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#atOnce++
  }

  async #read(): Promise<void> {
    const clients = await readClientFile(this.#options.path)
    this.#clients = new Map(clients.map((client) => [client.clientId, client]))
  }

  async #reload(): Promise<void> {
    try {
      await this.#read()
    } catch (error) {
      this.#options.onError?.(error as Error)
    }
  }
}
