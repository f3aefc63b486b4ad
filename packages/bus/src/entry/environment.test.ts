import { createPrivateKey, type KeyObject } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { createAuthority, issueClientCertificate } from '@jamey/auth'
import { COMPONENTS } from '@jamey/contracts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConfigurationError } from '../support/errors.js'
import { configFromEnvironment } from './environment.js'

const SECRET = 'correct-horse-battery-staple-and-more'
const base = { MQTT_CLIENT_ID: 'me', MQTT_JWT_SECRET: SECRET }

let certs: string
let cwd: string
beforeAll(async () => {
  certs = await mkdtemp(join(tmpdir(), 'jamey-environment-'))
  const authority = await createAuthority()
  const mine = await issueClientCertificate(authority, { commonName: 'me' })
  const other = await issueClientCertificate(authority, { commonName: 'other' })
  const files = {
    'ca.crt': authority.certPem,
    'me.crt': mine.certPem,
    'me.key': mine.keyPem,
    'other.crt': other.certPem,
    'other.key': other.keyPem,
    'text.txt': 'hello',
    'short.secret': 'short',
    'token.secret': `${SECRET}\n`,
    'open.secret': `${SECRET}\n`,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(certs, name), text, { mode: 0o600 })
  await chmod(join(certs, 'open.secret'), 0o644)
  await mkdir(join(certs, 'broken'))
  await mkdir(join(certs, 'broken', '.env'))
})
afterAll(() => rm(certs, { recursive: true, force: true }))
beforeEach(() => {
  cwd = certs
})

