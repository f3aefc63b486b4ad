import type { QoS, UserProperty, WillProperties } from '@jamey/protocol'
import type { Clock } from '../support/clock.js'
import type { MqttError } from './errors.js'
import type { Credentials, CredentialsProvider, MessageHandler, TlsOptions } from './options.js'
import type { Platform } from './platform.js'
import type { SessionStore } from './session-store.js'
import type { Endpoint, ServerList, TransportFactory } from './transport.js'

export interface ReconnectSettings {
  readonly isWanted: boolean
  readonly baseDelayMs: number
  readonly maxDelayMs: number
  readonly jitter: number
  readonly failuresBeforeOpen: number
  readonly stableAfterMs: number
}

export interface QueueSettings {
  readonly maximumMessages: number
  readonly maximumBytes: number
  readonly maximumAgeMs: number
  readonly overflow: 'reject' | 'drop-oldest' | 'drop-newest'
  readonly qos0WhenOffline: 'reject' | 'drop'
}

export interface Will {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: WillProperties | undefined
}

/** `ConnectOptions`, checked and complete. */
export interface Settings {
  readonly endpoints: readonly Endpoint[]
  /** Finds the server that an attempt connects to, where one of the endpoints is only a name. */
  readonly locate?: ((servers: ServerList, endpoint: Endpoint) => Promise<Endpoint>) | undefined
  readonly clientId: string
  readonly protocolVersion: 4 | 5 | 'auto'
  readonly cleanStart: boolean
  readonly cleanSession: boolean | undefined
  readonly sessionExpirySeconds: number
  readonly keepAliveSeconds: number
  readonly receiveMaximum: number
  readonly maximumInFlight: number
  /** Number of messages in flight on a connection of MQTT 3.1.1. */
  readonly maximumInFlight311: number
  readonly maximumPacketBytes: number
  readonly topicAliasMaximum: number
  readonly requestResponseInformation: boolean
  readonly requestProblemInformation: boolean
  readonly userProperties: readonly UserProperty[] | undefined
  readonly will: () => Will | undefined
  /** No option is a function, so every CONNECT is as the one before. */
  readonly isConnectFixed: boolean
  readonly tls: TlsOptions
  readonly requireAuthenticationMethod: boolean
  /** The credentials are those of the URL where this is undefined. */
  readonly credentials: Credentials | CredentialsProvider | undefined
  readonly reconnect: ReconnectSettings
  readonly connectTimeoutMs: number
  readonly writeTimeoutMs: number
  readonly pingTimeoutMs: number
  readonly queue: QueueSettings
  readonly store: SessionStore
  readonly waitForConnection: boolean
  readonly onUnhandledMessage: MessageHandler | undefined
  readonly onBackgroundError: (error: MqttError) => void
  readonly clock: Clock
  readonly transport: TransportFactory
  readonly platform: Platform
}

/** Outgoing PUBLISH uses the packet identifiers 1 to this; the rest is for SUBSCRIBE and UNSUBSCRIBE. */
export const PUBLISH_IDENTIFIERS = 16_384
