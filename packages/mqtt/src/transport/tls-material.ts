import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { type ConnectionOptions, createSecureContext, type SecureContextOptions } from 'node:tls'
import { ConnectionError } from '../model/errors.js'
import type { TlsOptions } from '../model/options.js'
import type { Endpoint, TlsMaterial } from '../model/transport.js'

/** Reads the files among the options; done for every attempt, so that renewed certificates are picked up. */
export async function readTlsMaterial(options: TlsOptions): Promise<TlsMaterial> {
  const { ca } = options
  if (Array.isArray(ca) && ca.length === 0) {
    // OpenSSL would trust nobody, and tell of a server that is not trusted.
    throw new ConnectionError(
      'invalid-argument',
      'tls.ca is an empty list; expected certificates, or none of it',
    )
  }
  const [authorities, cert, key, pfx] = await Promise.all([
    ca === undefined ? undefined : Promise.all([ca].flat().map((one) => readPem('ca', one))),
    options.cert === undefined ? undefined : readPem('cert', options.cert),
    options.key === undefined ? undefined : readPem('key', options.key),
    options.pfx === undefined ? undefined : readPem('pfx', options.pfx),
  ])
  const { passphrase, servername, ALPNProtocols } = options
  return {
    ca: authorities?.flatMap((authority, at) => certificatesOf('ca', authority, isPath([ca].flat()[at]))),
    cert: cert === undefined ? undefined : certificatesOf('cert', cert, isPath(options.cert)).join('\n'),
    key,
    pfx,
    passphrase,
    servername,
    alpnProtocols: ALPNProtocols,
    mayChange: isPath(options.cert) || isPath(options.key) || isPath(options.pfx),
  }
}

/** A file may hold another thing soon: it is written or replaced while we look. Bytes that were handed over stay. */
function isPath(pemOrPath: string | Uint8Array | undefined): boolean {
  return typeof pemOrPath === 'string' && !/-----BEGIN|\n/.test(pemOrPath)
}

/**
 * As PEM, each for itself: of a bundle OpenSSL takes what stands before the first that is damaged, and passes over DER;
 * either way it then trusts less than was meant without saying why.
 */
function certificatesOf(name: string, given: string | Uint8Array, retryable: boolean): string[] {
  const text = typeof given === 'string' ? given : toBuffer(given).toString('latin1')
  const blocks = text.match(
    /-----BEGIN [A-Z0-9 ]*CERTIFICATE-----[\s\S]*?-----END [A-Z0-9 ]*CERTIFICATE-----/g,
  )
  const count = Math.max(blocks?.length ?? 0, text.split(/-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/).length - 1)
  return (blocks !== null && blocks.length === count ? blocks : [toBuffer(given)]).map((block, at) => {
    try {
      return new X509Certificate(block).toString()
    } catch (error) {
      const { reason, message } = error as Error & { reason?: string }
      const which = count > 1 ? `: certificate ${at + 1} of ${count}` : ''
      throw new ConnectionError(
        'invalid-argument',
        `tls.${name}${which} is no certificate (${reason ?? message}); expected PEM or a file of it`,
        { retryable },
      )
    }
  })
}

/** TLS 1.3 with a server whose certificate holds. Throws `ConnectionError` where the certificates cannot be used. */
export function secureOptions(endpoint: Endpoint, tls: TlsMaterial): ConnectionOptions {
  return {
    // Server Name Indication carries no addresses; the certificate is checked against the host all the same.
    servername: tls.servername ?? (isIP(endpoint.host) === 0 ? endpoint.host : ''),
    rejectUnauthorized: true,
    ...(tls.alpnProtocols === undefined ? {} : { ALPNProtocols: [...tls.alpnProtocols] }),
    secureContext: secureContextOf(tls),
  }
}

function secureContextOf({ ca, cert, key, pfx, passphrase, mayChange = false }: TlsMaterial) {
  const options: SecureContextOptions = {
    minVersion: 'TLSv1.3',
    ...(ca === undefined ? {} : { ca: ca.map(toBuffer) }),
    ...(cert === undefined ? {} : { cert: toBuffer(cert) }),
    ...(key === undefined ? {} : { key: toBuffer(key) }),
    ...(pfx === undefined ? {} : { pfx: toBuffer(pfx) }),
    ...(passphrase === undefined ? {} : { passphrase }),
  }
  try {
    const context = createSecureContext(options)
    checkKey(options)
    return context
  } catch (error) {
    const { reason, message } = error as Error & { reason?: string }
    // OpenSSL's word about a key holds nothing of it; the error itself may hold the options, so it is no cause here.
    throw new ConnectionError(
      'invalid-argument',
      `${pfx === undefined ? 'tls.cert and tls.key cannot be used together' : 'tls.pfx cannot be used'}: ${wordsOf(reason ?? message)}; expected a certificate and its own key, with tls.passphrase where it has one`,
      { retryable: mayChange },
    )
  }
}

/** OpenSSL compares them by itself; rustls (Deno) would say during the handshake that the protocol is not supported. */
function checkKey({ cert, key, passphrase }: SecureContextOptions): void {
  if (cert === undefined || key === undefined) return
  const own = createPrivateKey({
    key: key as string | Buffer,
    ...(passphrase === undefined ? {} : { passphrase }),
  })
  if (!new X509Certificate(cert as string | Buffer).checkPrivateKey(own))
    throw new Error('key values mismatch')
}

/** BoringSSL (Bun) has the names of OpenSSL's reasons where OpenSSL has words. */
function wordsOf(reason: string): string {
  return /^[A-Z0-9_]+$/.test(reason) ? reason.toLowerCase().replaceAll('_', ' ') : reason
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
      `tls.${name} ${place} cannot be read (${(error as NodeJS.ErrnoException).code}); expected PEM or a file of it`,
      name === 'key' ? { retryable } : { retryable, cause: error },
    )
  }
}
