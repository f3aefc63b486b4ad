import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { Broker, ClientCertificate } from '@jamey/broker'
import { AuthenticationError, type TlsMaterial, type TransportFactory } from '@jamey/mqtt'
import { commonNameOf } from '../support/certificate-name.js'

/** Extended Key Usage id-kp-clientAuth, RFC 5280 section 4.2.1.12. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/**
 * Connects parts of this process with its broker, without TLS and without a socket. The certificate that each would show
 * in its handshake is verified as there, with its key and for each attempt, and then shown to the authenticator;
 * `authorities` are those of client certificates now, PEM.
 */
export function inProcessTransport(
  broker: Pick<Broker, 'connectInProcess'>,
  authorities: () => readonly (string | Uint8Array)[],
): TransportFactory {
  return (_endpoint, tls) => {
    const certificate = verifiedCertificate(tls, authorities(), Date.now())
    return broker.connectInProcess({ certificate })
  }
}

/**
 * The client certificate of `tls`; undefined where it has none. Throws `AuthenticationError` for one that no authority
 * vouches for, that is not good at `nowMs`, that is not for clients, or whose key it has not.
 */
export function verifiedCertificate(
  { cert, key, passphrase }: TlsMaterial,
  authorities: readonly (string | Uint8Array)[],
  nowMs: number,
): ClientCertificate | undefined {
  if (cert === undefined) return undefined
  const certificate = new X509Certificate(cert)
  const known = authorities.flatMap((pem) => certificatesIn(pem)).filter((one) => isGoodAt(one, nowMs))
  const isIssued = (by: X509Certificate): boolean =>
    by.ca && certificate.checkIssued(by) && certificate.verify(by.publicKey)
  if (!known.some(isIssued)) throw refused('no authority of the broker vouches for it')
  if (!isGoodAt(certificate, nowMs)) {
    throw refused(`it is good from ${certificate.validFrom} to ${certificate.validTo}`)
  }
  const { keyUsage } = certificate
  if (keyUsage !== undefined && !keyUsage.includes(CLIENT_AUTH)) throw refused('it is not for clients')
  if (key === undefined || !certificate.checkPrivateKey(privateKey(key, passphrase))) {
    throw refused('its private key is another one')
  }
  return { commonName: commonNameOf(certificate), raw: certificate.raw }
}

function isGoodAt({ validFrom, validTo }: X509Certificate, nowMs: number): boolean {
  return Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo)
}

function certificatesIn(pem: string | Uint8Array): X509Certificate[] {
  const text = typeof pem === 'string' ? pem : Buffer.from(pem).toString('latin1')
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block) => new X509Certificate(block))
}

function privateKey(key: string | Uint8Array, passphrase: string | undefined) {
  const pem = typeof key === 'string' ? key : Buffer.from(key)
  return createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase })
}

function refused(why: string): AuthenticationError {
  // It may be replaced, and so may the authorities.
  const details = { retryable: true }
  return new AuthenticationError('client-certificate', `the client certificate is of no use: ${why}`, details)
}
