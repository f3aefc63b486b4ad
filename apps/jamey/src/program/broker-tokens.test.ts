import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signToken } from '@jamey/auth'
import { connect } from '@jamey/mqtt'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startServedBroker } from '../broker/served-broker.js'
import { readBrokerSettings } from '../broker/settings.js'
import type { BrokerFlags } from '../broker/settings-table.js'
import { type DataDirectory, dataDirectoryAt } from '../install/data-directory.js'
import { issueClient, makeDataDirectory, provision } from '../install/provision.js'
import { runCommand } from './run-command.support.js'

const log = pino({ level: 'silent' })

let folder: string
let directory: DataDirectory

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-broker-tokens-'))
  directory = dataDirectoryAt(join(folder, '.jamey'))
  makeDataDirectory(directory)
  await provision(directory, '127.0.0.1')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function forge(key: KeyObject, kid: string, more: object = {}): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = { sub: 'eva', iat: now, exp: now + 300, permissions: ['#'], ...more }
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const content = `${encode({ alg: 'EdDSA', kid })}.${encode(claims)}`
  return `${content}.${sign(null, Buffer.from(content), key).toString('base64url')}`
}

function writeKeys(...keys: { kid: string; key: KeyObject }[]): void {
  const jwks = keys.map(({ kid, key }) => ({ ...key.export({ format: 'jwk' }), kid }))
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify({ keys: jwks }))
}

/** A broker over TLS, from the settings of its file, as `jamey broker` has it. */
async function serve(yaml: string, flags: BrokerFlags = {}) {
  writeFileSync(join(folder, 'broker.yaml'), yaml)
  const source = { flags: { config: 'broker.yaml', ...flags }, env: {}, cwd: folder }
  const started = await readBrokerSettings(source)
  const read = () => readBrokerSettings(source)
  const served = await startServedBroker({ started, read, log, logLevel: 'silent', portSetting: '' })
  onTestFinished(() => served.stop(0))
  const enter = async (password: string, clientId = 'eva', own: { cert?: string; key?: string } = {}) => {
    const client = await connect({
      url: `mqtts://127.0.0.1:${served.addresses[0]?.port}`,
      tls: { ca: readFileSync(directory.caCertificate, 'utf8'), ...own },
      clientId,
      credentials: { username: clientId, password },
      reconnect: false,
    })
    onTestFinished(async () => void (await client.close({ timeoutMs: 1000 })))
    return client
  }
  return { served, enter }
}

const LISTENER = `
listeners: [{ port: 0, tls: { cert: .jamey/certs/server.crt, key: .jamey/certs/server.key } }]
store: none
`

describe('a broker that is given public keys', () => {
  it('lets in who has a token of their owner, holds no secret, and follows the file at SIGHUP', async () => {
    const [old, next] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
    writeKeys({ kid: 'old', key: old.publicKey })
    const { served, enter } = await serve(`${LISTENER}authentication: { jwksFile: jwks.json, audience: hub }`)
    const client = await enter(forge(old.privateKey, 'old', { aud: ['hub', 'other'] }))
    expect((await client.publish('t', 'm', { qos: 1 })).reasonCode).toBe(0x10)
    // Whoever holds the public key, as everybody may, cannot sign with it.
    const pem = old.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const forged = await signToken({ sub: 'mallory', permissions: ['#'], aud: 'hub' }, pem)
    await expect(enter(forged, 'mallory')).rejects.toMatchObject({ reasonCode: 0x86 })
    await expect(enter(forge(old.privateKey, 'old', { aud: 'other' }))).rejects.toMatchObject({
      reasonCode: 0x86,
      message: expect.stringContaining('is for "other"; expected "hub"'),
    })
    await expect(enter(forge(old.privateKey, 'old'))).rejects.toThrow('is for no audience')
    writeKeys({ kid: 'next', key: next.publicKey })
    await expect(enter(forge(next.privateKey, 'next', { aud: 'hub' }))).rejects.toMatchObject({
      reasonCode: 0x86,
    })
    await served.reload()
    await enter(forge(next.privateKey, 'next', { sub: 'bob', aud: 'hub' }), 'bob')
    await expect(enter(forge(old.privateKey, 'old', { sub: 'carl', aud: 'hub' }), 'carl')).rejects.toThrow(
      'not among those in force',
    )
    // A set that cannot be used changes nothing.
    writeFileSync(join(folder, 'jwks.json'), '{"keys":[]}')
    await served.reload()
    await enter(forge(next.privateKey, 'next', { sub: 'dora', aud: 'hub' }), 'dora')
  })

  it('takes tokens of its secret beside them, of the issuers it was told alone', async () => {
    const issuer = generateKeyPairSync('ed25519')
    writeKeys({ kid: 'k', key: issuer.publicKey })
    const { enter } = await serve(
      `${LISTENER}authentication: { tokenSecretFile: .jamey/token-secret, jwksFile: jwks.json }`,
      { issuer: 'idp, me' },
    )
    const secret = readFileSync(directory.secret, 'utf8').trim()
    await enter(await signToken({ sub: 'eva', permissions: [], iss: 'me' }, secret))
    await enter(forge(issuer.privateKey, 'k', { sub: 'bob', iss: 'idp' }), 'bob')
    await expect(enter(await signToken({ sub: 'carl', permissions: [] }, secret), 'carl')).rejects.toThrow(
      'was issued by nobody it names; expected "idp" or "me"',
    )
  })
})

