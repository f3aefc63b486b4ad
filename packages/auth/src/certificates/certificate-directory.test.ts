import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  CertificateError,
  createAuthority,
  createCertificateDirectory,
  issueClientCertificate,
  issueServerCertificate,
} from '../index.js'

const DAY_MS = 86_400_000
let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jamey-auth-'))
  path = join(folder, 'made', 'certificates')
})

afterEach(() => rm(folder, { recursive: true }))

const ensure = (options = {}) => createCertificateDirectory(path, { components: ['eva'], ...options })
const read = (name: string) => readFile(join(path, name), 'utf8')
const certificate = async (name: string) => new X509Certificate(await read(name))
const contents = async () =>
  Object.fromEntries(await Promise.all((await readdir(path)).map(async (n) => [n, await read(n)])))

async function refusal(options = {}): Promise<CertificateError> {
  const before = await contents()
  const error = await ensure(options).catch((thrown: unknown) => thrown)
  if (!(error instanceof CertificateError)) throw new Error(`not refused: ${error}`)
  expect(await contents(), 'what was there is left alone').toEqual(before)
  return error
}

describe('createCertificateDirectory', () => {
  it('makes everything the first time, secrets for the owner alone [promise 37]', async () => {
    const made = await ensure({ components: ['eva', 'memory'] })
    expect(made.written).toEqual([
      ...['ca.key', 'ca.crt', 'server.key', 'server.crt', 'eva.key', 'eva.crt', 'memory.key', 'memory.crt'],
    ])
    expect((await readdir(path)).sort()).toEqual([...made.written].sort())
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    for (const name of made.written) {
      const mode = (await stat(join(path, name))).mode & 0o077
      if (name.endsWith('.key')) expect(mode, name).toBe(0)
    }
    expect(made.components['memory']).toEqual({
      certPath: join(path, 'memory.crt'),
      keyPath: join(path, 'memory.key'),
    })
    const [ca, server, eva] = await Promise.all(['ca.crt', 'server.crt', 'eva.crt'].map(certificate))
    expect(server?.checkIP('::1')).toBeDefined()
    expect(server?.verify((ca as X509Certificate).publicKey)).toBe(true)
    expect(eva?.subject).toBe('CN=eva')
  })

  it('keeps secrets for the owner alone whatever the process would let others do [promise 19]', async () => {
    const mask = process.umask(0)
    try {
      await ensure()
    } finally {
      process.umask(mask)
    }
    const modeOf = async (file: string) => ((await stat(file)).mode & 0o777).toString(8)
    expect(await modeOf(path)).toBe('700')
    expect(
      await Promise.all(['ca.key', 'server.key', 'eva.key'].map((name) => modeOf(join(path, name)))),
    ).toEqual([...['600', '600', '600']])
    expect(await modeOf(join(path, 'ca.crt'))).toBe('644')
  })

  it('reuses everything the second time', async () => {
    await ensure()
    const before = await contents()
    expect((await ensure()).written).toEqual([])
    expect(await contents()).toEqual(before)
  })

  it('adds a component and keeps the rest', async () => {
    await ensure()
    const before = await contents()
    expect((await ensure({ components: ['eva', 'memory'] })).written).toEqual(['memory.key', 'memory.crt'])
    expect(await contents()).toMatchObject(before)
  })

  it('renews what ends within 30 days, with the same key', async () => {
    const start = Date.now()
    await ensure()
    const before = await contents()
    expect((await ensure({ now: () => start + 334 * DAY_MS })).written).toEqual([])
    const later = start + 336 * DAY_MS
    expect((await ensure({ now: () => later })).written).toEqual(['server.crt', 'eva.crt'])
    const { 'server.crt': server, 'eva.crt': eva, ...kept } = before
    expect(await contents()).toMatchObject(kept)
    for (const name of ['server.crt', 'eva.crt']) {
      const renewed = await certificate(name)
      expect(Date.parse(renewed.validTo) - later).toBeGreaterThan(364 * DAY_MS)
      expect(renewed.raw.equals(new X509Certificate(`${name === 'eva.crt' ? eva : server}`).raw)).toBe(false)
    }
  })

  it('issues the server certificate again where a host is missing', async () => {
    await ensure({ hosts: ['localhost', '*.example.org'] })
    expect((await ensure({ hosts: ['localhost', '*.example.org'] })).written).toEqual([])
    expect((await ensure({ hosts: ['localhost'] })).written).toEqual([])
    expect((await ensure({ hosts: ['localhost', '10.1.2.3'] })).written).toEqual(['server.crt'])
    expect((await certificate('server.crt')).checkIP('10.1.2.3')).toBeDefined()
  })

  it.each([['ca.crt'], ['server.crt'], ['eva.crt'], ['server.crt', 'eva.key', 'eva.crt']])(
    'completes what a crash before %s left',
    async (...missing) => {
      await ensure()
      const before = await contents()
      for (const name of missing) await rm(join(path, name))
      expect([...(await ensure()).written].sort()).toEqual([...missing].sort())
      for (const name of Object.keys(before)) {
        if (!missing.includes(name)) expect(await read(name)).toBe(before[name])
      }
      const authority = await certificate('ca.crt')
      for (const name of ['server.crt', 'eva.crt']) {
        expect((await certificate(name)).verify(authority.publicKey)).toBe(true)
      }
    },
  )

  it('is made once by several that start together', async () => {
    const all = await Promise.all([ensure(), ensure(), ensure()])
    expect(all.flatMap(({ written }) => written).filter((name) => name === 'ca.key')).toHaveLength(1)
    expect((await readdir(path)).filter((name) => name.endsWith('.tmp'))).toEqual([])
    expect((await ensure()).written).toEqual([])
  })

  it('needs the key of its authority only to issue', async () => {
    await ensure()
    await rename(join(path, 'ca.key'), join(folder, 'ca.key'))
    expect((await ensure()).written).toEqual([])
    const error = await refusal({ hosts: ['elsewhere.example'] })
    expect(error.code).toBe('certificate-missing')
    expect(error.message).toBe(
      `${join(path, 'ca.key')} is missing and needed to issue ${join(path, 'server.crt')}; put it back for this run`,
    )
  })

  it('uses keys of other kinds that a person brought, as long as nothing is to be issued for them', async () => {
    await ensure()
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    await writeFile(join(path, 'server.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), {
      mode: 0o600,
    })
    await rm(join(path, 'server.crt'))
    const error = await refusal()
    expect(error.message).toContain(
      'server.key cannot be used: the private key is of type rsa; expected ECDSA',
    )
  })
})

