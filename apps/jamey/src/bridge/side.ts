import { type BusConfig, createRenewingClient, type RenewingClient } from '@jamey/bus'
import { COMPONENTS } from '@jamey/contracts'
import type { Client, Message, MqttError, ServerInformation, SessionStore, StateChange } from '@jamey/mqtt'
import { matches, type QoS } from '@jamey/protocol'
import type { SideFacts } from './carrier.js'
import type { BridgeSettings, SideSettings } from './settings.js'

const SENDER_PROPERTY = 'jamey-sender'
const ON_BEHALF_OF_PROPERTY = 'jamey-on-behalf-of'

/** What the last CONNACK told, kept over restarts, so that messages can be carried to a side that is away. */
export interface Remembered {
  readonly protocolVersion: 4 | 5
  readonly maximumQos: QoS
  /** Filters of what it tells senders of. */
  readonly stamped: readonly string[]
  /** Filters of the topics for which it lets nobody say for whom a message is who may not act for that one. */
  readonly guarded?: readonly string[] | undefined
}

export interface SideParts {
  readonly settings: SideSettings
  readonly bridge: Pick<BridgeSettings, 'limits' | 'sessionExpirySeconds'>
  readonly permissions: readonly string[]
  readonly store: SessionStore
  readonly remembered: Remembered | undefined
  /** For what comes by subscriptions that another run of the bridge has made. */
  readonly onMessage: (message: Message) => Promise<void>
  readonly onState: (change: StateChange) => void
  readonly onError: (error: MqttError) => void
}

/** The bridge's client of one broker, and what is known of that broker. */
export class Side implements SideFacts {
  readonly name: string
  readonly actFor: readonly string[]
  readonly client: Client
  readonly #parts: SideParts
  readonly #renewing: RenewingClient
  #remembered: Remembered | undefined
  #server: ServerInformation | undefined
  readonly #selected = new Map<string, boolean>()

  constructor(parts: SideParts) {
    const { settings, bridge, permissions, store, remembered } = parts
    this.#parts = parts
    this.name = settings.name
    this.actFor = settings.config.actFor ?? [COMPONENTS.gateway.clientId]
    this.#remembered = remembered
    const config: BusConfig = { ...settings.config, permissions }
    this.#renewing = createRenewingClient(config, {
      store,
      cleanStart: false,
      cleanSession: false,
      sessionExpirySeconds: bridge.sessionExpirySeconds,
      receiveMaximum: bridge.limits.receiveMaximum,
      queue: {
        maximumMessages: bridge.limits.messages,
        maximumBytes: bridge.limits.bytes,
        qos0WhenOffline: 'drop',
      },
      // Nobody is there to close an open breaker, and what waits on the other side waits for this one.
      reconnect: { failuresBeforeOpen: Number.POSITIVE_INFINITY },
      waitForConnection: false,
      onUnhandledMessage: parts.onMessage,
      onBackgroundError: parts.onError,
    })
    this.client = this.#renewing.client
    this.client.onState((change) => {
      this.#look()
      parts.onState(change)
    })
  }

  /** Undefined until it was connected for the first time. */
  get known(): Remembered | undefined {
    return this.#remembered
  }

  /** What it said on the last connection of this process; undefined before the first. */
  get server(): ServerInformation | undefined {
    return this.#server
  }

  get hasProperties(): boolean {
    return this.#remembered?.protocolVersion === 5
  }

  get maximumQos(): QoS {
    return this.#remembered?.maximumQos ?? 1
  }

  stamps(topic: string): boolean {
    const stamped = this.#remembered?.stamped ?? []
    if (stamped.length === 0) return false
    let isSelected = this.#selected.get(topic)
    if (isSelected === undefined) {
      isSelected = stamped.some((filter) => matches(filter, topic))
      if (this.#selected.size >= 1000) this.#selected.clear()
      this.#selected.set(topic, isSelected)
    }
    return isSelected
  }

  guards(topic: string): boolean {
    return this.#remembered?.guarded?.some((filter) => matches(filter, topic)) ?? false
  }

  /** Whether what waits to be published here may grow by so many bytes. */
  hasRoomFor(bytes: number): boolean {
    const { messages, bytes: most } = this.#parts.bridge.limits
    const { queuedMessages, queuedBytes } = this.client.stats()
    return queuedMessages < messages && queuedBytes + bytes < most
  }

  async close(): Promise<void> {
    this.#renewing.stopRenewal()
    await this.client.close({ drain: false, timeoutMs: 5000 })
  }

  #look(): void {
    const server = this.client.serverInformation
    if (server === undefined || server === this.#server) return
    this.#server = server
    const { protocolVersion } = server
    const announcedAs = (wanted: string): string[] =>
      server.userProperties.flatMap(([name, filter]) => (name === wanted ? [filter] : []))
    const told = protocolVersion === 5 ? (this.#parts.settings.config.serverStamps ?? []) : []
    this.#remembered = {
      protocolVersion,
      // A server of 3.1.1 does not say it, and RabbitMQ and NATS have no QoS 2.
      maximumQos: protocolVersion === 5 ? server.maximumQoS : 1,
      stamped: [...announcedAs(SENDER_PROPERTY), ...told],
      guarded: announcedAs(ON_BEHALF_OF_PROPERTY),
    }
    this.#selected.clear()
  }
}
