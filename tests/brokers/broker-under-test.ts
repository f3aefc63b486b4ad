/** `connection`: the other one's is ended. `session`: what waits for the other is delivered, too. */
export type ForeignIdentifier = 'nothing' | 'connection' | 'session'

/** What is known of a broker before it is tried: a scene that sees something else fails, so that the page stays true. */
export interface Capabilities {
  readonly protocolVersion: 4 | 5
  /** Whether services share their requests there. Without, one instance of several serves them all. */
  readonly sharesRequests: boolean
  /** Whether whoever may not be in a group can take its messages away. */
  readonly letsIntoGroups: boolean
  /** Whether what is retained comes for a filter with a wildcard. */
  readonly retainsForWildcards: boolean
  /** What connecting under the client identifier of another brings. */
  readonly foreignIdentifier: ForeignIdentifier
}

/** A broker with its files, which the suite starts, ends and connects to. */
export interface BrokerUnderTest {
  /** Of its row. */
  readonly key: string
  readonly name: string
  /** As it calls itself; known once it has started. */
  readonly version: string
  /** How it knows its clients, and what they may do. */
  readonly access: string
  readonly capabilities: Capabilities
  start(): Promise<void>
  /** SIGKILL, and started again; undefined where it is not ours to end. */
  readonly kill9: (() => Promise<void>) | undefined
  /** Ended in order, and started again. */
  readonly restart: (() => Promise<void>) | undefined
  stop(): Promise<void>
  /** `MQTT_*` of whoever connects under this client identifier. */
  environmentOf(clientId: string): Promise<Record<string, string>>
}
