import type { KeyObject } from 'node:crypto'
import type { ConnectOptions, SessionStore } from '@jamey/mqtt'
import type { Clock } from '../support/clock.js'
import type { RateLimit } from '../support/rate-limiter.js'
import type { Tracing } from './tracing.js'

/**
 * Says whether the server has shared subscriptions, where its word does not tell: found out ('auto'), or known to
 * whoever configures.
 */
export type SharedSubscriptions = 'auto' | 'available' | 'unavailable'

/** Fields of a line of the log; `event` is the name that docs/logs.md has. */
export interface BusLogFields {
  readonly event: string
  readonly [field: string]: unknown
}

/** The part of a pino logger that the bus uses. */
export interface BusLog {
  debug(fields: BusLogFields, message: string): void
  info(fields: BusLogFields, message: string): void
  warn(fields: BusLogFields, message: string): void
  error(fields: BusLogFields, message: string): void
}

/** TLS 1.3 is the only version; the server is always verified. Everything is PEM. */
export interface BusTls {
  /** Authorities that may have signed the server's certificate; those that Node knows by default. */
  readonly ca?: string | Uint8Array | undefined
  /** A client certificate, whose common name must be the client identifier. */
  readonly cert?: string | Uint8Array | undefined
  readonly key?: string | Uint8Array | KeyObject | undefined
  /** Passphrase of a `key` in encrypted PEM. */
  readonly passphrase?: string | undefined
  /**
   * Absolute paths of where the above was read. Each attempt to connect reads them again, so that a certificate that was
   * renewed, or another authority, takes no restart.
   */
  readonly files?: BusTlsFiles | undefined
}

export interface BusTlsFiles {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** Passphrase of the key in that file, as the bytes of a secret key. */
  readonly passphrase?: KeyObject | undefined
}

/** The component that a bus belongs to, for its status, heartbeats and error events. */
export interface BusComponent {
  readonly name: string
  readonly version: string
}