function faultsOf(env: Record<string, string>): ConfigurationError {
  try {
    configFromEnvironment(env, { cwd })
  } catch (error) {
    if (error instanceof ConfigurationError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('configuration from the environment', () => {
  it('reads where tokens are issued for the client certificate, where no secret is given', () => {
    const url = 'https://hub.example.org/v1/token'
    const env = { MQTT_TLS_CLIENT_CERT: 'me.crt', MQTT_TLS_CLIENT_KEY: 'me.key', MQTT_TOKEN_URL: url }
    const config = configFromEnvironment({ MQTT_CLIENT_ID: 'me', ...env }, { cwd })
    expect(config).toMatchObject({ tokenUrl: url, tls: { cert: expect.stringContaining('BEGIN') } })
    expect(config).not.toHaveProperty('clientSecret')
    expect(config).not.toHaveProperty('jwtSecret')
    const withSecret = configFromEnvironment(
      { MQTT_CLIENT_ID: 'me', ...env, MQTT_CLIENT_SECRET: SECRET },
      { cwd },
    )
    expect(withSecret).toHaveProperty('clientSecret')
    const plain = { MQTT_CLIENT_ID: 'me', ...env, MQTT_TOKEN_URL: 'http://127.0.0.1:8080/v1/token' }
    expect(faultsOf(plain).faults).toMatchObject([{ variable: 'MQTT_TOKEN_URL', found: 'a URL without TLS' }])
  })

  it('reads where tokens are issued, and for which secret, in place of the one that signs', () => {
    const url = 'https://hub.example.org/v1/token'
    const env = { MQTT_CLIENT_ID: 'me', MQTT_TOKEN_URL: url, MQTT_TOKEN_CA_CERT: 'ca.crt' }
    for (const secret of [{ MQTT_CLIENT_SECRET: SECRET }, { MQTT_CLIENT_SECRET_FILE: 'token.secret' }]) {
      const config = configFromEnvironment({ ...env, ...secret }, { cwd })
      expect(config).toMatchObject({ tokenUrl: url, tokenCa: expect.stringContaining('BEGIN') })
      expect(config).not.toHaveProperty('jwtSecret')
      expect((config.clientSecret as KeyObject).export().toString()).toBe(SECRET)
      expect(inspect(config, { depth: 9 })).not.toContain(SECRET)
    }
    const variables = (more: Record<string, string>) =>
      faultsOf({ MQTT_CLIENT_ID: 'me', ...more }).faults.map(({ variable }) => variable)
    expect(variables({ MQTT_TOKEN_URL: url })).toEqual(['MQTT_CLIENT_SECRET'])
    expect(variables({ MQTT_CLIENT_SECRET: SECRET })).toEqual(['MQTT_TOKEN_URL'])
    expect(variables({ ...env, MQTT_CLIENT_SECRET: SECRET, MQTT_JWT_SECRET: SECRET })).toEqual([
      'MQTT_JWT_SECRET',
    ])
    expect(
      variables({ ...env, MQTT_CLIENT_SECRET: SECRET, MQTT_CLIENT_SECRET_FILE: 'token.secret' }),
    ).toEqual(['MQTT_CLIENT_SECRET_FILE'])
    expect(variables({ ...env, MQTT_CLIENT_SECRET_FILE: 'open.secret' })).toEqual(['MQTT_CLIENT_SECRET_FILE'])
    const plain = { MQTT_CLIENT_SECRET: SECRET, MQTT_TOKEN_URL: 'http://u:geheim@hub.example.org' }
    expect(variables(plain)).toEqual(['MQTT_TOKEN_URL'])
    expect(faultsOf({ MQTT_CLIENT_ID: 'me', ...plain }).message).not.toMatch(/geheim|correct-horse/)
  })

  it('reads audience and issuers of tokens', () => {
    const env = { ...base, MQTT_JWT_AUDIENCE: 'hub, edge', MQTT_JWT_ISSUER: 'me' }
    expect(configFromEnvironment(env, { cwd })).toMatchObject({
      jwtAudience: ['hub', 'edge'],
      jwtIssuers: ['me'],
    })
    expect(faultsOf({ ...base, MQTT_JWT_AUDIENCE: 'hub,' }).faults[0]).toMatchObject({
      variable: 'MQTT_JWT_AUDIENCE',
      found: '"hub,"',
    })
  })

  it('takes the defaults of docs/configuration.md where nothing is set', () => {
    expect(configFromEnvironment(base, { cwd })).toMatchObject({
      url: ['mqtt://localhost:8883'],
      clientId: 'me',
      jwtLifetimeSeconds: 300,
      keepAliveSeconds: 60,
      maximumPacketBytes: 268_435_455,
      protocolVersion: 'auto',
      authenticationMethod: 'auto',
      failuresBeforeOpen: 10,
      heartbeatSeconds: 30,
      permissions: [],
    })
  })

  it('reads every variable of a client', () => {
    const env = {
      ...base,
      MQTT_BROKER_URL: 'mqtts://a.example:1234, mqtt://[::1]:1234',
      MQTT_TLS_CA_CERT: './ca.crt',
      MQTT_TLS_CLIENT_CERT: 'me.crt',
      MQTT_TLS_CLIENT_KEY: join(certs, 'me.key'),
      MQTT_JWT_LIFETIME_SECONDS: '60',
      MQTT_KEEP_ALIVE_SECONDS: '0',
      MQTT_MAX_PACKET_SIZE: '1048576',
      MQTT_BREAKER_FAILURES: 'never',
      JAMEY_HEARTBEAT_SECONDS: '5',
      JAMEY_ACT_FOR: 'jamey-gateway, gateway-2',
      JAMEY_ACCEPT_UNVERIFIED: '1',
      MQTT_SERVER_STAMPS: 'jamey/#, lab/+',
      MQTT_PERMISSIONS: 'publish:jamey/memory/store, jamey/events/#',
      MQTT_INSECURE: 'false',
    }
    const config = configFromEnvironment(env, { cwd })
    expect(config).toMatchObject({
      url: ['mqtts://a.example:1234', 'mqtt://[::1]:1234'],
      jwtLifetimeSeconds: 60,
      keepAliveSeconds: 0,
      maximumPacketBytes: 1_048_576,
      failuresBeforeOpen: Number.POSITIVE_INFINITY,
      serverStamps: ['jamey/#', 'lab/+'],
      heartbeatSeconds: 5,
      actFor: ['jamey-gateway', 'gateway-2'],
      acceptUnverified: true,
      permissions: ['publish:jamey/memory/store', 'jamey/events/#'],
    })
    expect(String(config.tls?.ca)).toContain('BEGIN CERTIFICATE')
    expect(String(config.tls?.cert)).toContain('BEGIN CERTIFICATE')
    expect(config.insecure).toBeUndefined()
  })

  it('reads how the client makes itself known', () => {
    const read = (env: Record<string, string>) => configFromEnvironment({ ...base, ...env }, { cwd })
    expect(
      read({ MQTT_PROTOCOL_VERSION: '4', MQTT_AUTH_METHOD: 'none', MQTT_USERNAME: 'me@localhost' }),
    ).toMatchObject({
      protocolVersion: 4,
      authenticationMethod: 'none',
      username: 'me@localhost',
    })
    expect(read({ MQTT_PROTOCOL_VERSION: '5', MQTT_AUTH_METHOD: 'jwt' })).toMatchObject({
      protocolVersion: 5,
      authenticationMethod: 'JWT',
    })
  })

  it('needs no secret where the certificate is enough', () => {
    const certificate = { MQTT_TLS_CLIENT_CERT: 'me.crt', MQTT_TLS_CLIENT_KEY: 'me.key' }
    const config = configFromEnvironment(
      { MQTT_CLIENT_ID: 'me', MQTT_USERNAME: 'none', ...certificate },
      { cwd },
    )
    expect(config).toMatchObject({ username: false })
    expect(config.jwtSecret).toBeUndefined()
  })

  it('takes an encrypted key with its passphrase', async () => {
    const key = createPrivateKey(await readFile(join(certs, 'me.key')))
    const encrypted = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hush' })
    const path = join(certs, 'encrypted.key')
    await writeFile(path, encrypted, { mode: 0o600 })
    const env = { ...base, MQTT_TLS_CLIENT_CERT: 'me.crt', MQTT_TLS_CLIENT_KEY: path }
    const variable = 'MQTT_TLS_CLIENT_KEY_PASSPHRASE'
    const config = configFromEnvironment({ ...env, [variable]: 'hush' }, { cwd })
    expect((config.tls as { key: KeyObject }).key.equals(key)).toBe(true)
    expect(inspect(config, { depth: 10, showHidden: true })).not.toContain('hush')
    expect(faultsOf(env).faults).toMatchObject([{ variable, found: 'nothing' }])
    const wrong = faultsOf({ ...env, [variable]: 'hush-hush' })
    expect(wrong.faults).toMatchObject([{ variable, found: 'one that is not its (not shown)' }])
    expect(wrong.message).not.toContain('hush-hush')
  })

  it('takes a proxy, and shows nothing of its password', () => {
    const read = (MQTT_PROXY: string) => configFromEnvironment({ ...base, MQTT_PROXY }, { cwd })
    const config = read('https://me:hush@proxy.example:3128')
    expect(config.proxy).toMatchObject({ url: 'https://me:hush@proxy.example:3128' })
    expect(inspect(config, { depth: 10, showHidden: true }) + JSON.stringify(config)).not.toContain('hush')
    expect(read('environment').proxy).toBe('environment')
    expect(read('').proxy).toBeUndefined()
    for (const wrong of ['hush', 'ftp://me:hush@h', 'me:hush@h:1']) {
      const found = faultsOf({ ...base, MQTT_PROXY: wrong })
      expect(found.faults).toMatchObject([{ variable: 'MQTT_PROXY', found: 'something else (not shown)' }])
      expect(found.message).not.toContain('hush')
    }
  })

  it('takes the folder of the outbox from the working directory', () => {
    const read = (MQTT_OUTBOX_DIR: string) => configFromEnvironment({ ...base, MQTT_OUTBOX_DIR }, { cwd })
    expect(read('outbox').outboxFolder).toBe(join(cwd, 'outbox'))
    expect(read('').outboxFolder).toBeUndefined()
  })

  it('takes filters from .env without quotes', async () => {
    cwd = await mkdtemp(join(certs, 'filters-'))
    await writeFile(
      join(cwd, '.env'),
      'MQTT_PERMISSIONS=jamey/#,publish:lab/# # ours\nMQTT_KEEP_ALIVE_SECONDS=7\n',
    )
    expect(configFromEnvironment(base, { cwd })).toMatchObject({
      permissions: ['jamey/#', 'publish:lab/#'],
      keepAliveSeconds: 7,
    })
    await writeFile(join(cwd, '.env'), 'MQTT_PERMISSIONS=lab/x, #\n')
    const { message } = faultsOf(base)
    expect(message).toContain('MQTT_PERMISSIONS')
    expect(message).toContain('in quotes')
  })

  it('takes no secret from a .env that others can read, nor anything from one that they can write or link', async () => {
    cwd = await mkdtemp(join(certs, 'open-'))
    const path = join(cwd, '.env')
    await writeFile(path, 'MQTT_KEEP_ALIVE_SECONDS=7\n')
    expect(configFromEnvironment(base, { cwd })).toMatchObject({ keepAliveSeconds: 7 })
    await chmod(path, 0o646)
    expect(faultsOf(base).faults).toMatchObject([
      { variable: '.env', found: expect.stringContaining('0646') },
    ])
    await writeFile(path, `MQTT_JWT_SECRET=${SECRET}\n`)
    await chmod(path, 0o644)
    expect(faultsOf(base).message).toContain(`chmod 600 ${path}`)
    await chmod(path, 0o600)
    expect(configFromEnvironment({ MQTT_CLIENT_ID: 'me' }, { cwd })).toMatchObject({ clientId: 'me' })
    await rename(path, join(cwd, '..', 'elsewhere'))
    await symlink('../elsewhere', path)
    expect(faultsOf(base).message).toContain('it is a link out of its folder')
  })

  it('never shows a secret when it is printed or written as JSON [promise 19]', () => {
    const env = { ...base, MQTT_TLS_CLIENT_CERT: 'me.crt', MQTT_TLS_CLIENT_KEY: 'me.key' }
    const config = configFromEnvironment(env, { cwd })
    const printed = inspect(config, { depth: 10, showHidden: true }) + JSON.stringify(config)
    expect(printed).not.toContain(SECRET)
    expect(printed).not.toContain('PRIVATE KEY')
  })

  it('takes identifier and permissions of a component of Jamey from the manifest', () => {
    const component = { name: 'memory', version: '1.0.0' }
    expect(configFromEnvironment({ MQTT_JWT_SECRET: SECRET }, { cwd, component })).toMatchObject({
      clientId: COMPONENTS.memory.clientId,
      permissions: COMPONENTS.memory.permissions,
      component,
    })
  })

  it('lets the environment win over .env, and .env over an empty variable', async () => {
    cwd = await mkdtemp(join(certs, 'dotenv-'))
    await writeFile(
      join(cwd, '.env'),
      `MQTT_CLIENT_ID=from-file\nMQTT_JWT_SECRET=${SECRET}\nMQTT_KEEP_ALIVE_SECONDS=7\nMQTT_TLS_CLIENT_CERT=\n`,
      { mode: 0o600 },
    )
    expect(
      configFromEnvironment({ MQTT_CLIENT_ID: '', MQTT_KEEP_ALIVE_SECONDS: '8' }, { cwd }),
    ).toMatchObject({
      clientId: 'from-file',
      keepAliveSeconds: 8,
    })
  })

  it('reads the secret from a file that only its owner can read', () => {
    const env = { MQTT_CLIENT_ID: 'me', MQTT_JWT_SECRET_FILE: 'token.secret' }
    const { jwtSecret } = configFromEnvironment(env, { cwd })
    expect(jwtSecret).toMatchObject({ type: 'secret', symmetricKeySize: SECRET.length })
  })

  it('signs with the first of several secrets in that file, and knows the former ones [promise 37]', () => {
    const env = { MQTT_CLIENT_ID: 'me', MQTT_JWT_SECRET_FILE: 'rotated.secret' }
    const path = join(cwd, 'rotated.secret')
    writeFileSync(path, `${'n'.repeat(40)}\n${'f'.repeat(50)}\n`, { mode: 0o600 })
    const { jwtSecret, formerJwtSecrets } = configFromEnvironment(env, { cwd })
    expect([jwtSecret, ...(formerJwtSecrets ?? [])]).toMatchObject([
      { type: 'secret', symmetricKeySize: 40 },
      { type: 'secret', symmetricKeySize: 50 },
    ])
    for (const [text, found] of [
      [`${'n'.repeat(40)}\n${'f'.repeat(31)}`, '31 bytes'],
      [`${'n'.repeat(40)}\n\n${'f'.repeat(40)}`, 'other lines'],
    ] as const) {
      writeFileSync(path, text, { mode: 0o600 })
      expect(() => configFromEnvironment(env, { cwd })).toThrow(`MQTT_JWT_SECRET_FILE`)
      expect(() => configFromEnvironment(env, { cwd })).toThrow(found)
    }
  })

  it('needs no secret, and takes mqtt:// for plaintext on port 1883, where that is allowed', () => {
    const config = configFromEnvironment({ MQTT_CLIENT_ID: 'me', MQTT_INSECURE: '1' }, { cwd })
    expect(config).toMatchObject({ insecure: true, url: ['mqtt://localhost:1883'] })
    expect(config.jwtSecret).toBeUndefined()
  })

  it.each<[Record<string, string>, string, string, string]>([
    [{ MQTT_BROKER_URL: 'localhost' }, 'MQTT_BROKER_URL', '"localhost"', 'mqtt://host or mqtts://host'],
    [{ MQTT_BROKER_URL: 'http://localhost' }, 'MQTT_BROKER_URL', '"http://localhost"', 'mqtts://host'],
    [{ MQTT_BROKER_URL: 'mqtt://a/path' }, 'MQTT_BROKER_URL', '"mqtt://a/path"', 'mqtt://host'],
    [{ MQTT_BROKER_URL: 'mqtt://' }, 'MQTT_BROKER_URL', '"mqtt://"', 'mqtt://host'],
    [{ MQTT_BROKER_URL: 'mqtt://u:hush@a' }, 'MQTT_BROKER_URL', 'mqtt://***@a', 'logs in with its token'],
    [{ MQTT_PORT: '0' }, 'MQTT_PORT', '"0"', 'from 1 to 65535'],
    [{ MQTT_PORT: '88x' }, 'MQTT_PORT', '"88x"', 'a whole number'],
    [{ MQTT_PORT: '1', MQTT_BROKER_URL: 'mqtt://a:2' }, 'MQTT_PORT', '1', '2, as in MQTT_BROKER_URL'],
    [{ MQTT_CLIENT_ID: '' }, 'MQTT_CLIENT_ID', 'nothing', '1 to 128 characters'],
    [{ MQTT_CLIENT_ID: 'a/b' }, 'MQTT_CLIENT_ID', '"a/b"', 'without / + #'],
    [{ MQTT_JWT_SECRET: '' }, 'MQTT_JWT_SECRET', 'nothing', 'at least 32'],
    [{ MQTT_JWT_SECRET: 'hush' }, 'MQTT_JWT_SECRET', '4 bytes (not shown)', 'at least 32'],
    [
      { MQTT_JWT_SECRET_FILE: 'token.secret' },
      'MQTT_JWT_SECRET_FILE',
      'beside MQTT_JWT_SECRET',
      'one of the two',
    ],
    [
      { MQTT_JWT_SECRET: '', MQTT_JWT_SECRET_FILE: 'open.secret' },
      'MQTT_JWT_SECRET_FILE',
      'mode 0644',
      'a file with the token secret',
    ],
    [
      { MQTT_JWT_SECRET: '', MQTT_JWT_SECRET_FILE: 'short.secret' },
      'MQTT_JWT_SECRET_FILE',
      '5 bytes',
      'at least 32',
    ],
    [
      { MQTT_JWT_SECRET: '', MQTT_JWT_SECRET_FILE: 'gone' },
      'MQTT_JWT_SECRET_FILE',
      '(ENOENT: ',
      'a file with',
    ],
    [{ MQTT_JWT_LIFETIME_SECONDS: '3601' }, 'MQTT_JWT_LIFETIME_SECONDS', '"3601"', 'from 1 to 3600'],
    [{ MQTT_KEEP_ALIVE_SECONDS: '-1' }, 'MQTT_KEEP_ALIVE_SECONDS', '"-1"', 'from 0 to 65535'],
    [{ MQTT_BREAKER_FAILURES: '0' }, 'MQTT_BREAKER_FAILURES', '"0"', "attempts (or 'never') from 1"],
    [{ MQTT_MAX_PACKET_SIZE: '1e9' }, 'MQTT_MAX_PACKET_SIZE', '"1e9"', 'from 1024 to 268435460'],
    [{ MQTT_PROTOCOL_VERSION: '3.1' }, 'MQTT_PROTOCOL_VERSION', '"3.1"', 'auto'],
    [{ MQTT_AUTH_METHOD: 'SCRAM' }, 'MQTT_AUTH_METHOD', '"SCRAM"', 'auto, jwt, none'],
    [
      { MQTT_AUTH_METHOD: 'JWT', MQTT_PROTOCOL_VERSION: '4' },
      'MQTT_AUTH_METHOD',
      'MQTT_PROTOCOL_VERSION=4',
      'none or auto',
    ],
    [{ MQTT_USERNAME: 'none' }, 'MQTT_USERNAME', '"none"', 'MQTT_TLS_CLIENT_CERT'],
    [{ MQTT_SERVER_STAMPS: 'jamey/#/x' }, 'MQTT_SERVER_STAMPS', '"jamey/#/x"', 'MQTT topic filters'],
    [{ MQTT_SERVER_STAMPS: '$share/g/x' }, 'MQTT_SERVER_STAMPS', '"$share/g/x"', 'not below $'],
    [{ MQTT_BROKER_URL: 'mqtts+srv://a:8883' }, 'MQTT_BROKER_URL', '"mqtts+srv://a:8883"', 'without a port'],
    [{ MQTT_BROKER_URL_ORDER: 'wild' }, 'MQTT_BROKER_URL_ORDER', '"wild"', 'listed, random'],
    [{ MQTT_SHARED_SUBSCRIPTIONS: 'maybe' }, 'MQTT_SHARED_SUBSCRIPTIONS', '"maybe"', 'auto, true, false'],
    [{ MQTT_INSECURE: 'maybe' }, 'MQTT_INSECURE', '"maybe"', 'true or false'],
    [{ MQTT_PERMISSIONS: 'jamey/#,a/#/b' }, 'MQTT_PERMISSIONS', '"a/#/b"', 'an MQTT topic filter'],
    [
      { MQTT_PERMISSIONS: '$share/g/a' },
      'MQTT_PERMISSIONS',
      '"$share/g/a"',
      'subscribe:$share/<group>/<filter>',
    ],
    [{ MQTT_PERMISSIONS: 'a/b%c' }, 'MQTT_PERMISSIONS', '"a/b%c"', 'an MQTT topic filter'],
    [
      { MQTT_PERMISSIONS: 'act-for:a/b' },
      'MQTT_PERMISSIONS',
      '"act-for:a/b"',
      'act-for: or relay: before a client',
    ],
    [{ MQTT_PERMISSIONS: 'jamey/#,' }, 'MQTT_PERMISSIONS', '""', 'an MQTT topic filter'],
    [{ MQTT_TLS_CA_CERT: 'gone.crt' }, 'MQTT_TLS_CA_CERT', '"gone.crt"', 'PEM file with CA certificates'],
    [{ MQTT_TLS_CA_CERT: 'text.txt' }, 'MQTT_TLS_CA_CERT', 'no certificate', 'PEM'],
    [{ MQTT_TLS_CLIENT_CERT: 'me.crt' }, 'MQTT_TLS_CLIENT_KEY', 'nothing', 'MQTT_TLS_CLIENT_CERT is set'],
    [{ MQTT_TLS_CLIENT_KEY: 'me.key' }, 'MQTT_TLS_CLIENT_CERT', 'nothing', 'MQTT_TLS_CLIENT_KEY is set'],
    [
      { MQTT_TLS_CLIENT_CERT: 'me.crt', MQTT_TLS_CLIENT_KEY: 'other.key' },
      'MQTT_TLS_CLIENT_KEY',
      'a key of another certificate',
      'the private key of MQTT_TLS_CLIENT_CERT',
    ],
    [
      { MQTT_TLS_CLIENT_CERT: 'me.crt', MQTT_TLS_CLIENT_KEY: 'text.txt' },
      'MQTT_TLS_CLIENT_KEY',
      'no key that can be read',
      'a private key in PEM',
    ],
    [
      { MQTT_TLS_CLIENT_CERT: 'other.crt', MQTT_TLS_CLIENT_KEY: 'other.key' },
      'MQTT_TLS_CLIENT_CERT',
      'a certificate for "other"',
      'common name is the client identifier "me"',
    ],
  ])('tells variable, value and expectation: %j [promise 37]', (change, variable, found, expected) => {
    const error = faultsOf({ ...base, ...change })
    expect(error.faults.map((fault) => fault.variable)).toEqual([variable])
    expect(error.faults[0]?.found).toContain(found)
    expect(error.faults[0]?.expected).toContain(expected)
    expect(error.message).toContain(`${variable}: expected`)
    expect(error.message).not.toContain('hush')
    expect(error.message).not.toContain(SECRET)
  })

  it('takes permissions from the manifest for a client that it names, unless others are set', () => {
    const permissionsIn = (path: string, clientId: string) => {
      if (path.endsWith('broken.yaml')) throw new Error('broken.yaml:1: no manifest')
      return clientId === 'me' ? [`publish:lab/${path.split('/').at(-1)}`] : undefined
    }
    const env = { ...base, JAMEY_PERMISSIONS_FILE: 'permissions.yaml' }
    const read = (change: Record<string, string>, component?: { name: string; version: string }) =>
      configFromEnvironment({ ...env, ...change }, { cwd, permissionsIn, component })
    expect(read({}).permissions).toEqual(['publish:lab/permissions.yaml'])
    expect(read({ MQTT_PERMISSIONS: 'lab/a' }).permissions).toEqual(['lab/a'])
    expect(configFromEnvironment(env, { cwd }).permissions).toEqual([])
    const conscience = { name: 'conscience', version: '1' }
    expect(read({}, conscience).permissions).toEqual(COMPONENTS.conscience.permissions)
    expect(() => read({ MQTT_CLIENT_ID: 'bob' })).toThrow(/JAMEY_PERMISSIONS_FILE: .*does not name "bob"/)
    expect(() => read({ JAMEY_PERMISSIONS_FILE: 'broken.yaml' })).toThrow('broken.yaml:1: no manifest')
  })

  it('tells every fault at once [promise 37]', () => {
    const { faults } = faultsOf({ MQTT_BROKER_URL: 'x', MQTT_PORT: 'y', MQTT_KEEP_ALIVE_SECONDS: 'z' })
    expect(faults.map(({ variable }) => variable)).toEqual([
      'MQTT_CLIENT_ID',
      'MQTT_PORT',
      'MQTT_BROKER_URL',
      'MQTT_JWT_SECRET',
      'MQTT_KEEP_ALIVE_SECONDS',
    ])
  })

  it('tells of a .env that cannot be read', () => {
    cwd = join(certs, 'broken')
    expect(faultsOf(base).faults[0]).toMatchObject({ variable: '.env', expected: 'a readable file, or none' })
  })
})
