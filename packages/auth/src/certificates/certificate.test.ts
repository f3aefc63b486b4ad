import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import tls from 'node:tls'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  type Authority,
  CertificateError,
  createAuthority,
  type IssuedCertificate,
  issueClientCertificate,
  issueServerCertificate,
} from '../index.js'

const DAY_MS = 86_400_000
const hosts = ['localhost', '127.0.0.1', '::1']
const authority = await createAuthority()
const server = await issueServerCertificate(authority, { hosts })
const client = await issueClientCertificate(authority, { commonName: 'eva' })
const foreignAuthority = await createAuthority({ commonName: 'Somebody else' })

interface Handshake {
  serverCertificate?: IssuedCertificate
  /** Whom the client trusts. */
  trusted?: Authority
  clientCertificate?: IssuedCertificate
  host?: string
  /** What the server wants of clients: no certificate, one to look at, or one that it can verify. */
  clients?: 'unasked' | 'asked' | 'verified'
  maxVersion?: tls.SecureVersion
}

/** A handshake over a real socket; what both sides learnt, or the error of the first that refused. */
async function shakeHands(options: Handshake) {
  const { serverCertificate = server, trusted = authority, clientCertificate, host = '127.0.0.1' } = options
  const { clients = 'unasked' } = options
  const listener = tls.createServer({
    cert: serverCertificate.certPem,
    key: serverCertificate.keyPem,
    ca: authority.certPem,
    requestCert: clients !== 'unasked',
    rejectUnauthorized: clients === 'verified',
    minVersion: 'TLSv1.3',
  })
  listener.listen(0, host)
  await once(listener, 'listening')
  const refused = once(listener, 'tlsClientError').then(([error]) => Promise.reject(error))
  const accepted = once(listener, 'secureConnection').then(([socket]) => socket as tls.TLSSocket)
  const socket = tls.connect({
    host,
    port: (listener.address() as AddressInfo).port,
    ca: trusted.certPem,
    ...(clientCertificate && { cert: clientCertificate.certPem, key: clientCertificate.keyPem }),
    ...(options.maxVersion && { minVersion: 'TLSv1.2', maxVersion: options.maxVersion }),
  })
  try {
    await Promise.race([once(socket, 'secureConnect'), refused])
    const peer = await Promise.race([accepted, refused])
    const { subject } = peer.getPeerCertificate()
    peer.destroy()
    const { authorizationError } = peer
    return { protocol: socket.getProtocol(), commonName: subject?.CN, fault: authorizationError }
  } finally {
    socket.on('error', () => undefined).destroy()
    refused.catch(() => undefined)
    listener.close()
  }
}

const hasIpv6 = Object.values(networkInterfaces()).some((each) =>
  each?.some(({ address }) => isIPv6(address)),
)

