import type {
  CloseOptions,
  Message as MqttMessage,
  PublishOptions,
  PublishResult,
  ServerInformation,
  StateChange,
  StateName,
  SubscribeOptions,
} from '@jamey/mqtt'

/** A subscription as the bus keeps it. */
export interface PortSubscription {
  unsubscribe(): Promise<void>
  /** Asks the server for it anew; resolves with its yes. `isUnheard`: because nothing came by it. */
  renew(options: { timeoutMs: number; isUnheard?: boolean }): Promise<void>
}

/** The part of the MQTT client that the bus stands on; tests put a fake in its place. */
export interface MqttPort {
  readonly state: StateName
  /** The last state change, with its cause. */
  readonly status: StateChange
  readonly serverInformation: ServerInformation | undefined
  publish(topic: string, payload: Uint8Array, options: PublishOptions): Promise<PublishResult>
  subscribe(
    filter: string,
    options: SubscribeOptions,
    handler: (message: MqttMessage) => void | Promise<void>,
  ): Promise<PortSubscription>
  onState(observer: (change: StateChange) => void): () => void
  reauthenticate(): Promise<void>
  close(options: CloseOptions): Promise<unknown>
}
