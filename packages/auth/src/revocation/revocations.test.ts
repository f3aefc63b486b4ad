import { execFileSync } from 'node:child_process'
import { sign, X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import {
  type Authority,
  certificateNumberOf,
  createAuthority,
  DenyListError,
  denialOf,
  issueClientCertificate,
  normalSerialNumber,
  Revocations,
  type RevocationsOptions,
  readDenyListFile,
  readRevocationLists,
  signToken,
  TokenVerifier,
  writeDenyListFile,
} from '../index.js'

const NOW_MS = 1_700_000_000_000

let folder: string
let path: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-revocations-'))
})

afterAll(() => rmSync(folder, { recursive: true }))

beforeEach(() => {
  path = join(mkdtempSync(join(folder, 'test-')), 'denied.json')
})

async function open(options: RevocationsOptions): Promise<Revocations> {
  const revocations = await Revocations.open({ now: () => NOW_MS, ...options })
  onTestFinished(() => revocations.stop())
  return revocations
}

describe('the deny list', () => {
  it('denies a client, a token and a certificate, each until its time', async () => {
    const soon = new Date(NOW_MS + 1_000).toISOString()
    const past = new Date(NOW_MS).toISOString()
    writeFileSync(
      path,
      JSON.stringify([
        { sub: 'robot-7', reason: 'stolen' },
        { jti: 'a-token', until: soon },
        { certificate_serial: 'serial=00:0a:ff', until: '2099-01-01T00:00:00+02:00' },
        { sub: 'back-again', until: past },
      ]),
    )
    const { denials } = await open({ deniedFile: path })
    expect(denials.map(({ kind, value }) => [kind, value])).toEqual([
      ['sub', 'robot-7'],
      ['jti', 'a-token'],
      ['certificate_serial', 'AFF'],
      ['sub', 'back-again'],
    ])
    const revocations = await open({ deniedFile: path })
    expect(revocations.objectionTo({ sub: 'robot-7' })).toBe('denied by the administrator (sub)')
    expect(revocations.objectionTo({ sub: 'eva', jti: 'a-token' })).toBe(
      `denied by the administrator (jti) until ${soon}`,
    )
    for (const sub of ['robot-77', 'Robot-7', 'a-token', 'AFF', 'back-again', 'constructor']) {
      expect(revocations.objectionTo({ sub, jti: 'robot-7' }), sub).toBeUndefined()
    }
    const later = await open({ deniedFile: path, now: () => NOW_MS + 1_000 })
    expect(later.objectionTo({ sub: 'eva', jti: 'a-token' })).toBeUndefined()
  })

  it.each([
    ['no JSON', '[', 'found no list'],
    ['no list', '{}', 'found no list'],
    ['a text in it', '["robot-7"]', '[0]: found something else'],
    [
      'a field that is misspelt',
      '[{"sub":"a"},{"subject":"b"}]',
      '[1]: found "subject"; expected one of sub, jti',
    ],
    ['two at once', '[{"sub":"a","jti":"b"}]', '[0]: found "sub", "jti"'],
    ['nothing to go by', '[{"reason":"x"}]', '[0]: found nothing'],
    ['a number', '[{"jti":7}]', '[0].jti: found number'],
    ['a name that no client can have', '[{"sub":"a/b"}]', '[0]: sub "a/b" has a topic separator'],
    ['no digits', '[{"certificate_serial":"xyz"}]', '[0]: certificate_serial "xyz" cannot be one'],
    ['a day', '[{"sub":"a","until":"2026-05-31"}]', '[0].until: found "2026-05-31"; expected a time such as'],
    ['a time of nowhere', '[{"sub":"a","until":"2026-05-31T10:00:00"}]', '[0].until'],
    ['a number as reason', '[{"sub":"a","reason":1}]', '[0].reason: found number'],
    [
      'too many',
      JSON.stringify(Array(10_001).fill({ sub: 'a' })),
      'found 10001 entries; expected at most 10000',
    ],
  ])('is refused as a whole with %s, and named [promise 37]', async (_, text, message) => {
    writeFileSync(path, text)
    const error = await readDenyListFile(path).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DenyListError)
    expect((error as Error).message).toContain(`the deny list ${path}: ${message}`)
    await expect(Revocations.open({ deniedFile: path })).rejects.toBeInstanceOf(DenyListError)
  })

  it('is written whole, without what is over', async () => {
    const denials = [
      denialOf('sub', 'a', { reason: 'x' }),
      denialOf('sub', 'b', { untilMs: NOW_MS - 1 }),
      denialOf('certificate_serial', '0A', { untilMs: NOW_MS + 1 }),
    ]
    await writeDenyListFile(path, denials, NOW_MS)
    expect((await readDenyListFile(path)).denials).toEqual([denials[0], denials[2]])
    await writeDenyListFile(path, [], NOW_MS)
    expect((await readDenyListFile(path)).denials).toEqual([])
    const many = Array.from({ length: 10_001 }, (_, i) => denialOf('sub', `c${i}`))
    await expect(writeDenyListFile(path, many, NOW_MS)).rejects.toMatchObject({ code: 'deny-list-full' })
  })

  it('takes effect within a second of being made, changed and removed, and not where it is broken', async () => {
    const changes: string[] = []
    const revocations = await open({
      deniedFile: path,
      onChange: () => changes.push('changed'),
      onError: ({ message }) => changes.push(message),
    })
    expect(revocations.objectionTo({ sub: 'a' })).toBeUndefined()
    const next = async (): Promise<string | undefined> => {
      const seen = changes.length
      await expect.poll(() => changes.length, { timeout: 2_000 }).toBeGreaterThan(seen)
      return changes.at(-1)
    }
    let told = next()
    await writeDenyListFile(path, [denialOf('sub', 'a')], NOW_MS)
    expect(await told).toBe('changed')
    expect(revocations.objectionTo({ sub: 'a' })).toContain('denied')
    told = next()
    writeFileSync(path, '[')
    expect(await told).toContain('found no list')
    expect(revocations.objectionTo({ sub: 'a' })).toContain('denied')
    told = next()
    rmSync(path)
    expect(await told).toBe('changed')
    expect(revocations.objectionTo({ sub: 'a' })).toBeUndefined()
  })

  it('is asked by a verifier for each token', async () => {
    const secret = Buffer.alloc(32, 7)
    writeFileSync(path, JSON.stringify([{ jti: 'stolen' }]))
    const denied = await open({ deniedFile: path, now: Date.now })
    const verifier = new TokenVerifier({ secret, denied })
    const token = (jti: string) => signToken({ sub: 'eva', permissions: [], jti }, secret)
    await expect(verifier.verify(await token('stolen'))).rejects.toMatchObject({
      code: 'token-denied',
      message: 'the token is not taken: denied by the administrator (jti)',
    })
    expect(await verifier.verify(await token('other'))).toMatchObject({ sub: 'eva' })
  })
})