describe('issued certificates', () => {
  it('serve a TLS 1.3 handshake under a host name and IP addresses', async () => {
    const hostsHere = hasIpv6 ? hosts : hosts.slice(0, 2)
    for (const host of hostsHere) expect((await shakeHands({ host })).protocol).toBe('TLSv1.3')
  })

  it('serve mutual TLS, where the server learns the common name [promise 25]', async () => {
    const { protocol, commonName } = await shakeHands({ clients: 'verified', clientCertificate: client })
    expect({ protocol, commonName }).toEqual({ protocol: 'TLSv1.3', commonName: 'eva' })
  })

  it.each<[string, Handshake, RegExp]>([
    [
      'the client refuses a server of another authority',
      { trusted: foreignAuthority },
      /self-signed certificate/,
    ],
    [
      'the server refuses a client without a certificate',
      { clients: 'verified' },
      /peer did not return a certificate/i,
    ],
    ['a client cannot pass for a server', { serverCertificate: client }, /purpose/i],
    ['TLS 1.2 is refused where the server asks for 1.3', { maxVersion: 'TLSv1.2' }, /protocol|version/i],
  ])('are refused: %s', async (_, options, message) => {
    await expect(shakeHands(options)).rejects.toThrow(message)
  })

  it.each([
    [
      'of another authority, though it has the same name',
      () => foreignAuthority,
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    [
      'of another authority, though that has the same name, too',
      () => createAuthority(),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
  ])('are refused: a client %s', async (_, issuer, fault) => {
    const impostor = await issueClientCertificate(await issuer(), { commonName: 'eva' })
    expect(await shakeHands({ clients: 'asked', clientCertificate: impostor })).toMatchObject({ fault })
    await expect(shakeHands({ clients: 'verified', clientCertificate: impostor })).rejects.toThrow()
  })

  it('are refused: a server that passes for a client', async () => {
    const handshake = { clientCertificate: server }
    expect(await shakeHands({ clients: 'asked', ...handshake })).toMatchObject({ fault: 'INVALID_PURPOSE' })
    await expect(shakeHands({ clients: 'verified', ...handshake })).rejects.toThrow()
  })

  it('are refused: the client refuses a server of another host', async () => {
    const elsewhere = await issueServerCertificate(authority, { hosts: ['elsewhere.example'] })
    await expect(shakeHands({ serverCertificate: elsewhere })).rejects.toThrow(
      /127\.0\.0\.1 is not in the cert/,
    )
  })

  it('are refused: an expired server certificate', async () => {
    const now = () => Date.now() - 400 * DAY_MS
    const old = await createAuthority({ now })
    const expired = await issueServerCertificate(old, { hosts, now })
    await expect(shakeHands({ serverCertificate: expired, trusted: old })).rejects.toThrow(/expired/)
  })

  it('are refused: what a client signs with its own certificate', async () => {
    const error = await issueServerCertificate(client, { hosts }).catch((thrown) => thrown)
    expect(error).toMatchObject({
      code: 'certificate-mismatch',
      message: expect.stringContaining('not one of an authority'),
    })
  })

  it('say what they are for and who made them', () => {
    const [ca, leaf, person] = [authority, server, client].map(({ certPem }) => new X509Certificate(certPem))
    expect(ca?.ca).toBe(true)
    expect([leaf?.ca, person?.ca]).toEqual([false, false])
    expect(leaf?.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(person?.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    expect(leaf?.checkIssued(ca as X509Certificate)).toBe(true)
    expect(leaf?.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
    for (const each of [ca, leaf, person]) {
      expect(each?.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' })
      expect(each?.verify((ca as X509Certificate).publicKey)).toBe(true)
    }
  })

  it('carry the key identifiers of themselves and of their authority', () => {
    const keyIdentifier = ({ certPem }: IssuedCertificate) => {
      const spki = new X509Certificate(certPem).publicKey.export({ type: 'spki', format: 'der' })
      // The identifier is the SHA-1 of the key's bits, which are the last 65 of the structure. RFC 5280 4.2.1.2 (1)
      return createHash('sha1').update(spki.subarray(-65)).digest('hex')
    }
    const raw = (each: IssuedCertificate) => new X509Certificate(each.certPem).raw.toString('hex')
    for (const each of [server, client]) {
      // 04 14 <20 bytes> in the subject's, 80 14 <20 bytes> in the authority's identifier.
      expect(raw(each)).toContain(`0414${keyIdentifier(each)}`)
      expect(raw(each)).toContain(`8014${keyIdentifier(authority)}`)
    }
  })

  it('have random positive serial numbers of 16 bytes', async () => {
    const more = await Promise.all(
      Array.from({ length: 8 }, () => issueClientCertificate(authority, { commonName: 'eva' })),
    )
    const serials = more.map(({ certPem }) => new X509Certificate(certPem).serialNumber)
    expect(new Set(serials).size).toBe(8)
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/)
  })

  it('last as long as asked, start a little early, and never outlive their authority', async () => {
    const nowMs = Date.parse('2030-01-01T00:00:00Z')
    const now = () => nowMs
    const issuer = await createAuthority({ now, validityDays: 100 })
    const times = async (validityDays?: number) => {
      const { certPem } = await issueClientCertificate(issuer, { commonName: 'eva', now, validityDays })
      const { validFrom, validTo } = new X509Certificate(certPem)
      return [Date.parse(validFrom) - nowMs, Date.parse(validTo) - nowMs]
    }
    expect(await times(7)).toEqual([-300_000, 7 * DAY_MS])
    expect(await times()).toEqual([-300_000, 100 * DAY_MS])
  })

  it('can end after 2049, where the encoding of dates changes', async () => {
    const now = () => Date.parse('2030-01-01T00:00:00Z')
    const { certPem } = await createAuthority({ now, validityDays: 20_000 })
    expect(new Date(new X509Certificate(certPem).validTo).getUTCFullYear()).toBe(2084)
  })

  it('take a name as it is, whatever its characters', async () => {
    for (const commonName of ['#eva', 'a,b=c+d', 'ev"a\\', 'Zoë 東京', 'x'.repeat(64)]) {
      const { certPem } = await issueClientCertificate(authority, { commonName })
      expect(new X509Certificate(certPem).toLegacyObject().subject.CN).toBe(commonName)
    }
  })

  it('take host names in any letters and IP addresses in any writing, each once', async () => {
    const { certPem } = await issueServerCertificate(authority, {
      hosts: ['Bücher.Example', '*.example.org', '[2001:DB8::1]', 'localhost', 'LOCALHOST'],
    })
    const certificate = new X509Certificate(certPem)
    expect(certificate.subjectAltName).toBe(
      'DNS:xn--bcher-kva.example, DNS:*.example.org, IP Address:2001:DB8:0:0:0:0:0:1, DNS:localhost',
    )
    expect(certificate.checkIP('2001:db8::1')).toBeDefined()
    expect(certificate.checkHost('mqtt.example.org')).toBeDefined()
  })

  it('keep a key that is handed in', async () => {
    const again = await issueClientCertificate(authority, { commonName: 'eva', keyPem: client.keyPem })
    expect(again.keyPem).toBe(client.keyPem)
    expect(again.certPem).not.toBe(client.certPem)
  })

  it('do not show their key when they are inspected [promise 19]', () => {
    expect(inspect([authority, { server }], { depth: 9 })).not.toContain('PRIVATE KEY')
    expect({ ...server }.keyPem).toContain('PRIVATE KEY')
  })
})

const rsaKeyPem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()

describe('what cannot be issued', () => {
  const make = (names: string[]) => () => issueServerCertificate(authority, { hosts: names })
  const name = (commonName: string) => () => issueClientCertificate(authority, { commonName })
  const by = (issuer: Authority) => () => issueServerCertificate(issuer, { hosts })
  const lasting = (validityDays: number) => () => createAuthority({ validityDays })

  it.each<[string, () => Promise<unknown>, string, string]>([
    ['no hosts', make([]), 'certificate-argument', 'has no hosts'],
    [
      'a URL',
      make(['mqtts://localhost']),
      'certificate-argument',
      'the host "mqtts://localhost" is not usable',
    ],
    ['a port', make(['localhost:8883']), 'certificate-argument', 'without scheme and port'],
    ['an empty host', make(['']), 'certificate-argument', 'the host "" is not usable'],
    ['four numbers that are no address', make(['1.2.3.400']), 'certificate-argument', '"1.2.3.400"'],
    ['an address with a zone', make(['fe80::1%eth0']), 'certificate-argument', '"fe80::1%eth0"'],
    ['a wildcard inside', make(['a.*.example']), 'certificate-argument', '"a.*.example"'],
    ['no name', name(''), 'certificate-argument', 'the common name "" is not usable; expected 1 to 64'],
    ['a name of 65 characters', name('x'.repeat(65)), 'certificate-argument', 'expected 1 to 64 characters'],
    ['a name of two lines', name('a\nb'), 'certificate-argument', 'the common name "a\\nb"'],
    ['no validity', lasting(0), 'certificate-argument', 'the validity is 0 days'],
    [
      'an endless validity',
      lasting(Number.POSITIVE_INFINITY),
      'certificate-argument',
      'the validity is Infinity days',
    ],
    [
      'a broken certificate',
      by({ ...authority, certPem: 'x' }),
      'certificate-damaged',
      'the certificate cannot be',
    ],
    [
      'a broken key',
      by({ ...authority, keyPem: 'x' }),
      'certificate-damaged',
      'the private key cannot be read',
    ],
    [
      'an RSA key',
      by({ ...authority, keyPem: rsaKeyPem }),
      'certificate-argument',
      'is of type rsa; expected ECDSA',
    ],
    [
      'the key of another',
      by({ ...authority, keyPem: client.keyPem }),
      'certificate-mismatch',
      'does not belong to its key',
    ],
  ])('%s is refused with what was found and expected [promise 37]', async (_, issue, code, message) => {
    const error = await issue().catch((thrown) => thrown)
    expect(error).toBeInstanceOf(CertificateError)
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) })
    expect(inspect(error, { depth: 9 })).not.toContain('PRIVATE KEY')
  })

  it('nothing is issued by an authority that has expired', async () => {
    const old = await createAuthority({ validityDays: 1, now: () => Date.now() - 2 * DAY_MS })
    await expect(issueServerCertificate(old, { hosts })).rejects.toMatchObject({
      code: 'certificate-expired',
    })
  })
})
