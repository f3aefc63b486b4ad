import { ProtocolError, ReasonCode } from '@jamey/protocol'
import type { MqttError } from '../model/errors.js'
import type { Settings } from '../model/settings.js'
import type { Endpoint } from '../model/transport.js'
import type { Connecting } from './connector-state.js'

/** The way in which CONNECT is written for one server. */
interface Dialect {
  readonly protocolVersion: 4 | 5
  /** True where the authentication method of the credentials is named; before MQTT 5.0 there is none. */
  readonly hasMethod: boolean
}

interface Known {
  readonly dialect: Dialect
  /** The server said nothing against what was tried before: it hung up, which may have had another cause. */
  readonly isGuess: boolean
  /** It has accepted a CONNECT like this. */
  readonly hasWorked: boolean
}

/** `silence`: it hung up instead of answering. `other`: nothing that writing CONNECT otherwise would change. */
type Refusal = 'version' | 'method' | 'unclear' | 'silence' | 'other'

const OLD: Dialect = { protocolVersion: 4, hasMethod: false }
const WITHOUT_METHOD: Dialect = { protocolVersion: 5, hasMethod: false }

/**
 * Number of servers whose dialect is remembered; beyond it, as with servers that refer to ever others, it is found out
 * again.
 */
const MAXIMUM_SERVERS = 100

/** Refusals that tell how the server is, and nothing of what was asked. */
const OF_THE_SERVER: readonly number[] = [
  ReasonCode.serverUnavailable,
  ReasonCode.serverBusy,
  ReasonCode.quotaExceeded,
  ReasonCode.useAnotherServer,
  ReasonCode.serverMoved,
  ReasonCode.connectionRateExceeded,
]

/**
 * What servers turn out to understand. They tell nothing before CONNECT, and seldom what they missed in it: a method
 * that they do not know Mosquitto answers with 0x8C, EMQX with 0x87, and VerneMQ may hang up; MQTT 5.0 a server of 3.1.1
 * alone answers with its own return code 1 (NATS), with 0x84, or hangs up (RabbitMQ 3.10). So an attempt that asked for
 * more than another one would is made once with less before it counts, and what worked is kept for that server.
 */
export class ProtocolFallback {
  readonly #settings: Settings
  readonly #first: Dialect
  readonly #known = new Map<string, Known>()

  constructor(settings: Settings) {
    this.#settings = settings
    const { protocolVersion } = settings
    this.#first = { protocolVersion: protocolVersion === 4 ? 4 : 5, hasMethod: protocolVersion !== 4 }
  }

  /** Makes the CONNECT of an attempt what the server is known to understand. */
  begin(attempt: Connecting): void {
    this.#write(attempt, this.#known.get(attempt.endpoint.href)?.dialect ?? this.#first)
  }

  /** True where an attempt that failed goes on at once, with another CONNECT; false where the failure counts. */
  mayGoOn(attempt: Connecting, error: Error): boolean {
    const { endpoint, credentials } = attempt
    const known = this.#known.get(endpoint.href)
    const refusal = refusalOf(attempt, error)
    const mayAge = this.#settings.protocolVersion === 'auto' && attempt.protocolVersion === 5
    const mayDropMethod =
      credentials?.authenticationMethod !== undefined && !this.#settings.requireAuthenticationMethod
    // A server that has accepted a CONNECT understands it, unless its own word says otherwise.
    const isOpen = known?.hasWorked !== true && refusal !== 'other'
    let next: Dialect | undefined
    if (refusal === 'version') next = mayAge ? OLD : undefined
    else if (mayDropMethod && (isOpen || refusal === 'method')) next = WITHOUT_METHOD
    else if (mayAge && isOpen && refusal === 'silence') next = OLD
    if (next === undefined) {
      if (known?.hasWorked !== true) this.#known.delete(endpoint.href)
      return false
    }
    const isGuess = refusal === 'silence' || known?.isGuess === true
    this.#keep(endpoint, { dialect: next, isGuess, hasWorked: false })
    this.#write(attempt, next)
    return true
  }

  worked({ endpoint }: Connecting): void {
    const { dialect = this.#first, isGuess = false } = this.#known.get(endpoint.href) ?? {}
    this.#keep(endpoint, { dialect, isGuess, hasWorked: true })
  }

  /** The connection broke. Next time the server may have an answer to what it had none to. */
  lost({ href }: Endpoint): void {
    if (this.#known.get(href)?.isGuess) this.#known.delete(href)
  }

  #write(attempt: Connecting, { protocolVersion, hasMethod }: Dialect): void {
    const { cleanStart, cleanSession = cleanStart } = this.#settings
    attempt.protocolVersion = protocolVersion
    attempt.cleanSession = protocolVersion === 4 ? cleanSession : undefined
    const { credentials } = attempt
    if (hasMethod || credentials === undefined) return
    attempt.credentials = { ...credentials, authenticationMethod: undefined, authenticationData: undefined }
  }

  #keep({ href }: Endpoint, known: Known): void {
    if (this.#known.size >= MAXIMUM_SERVERS && !this.#known.has(href)) this.#known.clear()
    this.#known.set(href, known)
  }
}

function refusalOf({ isAsked, isChallenged }: Connecting, error: Error): Refusal {
  const { code, reasonCode } = error as MqttError
  if (reasonCode === ReasonCode.unsupportedProtocolVersion) return 'version'
  // A server that asks on has understood.
  if (isChallenged) return 'other'
  // Still asked: there was no CONNACK.
  if (isAsked) {
    if (code === 'unreachable') return 'silence'
    // Bytes that cannot be decoded as CONNACK of MQTT 5.0 may be that of 3.1.1, or no MQTT at all.
    const { cause } = error
    return cause instanceof ProtocolError && cause.offset >= 0 ? 'version' : 'other'
  }
  const isRefused = reasonCode !== undefined && code !== 'protocol-error'
  if (!isRefused || OF_THE_SERVER.includes(reasonCode)) return 'other'
  return reasonCode === ReasonCode.badAuthenticationMethod ? 'method' : 'unclear'
}
