import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueServerCertificate } from '@jamey/auth'
import { readCertificates } from '@jamey/auth/authority'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jamey, Program } from '../e2e/program.js'

/** `jamey certs acme` with Pebble, the ACME server for tests of those who run Let's Encrypt. */

const isInstalled = existsSync('/usr/bin/pebble') && existsSync('/usr/bin/pebble-challtestsrv')
const HOST = 'hub.example.org'
let folder: string
let children: ChildProcess[] = []
let directory: string
let port: number

async function started(command: string, args: readonly string[], env: object, ready: RegExp): Promise<void> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let said = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        said += chunk
        if (ready.test(said)) resolve()
      })
    }
    child.once('exit', () => reject(new Error(`${command} ended: ${said}`)))
  })
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-pebble-'))
  if (!isInstalled) return
  const authority = await createAuthority()
  const server = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
  writeFileSync(join(folder, 'acme-ca.crt'), authority.certPem)
  writeFileSync(join(folder, 'pebble.crt'), server.certPem)
  writeFileSync(join(folder, 'pebble.key'), server.keyPem, { mode: 0o600 })
  const [api, management, dns, dnsManagement] = [
    ...[await freePort(), await freePort(), await freePort(), await freePort()],
  ]
  port = await freePort()
  directory = `https://127.0.0.1:${api}/dir`
  const pebble = {
    listenAddress: `127.0.0.1:${api}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: join(folder, 'pebble.crt'),
    privateKey: join(folder, 'pebble.key'),
    httpPort: port,
    tlsPort: port,
  }
  writeFileSync(join(folder, 'pebble.json'), JSON.stringify({ pebble }))
  const none = ['http01', 'https01', 'tlsalpn01'].flatMap((name) => [`-${name}`, ''])
  const names = ['-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${dnsManagement}`]
  // Every name is this machine, and has no other address.
  const addresses = ['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '']
  await started('pebble-challtestsrv', [...none, ...names, ...addresses], {}, /management|Starting/i)
  const settings = ['-config', join(folder, 'pebble.json'), '-dnsserver', `127.0.0.1:${dns}`]
  await started('pebble', settings, { PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '10' }, /Listening on/)
  expect((await jamey(folder, ['certs', 'init'])).code).toBe(0)
}, 30_000)

afterAll(async () => {
  for (const child of children) {
    child.kill()
    if (child.exitCode === null) await once(child, 'exit')
  }
  children = []
  rmSync(folder, { recursive: true, force: true })
})

const acme = (...args: string[]) =>
  jamey(folder, [
    ...['certs', 'acme', HOST, '--directory', directory, '--ca', 'acme-ca.crt'],
    ...['--address', '127.0.0.1', '--port', String(port), ...args],
  ])

/** The certificate that HTTPS shows for that host. */
function servedAt(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { rejectUnauthorized: false, agent: false, servername: HOST }, (answer) => {
      resolve((answer.socket as import('node:tls').TLSSocket).getPeerX509Certificate()?.fingerprint256 ?? '')
      answer.resume()
    })
    sent.on('error', reject).end()
  })
}

describe.skipIf(!isInstalled)('a certificate of Pebble', () => {
  const path = () => join(folder, '.jamey/acme/public.crt')
  const present = () => readCertificates(readFileSync(path(), 'utf8'))

  it('is had for a host that is proven, stays while it is good, and is renewed with its key', async () => {
    expect(await acme()).toMatchObject({ code: 2, stderr: expect.stringContaining('--agree-terms') })
    const first = await acme('--agree-terms', '--email', 'ops@example.org')
    expect(first).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('issued .jamey/acme/public.crt'),
    })
    const [leaf, issuer] = present()
    expect(leaf?.checkHost(HOST)).toBe(HOST)
    expect(leaf?.issuer).toContain('Pebble')
    expect(issuer?.ca).toBe(true)
    expect((await acme('--agree-terms')).stdout).toContain('nothing to do')
    expect((await acme('--agree-terms', '--within', '3650d')).stdout).toContain('issued')
    const [renewed] = present()
    expect(renewed?.fingerprint256).not.toBe(leaf?.fingerprint256)
    expect(renewed?.publicKey.equals(leaf?.publicKey as never)).toBe(true)
  }, 60_000)

  it('is served by a gateway that runs, from the moment it is renewed', async () => {
    const [httpPort, brokerPort] = [await freePort(), await freePort()]
    const gateway = new Program(folder, ['run', 'gateway', '--data-dir', '.jamey'], {
      JAMEY_HTTP_PORT: String(httpPort),
      JAMEY_HTTP_CERT: '.jamey/acme/public.crt',
      JAMEY_HTTP_KEY: '.jamey/acme/public.key',
      MQTT_BROKER_URL: `mqtts://127.0.0.1:${brokerPort}`,
    })
    const url = `https://127.0.0.1:${httpPort}/healthz`
    await gateway.prints(/connecting to/)
    expect(await servedAt(url)).toBe(present()[0]?.fingerprint256)
    expect((await acme('--agree-terms', '--within', '3650d')).code).toBe(0)
    await expect.poll(() => servedAt(url), { timeout: 5_000 }).toBe(present()[0]?.fingerprint256)
    await gateway.stop()
  }, 60_000)

  it('is not had where another answers for the host', async () => {
    const failed = await jamey(folder, [
      ...['certs', 'acme', 'other.example.org', '--directory', directory, '--ca', 'acme-ca.crt'],
      ...['--address', '127.0.0.1', '--port', String(await freePort()), '--agree-terms'],
    ])
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain('the ACME server says invalid of "other.example.org": ')
  }, 60_000)
})
