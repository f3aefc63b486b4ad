/** The address of a server, as read from a URL. */
export interface Endpoint {
  /** The scheme without its colon: `mqtt`, `mqtts`, `ws`, `wss`. */
  readonly scheme: string
  readonly host: string
  readonly port: number
  /**
   * Path that a WebSocket asks the server for, query included (which may hold secrets); '/mqtt' where the URL has none.
   */
  readonly path: string
  /** The URL without user, password and query, for messages. */
  readonly href: string
  /**
   * Finds the servers that a name stands for, best first, asked with each attempt; absent where this is no such name.
   */
  readonly servers?: (() => Promise<readonly Endpoint[]>) | undefined
}

/** A server, and what is known of its health. */
export interface KnownServer {
  endpoint: Endpoint
  /** Moment of its last failure; undefined where nothing is held against it. */
  failedAtMs: number | undefined
  /** The name that it was found under. */
  readonly name?: Endpoint | undefined
}

/** All servers of a client, in their order. */
export interface ServerList {
  readonly known: KnownServer[]
  /** The best of those. */
  choose(servers: readonly KnownServer[]): Endpoint
}

/** PEM in memory. */
export interface TlsMaterial {
  readonly ca: readonly (string | Uint8Array)[] | undefined
  readonly cert: string | Uint8Array | undefined
  readonly key: string | Uint8Array | undefined
  /** PKCS#12. */
  readonly pfx?: string | Uint8Array | undefined
  readonly alpnProtocols?: readonly string[] | undefined
  readonly passphrase: string | undefined
  readonly servername: string | undefined
  /** `cert` or `key` was read from a file, which may hold another one soon. */
  readonly mayChange?: boolean | undefined
}

/** The listener of a transport. After `onClose` it is told nothing more. */
export interface TransportListener {
  onOpen(): void
  /** The chunk belongs to the listener: the transport never writes to it again. */
  onData(chunk: Uint8Array): void
  /** `write` had returned false, and there is room again. */
  onDrain(): void
  /** Exactly once; without an error where the peer ended the stream. */
  onClose(error: Error | undefined): void
}

/** A stream of bytes to a server, a port: TCP, TLS, WebSocket. */
export interface Transport {
  /** Called once. */
  open(listener: TransportListener): void
  /** Accepts the chunks in any case; false asks to wait for `onDrain`. */
  write(chunks: readonly Uint8Array[]): boolean
  /** Bytes that were accepted, and that the network has not taken yet. */
  readonly bufferedBytes?: number
  /** Asks for no `onData` until `resume`. Browsers cannot, and go on. */
  pause(): void
  resume(): void
  /** Sends what was written, then ends. */
  close(): void
  /** Ends at once; nothing is told afterwards. */
  destroy(): void
}

export type TransportFactory = (endpoint: Endpoint, tls: TlsMaterial) => Transport
