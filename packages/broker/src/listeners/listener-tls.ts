import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { BrokerError } from '../support/errors.js'

export interface ListenerTls {
  /** PEM. */
  cert: string | Uint8Array
  key: string | Uint8Array
  /** Authorities that vouch for client certificates; needed with `requestClientCertificate`. */
  ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined
  /** Clients may show a certificate; one that `ca` does not vouch for ends the connection. */
  requestClientCertificate?: boolean | undefined
  /** Clients must show one (mutual TLS): the handshake of one that does not fails. Needs `ca`. */
  requireClientCertificate?: boolean | undefined
}

export function contextOf({ cert, key, ca }: ListenerTls): SecureContextOptions {
  const authorities = ca === undefined ? undefined : (Array.isArray(ca) ? ca : [ca]).map(pem)
  return {
    cert: pem(cert),
    key: pem(key),
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ...(authorities && { ca: authorities }),
  }
}

/** Says whether a client must show a certificate, may show one, or is not asked for it. */
export function asksFor({ requestClientCertificate, requireClientCertificate }: ListenerTls) {
  if (requireClientCertificate === true) return 'required'
  return requestClientCertificate === true ? 'optional' : 'not asked for'
}

/** Throws `BrokerError` for what no handshake could be made with. */
export function assertTls(tls: ListenerTls, where: string): void {
  if (asksFor(tls) !== 'not asked for' && tls.ca === undefined) {
    const message = `${where} requests client certificates but has no tls.ca to check them against`
    throw new BrokerError('listener-invalid', message)
  }
  try {
    createSecureContext(contextOf(tls))
  } catch (error) {
    const message = `${where} tls: certificate, key or authority cannot be used: ${(error as Error).message}`
    throw new BrokerError('listener-invalid', message, { cause: error })
  }
}

function pem(text: string | Uint8Array): string | Buffer {
  return typeof text === 'string' ? text : Buffer.from(text)
}
