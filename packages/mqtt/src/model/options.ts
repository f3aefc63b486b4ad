import type { PublishProperties, QoS, UserProperty, WillProperties } from '@jamey/protocol'
import type { Clock } from '../support/clock.js'
import type { CallOptions } from '../support/deadline.js'
import type { MqttError } from './errors.js'
import type { Message } from './message.js'
import type { SessionStore } from './session-store.js'
import type { TransportFactory } from './transport.js'

export type { CallOptions }

export interface PublishOptions extends CallOptions {
  /** 0 is the default. */
  readonly qos?: QoS | undefined
  readonly retain?: boolean | undefined
  /** MQTT 5.0 only; ignored on a 3.1.1 connection. */
  readonly properties?: PublishProperties | undefined
  /** QoS 1 and 2: settle when the SessionStore has it, or (default) when the server has acknowledged it. */
  readonly until?: 'stored' | 'acknowledged' | undefined
  /**
   * QoS 1: false does not record the message in the SessionStore, so that it is lost with the process; true is the
   * default. It takes its turn among the others all the same. QoS 2 is always recorded, for a later process must know
   * which identifiers the server may still have.
   */
  readonly isDurable?: boolean | undefined
  /**
   * QoS 1 and 2: false where a refusal with 0x97 tells of who was to get this message, such as one that does not read its
   * answers, and no reason for all others to leave more slowly; true is the default.
   */
  readonly isPaced?: boolean | undefined
}

/** The answer of the server; for QoS 0 and before MQTT 5.0 there is only `reasonCode: 0`. */
export interface PublishResult {
  /** 0x00, or 0x10 where the server knew nobody who subscribes. */
  readonly reasonCode: number
  readonly reasonString?: string | undefined
  readonly userProperties?: readonly UserProperty[] | undefined
  /**
   * Present with `until: 'stored'`: the name under which `Client.acknowledged` finds the message, also after a restart
   * with the same store.
   */
  readonly receipt?: string | undefined
}

export interface SubscribeOptions extends CallOptions {
  /** The highest QoS at which messages are to come; 1 is the default. */
  readonly qos?: QoS | undefined
  readonly noLocal?: boolean | undefined
  readonly retainAsPublished?: boolean | undefined
  /**
   * 0 is the default: each handler gets the retained messages, also one that comes to a filter which others have
   * already; those get a second copy only where the server knows no subscription identifiers (and so before MQTT 5.0)
   * or `retainAsPublished` is set.
   */
  readonly retainHandling?: 0 | 1 | 2 | undefined
  /**
   * When the handler of a QoS 1 or 2 message fails: `acknowledge` (default) answers reason code 0x83, `leave` sends
   * no acknowledgement, so that the server repeats the message with the next connection. Both report the failure.
   */
  readonly whenHandlerFails?: 'acknowledge' | 'leave' | undefined
}

export interface MessagesOptions extends SubscribeOptions {
  /** QoS 0 messages kept for a consumer that is busy; more are dropped and counted. 1000 is the default. */
  readonly maximumBuffered?: number | undefined
}

/**
 * The message is acknowledged when the returned promise settles; acknowledgements leave in order of arrival.
 * Handlers of different messages run side by side.
 */
export type MessageHandler = (message: Message) => unknown

export interface WillOptions {
  readonly topic: string
  readonly payload: Uint8Array | string
  readonly qos?: QoS | undefined
  readonly retain?: boolean | undefined
  readonly properties?: WillProperties | undefined
}

export interface Credentials {
  username?: string | undefined
  password?: string | Uint8Array | undefined
  /**
   * MQTT 5.0 enhanced authentication, section 4.12. A CONNECT that names a method and is refused is tried once more
   * without it, for many servers do not say that it was the method which they do not know.
   */
  authenticationMethod?: string | undefined
  authenticationData?: string | Uint8Array | undefined
}

export interface CredentialsRequest {
  /** `refresh`: what was handed out before is about to end or was refused. `challenge`: the server asks on. */
  reason: 'connect' | 'refresh' | 'challenge'
  attempt: number
  /** The reason code of the refusal that led to a refresh. */
  reasonCode: number | undefined
  /** Authentication Data that the server sent with AUTH 0x18. */
  challenge: Uint8Array | undefined
}

export type CredentialsProvider = (request: CredentialsRequest) => Credentials | Promise<Credentials>

