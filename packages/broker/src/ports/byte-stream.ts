import type { Limits } from '../support/limits.js'
import type { ClientCertificate } from './authenticator.js'

/**
 * A port: all that a connection needs of the network. Sockets of `net` and `tls` have it, WebSockets and
 * connections within the process are made to.
 */
export interface ByteStream {
  /** Bytes that were written and that the system has not taken yet. */
  readonly writableLength: number
  /** Came, and is part of something that is not whole; absent where bytes are handed out as they come. */
  readonly unfinishedLength?: number
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown
  /** `drain`: the system took what was written. `end`: the peer says no more. `close`: all is over. */
  on(event: 'drain' | 'end' | 'close', listener: () => void): unknown
  /** `unfinishedLength` has grown. */
  on(event: 'piece', listener: () => void): unknown
  /** `close` follows. */
  on(event: 'error', listener: (error: Error & { code?: string }) => void): unknown
  write(chunk: Uint8Array): unknown
  /** Bytes that are written between `cork` and `uncork` leave in one piece. */
  cork(): void
  uncork(): void
  pause(): unknown
  resume(): unknown
  /** Ends the stream after what was written. */
  end(): unknown
  destroy(): unknown
}

/** The client at the other end of a stream. */
export interface Peer {
  /** Behind a load balancer that speaks the PROXY protocol: the client's, as it says. `in-process`: this process. */
  readonly remoteAddress: string
  /**
   * `connectTimeoutMs` after the connection was accepted, by the monotonic clock, whatever came before the first
   * packet.
   */
  readonly connectByMs: number
  readonly certificate: ClientCertificate | undefined
  /** Limits that hold for it, where they are others than the broker's. */
  readonly terms?: Readonly<Limits> | undefined
}
