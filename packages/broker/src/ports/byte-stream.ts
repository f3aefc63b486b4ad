import type { Limits } from '../support/limits.js'
import type { ClientCertificate } from './authenticator.js'

/** What a connection needs of the network, a port: sockets of `net` and `tls` have it, WebSockets are made to. */
export interface ByteStream {
  /** Written and not yet taken by the system. */
  readonly writableLength: number
  /** Came, and is part of something that is not whole; absent where bytes are handed out as they come. */
  readonly unfinishedLength?: number
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  /** `drain`: the system took what was written. `end`: the peer says no more. `close`: all is over. */
  on(event: 'drain' | 'end' | 'close', listener: () => void): unknown
  /** `unfinishedLength` has grown. */
  on(event: 'piece', listener: () => void): unknown
  /** `close` follows. */
  on(event: 'error', listener: (error: Error & { code?: string }) => void): unknown
  write(chunk: Uint8Array): unknown
  /** What is written between the two leaves in one piece. */
  cork(): void
  uncork(): void
  pause(): unknown
  resume(): unknown
  /** After what was written. */
  end(): unknown
  destroy(): unknown
}

/** Whose stream it is. */
export interface Peer {
  /** Behind a load balancer that speaks the PROXY protocol: the client's, as it says. */
  readonly remoteAddress: string
  /** By the monotonic clock: `connectTimeoutMs` after it was accepted, whatever came before the first packet. */
  readonly connectByMs: number
  readonly certificate: ClientCertificate | undefined
  /** Limits that hold for it, where they are others than the broker's. */
  readonly terms?: Readonly<Limits> | undefined
}
