import { type Connack, type Disconnect, describeReasonCode, type Packet, ReasonCode } from '@jamey/protocol'
import type { MqttError } from '../model/errors.js'
import type { ConnectionFacts } from '../model/explanation.js'
import type { Skipped } from '../model/platform.js'
import { readServerInformation } from '../model/server-information.js'
import type { Settings } from '../model/settings.js'
import { type StateChange, TRANSITIONS } from '../model/state.js'
import type { Counters } from '../model/stats.js'
import type { Endpoint, TlsMaterial } from '../model/transport.js'
import type { AuthenticationListener } from './auth-exchange.js'
import { Authentication, type CredentialsReason } from './authentication.js'
import { Backoff } from './backoff.js'
import { makeConnect } from './connect-packet.js'
import { Connection, type ConnectionListener } from './connection.js'
import {
  actionOf,
  assertMethod,
  asUnreachable,
  breakerOpen,
  invalidConnect,
  notConnected,
  timedOut,
  violation,
} from './connection-errors.js'
import type { ConnectorListener } from './connector-listener.js'
import {
  type Connected,
  type Connecting,
  connectedBy,
  connectingTo,
  type Now,
  type Reconnecting,
  statusOf,
  waitingFor,
} from './connector-state.js'
import { Endpoints } from './endpoints.js'
import type { ProtocolFallback } from './protocol-fallback.js'
import { type Action, actionFor, errorFor } from './reason-table.js'

/** The state machine: makes connections, loses them, makes new ones, or stops. */
export class Connector implements ConnectionListener, AuthenticationListener {
  readonly #settings: Settings
  readonly #counters: Counters
  readonly #listener: ConnectorListener
  readonly #authentication: Authentication
  readonly #backoff: Backoff
  #now: Now = { state: 'disconnected', cause: undefined }
  #clientId: string
  #attempts = 0
  /** Undefined until there was an attempt whose CONNECT could have been written otherwise. */
  #protocolFallback: ProtocolFallback | undefined
  readonly #endpoints: Endpoints
  #hasConnected = false
  /** Fresh credentials were tried after a refusal. */
  #hasRefreshed = false
  /** A CONNECT went out after the last CONNACK, and had no answer. */
  #isInDoubt = false
  /** Connections that DISCONNECT was sent on, and that are not gone. */
  readonly #disconnecting = new Map<Connection, Promise<void>>()

  constructor(settings: Settings, counters: Counters, listener: ConnectorListener) {
    this.#settings = settings
    this.#counters = counters
    this.#listener = listener
    this.#authentication = new Authentication(settings, this)
    this.#backoff = new Backoff(settings.reconnect)
    this.#endpoints = new Endpoints(settings.endpoints, settings.reconnect.maxDelayMs, settings.clock)
    this.#clientId = settings.clientId
  }

