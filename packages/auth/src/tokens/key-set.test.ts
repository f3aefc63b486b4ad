import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createAuthority,
  issueServerCertificate,
  KeySet,
  KeySetError,
  LiveKeySet,
  readKeySetFile,
  TokenError,
  TokenVerifier,
  type TokenVerifierOptions,
  tokenAuthenticator,
} from '../index.js'

const NOW = 1_700_000_000
const now = () => NOW * 1000
const CLAIMS = { sub: 'eva', exp: NOW + 300, iat: NOW, permissions: ['jamey/events/#'] }
const SECRET = 'a secret that is long enough: 0123456789'

const KEYS = {
  EdDSA: generateKeyPairSync('ed25519'),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
} as const
type Alg = keyof typeof KEYS

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function forge(
  alg: Alg,
  header: object = {},
  key: KeyObject = KEYS[alg].privateKey,
  claims: object = CLAIMS,
): string {
  const content = `${base64url({ alg, typ: 'JWT', ...header })}.${base64url(claims)}`
  const digest = alg === 'EdDSA' ? null : 'sha256'
  const signature = sign(digest, Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' })
  return `${content}.${signature.toString('base64url')}`
}

function jwkOf(key: KeyObject, more: object = {}): object {
  return { ...key.export({ format: 'jwk' }), ...more }
}

function setOf(...keys: object[]): KeySet {
  return new KeySet(JSON.stringify({ keys }))
}

const ALL = setOf(...(Object.keys(KEYS) as Alg[]).map((alg) => jwkOf(KEYS[alg].publicKey, { kid: alg })))

async function refusal(token: string, options: TokenVerifierOptions): Promise<TokenError> {
  const error = await new TokenVerifier({ now, ...options }).verify(token).catch((thrown: unknown) => thrown)
  if (error instanceof TokenError) return error
  throw new Error(`the token was accepted: ${JSON.stringify(error)}`)
}

describe('a token signed with a private key', () => {
  it.each(['EdDSA', 'RS256', 'ES256'] as const)('by %s is verified with the public one', async (alg) => {
    const verifier = new TokenVerifier({ keys: ALL, now })
    expect(await verifier.verify(forge(alg, { kid: alg }))).toEqual(CLAIMS)
    expect(await verifier.verify(forge(alg))).toEqual(CLAIMS)
    const { privateKey } =
      alg === 'RS256'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : alg === 'ES256'
          ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
          : generateKeyPairSync('ed25519')
    const error = await refusal(forge(alg, { kid: alg }, privateKey), { keys: ALL })
    expect(error).toMatchObject({ code: 'token-signature' })
    expect(error.message).toContain(`names the key "${alg}", and was not signed with it`)
    const [header, , signature] = forge(alg).split('.')
    const changed = `${header}.${base64url({ ...CLAIMS, permissions: ['#'] })}.${signature}`
    expect((await refusal(changed, { keys: ALL })).code).toBe('token-signature')
  })

  it('is refused where its key is not among those in force, with its name in the message', async () => {
    const error = await refusal(forge('EdDSA', { kid: 'gone' }), { keys: ALL })
    expect(error.code).toBe('token-signature')
    expect(error.message).toContain('names the key "gone", which is not among those in force')
  })

  it('is verified beside tokens of a secret, by the same rules for every claim', async () => {
    const verifier = new TokenVerifier({ secret: SECRET, keys: ALL, audience: 'hub', now })
    expect(await verifier.verify(forge('EdDSA', {}, undefined, { ...CLAIMS, aud: 'hub' }))).toMatchObject({
      aud: 'hub',
    })
    const options = { secret: SECRET, keys: ALL }
    const claims = (more: object) => forge('ES256', {}, undefined, { ...CLAIMS, ...more })
    expect((await refusal(claims({ aud: 'x' }), options)).code).toBe('token-audience')
    expect((await refusal(claims({ exp: NOW - 40, iat: NOW - 90 }), options)).code).toBe('token-expired')
    expect((await refusal(claims({ permissions: '#' }), options)).code).toBe('token-claim-invalid')
  })
})

/** RFC 8725 sections 2.1 and 3.1. */
describe('algorithms are not confused', () => {
  const rsaPem = KEYS.RS256.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const edRaw = Buffer.from(String(KEYS.EdDSA.publicKey.export({ format: 'jwk' }).x), 'base64url')

  function hmac(key: string | Buffer, header: object = {}): string {
    const content = `${base64url({ alg: 'HS256', ...header })}.${base64url(CLAIMS)}`
    return `${content}.${createHmac('sha256', key).update(content).digest('base64url')}`
  }

  it.each<[string, string | Buffer]>([
    ['in PEM', rsaPem],
    ['in PEM without its last line end', rsaPem.trim()],
    ['in DER', KEYS.RS256.publicKey.export({ type: 'spki', format: 'der' })],
    ['of Ed25519 by its bytes', edRaw],
    ['as JWK', JSON.stringify(KEYS.RS256.publicKey.export({ format: 'jwk' }))],
  ])('an HMAC under a public key %s is refused, with and without a secret beside it', async (_, key) => {
    for (const header of [{}, { kid: 'RS256' }, { kid: 'EdDSA' }]) {
      const alone = await refusal(hmac(key, header), { keys: ALL })
      expect(alone).toMatchObject({ code: 'token-algorithm' })
      expect(alone.message).toContain('signed with HS256; expected EdDSA, RS256, ES256')
      expect((await refusal(hmac(key, header), { keys: ALL, secret: SECRET })).code).toBe('token-signature')
    }
  })

  it.each([
    'none',
    'None',
    'HS384',
    'HS512',
    'PS256',
    'RS1',
    'ES256K',
    'RSA-OAEP',
    'dir',
    'eddsa',
    'constructor',
  ])('%s is not taken', async (alg) => {
    const [, payload, signature] = forge('RS256').split('.')
    for (const end of [signature, '']) {
      const token = `${base64url({ alg, kid: 'RS256' })}.${payload}.${end}`
      expect((await refusal(token, { keys: ALL, secret: SECRET })).code).toBe('token-algorithm')
    }
  })

  it('a token under an algorithm that is not of its key is refused', async () => {
    const kinds = Object.keys(KEYS) as Alg[]
    for (const alg of kinds) {
      for (const other of kinds.filter((kind) => kind !== alg)) {
        // Signed by the one key, for the other's algorithm: good as a signature, were the key to decide.
        const token = forge(other, { alg, kid: other })
        expect((await refusal(token, { keys: ALL })).code).toBe('token-signature')
      }
    }
  })

  it('a key that the token brings along, or says where to find, is not looked at', async () => {
    const own = generateKeyPairSync('ed25519')
    const jwk = own.publicKey.export({ format: 'jwk' })
    for (const header of [{ jwk }, { jku: 'https://evil.example/keys' }, { x5u: 'https://evil.example/x' }]) {
      expect((await refusal(forge('EdDSA', header, own.privateKey), { keys: ALL })).code).toBe(
        'token-signature',
      )
    }
  })

  it('the signature of ECDSA in the form of certificates is refused', async () => {
    const content = forge('ES256').split('.').slice(0, 2).join('.')
    const der = sign('sha256', Buffer.from(content), KEYS.ES256.privateKey).toString('base64url')
    expect((await refusal(`${content}.${der}`, { keys: ALL })).code).toBe('token-signature')
  })
})

describe('a key set', () => {
  it.each<[string, unknown, string, string]>([
    ['no JSON', '{', 'key-set-damaged', 'is no key set'],
    ['no list of keys', {}, 'key-set-damaged', 'is no key set'],
    ['a list of texts', { keys: ['a'] }, 'key-set-damaged', 'is no key set'],
    ['nothing', { keys: [] }, 'key-set-empty', 'none of the 0 keys'],
    ['65 keys', { keys: Array(65).fill({}) }, 'key-set-damaged', 'has 65 keys; expected at most 64'],
    [
      'a secret',
      { keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 's' }] },
      'key-set-private',
      'keys[0] ("s") is a secret key',
    ],
    ['a private key', { keys: [jwkOf(KEYS.RS256.privateKey)] }, 'key-set-private', 'keys[0] is a secret key'],
  ])('is refused with %s in it', (_, content, code, message) => {
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    expect(() => new KeySet(text)).toThrow(expect.objectContaining({ name: 'KeySetError', code }))
    expect(() => new KeySet(text)).toThrow(message)
    expect(() => new KeySet(text)).not.toThrow('c2VjcmV0')
  })

  it('leaves out keys for something else, of other kinds, and such as can be broken', () => {
    const { publicKey } = KEYS.RS256
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
    const others = [
      jwkOf(publicKey, { use: 'enc' }),
      jwkOf(publicKey, { key_ops: ['encrypt'] }),
      jwkOf(publicKey, { alg: 'PS256' }),
      jwkOf(weak),
      jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey),
      { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' },
      { kty: 'something new' },
    ]
    const good = jwkOf(publicKey, { use: 'sig', key_ops: ['verify'], alg: 'RS256' })
    expect(setOf(...others, good).size).toBe(1)
    expect(() => setOf(...others)).toThrow('none of the 7 keys verifies tokens')
  })

  it('is read from a file, which an error names', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'jamey-keys-'))
    try {
      const path = join(folder, 'jwks.json')
      await expect(readKeySetFile(path)).rejects.toThrow(`the key set file ${path} does not exist`)
      await writeFile(path, JSON.stringify({ keys: [jwkOf(KEYS.EdDSA.publicKey)] }))
      expect((await readKeySetFile(path)).size).toBe(1)
      await writeFile(path, '{"keys":[]}')
      await expect(readKeySetFile(path)).rejects.toThrow(`(in ${path})`)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

it('a key set in a file that changes is read again for a key it has not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'jamey-keys-'))
  try {
    const path = join(folder, 'jwks.json')
    const write = (kid: string) =>
      writeFile(path, JSON.stringify({ keys: [jwkOf(KEYS.EdDSA.publicKey, { kid })] }))
    let ms = 0
    const verifier = new TokenVerifier({ keys: new LiveKeySet({ path, now: () => ms }), now })
    await expect(verifier.verify(forge('EdDSA', { kid: 'old' }))).rejects.toThrow(`${path} does not exist`)
    await write('old')
    ms += 2_000
    await verifier.verify(forge('EdDSA', { kid: 'old' }))
    await write('new')
    ms += 30_000
    expect(await verifier.verify(forge('EdDSA', { kid: 'new' }))).toEqual(CLAIMS)
    await expect(verifier.verify(forge('EdDSA', { kid: 'old' }))).rejects.toThrow('not among those in force')
  } finally {
    await rm(folder, { recursive: true })
  }
})