describe('a serial number', () => {
  it.each([
    ['serial=0A0B', 'A0B'],
    ['0a:0b', 'A0B'],
    ['0x0', '0'],
    ['', undefined],
    ['g', undefined],
    ['1'.repeat(65), undefined],
  ])('%j is compared as %j', (text, normal) => {
    expect(normalSerialNumber(text)).toBe(normal)
  })

  it('of a certificate is read as OpenSSL reads it, with the issuer as its authority writes itself', async () => {
    const authority = await createAuthority({ commonName: 'Größe' })
    const numbers = await Promise.all(
      ['a', 'b'].map(async (commonName) => {
        const { certPem } = await issueClientCertificate(authority, { commonName })
        const certificate = new X509Certificate(certPem)
        const number = certificateNumberOf(certificate.raw)
        expect(number.serialNumber).toBe(normalSerialNumber(certificate.serialNumber))
        return number
      }),
    )
    const own = certificateNumberOf(new X509Certificate(authority.certPem).raw)
    expect(numbers.map(({ issuer }) => issuer)).toEqual([own.issuer, own.issuer])
    expect(numbers[0]?.serialNumber).not.toBe(numbers[1]?.serialNumber)
  })

  it.each(['', '30', '3003020101', '30820fff', '3080'])(
    'is not looked for in %j, which is no certificate',
    (hex) => {
      expect(() => certificateNumberOf(Buffer.from(hex, 'hex'))).toThrow(RangeError)
    },
  )
})