  get status(): StateChange {
    return statusOf(this.#now)
  }

  get clientId(): string {
    return this.#clientId
  }

  get facts(): ConnectionFacts {
    const { dueAtMs } = this.#now as Partial<Reconnecting>
    return {
      status: this.status,
      dueAtMs,
      failures: this.#backoff.failures,
      endpoint: this.#endpoints.last?.href,
    }
  }

  /** Connects from `disconnected` and `error`; in other states it changes nothing. */
  start(): void {
    if (this.#now.state === 'error') return this.reset()
    if (this.#now.state !== 'disconnected') return
    this.#attempts = 0
    this.#endpoints.restart()
    this.#backoff.reset()
    this.#attempt('connect', undefined)
  }

  /** Forgets the failures and tries at once, from `error` and from waiting; in other states it changes nothing. */
  reset(): void {
    const { state } = this.#now
    if (state !== 'error' && state !== 'reconnecting') return
    this.#attempts = 0
    this.#backoff.reset()
    this.#hasRefreshed = false
    this.#attempt('connect', undefined)
  }

  /** Resolves when the last socket is gone. */
  async close(): Promise<void> {
    const now = this.#now
    // A session nobody is going to resume need not wait at the server. [MQTT 5.0 section 3.14.2.2.2]
    if (now.state === 'connected') {
      const expiry = this.#settings.cleanStart && now.connection.protocolVersion === 5 ? 0 : undefined
      this.#disconnect(now.connection, ReasonCode.normalDisconnection, expiry)
    }
    if (now.state !== 'disconnected') this.#become({ state: 'disconnected', cause: undefined })
    await Promise.all(this.#disconnecting.values())
  }

  /** Ends what is not gone yet. */
  abandon(): void {
    for (const connection of this.#disconnecting.keys()) connection.cutShort()
  }

  /** See `Client.reauthenticate`. */
  reauthenticate(): Promise<void> {
    return this.#authentication.renewed(() => this.#renew())
  }

  async #renew(): Promise<void> {
    const now = this.#now
    const { renewal } = this.#authentication
    if (renewal !== undefined) return renewal.promise
    if (now.state === 'error' || now.state === 'disconnected') throw now.cause ?? notConnected()
    const begun = this.#authentication.begin()
    if (now.state !== 'connected') return begun
    if (now.authenticationMethod === undefined) this.#reconnectFor(now, 'refresh')
    else this.#authentication.exchange?.renewInPlace(now)
    return begun
  }

  /** Another connection for the same session. */
  resume(): void {
    if (this.#now.state === 'connected') this.#reconnectFor(this.#now, 'connect')
  }

  onOpen(connection: Connection): void {
    const now = this.#now
    if (now.state !== 'connecting' || now.connection !== connection || now.credentials === undefined) return
    try {
      connection.send(makeConnect(this.#settings, now, this.#clientId, now.credentials))
      now.isAsked = true
    } catch (error) {
      const invalid = invalidConnect(error as Error, !this.#settings.isConnectFixed)
      this.#failed(now, invalid, actionOf(invalid))
    }
  }

  onPacket(connection: Connection, packet: Packet | Skipped): void {
    const now = this.#now
    if (now.state === 'connected') {
      if (packet.type === 'disconnect') return this.#onDisconnect(now, packet)
      if (packet.type === 'auth') return this.#authentication.exchangeFor(packet).onAuth(now, packet)
      return this.#listener.onPacket(connection, packet)
    }
    if (now.state !== 'connecting') return
    if (packet.type === 'connack') return this.#onConnack(now, connection, packet)
    if (packet.type === 'auth') {
      now.isChallenged = true
      return this.#authentication
        .exchangeFor(packet)
        .onChallenge(now, now.credentials?.authenticationMethod, packet)
    }
    // [MQTT-3.2.0-1] [MQTT-3.14.0-1]
    const why = packet.type === 'disconnect' ? ` (${describeReasonCode(packet.reasonCode)})` : ''
    throw violation(`${packet.type}${why} came before CONNACK`)
  }

  onWritable(): void {
    this.#listener.onWritable()
  }

  isNow(state: Connecting | Connected): boolean {
    return this.#now === state
  }

  onHandshakeFailed(now: Connecting, error: Error): void {
    this.#failed(now, error, actionOf(error))
  }

  onBrokenOff(now: Connected, error: Error): void {
    this.#disconnect(now.connection, ReasonCode.unspecifiedError)
    this.#lost(now, error, 'retry')
  }

  onOtherMethod(now: Connected): void {
    this.#reconnectFor(now, 'refresh')
  }

  onLost(_link: Connection, error: Error): void {
    const now = this.#now
    if (now.state === 'connected') this.#lost(now, error, actionOf(error) === 'suspect' ? 'suspect' : 'retry')
    else if (now.state === 'connecting') this.#failed(now, asUnreachable(error, now.isAsked), actionOf(error))
  }

  #attempt(reason: CredentialsReason, cause: Error | undefined): void {
    const endpoint = this.#endpoints.next()
    this.#attempts++
    const { connectTimeoutMs, clock } = this.#settings
    const now = connectingTo(endpoint, this.#attempts, cause)
    this.#become(now)
    now.timer = clock.setTimeout(() => {
      this.#failed(now, timedOut(endpoint, connectTimeoutMs), 'retry')
    }, connectTimeoutMs)
    this.#open(now, reason, cause).catch((error: Error) => this.#failed(now, error, actionOf(error)))
  }

  async #open(now: Connecting, reason: CredentialsReason, cause: Error | undefined): Promise<void> {
    if (this.#settings.locate) now.endpoint = await this.#settings.locate(this.#endpoints, now.endpoint)
    const [credentials, tls] = await Promise.all([
      this.#authentication.ask(reason, now.attempt, now.endpoint, (cause as Partial<MqttError>)?.reasonCode),
      this.#settings.platform.readTls(this.#settings.tls),
    ])
    if (this.#settings.protocolVersion !== 5 || credentials.authenticationMethod !== undefined) {
      const { ProtocolFallback: Known } = await import('./protocol-fallback.js')
      this.#protocolFallback ??= new Known(this.#settings)
    }
    if (this.#now !== now) return
    now.credentials = credentials
    now.tls = tls
    this.#protocolFallback?.begin(now)
    this.#dial(now, tls)
  }

  #dial(now: Connecting, tls: TlsMaterial): void {
    now.cleanStart = now.cleanSession ?? (this.#settings.cleanStart && !this.#hasConnected)
    now.connection = new Connection(
      this.#settings,
      this.#counters,
      now.endpoint,
      now.protocolVersion,
      tls,
      this,
    )
    now.connection.open()
  }

  #onConnack(now: Connecting, connection: Connection, packet: Connack): void {
    const { reasonCode, properties } = packet
    now.isAsked = false
    if (reasonCode !== ReasonCode.success) {
      this.#told('connack', packet, now.endpoint)
      const error = errorFor('connack', reasonCode, properties?.reasonString, now.endpoint.href)
      return this.#failed(now, error, actionFor('connack', reasonCode))
    }
    // [MQTT-3.2.2-4]
    if (packet.sessionPresent && now.cleanStart) throw violation('session present after a clean start')
    const authenticationMethod = now.credentials?.authenticationMethod
    assertMethod(authenticationMethod, properties?.authenticationMethod)
    const server = readServerInformation(packet, {
      ...this.#settings,
      protocolVersion: now.protocolVersion,
      clientId: this.#clientId,
    })
    const session = packet.sessionPresent ? 'resumed' : this.#hasConnected ? 'lost' : 'new'
    if (session === 'lost') this.#counters.sessionsLost++
    this.#clientId = server.clientId
    this.#hasConnected = true
    this.#hasRefreshed = false
    this.#endpoints.restart()
    this.#counters.connects++
    this.#protocolFallback?.worked(now)
    connection.startKeepAlive(server.keepAliveSeconds)
    this.#become(
      connectedBy(now, connection, server, session, authenticationMethod, this.#settings.clock.now()),
    )
    this.#authentication.settle(undefined, undefined)
  }

  /** An attempt came to nothing. Late news of an attempt that was left is ignored. */
  #failed(now: Connecting, error: Error, action: Action): void {
    if (this.#now !== now) return
    if (now.tls !== undefined && this.#protocolFallback?.mayGoOn(now, error)) {
      this.#isInDoubt ||= now.isAsked
      now.connection?.abandon()
      now.isAsked = false
      return this.#dial(now, now.tls)
    }
    this.#counters.connectFailures++
    this.#backoff.fail()
    if (action === 'refresh' && !this.#hasRefreshed && this.#authentication.isDynamic) {
      this.#hasRefreshed = true
      return this.#reconnectIn(0, 'refresh', error)
    }
    this.#endpoints.failed(now.endpoint)
    if (action === 'stop') return this.#become({ state: 'error', cause: error })
    // The other servers are tried at once, ten times in all, for some name one another; then comes a wait, or the end.
    const mayHurry = this.#endpoints.hasUntried && this.#attempts < 10 && !this.#backoff.isOpen
    if (mayHurry) return this.#reconnectIn(0, 'connect', error)
    const isAwaited = this.#settings.waitForConnection && !this.#hasConnected
    if (isAwaited) return this.#become({ state: 'disconnected', cause: error })
    this.#retry(error, action)
  }

  #retry(cause: Error, after: Action): void {
    if (!this.#settings.reconnect.isWanted) return this.#become({ state: 'disconnected', cause })
    if (this.#backoff.isOpen) {
      return this.#become({ state: 'error', cause: breakerOpen(this.#backoff.failures, cause) })
    }
    // After a refusal of credentials the provider is asked for others.
    this.#reconnectIn(this.#backoff.next(), after === 'refresh' ? 'refresh' : 'connect', cause)
  }

  #reconnectIn(delayMs: number, reason: CredentialsReason, cause: Error | undefined): void {
    const next = waitingFor(this.#attempts + 1, delayMs, this.#settings.clock.now(), cause)
    this.#become(next)
    if (this.#now !== next) return
    next.timer = this.#settings.clock.setTimeout(() => {
      if (this.#now === next) this.#attempt(reason, cause)
    }, delayMs)
  }

  #onDisconnect(now: Connected, packet: Disconnect): void {
    const { reasonCode, properties } = packet
    this.#told('disconnect', packet, now.connection.endpoint)
    const why = properties?.reasonString ?? (reasonCode === 0 ? 'the server gave no reason' : undefined)
    const error = errorFor('disconnect', reasonCode, why, now.connection.endpoint.href)
    this.#lost(now, error, actionFor('disconnect', reasonCode))
  }

  #lost(now: Connected, error: Error, action: Action): void {
    this.#counters.connectionsLost++
    this.#protocolFallback?.lost(now.connection.endpoint)
    this.#attempts = 0
    const heldMs = this.#settings.clock.now() - now.sinceMs
    const hasHeld = heldMs >= this.#settings.reconnect.stableAfterMs
    if (hasHeld) this.#backoff.reset()
    else this.#backoff.fail()
    const mayBeOnePacket = action === 'suspect' || action === 'refresh'
    if (mayBeOnePacket) this.#backoff.learn(this.#listener.onEnding(error as MqttError))
    // A server that sent us away is to be avoided like one that failed.
    if (action === 'move' || !hasHeld) this.#endpoints.failed(now.connection.endpoint)
    else this.#endpoints.held(now.connection.endpoint)
    if (action === 'stop') return this.#become({ state: 'error', cause: error })
    this.#retry(error, action)
  }

  /** Ends it with DISCONNECT, so that the server has read all our acknowledgements, and resumes the session. */
  #reconnectFor(now: Connected, reason: CredentialsReason): void {
    const gone = this.#disconnect(now.connection, ReasonCode.normalDisconnection)
    const next = waitingFor(1, 0, this.#settings.clock.now(), undefined)
    this.#attempts = 0
    this.#become(next)
    gone.then(() => {
      if (this.#now === next) this.#attempt(reason, undefined)
    })
  }

  #disconnect(connection: Connection, reasonCode: number, sessionExpiryInterval?: number): Promise<void> {
    const gone = connection
      .close(reasonCode, sessionExpiryInterval)
      .then(() => void this.#disconnecting.delete(connection))
    this.#disconnecting.set(connection, gone)
    return gone
  }

  /** The server refused or ended the connection; it may name another one (0x9C for now, 0x9D for good). */
  #told(kind: 'connack' | 'disconnect', packet: Connack | Disconnect, from: Endpoint): void {
    const { reasonCode, properties } = packet
    if (reasonCode !== 0) this.#listener.onFailure(kind, reasonCode, properties?.reasonString)
    if (actionFor(kind, reasonCode) !== 'move') return
    this.#endpoints.refer(properties?.serverReference, from, reasonCode === ReasonCode.serverMoved)
  }

  #become(next: Now): void {
    const from = this.#now
    if (!TRANSITIONS[from.state].includes(next.state)) {
      throw new Error(`connector: ${from.state} must not become ${next.state}`)
    }
    if ('timer' in from) this.#settings.clock.clearTimeout(from.timer)
    this.#now = next
    if (from.state === 'connecting') {
      this.#isInDoubt ||= from.isAsked
      if (next.state !== 'connected') from.connection?.abandon()
    }
    if (from.state === 'connected') {
      from.connection.abandon()
      this.#listener.onDisconnected()
    }
    if (next.state === 'connected') {
      this.#listener.onConnected(next.connection, next.server, this.#isInDoubt, this.#attempts > 1)
      this.#isInDoubt = false
    }
    if (next.state === 'error' || next.state === 'disconnected') {
      this.#authentication.settle(undefined, next.cause ?? notConnected())
    }
    this.#listener.onState(this.status)
  }
}