/** Each is PEM (text or bytes), DER (bytes) or the path of such a file, which is read again for every attempt. */
export interface TlsOptions {
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined
  readonly cert?: string | Uint8Array | undefined
  readonly key?: string | Uint8Array | undefined
  readonly passphrase?: string | undefined
  /** PKCS#12, which holds certificate and key: bytes, or the path of a file. Instead of `cert` and `key`. */
  readonly pfx?: string | Uint8Array | undefined
  /** Offered to the server by ALPN, the preferred one first: `['x-amzn-mqtt-ca']` for MQTT at port 443 of AWS IoT. */
  readonly ALPNProtocols?: readonly string[] | undefined
  /** The name the server's certificate must have, where it is not the host of the URL. */
  readonly servername?: string | undefined
}

export interface ReconnectOptions {
  /** 1000 ms by default; doubles up to `maxDelayMs`. The very first retry does not wait. */
  readonly baseDelayMs?: number | undefined
  /** 60 000 ms by default. */
  readonly maxDelayMs?: number | undefined
  /** Share of the delay by which chance moves it, both ways; 0.2 by default. */
  readonly jitter?: number | undefined
  /** Consecutive failures until the breaker opens; 10 by default, Infinity never. */
  readonly failuresBeforeOpen?: number | undefined
  /** A connection counts as held after this long; 5000 ms by default. */
  readonly stableAfterMs?: number | undefined
}

export interface QueueOptions {
  /**
   * Bound of what waits to be sent; 100 000 messages by default. With a store on disk most of it lies there, and the bounds
   * may be far larger than memory.
   */
  readonly maximumMessages?: number | undefined
  /** Likewise, of topics and payloads; 64 MiB by default. */
  readonly maximumBytes?: number | undefined
  /** A message that waited longer is given up as `expired`; no bound by default. */
  readonly maximumAgeMs?: number | undefined
  /**
   * What to do with QoS 1 and 2 at the bound; `reject` by default. `drop-oldest` spares QoS 2 that the server has received
   * already (PUBREC), and drops nothing for a message that does not fit all the same.
   */
  readonly overflow?: 'reject' | 'drop-oldest' | 'drop-newest' | undefined
  /** Decides what becomes of QoS 0 while there is no connection; `reject` by default. `drop` resolves and counts. */
  readonly qos0WhenOffline?: 'reject' | 'drop' | undefined
}

export interface WebSocketOptions {
  /** Headers of the handshake, beside those of the protocol. A function is asked for every attempt. */
  readonly headers?: HttpHeaders | (() => HttpHeaders | Promise<HttpHeaders>) | undefined
  /** The subprotocol, 'mqtt' by default, which the server has to choose; some old ones know 'mqttv3.1' alone. */
  readonly protocol?: string | undefined
}

export type HttpHeaders = Readonly<Record<string, string>>

export interface ProxyOptions {
  /** URL as in `proxy`. */
  readonly url: string
  /** PEM of who may have signed the certificate of an `https:` proxy; the authorities Node knows by default. */
  readonly ca?: string | Uint8Array | undefined
}

/** The options of a client in a page; those that are left out here the browser decides. */
export type BrowserConnectOptions = Omit<ConnectOptions, 'url' | 'proxy' | 'webSocket'> & {
  url?: string | undefined
}

/**
 * Unknown names and values out of bounds are refused by `ConnectionError` 'invalid-argument' that names the option; in
 * pages, whose bundle has no room for that, the compiler alone tells, and a value out of bounds has no defined effect.
 */
