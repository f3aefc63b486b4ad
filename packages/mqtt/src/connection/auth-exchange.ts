import { type Auth, CLIENT_BODIES, describeReasonCode, encodeFrom, ReasonCode, Writer } from '@jamey/protocol'
import { AuthenticationError, ConnectionError } from '../model/errors.js'
import type { CredentialsRequest } from '../model/options.js'
import type { Settings } from '../model/settings.js'
import type { Endpoint } from '../model/transport.js'
import type { Deferred } from '../support/deferred.js'
import { assertMethod, violation } from './connection-errors.js'
import type { Connected, Connecting } from './connector-state.js'
import type { PacketCredentials } from './credentials.js'

/** The side of a connection that is told of an exchange. */
export interface AuthenticationListener {
  /** True while the connection is still in this state. */
  isNow(state: Connecting | Connected): boolean
  /** A challenge within the handshake cannot be answered. */
  onHandshakeFailed(state: Connecting, error: Error): void
  /** A re-authentication that has begun cannot go on: the connection has to end. [MQTT-4.12.1-2] */
  onBrokenOff(state: Connected, error: Error): void
  /** Other credentials than this connection can take: a new one is needed. */
  onOtherMethod(state: Connected): void
}

/** The part that has the credentials, and knows who waits for fresh ones. */
export interface CredentialsKeeper {
  readonly settings: Settings
  readonly listener: AuthenticationListener
  /** The re-authentication that is under way. */
  readonly renewal: Deferred<void> | undefined
  /** Rejects with `AuthenticationError` 'credentials-failed'. */
  ask(
    reason: CredentialsRequest['reason'],
    attempt: number,
    endpoint: Endpoint,
    reasonCode?: number,
    challenge?: Uint8Array,
  ): Promise<PacketCredentials>
  /** The re-authentication is over. */
  settle(state: Connected | undefined, error: Error | undefined): void
}

/** AUTH, which carries credentials within a handshake of several steps and within a connection. Section 4.12. */
export class AuthExchange {
  readonly #authentication: CredentialsKeeper

  constructor(authentication: CredentialsKeeper) {
    this.#authentication = authentication
  }

  /** Fresh credentials over the connection there is; whoever waits hears of it by `settle`. */
  renewInPlace(state: Connected): void {
    const { clock, connectTimeoutMs } = this.#authentication.settings
    state.timer = clock.setTimeout(() => {
      if (!state.isRenewing) return this.#authentication.settle(state, credentialsTimedOut(connectTimeoutMs))
      // Whether the server took the credentials is unknown; a new connection will tell, and whoever waits waits for it.
      this.#authentication.listener.onBrokenOff(
        state,
        authenticationTimedOut(state.connection.endpoint, connectTimeoutMs),
      )
    }, connectTimeoutMs)
    const renewal = this.#authentication.renewal
    this.#sendFresh(state, renewal).catch((error: Error) => {
      if (this.#authentication.renewal === renewal) this.#authentication.settle(state, error)
    })
  }

  /** Throws `ProtocolError` where AUTH must not come. */
  onAuth(state: Connected, packet: Auth): void {
    if (!state.isRenewing) throw violation('AUTH came although nothing was asked')
    if (packet.reasonCode !== ReasonCode.success) {
      return this.onChallenge(state, state.authenticationMethod, packet)
    }
    assertMethod(state.authenticationMethod, packet.properties?.authenticationMethod)
    this.#authentication.settle(state, undefined)
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
      if (!this.#authentication.listener.isNow(state)) return
      if (state.state === 'connecting') return this.#authentication.listener.onHandshakeFailed(state, error)
      this.#authentication.settle(state, error)
      this.#authentication.listener.onBrokenOff(state, error)
    })
  }

  async #answer(
    state: Connecting | Connected,
    method: string,
    challenge: Uint8Array | undefined,
  ): Promise<void> {
    const answer = await this.#authentication.ask(
      'challenge',
      state.attempt,
      endpointOf(state),
      undefined,
      challenge,
    )
    if (!this.#authentication.listener.isNow(state)) return
    const { authenticationMethod = method, authenticationData } = answer
    if (authenticationMethod !== method) throw foreignMethod(authenticationMethod, method)
    const properties = { authenticationMethod, authenticationData }
    // [MQTT-4.12.0-3]
    send(state, { type: 'auth', reasonCode: ReasonCode.continueAuthentication, properties })
  }

  async #sendFresh(state: Connected, renewal: Deferred<void> | undefined): Promise<void> {
    const fresh = await this.#authentication.ask('refresh', state.attempt, state.connection.endpoint)
    if (!this.#authentication.listener.isNow(state) || this.#authentication.renewal !== renewal) return
    const { authenticationMethod, authenticationData } = fresh
    // The method of a connection stays what it is. [MQTT-4.12.1-1]
    if (authenticationMethod !== state.authenticationMethod)
      return this.#authentication.listener.onOtherMethod(state)
    const properties = { authenticationMethod, authenticationData }
    send(state, { type: 'auth', reasonCode: ReasonCode.reAuthenticate, properties })
    state.isRenewing = true
  }
}

/**
 * Throws `AuthenticationError` where the server takes no packet of that size: it would end the connection, which without
 * fresh credentials lasts as long as those that it has. [MQTT-3.2.2-15]
 */
function send(state: Connecting | Connected, packet: Auth): void {
  const maximum = state.state === 'connected' ? state.server.maximumPacketSize : undefined
  if (maximum !== undefined) {
    const writer = new Writer()
    encodeFrom(CLIENT_BODIES, writer, packet, 5)
    const bytes = writer.pendingBytes
    if (bytes > maximum) {
      throw new AuthenticationError(
        'credentials-failed',
        `the credentials function gave data for an AUTH of ${bytes} bytes; the server accepts ${maximum}`,
      )
    }
  }
  state.connection?.send(packet)
}

function authenticationTimedOut(endpoint: Endpoint, timeoutMs: number): ConnectionError {
  return new ConnectionError('timeout', `${endpoint.href} did not answer AUTH within ${timeoutMs} ms`, {
    retryable: true,
  })
}

function credentialsTimedOut(timeoutMs: number): AuthenticationError {
  return new AuthenticationError(
    'credentials-failed',
    `the credentials function gave no answer within ${timeoutMs} ms`,
    { retryable: true },
  )
}

/** [MQTT-4.12.0-3] [MQTT-4.12.0-5] */
function foreignMethod(found: string, expected: string | undefined): AuthenticationError {
  return new AuthenticationError(
    'credentials-failed',
    `the credentials function answered a challenge of the method '${expected}' by the method '${found}'`,
    { retryable: true },
  )
}

function endpointOf(state: Connecting | Connected): Endpoint {
  return state.state === 'connecting' ? state.endpoint : state.connection.endpoint
}
