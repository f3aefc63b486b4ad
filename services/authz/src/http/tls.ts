import { createSecureContext, type TlsOptions } from 'node:tls'
import { AuthzError } from './authz-error.js'
import { HEADERS_TIMEOUT_MS } from './limits.js'

/** The certificates of HTTPS, PEM. */
export interface ServerTls {
  /** The certificate with its chain. */
  readonly cert: string
  readonly key: string
  /** Authorities that vouch for the certificates of brokers; undefined where none is asked for. */
  readonly ca: string | undefined
}

/**
 * TLS 1.3 alone. A certificate is asked for and its lack refuses nobody yet, for whoever looks at the health needs none.
 * Throws `AuthzError` for what TLS cannot work with.
 */
export function tlsOptionsOf({ cert, key, ca }: ServerTls): TlsOptions {
  const options = { cert, key, minVersion: 'TLSv1.3', ...(ca === undefined ? {} : { ca }) } as const
  try {
    createSecureContext(options)
  } catch (error) {
    const message = `JAMEY_AUTHZ_CERT, JAMEY_AUTHZ_KEY and JAMEY_AUTHZ_CA cannot be used: ${(error as Error).message}`
    throw new AuthzError('tls-unusable', message, { cause: error })
  }
  return {
    ...options,
    requestCert: ca !== undefined,
    rejectUnauthorized: false,
    handshakeTimeout: HEADERS_TIMEOUT_MS,
  }
}
