import { assertTopicName } from '@jamey/protocol'
import { ConnectionError, type MqttError } from '../model/errors.js'
import type { BrowserConnectOptions, ConnectOptions, WillOptions } from '../model/options.js'
import type { Platform } from '../model/platform.js'
import {
  PUBLISH_IDENTIFIERS,
  type QueueSettings,
  type ReconnectSettings,
  type Settings,
  type Will,
} from '../model/settings.js'
import { MemorySessionStore } from '../publishing/memory-session-store.js'
import { randomHex, utf8Encode } from '../support/bytes.js'
import { guarded } from '../support/guarded.js'
import { readUrl } from '../transport/endpoint.js'

/**
 * MQTT 3.1.1 has no Receive Maximum, so a server cannot say how much it takes at once. Mosquitto 2.0 takes 20 by
 * default, and what goes beyond that with QoS 2 it acknowledges and drops.
 */
const DEFAULT_IN_FLIGHT_3_1_1 = 20
const MEBIBYTE = 1_048_576

/**
 * Throws `ConnectionError` 'invalid-argument' that names the option where no client can be made of the options. Values
 * that are out of bounds are refused before, in Node.
 */
export function readSettings(options: BrowserConnectOptions, platform: Platform): Settings {
  const { url, urls = url === undefined ? [] : [url], protocolVersion = 5 } = options
  if (url !== undefined && options.urls !== undefined)
    throw invalid('urls', 'given beside url', 'one of them')
  if (urls.length === 0) throw invalid('url', 'nothing', "one such as 'mqtts://host:8883'")
  return {
    endpoints: urls.map(readUrl),
    clientId: options.clientId ?? (protocolVersion === 5 ? '' : randomClientId()),
    protocolVersion,
    cleanStart: options.cleanStart ?? true,
    cleanSession: options.cleanSession,
    sessionExpirySeconds: options.sessionExpirySeconds ?? 3600,
    keepAliveSeconds: options.keepAliveSeconds ?? 60,
    receiveMaximum: options.receiveMaximum ?? 1024,
    maximumInFlight: options.maximumInFlight ?? PUBLISH_IDENTIFIERS,
    maximumInFlight311: options.maximumInFlight ?? DEFAULT_IN_FLIGHT_3_1_1,
    maximumPacketBytes: options.maximumPacketBytes ?? 16 * MEBIBYTE,
    topicAliasMaximum: options.topicAliasMaximum ?? 16,
    requestResponseInformation: options.requestResponseInformation ?? false,
    requestProblemInformation: options.requestProblemInformation ?? true,
    userProperties: options.userProperties,
    will: readWill(options.will),
    isConnectFixed: typeof options.will !== 'function' && typeof options.credentials !== 'function',
    tls: options.tls ?? {},
    requireAuthenticationMethod: options.requireAuthenticationMethod ?? false,
    credentials: options.credentials,
    reconnect: readReconnect(options.reconnect),
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    writeTimeoutMs: options.writeTimeoutMs ?? 30_000,
    pingTimeoutMs: options.pingTimeoutMs ?? 5_000,
    queue: readQueue(options.queue),
    store: options.store ?? new MemorySessionStore(),
    waitForConnection: options.waitForConnection ?? true,
    onUnhandledMessage: options.onUnhandledMessage,
    onBackgroundError: guarded(options.onBackgroundError ?? warnOnce(platform)),
    clock: options.clock ?? platform.clock,
    transport: options.transport ?? platform.openTransport,
    platform,
  }
}

function readReconnect(options: ConnectOptions['reconnect']): ReconnectSettings {
  const given = options || {}
  const baseDelayMs = given.baseDelayMs ?? 1000
  return {
    isWanted: options !== false,
    baseDelayMs,
    maxDelayMs: Math.max(baseDelayMs, given.maxDelayMs ?? 60_000),
    jitter: given.jitter ?? 0.2,
    failuresBeforeOpen: given.failuresBeforeOpen ?? 10,
    stableAfterMs: given.stableAfterMs ?? 5000,
  }
}

function readQueue(given: ConnectOptions['queue'] = {}): QueueSettings {
  return {
    maximumMessages: given.maximumMessages ?? 100_000,
    maximumBytes: given.maximumBytes ?? 64 * MEBIBYTE,
    maximumAgeMs: given.maximumAgeMs ?? Number.POSITIVE_INFINITY,
    overflow: given.overflow ?? 'reject',
    qos0WhenOffline: given.qos0WhenOffline ?? 'reject',
  }
}

function readWill(will: ConnectOptions['will']): () => Will | undefined {
  if (will === undefined) return () => undefined
  if (typeof will === 'function') return () => completeWill(will())
  const complete = completeWill(will)
  return () => complete
}

function completeWill(will: WillOptions): Will {
  try {
    assertTopicName(will.topic)
  } catch (error) {
    throw new ConnectionError('invalid-argument', `will: ${(error as Error).message}`, { cause: error })
  }
  return {
    topic: will.topic,
    payload: typeof will.payload === 'string' ? utf8Encode(will.payload) : will.payload,
    qos: will.qos ?? 0,
    retain: will.retain ?? false,
    properties: will.properties,
  }
}

function randomClientId(): string {
  // 3.1.1 servers need not accept more than 23 characters. [MQTT-3.1.3-5]
  return `jamey-${randomHex()}`
}

/** Silence would hide failing handlers from whoever did not ask to be told; one warning does not flood. */
function warnOnce(platform: Platform): (error: MqttError) => void {
  let hasWarned = false
  return (error) => {
    if (hasWarned) return
    hasWarned = true
    platform.warn(`${error.message} (more in onBackgroundError)`)
  }
}

function invalid(name: string, found: unknown, expected: string): ConnectionError {
  return new ConnectionError('invalid-argument', `option ${name} is ${String(found)}; expected ${expected}`)
}