/** Lists as an authority publishes them, made by OpenSSL. */
describe('a revocation list', () => {
  let authority: Authority
  let revoked: string
  let good: string
  let at: string

  beforeAll(async () => {
    authority = await createAuthority()
    const issue = async (commonName: string) =>
      (await issueClientCertificate(authority, { commonName })).certPem
    ;[revoked, good] = [await issue('revoked'), await issue('good')]
    at = makeAuthority(authority)
    writeFileSync(join(at, 'revoked.crt'), revoked)
    openssl(at, 'ca', '-config', 'ca.cnf', '-revoke', 'revoked.crt')
    makeList(at, 'ca.crl')
  })

  function makeAuthority({ certPem, keyPem }: Authority): string {
    const place = mkdtempSync(join(folder, 'ca-'))
    writeFileSync(join(place, 'ca.crt'), certPem)
    writeFileSync(join(place, 'ca.key'), keyPem)
    writeFileSync(join(place, 'index.txt'), '')
    writeFileSync(join(place, 'crlnumber'), '01')
    mkdirSync(join(place, 'new'))
    const lines = ['[ca]', 'default_ca=d', '[d]', 'dir=.', 'database=index.txt', 'crlnumber=crlnumber']
    const more = ['new_certs_dir=new', 'certificate=ca.crt', 'private_key=ca.key', 'default_md=sha256']
    writeFileSync(join(place, 'ca.cnf'), [...lines, ...more, 'default_crl_days=30'].join('\n'))
    return place
  }

  function openssl(place: string, ...args: string[]): void {
    execFileSync('openssl', args, { cwd: place, stdio: 'pipe' })
  }

  function makeList(place: string, name: string, ...more: string[]): void {
    openssl(place, 'ca', '-config', 'ca.cnf', '-gencrl', '-out', name, ...more)
  }

  const rawOf = (pem: string) => new X509Certificate(pem).raw
  const inForce = { now: Date.now }

  it.each(['PEM', 'DER'])('in %s says which certificates of its authority are good no more', async (form) => {
    if (form === 'DER') openssl(at, 'crl', '-in', 'ca.crl', '-outform', 'DER', '-out', 'ca.der')
    const file = join(at, form === 'DER' ? 'ca.der' : 'ca.crl')
    const revocations = await open({ crlFiles: [file], authorities: [authority.certPem], ...inForce })
    const shown = (pem: string) => revocations.objectionTo({ sub: 'eva', certificate: rawOf(pem) })
    expect(shown(revoked)).toBe('the client certificate is revoked')
    expect(shown(good)).toBeUndefined()
    expect(revocations.objectionTo({ sub: 'eva' })).toBeUndefined()
    const [list] = await readRevocationLists(readFileSync(file), [authority.certPem])
    expect(list?.size).toBe(1)
    expect((list?.nextUpdateMs ?? 0) - Date.now()).toBeGreaterThan(29 * 86_400_000)
  })

  it('says nothing of a certificate of another authority under the same number', async () => {
    const [list] = await readRevocationLists(readFileSync(join(at, 'ca.crl')), [authority.certPem])
    const number = certificateNumberOf(rawOf(revoked))
    expect(list?.has(number)).toBe(true)
    const other = certificateNumberOf(rawOf((await createAuthority({ commonName: 'Other' })).certPem))
    expect(list?.has({ ...number, issuer: other.issuer })).toBe(false)
  })

  it.each(['rsa:2048', 'ed25519'])(
    'signed with %s is verified, and not taken from somebody else',
    async (kind) => {
      const place = makeAuthority(authority)
      const subject = ['-subj', '/CN=Own', '-keyout', 'ca.key', '-out', 'ca.crt']
      openssl(place, 'req', '-x509', '-newkey', kind, '-nodes', '-days', '30', ...subject)
      makeList(place, 'ca.crl', ...(kind === 'ed25519' ? ['-md', 'default'] : []))
      const bytes = readFileSync(join(place, 'ca.crl'))
      const own = readFileSync(join(place, 'ca.crt'), 'utf8')
      const [list] = await readRevocationLists(bytes, [`${authority.certPem}${own}`])
      expect(list?.size).toBe(0)
      await expect(readRevocationLists(bytes, [authority.certPem])).rejects.toMatchObject({
        code: 'certificate-mismatch',
        message: expect.stringContaining('is not signed by any of the authorities'),
      })
      // Whoever changes a byte of it, or cuts it, is not believed.
      const der = new Uint8Array(Buffer.from(bytes.toString().replace(/-----[^-]+-----/g, ''), 'base64'))
      for (let i = 0; i < der.length; i += 13) {
        const changed = Uint8Array.from(der)
        changed[i] = (changed[i] ?? 0) ^ 0x20
        await expect(readRevocationLists(changed, [own]), `byte ${i}`).rejects.toMatchObject({
          name: 'CertificateError',
        })
        await expect(readRevocationLists(der.subarray(0, i), [own])).rejects.toMatchObject({
          name: 'CertificateError',
        })
      }
    },
  )

  it('takes effect when its file is replaced', async () => {
    const file = join(at, 'live.crl')
    const empty = makeAuthority(authority)
    makeList(empty, 'empty.crl')
    writeFileSync(file, readFileSync(join(empty, 'empty.crl')))
    let changes = 0
    const revocations = await open({
      crlFiles: [file],
      authorities: [authority.certPem],
      onChange: () => changes++,
      ...inForce,
    })
    const bearer = { sub: 'eva', certificate: rawOf(revoked) }
    expect(revocations.objectionTo(bearer)).toBeUndefined()
    writeFileSync(file, readFileSync(join(at, 'ca.crl')))
    await expect.poll(() => changes, { timeout: 2_000 }).toBe(1)
    expect(revocations.objectionTo(bearer)).toContain('revoked')
  })

  it('takes effect when it is written for the first time, where it may come later', async () => {
    const file = join(at, 'later.crl')
    let changes = 0
    const revocations = await open({
      ownCrlFile: file,
      authorities: [authority.certPem],
      onChange: () => changes++,
      ...inForce,
    })
    const bearer = { sub: 'eva', certificate: rawOf(revoked) }
    expect(revocations.objectionTo(bearer)).toBeUndefined()
    writeFileSync(file, readFileSync(join(at, 'ca.crl')))
    await expect.poll(() => changes, { timeout: 2_000 }).toBe(1)
    expect(revocations.objectionTo(bearer)).toContain('revoked')
  })

  it('that is late is told, and what it revoked stays so', async () => {
    const errors: string[] = []
    const revocations = await open({
      crlFiles: [join(at, 'ca.crl')],
      authorities: [authority.certPem],
      now: () => Date.now() + 31 * 86_400_000,
      onError: ({ message }) => errors.push(message),
    })
    expect(errors).toEqual([expect.stringMatching(/ca\.crl should have been replaced by 20\d\d-/)])
    expect(revocations.objectionTo({ sub: 'eva', certificate: rawOf(revoked) })).toContain('revoked')
    expect(revocations.objectionTo({ sub: 'eva', certificate: rawOf(good) })).toBeUndefined()
  })

  it('that is none, or not there, is refused with its path', async () => {
    const file = join(at, 'absent.crl')
    const read = () => Revocations.open({ crlFiles: [file], authorities: [authority.certPem] })
    await expect(read()).rejects.toThrow(`${file}: the revocation list cannot be read: ENOENT`)
    writeFileSync(file, authority.certPem)
    await expect(read()).rejects.toThrow(`${file}: there is no revocation list; expected a CRL`)
  })

  it('of a hundred thousand certificates holds up nobody', async () => {
    const entries = Buffer.concat(
      Array.from({ length: 100_000 }, (_, i) => {
        const one = Buffer.from('30140203000000170d3236303130313030303030305a', 'hex')
        one.writeUIntBE(i + 65_536, 4, 3)
        return one
      }),
    )
    const authorityDer = Buffer.from(certificateNumberOf(rawOf(authority.certPem)).issuer, 'hex')
    const algorithm = Buffer.from('300a06082a8648ce3d040302', 'hex')
    const time = Buffer.from('170d3236303130313030303030305a', 'hex')
    const body = tlv(0x30, Buffer.concat([algorithm, authorityDer, time, time, tlv(0x30, entries)]))
    const signature = tlv(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, authority.keyPem)]))
    const der = tlv(0x30, Buffer.concat([body, algorithm, signature]))
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    const [list] = await readRevocationLists(der, [authority.certPem])
    clearInterval(timer)
    expect(list?.size).toBe(100_000)
    expect(turns).toBeGreaterThan(0)
  })

  function tlv(tag: number, content: Buffer): Buffer {
    const { length } = content
    if (length < 128) return Buffer.concat([Buffer.from([tag, length]), content])
    const size = Buffer.alloc(4)
    size.writeUInt32BE(length)
    return Buffer.concat([Buffer.from([tag, 0x84]), size, content])
  }
})
