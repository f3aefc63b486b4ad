import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
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
  return { ca: authorities, cert, key, passphrase: options.passphrase, servername: options.servername }
}

/** TLS 1.3 with a server whose certificate holds. */
export function secureOptions(endpoint: Endpoint, tls: TlsMaterial): ConnectionOptions {
  const { ca, cert, key, passphrase } = tls
  return {
    // Server Name Indication carries no addresses; the certificate is checked against the host all the same.
    servername: tls.servername ?? (isIP(endpoint.host) === 0 ? endpoint.host : ''),
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca: ca.map(toBuffer) }),
    ...(cert === undefined ? {} : { cert: toBuffer(cert) }),
    ...(key === undefined ? {} : { key: toBuffer(key) }),
    ...(passphrase === undefined ? {} : { passphrase }),
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
    const place = pemOrPath.includes('\n') ? 'text' : JSON.stringify(pemOrPath)
    throw new ConnectionError(
      'invalid-argument',
      `tls.${name} ${place} can not be read (${(error as NodeJS.ErrnoException).code}); expected PEM or a file of it`,
      name === 'key' ? {} : { cause: error },
    )
  }
}
