import 'reflect-metadata'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@jamey/testing'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { obtainCertificate, readCertificates } from '../authority.js'
import { type Authority, createAuthority } from '../index.js'
import { AcmeTestServer } from './acme-server.support.js'
import { HttpChallenges } from './http-challenges.js'

const DAY_MS = 86_400_000
let authority: Authority
let server: AcmeTestServer
let folder: string
let port: number
const waits: number[] = []

beforeAll(async () => {
  authority = await createAuthority()
})
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-acme-'))
  server = new AcmeTestServer(authority)
  server.issueFor(() => read('public.key'))
  server.challengePort = port = await freePort()
  await server.start()
  waits.length = 0
})
afterEach(() => {
  server.stop()
  rmSync(folder, { recursive: true })
})

const read = (name: string) => readFileSync(join(folder, 'acme', name), 'utf8')
const obtain = (options = {}) =>
  obtainCertificate(join(folder, 'acme'), {
    directoryUrl: `${server.url}/directory`,
    hosts: ['hub.example.org', 'www.hub.example.org'],
    challengeAddress: { host: '127.0.0.1', port },
    wait: async (delayMs) => void waits.push(delayMs),
    ...options,
  })

describe('obtainCertificate', () => {
  it('proves each host, and has a certificate with its chain for a key of its own', async () => {
    const { certPath, keyPath, isNew, validTo } = await obtain()
    expect([certPath, keyPath, isNew]).toEqual([
      ...[join(folder, 'acme/public.crt'), join(folder, 'acme/public.key'), true],
    ])
    const [leaf, issuer] = readCertificates(read('public.crt'))
    expect(leaf?.checkHost('www.hub.example.org')).toBeDefined()
    expect(issuer?.ca).toBe(true)
    expect(validTo.getTime()).toBe(Date.parse(leaf?.validTo ?? ''))
    const modes = ['.', 'public.key', 'account.key'].map(
      (name) => statSync(join(folder, 'acme', name)).mode & 0o777,
    )
    expect(modes).toEqual([0o700, 0o600, 0o600])
  })

  it('asks nobody while what is there is good, and keeps keys and account at the next time', async () => {
    await obtain()
    const [asked, key] = [server.seen.length, read('public.key')]
    expect((await obtain()).isNew).toBe(false)
    expect(server.seen).toHaveLength(asked)
    expect((await obtain({ now: () => Date.now() + 340 * DAY_MS })).isNew).toBe(true)
    expect((await obtain({ hosts: ['hub.example.org', 'new.example.org'] })).isNew).toBe(true)
    expect([server.accounts.size, read('public.key')]).toEqual([1, key])
  })

  it('signs again with another nonce where the server says so, and not for ever', async () => {
    server.badNonces = 4
    expect((await obtain()).isNew).toBe(true)
    server.badNonces = 100
    await expect(obtain({ withinMs: 400 * DAY_MS })).rejects.toMatchObject({
      code: 'acme-refused',
      message: expect.stringContaining('refuses: badNonce'),
    })
  })

  it('says what the server found where a host is not proven, in one line', async () => {
    const other = new HttpChallenges()
    server.challengePort = await other.listen('127.0.0.1', 0)
    await expect(obtain()).rejects.toMatchObject({
      code: 'acme-challenge-failed',
      message: 'the ACME server says invalid of "hub.example.org": unauthorized: found "HTTP 404" there',
      retryable: false,
    })
    await other.close()
  })

  it('waits as the server says, and gives up in the end', async () => {
    server.isSilent = true
    await expect(obtain()).rejects.toMatchObject({ code: 'acme-late', retryable: true })
    expect(waits).toHaveLength(60)
    expect(new Set(waits)).toEqual(new Set([7_000]))
  })

  it('says where it cannot answer, and whom it cannot reach', async () => {
    const taken = new HttpChallenges()
    const address = { host: '127.0.0.1', port: await taken.listen('127.0.0.1', 0) }
    await expect(obtain({ challengeAddress: address })).rejects.toThrow('EADDRINUSE')
    await taken.close()
    server.stop()
    await expect(obtain()).rejects.toMatchObject({ code: 'acme-unreachable' })
  })

  it.each([
    [{ directoryUrl: 'http://acme.example.org/directory' }, 'is without encryption and not of this machine'],
    [{ hosts: ['*.example.org'] }, 'cannot be proven by HTTP-01'],
    [{ hosts: [] }, 'has no hosts'],
  ])('refuses %j', async (options, message) => {
    await expect(obtain(options)).rejects.toThrow(message)
    expect(server.seen).toEqual([])
  })

  it('refuses a key that others can read, and replaces a certificate that is damaged', async () => {
    await obtain()
    writeFileSync(join(folder, 'acme/public.crt'), 'damaged')
    expect((await obtain()).isNew).toBe(true)
    rmSync(join(folder, 'acme/account.key'))
    writeFileSync(join(folder, 'acme/account.key'), 'x', { mode: 0o644 })
    await expect(obtain({ withinMs: 400 * DAY_MS })).rejects.toMatchObject({ code: 'certificate-exposed' })
  })
})

describe('the server of challenges', () => {
  it('answers the questions that were published, and nothing else', async () => {
    const challenges = new HttpChallenges()
    const at = `http://127.0.0.1:${await challenges.listen('127.0.0.1', 0)}`
    challenges.publish('a', 'a.print')
    const status = async (path: string, method = 'GET') => (await fetch(`${at}${path}`, { method })).status
    expect(await (await fetch(`${at}/.well-known/acme-challenge/a`)).text()).toBe('a.print')
    expect(await status('/.well-known/acme-challenge/b')).toBe(404)
    expect(await status('/')).toBe(404)
    expect(await status('/.well-known/acme-challenge/a', 'POST')).toBe(404)
    challenges.withdraw('a')
    expect(await status('/.well-known/acme-challenge/a')).toBe(404)
    await challenges.close()
  })
})