describe('who is denied', () => {
  const secret = () => readFileSync(directory.secret, 'utf8').trim()
  const token = (sub: string, jti?: string) => signToken({ sub, permissions: ['#'], jti }, secret())
  const YAML = `
listeners:
  - port: 0
    tls: { cert: .jamey/certs/server.crt, key: .jamey/certs/server.key, ca: .jamey/certs/ca.crt }
store: none
authentication: { tokenSecretFile: .jamey/token-secret }
deniedFile: .jamey/denied.json
`

  it('is disconnected within a second, by name, token or certificate, and comes in no more; others go on', async () => {
    await issueClient(directory, 'carl')
    const own = (name: string) => ({
      cert: readFileSync(directory.clientCertificate(name), 'utf8'),
      key: readFileSync(directory.clientKey(name), 'utf8'),
    })
    const { enter } = await serve(YAML)
    const clients = {
      eva: await enter(await token('eva'), 'eva'),
      bob: await enter(await token('bob', 'stolen'), 'bob'),
      carl: await enter(await token('carl'), 'carl', own('carl')),
      dora: await enter(await token('dora'), 'dora'),
    }
    const ended: Record<string, unknown> = {}
    for (const [name, client] of Object.entries(clients)) {
      client.onState(({ cause }) => {
        const { reasonCode, message } = (cause ?? {}) as { reasonCode?: number; message?: string }
        if (reasonCode !== undefined)
          ended[name] = [reasonCode, /denied by the administrator \(\w+\)/.exec(message ?? '')?.[0]]
      })
    }
    const deny = async (...args: string[]) => {
      const { code, stderr } = await runCommand(folder, ['deny', 'add', ...args])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    }
    await deny('--sub', 'eva', '--for', '1h', '--reason', 'left')
    await deny('--jti', 'stolen')
    await deny('--certificate', directory.clientCertificate('carl'))
    await expect
      .poll(() => ended, { timeout: 3_000 })
      .toEqual({
        eva: [0x98, 'denied by the administrator (sub)'],
        bob: [0x98, 'denied by the administrator (jti)'],
        carl: [0x98, 'denied by the administrator (certificate_serial)'],
      })
    const banned = { reasonCode: 0x8a }
    await expect(enter(await token('eva'), 'eva')).rejects.toMatchObject(banned)
    await expect(enter(await token('bob', 'stolen'), 'bob')).rejects.toMatchObject(banned)
    await expect(enter(await token('carl'), 'carl', own('carl'))).rejects.toMatchObject(banned)
    // The token is denied and not its owner, the certificate and not its name.
    await enter(await token('bob'), 'bob')
    await enter(await token('carl'), 'carl')
    expect((await clients.dora.publish('t', 'm', { qos: 1 })).reasonCode).toBe(0x10)
    const { stdout } = await runCommand(folder, ['deny', 'list'])
    expect(stdout).toMatch(
      /^sub eva, until 20\S+: left\njti stolen, until 20\S+\ncertificate_serial [\dA-F]+, until 20/,
    )
    expect((await runCommand(folder, ['deny', 'remove', '--sub', 'eva'])).code).toBe(0)
    await expect
      .poll(
        async () =>
          enter(await token('eva'), 'eva').then(
            () => 'in',
            () => 'out',
          ),
        { timeout: 3_000 },
      )
      .toBe('in')
  })

  it('is not let in by a renewal either [MQTT 5.0 table 3-10]', async () => {
    writeFileSync(directory.denied, '[]')
    const { served } = await serve(YAML)
    const broker = { host: '127.0.0.1', port: served.addresses[0]?.port ?? 0 }
    let tokenId = 'first'
    const client = await connect({
      url: `mqtts://127.0.0.1:${broker.port}`,
      tls: { ca: readFileSync(directory.caCertificate, 'utf8') },
      clientId: 'eva',
      credentials: async () => ({
        username: 'eva',
        authenticationMethod: 'JWT',
        authenticationData: await token('eva', tokenId),
      }),
      reconnect: false,
    })
    onTestFinished(async () => void (await client.close({ timeoutMs: 1000 })))
    tokenId = 'second'
    await client.reauthenticate()
    writeFileSync(directory.denied, JSON.stringify([{ jti: 'first' }, { jti: 'third' }]))
    await served.reload()
    expect(client.state).toBe('connected')
    tokenId = 'third'
    await expect(client.reauthenticate()).rejects.toMatchObject({ reasonCode: 0x87 })
  })

  it('is written by several commands at once, none of which undoes another', async () => {
    const file = join(folder, 'several.json')
    const names = Array.from({ length: 8 }, (_, i) => `robot-${i}`)
    const add = (name: string) => runCommand(folder, ['deny', 'add', '--sub', name, '--file', file])
    expect((await Promise.all(names.map(add))).map(({ code }) => code)).toEqual(names.map(() => 0))
    const { stdout } = await runCommand(folder, ['deny', 'list', '--file', file])
    expect(stdout.match(/robot-\d/g)?.sort()).toEqual(names)
    // One that died in between is not waited for.
    writeFileSync(`${file}.lock`, '')
    utimesSync(`${file}.lock`, 0, 0)
    expect((await add('last')).code).toBe(0)
    expect(readdirSync(folder).filter((name) => name.startsWith('several'))).toEqual(['several.json'])
  })

  it('is told at the command line what is wrong [promise 37]', async () => {
    const failing = async (...args: string[]) => (await runCommand(folder, ['deny', ...args])).stderr
    expect(await failing('add')).toContain('give one of --sub, --jti, --serial and --certificate')
    expect(await failing('add', '--sub', 'a', '--jti', 'b')).toContain('give one of')
    expect(await failing('add', '--sub', 'a/b')).toContain('sub "a/b" has a topic separator')
    expect(await failing('add', '--sub', 'a', '--for', '5')).toContain('such as 30m, 2h or 7d')
    expect(await failing('add', '--sub', 'a', '--until', '2001-01-01')).toContain('lies in the past')
    expect(await failing('add', '--certificate', 'absent.crt')).toContain('absent.crt cannot be read: ENOENT')
    expect(await failing('remove', '--serial', '7')).toContain('certificate_serial 7 is not denied')
  })

  it('keeps a broker from starting where its list cannot be read, and from forgetting it at SIGHUP', async () => {
    writeFileSync(directory.denied, '[{"sub":"eva"}]')
    const { served, enter } = await serve(YAML)
    await expect(enter(await token('eva'), 'eva')).rejects.toMatchObject({ reasonCode: 0x8a })
    writeFileSync(directory.denied, 'nonsense')
    await served.reload()
    await expect(enter(await token('eva'), 'eva')).rejects.toMatchObject({ reasonCode: 0x8a })
    await expect(serve(YAML)).rejects.toThrow('found no list')
    rmSync(directory.denied)
  })
})

