import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signToken } from '@jamey/auth'
import type { Broker } from '@jamey/broker'
import { connect } from '@jamey/mqtt'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { BrokerFlags } from './broker-layers.js'
import { readBrokerSettings } from './broker-settings.js'
import { type DataDirectory, dataDirectoryAt } from './data-directory.js'
import { startBroker } from './embedded-broker.js'
import { makeDataDirectory, provision } from './provision.js'
import { ServedBroker } from './served-broker.js'

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
  const broker: Broker = await startBroker(started, { log, portSetting: '' })
  const served = new ServedBroker({
    broker,
    started,
    read: () => readBrokerSettings(source),
    log,
    logLevel: 'silent',
  })
  onTestFinished(() => broker.close({ graceMs: 0 }))
  const enter = async (password: string, clientId = 'eva') => {
    const client = await connect({
      url: `mqtts://127.0.0.1:${broker.addresses[0]?.port}`,
      tls: { ca: readFileSync(directory.caCertificate, 'utf8') },
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
    // Whoever holds the public key, as everybody may, can not sign with it.
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
    // A set that can not be used changes nothing.
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
