import { ConnectionError } from '../model/errors.js'
import type { Credentials, CredentialsProvider } from '../model/options.js'
import type { Endpoint } from '../model/transport.js'
import { credentialsOf, readUrl } from './endpoint.js'

const UNKNOWN: Endpoint = {
  scheme: '',
  host: '',
  port: 0,
  path: '',
  href: 'the server whose url the option url has yet to give',
}

/** A server whose URL is asked for with every attempt, because it is signed for a while, say: what it was last. */
export class UrlPerAttempt implements Endpoint {
  readonly #url: () => string | Promise<string>
  #latest = UNKNOWN
  #asking: Promise<Endpoint> | undefined
  #lastAsked: Promise<Endpoint> | undefined

  constructor(url: () => string | Promise<string>) {
    this.#url = url
  }

  get latest(): Endpoint {
    return this.#latest
  }

  get scheme(): string {
    return this.#latest.scheme
  }

  get host(): string {
    return this.#latest.host
  }

  get port(): number {
    return this.#latest.port
  }

  get path(): string {
    return this.#latest.path
  }

  get href(): string {
    return this.#latest.href
  }

  /** User and password of the URL that the attempt asks for; nothing where there is none, which `ask` tells. */
  readonly credentials: CredentialsProvider = async ({ reason }): Promise<Credentials> => {
    const asked = reason === 'challenge' ? this.#latest : this.ask()
    return Promise.resolve(asked).then(credentialsOf, () => ({}))
  }

  /**
   * The URL for an attempt, asked for once: all questions of one attempt come in one turn. Rejects with
   * `ConnectionError`, retryable.
   */
  ask(): Promise<Endpoint> {
    if (this.#asking !== undefined) return this.#asking
    const asking = this.#ask()
    this.#asking = asking
    // A function that never answers must not be waited for by the attempts to come.
    queueMicrotask(() => {
      this.#asking = undefined
    })
    this.#lastAsked = asking
    return asking.then((endpoint) => {
      // The answer may come when the attempt it was for is long over.
      if (this.#lastAsked === asking) this.#latest = endpoint
      return endpoint
    })
  }

  async #ask(): Promise<Endpoint> {
    let url: string
    try {
      url = await this.#url()
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : 'no error was given'
      throw new ConnectionError('unreachable', `option url: its function failed: ${reason}`, {
        cause,
        retryable: true,
      })
    }
    try {
      return readUrl(url)
    } catch (error) {
      // The attempt is retried, since the next URL may be in order.
      const fault = typeof url === 'string' ? (error as Error).message : `${typeof url} came`
      throw new ConnectionError('invalid-argument', `option url: its function gave no URL: ${fault}`, {
        retryable: true,
      })
    }
  }
}
