import { AuthenticationError } from '../model/errors.js'
import type { Credentials, CredentialsProvider, CredentialsRequest } from '../model/options.js'
import type { Endpoint } from '../model/transport.js'
import { utf8Encode } from '../support/bytes.js'
import { credentialsOf } from '../transport/endpoint.js'

/** Credentials as packets carry them. Held no longer than the attempt they are for. */
export interface PacketCredentials {
  readonly username: string | undefined
  readonly password: Uint8Array | undefined
  readonly authenticationMethod: string | undefined
  readonly authenticationData: Uint8Array | undefined
}

/** Asks the provider for every need afresh; needs that arise while it is being asked share its answer. */
export class CredentialsSource {
  readonly #provider: Credentials | CredentialsProvider | undefined
  #pending: Promise<PacketCredentials> | undefined
  /** Number of answers of the provider, those to challenges apart. */
  answers = 0

  /** The credentials are those of each endpoint's own URL where there is no `provider`. */
  constructor(provider: Credentials | CredentialsProvider | undefined) {
    this.#provider = provider
  }

  /** True where another question may get another answer. */
  get isDynamic(): boolean {
    return typeof this.#provider === 'function'
  }

  /** The number of the first answer that holds what the provider knows by now. */
  get nextAnswer(): number {
    return this.answers + 1
  }

  /** Rejects with `AuthenticationError` 'credentials-failed'. */
  get(request: CredentialsRequest, endpoint: Endpoint): Promise<PacketCredentials> {
    // The answer to a challenge belongs to this one challenge.
    if (request.reason === 'challenge') return this.#ask(request, endpoint)
    this.#pending ??= this.#ask(request, endpoint).finally(() => {
      this.#pending = undefined
      this.answers++
    })
    return this.#pending
  }

  async #ask(request: CredentialsRequest, endpoint: Endpoint): Promise<PacketCredentials> {
    try {
      const provider = this.#provider ?? credentialsOf(endpoint)
      return toPacket(typeof provider === 'function' ? await provider(request) : provider)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : 'no error was given'
      throw new AuthenticationError('credentials-failed', `credentials failed: ${reason}`, {
        cause,
        retryable: true,
      })
    }
  }
}

function toPacket(credentials: Credentials): PacketCredentials {
  return {
    username: credentials.username,
    password: toBytes(credentials.password),
    authenticationMethod: credentials.authenticationMethod,
    authenticationData: toBytes(credentials.authenticationData),
  }
}

function toBytes(value: string | Uint8Array | undefined): Uint8Array | undefined {
  return typeof value === 'string' ? utf8Encode(value) : value
}
