export interface ListenerTls {
  /** PEM. */
  cert: string | Uint8Array
  key: string | Uint8Array
  /** Who vouches for client certificates; needed with `requestClientCertificate`. */
  ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined
  /** Clients may show a certificate; one that `ca` does not vouch for ends the connection. */
  requestClientCertificate?: boolean | undefined
}

/** TLS 1.3, unless `insecure: true` asks for plain TCP. */
export interface ListenerOptions {
  host: string
  /** 0 takes any free one; see `addresses`. */
  port: number
  tls?: ListenerTls | undefined
  insecure?: boolean | undefined
}

export interface ListenerAddress {
  host: string
  port: number
  tls: boolean
}
