import type { Auth } from '@jamey/protocol'
import type { CredentialsRequest } from '../model/options.js'
import type { Settings } from '../model/settings.js'
import type { Endpoint } from '../model/transport.js'
import { Deferred } from '../support/deferred.js'
import type { AuthExchange, AuthenticationListener, CredentialsKeeper } from './auth-exchange.js'
import { assertMethod, violation } from './connection-errors.js'
import type { Connected } from './connector-state.js'
import { CredentialsSource, type PacketCredentials } from './credentials.js'

export type CredentialsReason = CredentialsRequest['reason']

/** Credentials, and who waits for fresh ones. */
export class Authentication implements CredentialsKeeper {
  readonly settings: Settings
  readonly listener: AuthenticationListener
  /** The exchange of AUTH packets; undefined until credentials name an authentication method. */
  exchange: AuthExchange | undefined
  readonly #source: CredentialsSource
  /** The promise of those who wait for a re-authentication, in place or by a new connection. */
  #renewal: Deferred<void> | undefined

  constructor(settings: Settings, listener: AuthenticationListener) {
    this.settings = settings
    this.#source = new CredentialsSource(settings.credentials)
    this.listener = listener
  }

  /** True where another question may get other credentials. */
  get isDynamic(): boolean {
    return this.#source.isDynamic
  }

  /** The re-authentication that is under way. */
  get renewal(): Deferred<void> | undefined {
    return this.#renewal
  }

  /** Throws `ProtocolError` where no credentials named a method, so that no AUTH may come. [MQTT-4.12.0-6] */
  exchangeFor({ properties }: Auth): AuthExchange {
    if (this.exchange !== undefined) return this.exchange
    assertMethod(undefined, properties?.authenticationMethod)
    throw violation('AUTH came although nothing was asked')
  }

  /** Rejects with `AuthenticationError` 'credentials-failed'. */
  async ask(
    reason: CredentialsReason,
    attempt: number,
    endpoint: Endpoint,
    reasonCode?: number,
    challenge?: Uint8Array,
  ): Promise<PacketCredentials> {
    const credentials = await this.#source.get({ reason, attempt, reasonCode, challenge }, endpoint)
    if (credentials.authenticationMethod !== undefined) this.exchange ??= await this.#openExchange()
    return credentials
  }

  /**
   * Renews until the credentials in force were asked for after this call, or the answer to that question was still to
   * come: what was known before may be older than the caller's wish.
   */
  async renewed(renew: () => Promise<void>): Promise<void> {
    const { nextAnswer } = this.#source
    do {
      await renew()
    } while (this.#source.answers < nextAnswer)
  }

  /** Begins a re-authentication, which lasts until `settle`. */
  begin(): Promise<void> {
    this.#renewal = new Deferred()
    return this.#renewal.promise
  }

  settle(state: Connected | undefined, error: Error | undefined): void {
    if (state !== undefined) {
      this.settings.clock.clearTimeout(state.timer)
      state.isRenewing = false
    }
    const waiting = this.#renewal
    this.#renewal = undefined
    if (error === undefined) waiting?.resolve()
    else waiting?.reject(error)
  }

  /** Few pages authenticate this way, so it is fetched by those that do. */
  async #openExchange(): Promise<AuthExchange> {
    const { AuthExchange: Exchange } = await import('./auth-exchange.js')
    return new Exchange(this)
  }
}