describe('a key set at a URL', () => {
  let server: Server | undefined
  const clock = { ms: 1_000_000 }

  afterEach(async () => {
    server?.closeAllConnections()
    await new Promise((resolve) => server?.close(resolve))
  })

  /** An issuer over TLS, whose answers are those of `answer`; every look is counted. */
  async function issuer(
    answer: () => { status?: number; text: string; headers?: Record<string, string> } | undefined,
  ) {
    const authority = await createAuthority()
    const { certPem: cert, keyPem: key } = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
    const errors: string[] = []
    let looks = 0
    server = createServer({ cert, key }, (_request, response) => {
      looks++
      const found = answer()
      if (found === undefined) return
      response.writeHead(found.status ?? 200, found.headers).end(found.text)
    })
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
    const onError = (error: Error) => errors.push(error.message)
    const keys = (ca: string | undefined = authority.certPem) =>
      new LiveKeySet({ url, ca, onError, now: () => clock.ms })
    return { keys, errors, looks: () => looks }
  }

  const text = (...kids: string[]) =>
    JSON.stringify({ keys: kids.map((kid) => jwkOf(KEYS.EdDSA.publicKey, { kid })) })

  it('is fetched once for all who need it, and again in the background when it is old', async () => {
    const { keys, looks } = await issuer(() => ({ text: text('a') }))
    const remote = keys()
    const verifier = new TokenVerifier({ keys: remote, now })
    const token = forge('EdDSA', { kid: 'a' })
    await Promise.all([verifier.verify(token), verifier.verify(token), verifier.verify(token)])
    expect(looks()).toBe(1)
    clock.ms += 299_000
    await verifier.verify(token)
    expect(looks()).toBe(1)
    clock.ms += 2_000
    await verifier.verify(token)
    await expect.poll(looks).toBe(2)
  })

  it('is looked at again for a key it has not, so that a new one is taken at once, and strangers ask no more than every 30 s', async () => {
    let kids = ['old']
    const { keys, looks } = await issuer(() => ({ text: text(...kids) }))
    const verifier = new TokenVerifier({ keys: keys(), now })
    await verifier.verify(forge('EdDSA', { kid: 'old' }))
    kids = ['old', 'new']
    clock.ms += 30_000
    expect(await verifier.verify(forge('EdDSA', { kid: 'new' }))).toEqual(CLAIMS)
    expect(looks()).toBe(2)
    for (let i = 0; i < 20; i++) {
      const error = await verifier.verify(forge('EdDSA', { kid: `made up ${i}` })).catch((thrown) => thrown)
      expect(error).toMatchObject({ code: 'token-signature' })
    }
    expect(looks()).toBe(2)
    // The honest one is served meanwhile.
    expect(await verifier.verify(forge('EdDSA', { kid: 'old' }))).toEqual(CLAIMS)
  })

  it('drops a key that its issuer has withdrawn', async () => {
    let kids = ['a', 'b']
    const { keys } = await issuer(() => ({ text: text(...kids) }))
    const verifier = new TokenVerifier({ keys: keys(), now })
    await verifier.verify(forge('EdDSA', { kid: 'a' }))
    kids = ['b']
    clock.ms += 601_000
    const error = await verifier.verify(forge('EdDSA', { kid: 'a' })).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'token-signature' })
  })

  it('is used for a day where its issuer is away, and no longer', async () => {
    let isAway = false
    const { keys, errors } = await issuer(() => (isAway ? { status: 500, text: '' } : { text: text('a') }))
    const verifier = new TokenVerifier({ keys: keys(), now })
    const token = forge('EdDSA', { kid: 'a' })
    await verifier.verify(token)
    isAway = true
    clock.ms += 86_400_000
    expect(await verifier.verify(token)).toEqual(CLAIMS)
    expect(errors).toEqual(['HTTP status 500'])
    clock.ms += 30_000
    const error = await verifier.verify(token).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'token-keys-unavailable' })
    expect(error.message).toContain('HTTP status 500; try again later')
  })

  it.each<[string, () => { status?: number; text: string; headers?: Record<string, string> }, string]>([
    [
      'a redirection',
      () => ({ status: 302, text: '', headers: { location: 'https://evil.example/' } }),
      'HTTP status 302',
    ],
    ['too much', () => ({ text: ' '.repeat(300_000) }), 'more than 262144 bytes'],
    [
      'a private key',
      () => ({ text: JSON.stringify({ keys: [jwkOf(KEYS.EdDSA.privateKey)] }) }),
      'is a secret key',
    ],
    ['a page', () => ({ text: '<html>' }), 'is no key set'],
  ])('that answers with %s makes no keys, and a client may try again', async (_, answer, fault) => {
    const { keys } = await issuer(answer)
    const remote = keys()
    const authenticator = tokenAuthenticator({ keys: remote, now })
    const token = Buffer.from(forge('EdDSA', { kid: 'a' }))
    const connect = { clientId: 'eva', username: 'eva', password: token }
    await expect(authenticator.authenticate(connect)).rejects.toMatchObject({
      reasonCode: 0x88,
      message: expect.stringContaining(fault),
    })
    const renewal = {
      clientId: 'eva',
      authenticationMethod: 'JWT',
      authenticationData: token,
      isRenewal: true,
    }
    await expect(authenticator.authenticate(renewal)).rejects.toMatchObject({ reasonCode: 0x89 })
  })

  it('is not believed from a server that nobody vouches for', async () => {
    const { keys, looks } = await issuer(() => ({ text: text('a') }))
    const remote = keys((await createAuthority()).certPem)
    const error = await new TokenVerifier({ keys: remote, now })
      .verify(forge('EdDSA'))
      .catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'token-keys-unavailable' })
    expect(error.message).toMatch(/CERT|SIGNATURE/)
    expect(looks()).toBe(0)
  })

  it.each([
    ['http://idp.example/jwks', 'is without encryption and not of this machine'],
    ['ftp://127.0.0.1/jwks', 'is of another scheme'],
    ['https://eva:geheim@idp.example/jwks', 'has a user name or password in it'],
    ['jwks.json', 'is no URL'],
  ])('is not looked for at %s', (url, fault) => {
    expect(() => new LiveKeySet({ url })).toThrow(KeySetError)
    expect(() => new LiveKeySet({ url })).toThrow(fault)
    expect(() => new LiveKeySet({ url })).not.toThrow('geheim')
    expect(() => new LiveKeySet({ url: 'http://127.0.0.1:1/jwks' })).not.toThrow()
  })
})
