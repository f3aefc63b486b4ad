import { ConnectionError } from '../model/errors.js'
import type {
  ConnectOptions,
  QueueOptions,
  ReconnectOptions,
  TlsOptions,
  WebSocketOptions,
  WillOptions,
} from '../model/options.js'

type Names<T> = Readonly<Record<keyof T, true>>

const TOP: Names<ConnectOptions> = {
  url: true,
  urls: true,
  clientId: true,
  protocolVersion: true,
  cleanStart: true,
  cleanSession: true,
  sessionExpirySeconds: true,
  keepAliveSeconds: true,
  receiveMaximum: true,
  maximumInFlight: true,
  maximumPacketBytes: true,
  topicAliasMaximum: true,
  requestResponseInformation: true,
  requestProblemInformation: true,
  userProperties: true,
  will: true,
  tls: true,
  requireAuthenticationMethod: true,
  credentials: true,
  reconnect: true,
  connectTimeoutMs: true,
  writeTimeoutMs: true,
  pingTimeoutMs: true,
  queue: true,
  store: true,
  waitForConnection: true,
  signal: true,
  onUnhandledMessage: true,
  onBackgroundError: true,
  proxy: true,
  webSocket: true,
  clock: true,
  transport: true,
}
const TLS: Names<TlsOptions> = {
  ca: true,
  cert: true,
  key: true,
  passphrase: true,
  pfx: true,
  ALPNProtocols: true,
  servername: true,
}
const RECONNECT: Names<ReconnectOptions> = {
  baseDelayMs: true,
  maxDelayMs: true,
  jitter: true,
  failuresBeforeOpen: true,
  stableAfterMs: true,
}
const QUEUE: Names<QueueOptions> = {
  maximumMessages: true,
  maximumBytes: true,
  maximumAgeMs: true,
  overflow: true,
  qos0WhenOffline: true,
}
const WEB_SOCKET: Names<WebSocketOptions> = { headers: true, protocol: true }
const WILL: Names<WillOptions> = { topic: true, payload: true, qos: true, retain: true, properties: true }

/** Throws `ConnectionError` 'invalid-argument' for an option that there is none of: ignored, it would mislead. */
export function assertOptionNames(options: ConnectOptions): void {
  assertNames(options, TOP, '')
  const { tls, reconnect, queue, webSocket, will } = options
  assertNames(tls, TLS, 'tls.')
  if (reconnect !== false) assertNames(reconnect, RECONNECT, 'reconnect.')
  assertNames(queue, QUEUE, 'queue.')
  assertNames(webSocket, WEB_SOCKET, 'webSocket.')
  if (typeof will !== 'function') assertNames(will, WILL, 'will.')
}

function assertNames(given: object | undefined, known: Readonly<Record<string, true>>, group: string): void {
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value === undefined || Object.hasOwn(known, name)) continue
    const [nearest] = Object.keys(known)
      .map((other) => ({ other, distance: distanceOf(name.toLowerCase(), other.toLowerCase()) }))
      .sort((a, b) => a.distance - b.distance)
    const isNear = nearest !== undefined && nearest.distance <= Math.max(2, name.length / 2.5)
    const hint = isNear
      ? `did you mean ${group}${nearest.other}?`
      : `there are ${Object.keys(known).join(', ')}`
    throw new ConnectionError('invalid-argument', `option ${group}${name} is unknown; ${hint}`)
  }
}

/**
 * Number of letters that have to be put in, left out or replaced. A part that one of them only ends with counts little.
 */
function distanceOf(one: string, other: string): number {
  if (one.startsWith(other) || other.startsWith(one)) return 1
  let row = Array.from({ length: other.length + 1 }, (_, i) => i)
  for (let i = 0; i < one.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < other.length; j++) {
      const replaced = (row[j] as number) + (one[i] === other[j] ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1))
    }
    row = next
  }
  return row[other.length] as number
}
