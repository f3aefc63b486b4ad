import { type Auth, describeReasonCode, ReasonCode } from '@jamey/protocol'
import {
  assertMethod,
  authenticationTimedOut,
  credentialsTimedOut,
  foreignMethod,
  violation,
} from './connection-errors.js'
import type { Connected, Connecting } from './connection-state.js'
import { CredentialsSource, type PacketCredentials } from './credentials.js'
import { Deferred } from './deferred.js'
import type { CredentialsRequest } from './options.js'
import type { Settings } from './settings.js'

/** What the connection is told. */
export interface AuthenticationListener {
  /** Whether this is still the state the connection is in. */
  isNow(state: Connecting | Connected): boolean
  /** A challenge within the handshake can not be answered. */
  onHandshakeFailed(state: Connecting, error: Error): void
  /** A re-authentication that has begun can not go on: the connection has to end. [MQTT-4.12.1-2] */
  onBrokenOff(state: Connected, error: Error): void
  /** Other credentials than this connection can take: a new one is needed. */
  onOtherMethod(state: Connected): void
}

/** Credentials, and the exchanges of AUTH that carry them. Section 4.12. */
export class Authentication {
  /** The server does not know our authentication method; it is not offered again. */
  isWithoutMethod = false
  readonly #settings: Settings
  readonly #source: CredentialsSource
  readonly #listener: AuthenticationListener
  /** Who waits for a re-authentication, in place or by a new connection. */
  #renewal: Deferred<void> | undefined

  constructor(settings: Settings, listener: AuthenticationListener) {
    this.#settings = settings
    this.#source = new CredentialsSource(settings.credentials)
    this.#listener = listener
  }

  /** Whether another question may get other credentials. */
  get isDynamic(): boolean {
    return this.#source.isDynamic
  }

  /** The re-authentication that is under way. */
  get renewal(): Promise<void> | undefined {
    return this.#renewal?.promise
  }

  /** Rejects with `AuthenticationError` 'credentials-failed'. */
  async ask(
    reason: CredentialsRequest['reason'],
    attempt: number,
    reasonCode?: number,
    challenge?: Uint8Array,
  ): Promise<PacketCredentials> {
    const credentials = await this.#source.get({ reason, attempt, reasonCode, challenge })
    if (this.#settings.protocolVersion === 5 && !this.isWithoutMethod) return credentials
    return { ...credentials, authenticationMethod: undefined, authenticationData: undefined }
  }

  /** From now on there is a re-authentication, until `settle`. */
  begin(): Promise<void> {
    this.#renewal = new Deferred()
    return this.#renewal.promise
  }

  settle(state: Connected | undefined, error: Error | undefined): void {
    if (state !== undefined) {
      this.#settings.clock.clearTimeout(state.timer)
      state.isRenewing = false
    }
    const waiting = this.#renewal
    this.#renewal = undefined
    if (error === undefined) waiting?.resolve()
    else waiting?.reject(error)
  }

  /** Fresh credentials over the connection there is; whoever waits hears of it by `settle`. */
  renewInPlace(state: Connected): void {
    const { clock, connectTimeoutMs } = this.#settings
    state.timer = clock.setTimeout(() => {
      if (!state.isRenewing) return this.settle(state, credentialsTimedOut(connectTimeoutMs))
      // Whether the server took the credentials is unknown; a new connection will tell, and whoever waits waits for it.
      this.#listener.onBrokenOff(state, authenticationTimedOut(state.link.endpoint, connectTimeoutMs))
    }, connectTimeoutMs)
    const renewal = this.#renewal
    this.#sendFresh(state, renewal).catch((error: Error) => {
      if (this.#renewal === renewal) this.settle(state, error)
    })
  }

  /** Throws `ProtocolError` where AUTH must not come. */
  onAuth(state: Connected, packet: Auth): void {
    if (!state.isRenewing) throw violation('AUTH came although nothing was asked')
    if (packet.reasonCode !== ReasonCode.success) {
      return this.onChallenge(state, state.authenticationMethod, packet)
    }
    assertMethod(state.authenticationMethod, packet.properties?.authenticationMethod)
    this.settle(state, undefined)
  }

  /** Throws `ProtocolError` where no challenge may come. [MQTT-4.12.0-2] [MQTT-4.12.0-6] */
  onChallenge(
    state: Connecting | Connected,
    method: string | undefined,
    { reasonCode, properties }: Auth,
  ): void {
    assertMethod(method, properties?.authenticationMethod)
    if (method === undefined || reasonCode !== ReasonCode.continueAuthentication) {
      throw violation(`AUTH with ${describeReasonCode(reasonCode)} came where none may`)
    }
    this.#answer(state, method, properties?.authenticationData).catch((error: Error) => {
      if (!this.#listener.isNow(state)) return
      if (state.state === 'connecting') return this.#listener.onHandshakeFailed(state, error)
      this.settle(state, error)
      this.#listener.onBrokenOff(state, error)
    })
  }

  async #answer(
    state: Connecting | Connected,
    method: string,
    challenge: Uint8Array | undefined,
  ): Promise<void> {
    const answer = await this.ask('challenge', state.attempt, undefined, challenge)
    if (!this.#listener.isNow(state)) return
    const { authenticationMethod = method, authenticationData } = answer
    if (authenticationMethod !== method) throw foreignMethod(authenticationMethod, method)
    const properties = { authenticationMethod, authenticationData }
    // [MQTT-4.12.0-3]
    state.link?.send({ type: 'auth', reasonCode: ReasonCode.continueAuthentication, properties })
  }

  async #sendFresh(state: Connected, renewal: Deferred<void> | undefined): Promise<void> {
    const fresh = await this.ask('refresh', state.attempt)
    if (!this.#listener.isNow(state) || this.#renewal !== renewal) return
    const { authenticationMethod, authenticationData } = fresh
    // The method of a connection stays what it is. [MQTT-4.12.1-1]
    if (authenticationMethod !== state.authenticationMethod) return this.#listener.onOtherMethod(state)
    const properties = { authenticationMethod, authenticationData }
    state.link.send({ type: 'auth', reasonCode: ReasonCode.reAuthenticate, properties })
    state.isRenewing = true
  }
}
