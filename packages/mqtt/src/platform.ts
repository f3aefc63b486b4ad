import type { TlsOptions } from './options.js'
import type { TlsMaterial, TransportFactory } from './transport.js'

/** What differs between Node and browsers, a port: the rest of this package runs in both. */
export interface Platform {
  readonly openTransport: TransportFactory
  readTls(options: TlsOptions): Promise<TlsMaterial>
  /** Tells whoever runs the program. */
  warn(message: string): void
}