export interface ConnectOptions {
  /**
   * `mqtts://host[:8883]` (TLS 1.3, verified) or `mqtt://host[:1883]` (plain TCP); over WebSocket
   * `wss://host[:443][/mqtt]` or `ws://host[:80][/mqtt]`, the only ones in browsers. In Node those need the package
   * `ws`. User and password of a URL hold for it alone, where no `credentials` are given. `ws://host` means the path
   * `/mqtt`, `ws://host/` the root. In Node, a function is asked for every attempt, for URLs that are signed for a
   * while, and `mqtts+srv://name` means the servers of the SRV records of `_secure-mqtt._tcp.name` (`mqtt+srv` of
   * `_mqtt._tcp.name`), which lie at that name or below it.
   */
  readonly url?: string | (() => string | Promise<string>) | undefined
  /** Several servers of one cluster, tried in order; instead of `url`. */
  readonly urls?: readonly string[] | undefined
  /** Left out, the server assigns one (MQTT 5.0) or a random one is used (3.1.1). */
  readonly clientId?: string | undefined
  /**
   * 5 (default) is MQTT 5.0, 4 is MQTT 3.1.1. 'auto' is 5.0, and 3.1.1 with a server that speaks nothing else:
   * `ServerInformation.protocolVersion` tells which it became.
   */
  readonly protocolVersion?: 4 | 5 | 'auto' | undefined
  /** True where the first connection starts a new session; the default. Reconnects always resume (MQTT 5.0). */
  readonly cleanStart?: boolean | undefined
  /**
   * MQTT 3.1.1, where a session ends with its connection or not at all: false keeps it over all connections, those of
   * earlier and later processes with this client identifier, too. As `cleanStart` by default, for a server of 3.1.1 can
   * not be told when to forget it.
   */
  readonly cleanSession?: boolean | undefined
  /** Time for which the server keeps the session of a lost connection; 3600 s by default. */
  readonly sessionExpirySeconds?: number | undefined
  /** 60 s by default; 0 turns it off. */
  readonly keepAliveSeconds?: number | undefined
  /** Bound of unacknowledged incoming QoS 1 and 2 messages; 1024 by default. */
  readonly receiveMaximum?: number | undefined
  /**
   * Bound of unacknowledged outgoing ones, beneath the server's own; 16 384 by default, 20 before MQTT 5.0. Beyond
   * 64 MiB none is begun, however few they are.
   */
  readonly maximumInFlight?: number | undefined
  /** The largest packet to accept; 16 MiB by default. */
  readonly maximumPacketBytes?: number | undefined
  /** Topic aliases the server may use; 16 by default. */
  readonly topicAliasMaximum?: number | undefined
  readonly requestResponseInformation?: boolean | undefined
  readonly requestProblemInformation?: boolean | undefined
  readonly userProperties?: readonly UserProperty[] | undefined
  /** A function is asked for every connection. */
  readonly will?: WillOptions | (() => WillOptions) | undefined
  readonly tls?: TlsOptions | undefined
  /** True: the authentication method of the credentials is never left out. */
  readonly requireAuthenticationMethod?: boolean | undefined
  /** A function is asked afresh for every attempt and every refresh. */
  readonly credentials?: Credentials | CredentialsProvider | undefined
  /** False: never reconnect. */
  readonly reconnect?: ReconnectOptions | false | undefined
  /** Time from the call for credentials to CONNACK; 10 000 ms by default. */
  readonly connectTimeoutMs?: number | undefined
  /** The socket takes nothing for this long: broken; 30 000 ms by default. */
  readonly writeTimeoutMs?: number | undefined
  /** Silence after PINGREQ for this long: broken; 5000 ms by default. */
  readonly pingTimeoutMs?: number | undefined
  readonly queue?: QueueOptions | undefined
  /** The session is kept in memory by default. */
  readonly store?: SessionStore | undefined
  /** False: `connect` resolves at once, and the first connection is made like a reconnection. */
  readonly waitForConnection?: boolean | undefined
  /** Gives `connect` up. */
  readonly signal?: AbortSignal | undefined
  /** Gets the messages no subscription of this client wants; without it they are acknowledged and counted. */
  readonly onUnhandledMessage?: MessageHandler | undefined
  /** Told of failures for which nobody waits. By default the first one becomes a process warning. */
  readonly onBackgroundError?: ((error: MqttError) => void) | undefined
  /**
   * What makes all connections, in Node: `http://[user:password@]host[:80]` (CONNECT), `https://...[:443]` (the same over
   * TLS) or `socks5://...[:1080]`. It resolves the names of the servers; TLS is with those all the same. `environment`:
   * what the variables https_proxy, http_proxy, all_proxy and no_proxy say at each attempt; they are not read otherwise.
   */
  readonly proxy?: string | ProxyOptions | undefined
  /** Options of `ws:` and `wss:` in Node; browsers let no page choose. */
  readonly webSocket?: WebSocketOptions | undefined
  readonly clock?: Clock | undefined
  /** Instead of what carries the schemes of `url`. */
  readonly transport?: TransportFactory | undefined
}
