import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { type ConnectionOptions, createSecureContext, type SecureContextOptions } from 'node:tls'
import { ConnectionError } from './errors.js'
import type { TlsOptions } from './options.js'
import type { Endpoint, TlsMaterial } from './transport.js'

/** Reads the files among the options; done for every attempt, so that renewed certificates are picked up. */
export async function readTlsMaterial(options: TlsOptions): Promise<TlsMaterial> {
  const { ca } = options
  const [authorities, cert, key] = await Promise.all([
    ca === undefined ? undefined : Promise.all([ca].flat().map((one) => readPem('ca', one))),
    options.cert === undefined ? undefined : readPem('cert', options.cert),
    options.key === undefined ? undefined : readPem('key', options.key),
  ])
  authorities?.forEach((authority, at) => {
    assertCertificate('ca', authority, isPath([ca].flat()[at]))
  })
  if (cert !== undefined) assertCertificate('cert', cert, isPath(options.cert))
  const { passphrase, servername } = options
  const mayChange = isPath(options.cert) || isPath(options.key)
  return { ca: authorities, cert, key, passphrase, servername, mayChange }
}

/** What a file holds may be another thing soon: it is written or replaced while we look. What was handed over stays. */
function isPath(pemOrPath: string | Uint8Array | undefined): boolean {
  return typeof pemOrPath === 'string' && !/-----BEGIN|\n/.test(pemOrPath)
}

/** OpenSSL passes over authorities that are none, and then trusts nobody without saying why. */
function assertCertificate(name: string, pem: string | Uint8Array, retryable: boolean): void {
  try {
    new X509Certificate(toBuffer(pem))
  } catch (error) {
    const { reason, message } = error as Error & { reason?: string }
    throw new ConnectionError(
      'invalid-argument',
      `tls.${name} is no certificate (${reason ?? message}); expected PEM or a file of it`,
      { retryable },
    )
  }
}

/** TLS 1.3 with a server whose certificate holds. Throws `ConnectionError` where the certificates can not be used. */
export function secureOptions(endpoint: Endpoint, tls: TlsMaterial): ConnectionOptions {
  return {
    // Server Name Indication carries no addresses; the certificate is checked against the host all the same.
    servername: tls.servername ?? (isIP(endpoint.host) === 0 ? endpoint.host : ''),
    rejectUnauthorized: true,
    secureContext: secureContextOf(tls),
  }
}

function secureContextOf({ ca, cert, key, passphrase, mayChange = false }: TlsMaterial) {
  const options: SecureContextOptions = {
    minVersion: 'TLSv1.3',
    ...(ca === undefined ? {} : { ca: ca.map(toBuffer) }),
    ...(cert === undefined ? {} : { cert: toBuffer(cert) }),
    ...(key === undefined ? {} : { key: toBuffer(key) }),
    ...(passphrase === undefined ? {} : { passphrase }),
  }
  try {
    return createSecureContext(options)
  } catch (error) {
    const { reason, message } = error as Error & { reason?: string }
    // What OpenSSL says of a key holds nothing of it; the error itself may hold the options, so it is no cause here.
    throw new ConnectionError(
      'invalid-argument',
      `tls.cert and tls.key can not be used together: ${reason ?? message}; expected the PEM of a certificate and of its own key, with tls.passphrase where it has one`,
      { retryable: mayChange },
    )
  }
}

function toBuffer(pem: string | Uint8Array): string | Buffer {
  return typeof pem === 'string' ? pem : Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength)
}

async function readPem(name: string, pemOrPath: string | Uint8Array): Promise<string | Uint8Array> {
  if (typeof pemOrPath !== 'string' || pemOrPath.includes('-----BEGIN')) return pemOrPath
  try {
    return await readFile(pemOrPath)
  } catch (error) {
    // The text may be a damaged key instead of a path, so it is told only where it looks like one.
    const retryable = isPath(pemOrPath)
    const place = retryable ? JSON.stringify(pemOrPath) : 'text'
    throw new ConnectionError(
      'invalid-argument',
      `tls.${name} ${place} can not be read (${(error as NodeJS.ErrnoException).code}); expected PEM or a file of it`,
      name === 'key' ? { retryable } : { retryable, cause: error },
    )
  }
}