describe('a client whose certificate its authority revokes', () => {
  it('is disconnected within a second and comes in no more with it; others of that authority go on', async () => {
    for (const name of ['revoked', 'kept']) await issueClient(directory, name)
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
    const paths = 'certificate=.jamey/certs/ca.crt\nprivate_key=.jamey/certs/ca.key\nnew_certs_dir=.'
    const files = 'database=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=30'
    writeFileSync(join(folder, 'ca.cnf'), `[ca]\ndefault_ca=d\n[d]\n${files}\n${paths}\n`)
    writeFileSync(join(folder, 'index.txt'), '')
    writeFileSync(join(folder, 'crlnumber'), '01')
    const publish = () => openssl('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'ca.crl')
    publish()
    const tls = '{ cert: .jamey/certs/server.crt, key: .jamey/certs/server.key, ca: .jamey/certs/ca.crt }'
    const { enter } = await serve(
      `listeners: [{ port: 0, tls: ${tls} }]\nstore: none\nauthentication: { tokenSecretFile: .jamey/token-secret }\ncrlFiles: ca.crl\n`,
    )
    const secret = readFileSync(directory.secret, 'utf8').trim()
    const come = async (name: string) =>
      enter(await signToken({ sub: name, permissions: ['#'] }, secret), name, {
        cert: readFileSync(directory.clientCertificate(name), 'utf8'),
        key: readFileSync(directory.clientKey(name), 'utf8'),
      })
    const [revoked, kept] = [await come('revoked'), await come('kept')]
    let told: unknown
    revoked.onState(({ cause }) => {
      told ??= (cause as { reasonCode?: number } | undefined)?.reasonCode
    })
    openssl('ca', '-config', 'ca.cnf', '-revoke', directory.clientCertificate('revoked'))
    publish()
    await expect.poll(() => told, { timeout: 3_000 }).toBe(0x98)
    await expect(come('revoked')).rejects.toMatchObject({
      reasonCode: 0x8a,
      message: expect.stringContaining('the client certificate is revoked'),
    })
    expect((await kept.publish('t', 'm', { qos: 1 })).reasonCode).toBe(0x10)
  })
})