describe('a certificate directory that cannot be used', () => {
  it.each(['ca.crt', 'ca.key', 'server.crt', 'server.key', 'eva.crt', 'eva.key'])(
    'names %s where it is damaged, and leaves everything alone [promise 37]',
    async (name) => {
      await ensure()
      await writeFile(join(path, name), '-----BEGIN NOTHING-----\n')
      const error = await refusal()
      expect(error).toMatchObject({ code: 'certificate-damaged', path: join(path, name) })
      expect(error.message).toContain(`${join(path, name)} cannot be used: the `)
      expect(error.message).toContain('restore it, or remove it to have a new one made')
    },
  )

  it.each(['ca.key', 'server.key', 'eva.key'])(
    'names %s where others can read it [promise 19]',
    async (name) => {
      await ensure()
      await chmod(join(path, name), 0o640)
      const error = await refusal()
      expect(error).toMatchObject({ code: 'certificate-exposed', path: join(path, name) })
      expect(error.message).toContain(
        `has mode 0640, so others may know the key; run: chmod 600 ${join(path, name)}`,
      )
    },
  )

  it('is refused where others can write to it', async () => {
    await ensure()
    await chmod(path, 0o770)
    const error = await refusal()
    expect(error.code).toBe('certificate-exposed')
    expect(error.message).toContain(`has mode 0770, so others can replace its keys; run: chmod 700 ${path}`)
  })

  it.each(['server.key', 'eva.key'])('names %s where its certificate stands alone', async (name) => {
    await ensure()
    await rm(join(path, name))
    const error = await refusal()
    expect(error).toMatchObject({ code: 'certificate-missing', path: join(path, name) })
  })

  it('names a certificate that belongs to another key', async () => {
    await ensure({ components: ['eva', 'memory'] })
    await rename(join(path, 'memory.key'), join(path, 'eva.key'))
    const error = await refusal()
    expect(error.code).toBe('certificate-mismatch')
    expect(error.message).toContain(`${join(path, 'eva.crt')} does not belong to ${join(path, 'eva.key')}`)
  })

  it('names a certificate that belongs to another name [promise 25]', async () => {
    await ensure({ components: ['eva', 'memory'] })
    for (const end of ['crt', 'key']) await rename(join(path, `memory.${end}`), join(path, `eva.${end}`))
    expect((await refusal()).message).toContain('eva.crt was issued to "memory" instead of "eva"')
  })

  it('names a certificate that another authority issued', async () => {
    await ensure()
    const other = await issueServerCertificate(await createAuthority(), { hosts: ['localhost'] })
    await writeFile(join(path, 'server.crt'), other.certPem)
    await writeFile(join(path, 'server.key'), other.keyPem)
    expect((await refusal()).message).toContain(`server.crt was not issued by ${join(path, 'ca.crt')}`)
  })

  it('names an authority that is none', async () => {
    await ensure()
    const authority = { certPem: await read('ca.crt'), keyPem: await read('ca.key') }
    const { certPem } = await issueClientCertificate(authority, {
      commonName: 'eva',
      keyPem: authority.keyPem,
    })
    await writeFile(join(path, 'ca.crt'), certPem)
    expect((await refusal()).message).toContain('ca.crt is not the certificate of an authority')
  })

  it('names an authority that has expired', async () => {
    await ensure()
    const error = await refusal({ now: () => Date.now() + 3651 * DAY_MS })
    expect(error.code).toBe('certificate-expired')
    expect(error.message).toContain('give its ca.crt to every client')
  })

  it('names a directory that cannot be made', async () => {
    await writeFile(join(folder, 'made'), '')
    const error = await ensure().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'certificate-unwritable', path })
  })

  it.each(['ca', 'server', '', '.', '../eva', 'a/b', '-rf', 'x'.repeat(65)])(
    'makes nothing for a component named %j',
    async (component) => {
      await expect(ensure({ components: [component] })).rejects.toMatchObject({
        code: 'certificate-argument',
      })
      expect(await readdir(folder)).toEqual([])
    },
  )
})
