import type { Packet } from '@jamey/protocol'
import type { MqttError } from '../model/errors.js'
import type { Skipped } from '../model/platform.js'
import type { ServerInformation } from '../model/server-information.js'
import type { StateChange } from '../model/state.js'
import type { Connection } from './connection.js'

/**
 * What is known of the packet under which a connection ended: `found`, and not sent again; `near`: it is looked for, and
 * the server was well before that packet came; `none`.
 */
export type Finding = 'found' | 'near' | 'none'

/** The owner of the connections that the connector makes. */
export interface ConnectorListener {
  /**
   * `isInDoubt`: a CONNECT before this one had no answer, so the server may have made a new session meanwhile.
   * `wasAway`: it was not there for a while, so it may have been restarted.
   */
  onConnected(connection: Connection, server: ServerInformation, isInDoubt: boolean, wasAway: boolean): void
  onPacket(connection: Connection, packet: Packet | Skipped): void
  onWritable(): void
  onDisconnected(): void
  /** The connection ends, perhaps because of one packet. Before `onDisconnected`. */
  onEnding(error: MqttError): Finding
  /** The server told a failure. */
  onFailure(kind: 'connack' | 'disconnect', reasonCode: number, reasonString: string | undefined): void
  onState(change: StateChange): void
}