export interface BusConfig {
  /** `mqtts://host[:8883]`; `mqtt://` means the same unless `insecure`. Several fail over in order. */
  readonly url: string | readonly string[]
  /** Several URLs are tried in their order ('listed', the default), or in one of chance, so that clients spread. */
  readonly urlOrder?: 'listed' | 'random' | undefined
  /** Proxy of all connections; see the option `proxy` of `@jamey/mqtt`. */
  readonly proxy?: ConnectOptions['proxy'] | undefined
  /** Makes all connections instead of what the URL says; see the option `transport` of `@jamey/mqtt`. */
  readonly transport?: ConnectOptions['transport'] | undefined
  /** One topic level; also the token's `sub`. */
  readonly clientId: string
  readonly tls?: BusTls | undefined
  /**
   * The client identifier by default. False: neither user name nor token is sent, for the client certificate tells the
   * server who this is, or it lets in everybody.
   */
  readonly username?: string | false | undefined
  /**
   * How the token is shown. `JWT`: also by enhanced authentication (MQTT 5.0), so that it is renewed within the connection, and
   * by nothing less. `none`: as password alone; each renewal takes a new connection. `auto` (the default): `JWT`, and
   * `none` with a server that turns out not to know it.
   */
  readonly authenticationMethod?: 'JWT' | 'none' | 'auto' | undefined
  /** The shared HS256 secret, at least 32 bytes; without it the client connects without a token. */
  readonly jwtSecret?: string | Uint8Array | KeyObject | undefined
  /**
   * Where tokens are issued for `clientSecret`, or without one for the client certificate (`tls`), in place of
   * `jwtSecret`: OAuth 2.0, client credentials. The client then holds nothing that could sign one. `https:`, or with a
   * secret `http:` of this machine.
   */
  readonly tokenUrl?: string | undefined
  readonly clientSecret?: string | KeyObject | undefined
  /**
   * Authorities that may have signed the certificate of the server at `tokenUrl`, PEM; those that Node knows by
   * default.
   */
  readonly tokenCa?: string | Uint8Array | undefined
  /** The absolute path of where it was read, to be read again for each token. */
  readonly tokenCaFile?: string | undefined
  /** Secrets whose tokens a verifier still accepts; the bus itself signs with `jwtSecret`. */
  readonly formerJwtSecrets?: readonly KeyObject[] | undefined
  /** Whom the tokens are for (`aud`), for brokers that ask; whoever verifies tokens takes those for one of these. */
  readonly jwtAudience?: readonly string[] | undefined
  /** The first signs (`iss`), for brokers that ask; whoever verifies tokens takes those of one of these. */
  readonly jwtIssuers?: readonly string[] | undefined
  /** Seconds; 300 by default. */
  readonly jwtLifetimeSeconds?: number | undefined
  /** MQTT filters, each optionally with `publish:` or `subscribe:`; nothing listed, nothing allowed. */
  readonly permissions: readonly string[]
  /** The bus publishes status, heartbeats and error events where this is given. */
  readonly component?: BusComponent | undefined
  /** Seconds; 60 by default, 0 turns it off. */
  readonly keepAliveSeconds?: number | undefined
  /** Bytes of the largest packet we accept; 268435455 by default. */
  readonly maximumPacketBytes?: number | undefined
  /** Seconds for which the server keeps the session of a lost connection; 300 by default. */
  readonly sessionExpirySeconds?: number | undefined
  /**
   * MQTT 3.1.1: true ends the session with each connection. By default it is kept, so that nothing is lost when a new
   * token takes a new connection; the server keeps it beyond the process, too, until the next one of this name.
   */
  readonly cleanSession?: boolean | undefined
  /** `auto` by default: 5, which is MQTT 5.0, or 4, MQTT 3.1.1, with a server that speaks nothing else. */
  readonly protocolVersion?: 4 | 5 | 'auto' | undefined
  /**
   * Whether requests may be shared with the other members of a group. `auto` (the default): a server of MQTT 5.0 says
   * it, and with one of 3.1.1 a service finds it out. Without, each of several instances gets every request.
   */
  readonly sharedSubscriptions?: SharedSubscriptions | undefined
  /**
   * Who may act for others (`RequestOptions.onBehalfOf`) where the server does not tell it; Jamey's gateway by default.
   * One that stamps tells it by the sender's `act-for:` permissions, and then nothing is asked here.
   */
  readonly actFor?: readonly string[] | undefined
  /**
   * Topic filters under which each server of `url` tells who sent a message, and lets nobody else say it, though its
   * CONNACK does not say so: Mosquitto with our plugin. With any other server whoever publishes could be anybody. None
   * by default.
   */
  readonly serverStamps?: readonly string[] | undefined
  /**
   * Whether requests are served whose sender neither the server nor their topic tells, so that whoever may publish
   * there can write that it is anybody. It is warned about; false by default.
   */
  readonly acceptUnverified?: boolean | undefined
  /** Publishing has no limit by default. */
  readonly rateLimit?: RateLimit | undefined
  /** Seconds between heartbeats; 30 by default, 0 turns them off. */
  readonly heartbeatSeconds?: number | undefined
  /**
   * True where `connectBus` waits for the first connection (the default), false where it goes on trying in the
   * background.
   */
  readonly waitForConnection?: boolean | undefined
  /** Gives the first connection up, where `connectBus` waits for it. */
  readonly signal?: AbortSignal | undefined
  /** Failed attempts in a row until the breaker opens and only `bus.mqtt.reset()` tries again; 10 by default, Infinity: never. */
  readonly failuresBeforeOpen?: number | undefined
  /** Makes `mqtt://` plaintext. For tests and closed networks; it is warned about. */
  readonly insecure?: boolean | undefined
  /** Bounds for answers of served requests that are kept for redeliveries; 10000 answers and 16 MiB by default. */
  readonly answerCache?:
    | { readonly maximumAnswers?: number | undefined; readonly maximumBytes?: number | undefined }
    | undefined
  /**
   * Where published messages are kept until the server has acknowledged them, also beyond the process; in memory by
   * default. Requests, answers and presence are not: their deadline, or the next connection, makes up for a lost one.
   */
  readonly store?: SessionStore | undefined
  /** The folder of such a store on disk, of one process only, where `store` is not given; takes the package `@jamey/store`. */
  readonly outboxFolder?: string | undefined
  readonly clock?: Clock | undefined
  readonly log?: BusLog | undefined
  /** Told of every message; nobody by default. */
  readonly tracing?: Tracing | undefined
}
