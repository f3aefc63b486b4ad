import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DEFAULT_LIMITS } from '@jamey/broker'
import { ConfigurationError } from '@jamey/bus'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DataDirectory, dataDirectoryAt } from '../install/data-directory.js'
import { makeDataDirectory, provision } from '../install/provision.js'
import { readBrokerSettings, readStorePath } from './settings.js'
import type { BrokerFlags } from './settings-table.js'

const SECRET = 'a secret of at least thirty-two bytes, for tests'

let folder: string
let directory: DataDirectory
let pem: Record<'cert' | 'key' | 'ca', string>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-broker-settings-'))
  directory = dataDirectoryAt(join(folder, '.jamey'))
  makeDataDirectory(directory)
  await provision(directory, '127.0.0.1')
  const { serverCertificate: cert, serverKey: key, caCertificate: ca } = directory
  pem = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8'), ca: readFileSync(ca, 'utf8') }
  mkdirSync(join(folder, 'etc'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

beforeEach(() => rmSync(join(folder, 'etc/broker.yaml'), { force: true }))

const TLS = 'tls: { cert: ../.jamey/certs/server.crt, key: ../.jamey/certs/server.key }'
const TOKEN = 'authentication: { tokenSecretFile: ../.jamey/token-secret }'

function read(yaml: string | undefined, flags: BrokerFlags = {}, env: NodeJS.ProcessEnv = {}) {
  if (yaml === undefined) return readBrokerSettings({ flags, env, cwd: folder })
  writeFileSync(join(folder, 'etc/broker.yaml'), yaml)
  return readBrokerSettings({ flags: { config: 'etc/broker.yaml', ...flags }, env, cwd: folder })
}

async function faultsOf(yaml: string | undefined, flags: BrokerFlags = {}, env: NodeJS.ProcessEnv = {}) {
  const error = await read(yaml, flags, env).catch((thrown: unknown) => thrown)
  if (error instanceof ConfigurationError) return error
  throw new Error(`expected faults, got ${JSON.stringify(error)}`)
}

/** `name: found`, with the file's name left out. */
function listOf({ faults }: ConfigurationError): string[] {
  return faults.map(({ variable, found }) => `${variable.replace('etc/broker.yaml: ', '')}: ${found}`)
}

describe('the file of a broker', () => {
  it('has every field that the manual shows, and means what it says there', async () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../../../docs/configuration.md'), 'utf8')
    const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
    const here = example
      .replaceAll(' certs/', ' ../.jamey/certs/')
      .replace(' token-secret', ' ../.jamey/token-secret')
    const { listeners, ...settings } = await read(here)
    const { ca, ...own } = pem
    expect(listeners).toEqual([
      {
        host: '0.0.0.0',
        port: 8883,
        tls: { ...pem, requestClientCertificate: true, requireClientCertificate: false },
      },
      {
        host: '0.0.0.0',
        port: 8084,
        tls: { ...own, requestClientCertificate: false, requireClientCertificate: false },
        webSocket: { path: '/mqtt', origins: ['https://app.example'], hosts: ['hub.example.org'] },
        limits: { packetBytes: 65_536 },
      },
      {
        host: '0.0.0.0',
        port: 8885,
        tls: { ...pem, requestClientCertificate: true, requireClientCertificate: true },
        proxyProtocol: { trusted: ['10.0.0.0/8'] },
      },
      { host: '127.0.0.1', port: 1883, insecure: true },
    ])
    expect(ca).toContain('BEGIN CERTIFICATE')
    expect(settings).toEqual({
      storePath: join(folder, 'etc/data/broker'),
      authentication: {
        method: 'token',
        secrets: [readFileSync(directory.secret, 'utf8').trim()],
        keys: { url: 'https://idp.example.org/jwks', ca: undefined },
        audience: ['hub.example.org'],
        issuers: ['hub', 'https://idp.example.org'],
        certificateRequiredFor: ['jamey-memory', 'jamey-gateway*'],
      },
      refused: ['robot-7', 'retired-*'],
      revocation: {
        deniedFile: join(folder, 'etc/denied.json'),
        crlFiles: [join(folder, 'etc/certs/ca.crl')],
        ownCrlFile: directory.revocationList,
        authorities: [pem.ca],
      },
      permissions: [
        { clients: ['*'], allow: ['jamey/#'] },
        { clients: ['jamey-memory', 'sensor-*'], allow: ['publish:lab/#', 'subscribe:lab/commands/+'] },
      ],
      tlsFiles: [directory.serverCertificate, directory.serverKey, directory.caCertificate],
      limits: { connections: 5_000, packetBytes: 1_048_576 },
      overflow: 'drop-oldest',
      sharedSubscriptions: 'by-publisher',
      maximumQos: 2,
      retainAvailable: true,
      stampSenders: ['jamey/#', 'lab/#'],
      refuseWhenFull: ['jamey/api/responses/#', 'lab/answers/#'],
      logLevel: 'info',
      shutdown: { graceMs: 5_000, serverReference: 'broker2.example.org:8883', reasonCode: 0x9d },
    })
  })

  it('tells what is wrong with public keys, and shows no password of their URL [promise 37]', async () => {
    writeFileSync(join(folder, 'etc/private.json'), '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}')
    const faults = async (authentication: string, env: NodeJS.ProcessEnv = {}) =>
      listOf(await faultsOf(`listeners: [{ ${TLS} }]\nauthentication: ${authentication}`, {}, env))
    expect(await faults('{ jwksFile: absent.json, audience: [], issuers: 5 }')).toEqual([
      'authentication.audience: a list',
      'authentication.issuers: 5',
      expect.stringMatching(/^authentication.jwksFile: .*absent.json does not exist$/),
    ])
    const refused = await faults('{ jwksFile: private.json }')
    expect(refused).toEqual([expect.stringContaining('keys[0] is a secret key')])
    expect(refused.join()).not.toContain('c2VjcmV0')
    const url = 'https://eva:geheim@idp.example.org/jwks'
    expect(await faults('{}', { MQTT_JWKS_URL: url })).toEqual([
      'MQTT_JWKS_URL: the URL of the key set has a user name or password in it; expected https://...',
    ])
    expect(await faults('{ jwksUrl: "http://idp.example.org" }')).toEqual([
      expect.stringContaining('is without encryption and not of this machine'),
    ])
    expect(await faults('{ jwksUrl: "https://idp.example.org", jwksFile: private.json }')).toContain(
      'authentication.jwksUrl: a URL, beside jwksFile',
    )
    expect(await faults('{}')).toEqual(['authentication.tokenSecretFile: nothing'])
  })

  it('takes public keys in place of a secret, by file, variable or option', async () => {
    const keys = { url: 'https://idp.example.org/jwks', ca: pem.ca }
    const env = {
      MQTT_JWKS_URL: keys.url,
      MQTT_JWKS_CA_CERT: directory.caCertificate,
      MQTT_JWT_AUDIENCE: 'a, b',
      MQTT_JWT_ISSUER: 'c',
    }
    const { authentication } = await read(`listeners: [{ ${TLS} }]`, { audience: 'd' }, env)
    expect(authentication).toEqual({ method: 'token', secrets: [], keys, audience: ['d'], issuers: ['c'] })
    const inFile = '{ jwksUrl: "https://idp.example.org/jwks", jwksCa: ../.jamey/certs/ca.crt, audience: e }'
    const fromFile = await read(`listeners: [{ ${TLS} }]\nauthentication: ${inFile}`)
    expect(fromFile.authentication).toEqual({ method: 'token', secrets: [], keys, audience: ['e'] })
  })

  it('takes every limit of the broker', async () => {
    const limits = Object.entries(DEFAULT_LIMITS).map(([name, value]) => `  ${name}: ${value}`)
    const settings = await read(`listeners: [{ ${TLS} }]\n${TOKEN}\nlimits:\n${limits.join('\n')}\n`)
    expect(settings.limits).toEqual(DEFAULT_LIMITS)
  })

  it('tells every fault at once, by its field, with what was found and expected [promise 37]', async () => {
    const error = await faultsOf(`
listeners:
  - { port: 99999, tls: { cert: absent.pem, key: 5 } }
  - host: 127.0.0.1
    port: 9001
    tls: { cert: ../.jamey/certs/server.key, key: ../.jamey/certs/server.crt, clientCertificate: required }
    webSocket: { path: mqtt, colour: red }
    proxyProtocol: { trusted: [10.0.0.0/99, lab, 10.0.0.1, '::/0'] }
  - { port: 9001, proxyProtocol: true, webSocket: true, limits: { packetBytes: 1, sessions: 5 } }
  - { port: 9002, insecure: true, tls: { cert: ../.jamey/certs/server.crt, key: ../.jamey/certs/jamey-memory.key } }
authentication: { method: tokn }
permissions: [{ clients: [], allow: [a/#/b, 'publish:fine/#'] }]
limits: { packetBytes: 1, conections: 5, sessions: 1.5 }
overflow: drop
maximumQos: 3
retainAvailable: sometimes
stampSenders: [jamey/#, a/#/b, $share/g/a, $SYS/#, 5]
refuseWhenFull: [a/#/b]
shutdown: { graceMs: -1, serverReference: 'a:1', reason: shutting-down }
logLevel: 5
colour: red
`)
    const faults = listOf(error)
    expect(faults.sort()).toEqual(
      [
        'listeners[0].port: 99999',
        'listeners[0].tls.cert: "absent.pem", which cannot be read (ENOENT)',
        'listeners[0].tls.key: 5',
        'listeners[1].tls.cert: "../.jamey/certs/server.key", which holds something else, or is encrypted',
        'listeners[1].tls.key: "../.jamey/certs/server.crt", which holds something else, or is encrypted',
        'listeners[1].tls.ca: nothing',
        'listeners[1].webSocket.path: "mqtt"',
        'listeners[1].webSocket.colour: an unknown field',
        'listeners[1].proxyProtocol.trusted[0]: "10.0.0.0/99"',
        'listeners[1].proxyProtocol.trusted[1]: "lab"',
        'listeners[2].tls.cert: nothing',
        'listeners[2].tls.key: nothing',
        'listeners[2].port: that of listeners[1]',
        'listeners[2].limits.packetBytes: 1',
        'listeners[2].limits.sessions: an unknown field',
        'listeners[3].insecure: true, beside tls',
        'listeners[3].tls.key: the key of another one',
        'authentication.method: "tokn"',
        'permissions[0].clients: a list',
        'permissions[0].allow[0]: "a/#/b"',
        'limits.packetBytes: 1',
        'limits.conections: an unknown field',
        'limits.sessions: 1.5',
        'overflow: "drop"',
        'maximumQos: 3',
        'retainAvailable: "sometimes"',
        'stampSenders[1]: "a/#/b"',
        'stampSenders[2]: "$share/g/a"',
        'stampSenders[3]: "$SYS/#"',
        'stampSenders[4]: 5',
        'refuseWhenFull[0]: "a/#/b"',
        'shutdown.graceMs: -1',
        'shutdown.reason: "shutting-down"',
        'logLevel: 5',
        'colour: an unknown field',
      ].sort(),
    )
    expect(error.message).toContain(
      'etc/broker.yaml: listeners[1].tls.ca: expected who vouches for client certificates',
    )
    expect(error.message).toContain(
      'limits.packetBytes: expected a limit: a whole number from 16 to 268435460',
    )
  })

  it('shows no secret in a fault [promise 19]', async () => {
    const secret = 'TmV2ZXJ0b2xkdG9hbnlib2R5TmV2ZXJ0b2xkdG9h'
    const inline = `authentication: { tokenSecret: hunter2hunter2, tokenSecretFile: ${secret} }`
    const key = `listeners: [{ tls: { cert: x, key: ${JSON.stringify(pem.key)} } }]`
    const { message } = await faultsOf(`${key}\n${inline}\n`, {}, {})
    expect(message).toContain('authentication.tokenSecret: expected no secret in this file')
    expect(message).toContain('40 characters that name no file (not shown)')
    expect(message).toContain('found PEM text (not shown)')
    const broken = await faultsOf(`authentication:\n  tokenSecret: hunter2 : hunter2\n  x: [\n`)
    const short = await faultsOf(undefined, {}, { MQTT_JWT_SECRET: 'hunter2' })
    expect(short.message).toContain('MQTT_JWT_SECRET: expected the secret that signs tokens')
    for (const text of [message, broken.message, short.message]) {
      for (const each of ['hunter2', secret.slice(0, 8), pem.key.split('\n')[1] ?? '']) {
        expect(text).not.toContain(each)
      }
    }
  })

  it.each([
    ['[1, 2]', 'etc/broker.yaml: expected a mapping of settings, found a list'],
    ['a: b: c', 'etc/broker.yaml:1:4: expected YAML, found BLOCK_AS_IMPLICIT_KEY'],
    ['store: a\nstore: b', 'etc/broker.yaml:2:1: expected YAML, found Map keys must be unique'],
    ['listeners: 5', 'listeners: expected a list of listeners, found 5'],
    ['listeners: []', 'listeners: expected at least one listener, found a list'],
    ['listeners: [5]', 'listeners[0]: expected a mapping of host, port'],
    ['refused: robot-7', 'refused: expected a list of client identifiers'],
    ['permissions: {}', 'permissions: expected a list of { clients, allow }, found a mapping'],
  ])('is refused as a whole where it is %j [promise 37]', async (yaml, message) => {
    expect((await faultsOf(yaml)).message).toContain(message)
  })

  it('that is not there is told by its path', async () => {
    const { message } = await faultsOf(undefined, { config: 'absent.yaml' })
    expect(message).toContain('absent.yaml: expected a YAML file with the settings of the broker')
    expect(message).toContain('(ENOENT)')
  })

  it('that knows clients by certificate says for every listener who vouches, and what they may do', async () => {
    const faulty = await faultsOf(`listeners: [{ ${TLS} }, { port: 1, insecure: true }]
authentication: { method: certificate }`)
    expect(listOf(faulty)).toEqual([
      'listeners[0].tls.ca: nothing',
      'listeners[1].tls.ca: nothing',
      'permissions: nothing',
    ])
    const ca = TLS.replace('{', '{ ca: ../.jamey/certs/ca.crt,')
    const { authentication } = await read(`listeners: [{ ${ca} }]
authentication: { method: certificate }
permissions: [{ clients: [a], allow: [] }]`)
    expect(authentication).toEqual({ method: 'certificate' })
  })
})

describe('settings of a broker', () => {
  const file = `
listeners: [{ host: 10.0.0.1, port: 1, ${TLS} }]
${TOKEN}
store: kept
limits: { connections: 1, sessions: 1, inFlight: 1 }
overflow: disconnect
stampSenders: [one/#]
refuseWhenFull: [one/answers/#]
shutdown: { graceMs: 1 }
logLevel: error
`
  const env = {
    JAMEY_BROKER_HOST: '10.0.0.2',
    JAMEY_BROKER_PORT: '2',
    JAMEY_BROKER_STORE: 'env',
    JAMEY_BROKER_LIMITS: 'connections=2, sessions=2',
    JAMEY_BROKER_OVERFLOW: 'drop-newest',
    JAMEY_BROKER_SHARED_SUBSCRIPTIONS: 'by-publisher',
    JAMEY_BROKER_STAMP_SENDERS: 'two/#, +/two',
    JAMEY_BROKER_REFUSE_WHEN_FULL: 'two/answers/#',
    JAMEY_BROKER_GRACE_MS: '2',
    JAMEY_BROKER_SERVER_REFERENCE: 'two:2',
    JAMEY_LOG_LEVEL: 'warn',
    MQTT_JWT_SECRET: SECRET,
  }
  const flags = {
    host: '10.0.0.3',
    port: 3,
    store: 'flag',
    limit: ['connections=3'],
    overflow: 'drop-oldest',
    sharedSubscriptions: 'in-turn',
    stampSenders: 'none',
    refuseWhenFull: 'none',
    graceMs: '3',
    serverReference: 'three:3',
    logLevel: 'debug',
    tokenSecretFile: '.jamey/token-secret',
  }

  it('come from the option, else the variable, else the file, else a default', async () => {
    const secret = readFileSync(directory.secret, 'utf8').trim()
    const facts = async (...from: Parameters<typeof read>) => {
      const {
        listeners,
        storePath,
        limits,
        overflow,
        sharedSubscriptions,
        stampSenders,
        refuseWhenFull,
        shutdown,
        logLevel,
        authentication,
      } = await read(...from)
      const [{ host, port } = {}] = listeners
      const { connections, sessions, inFlight } = limits
      const known = 'secrets' in authentication ? authentication.secrets.join() : ''
      return {
        host,
        port,
        storePath,
        n: [connections, sessions, inFlight],
        overflow,
        sharedSubscriptions,
        stampSenders,
        refuseWhenFull,
        shutdown,
        logLevel,
        known,
      }
    }
    expect(await facts(`listeners: [{ ${TLS} }]\n${TOKEN}`)).toMatchObject({
      host: '127.0.0.1',
      port: 8883,
      storePath: join(folder, '.jamey/data/broker'),
      stampSenders: ['jamey/#'],
      refuseWhenFull: ['jamey/api/responses/#'],
      shutdown: { graceMs: 1_000 },
    })
    expect(await facts(file)).toMatchObject({
      host: '10.0.0.1',
      port: 1,
      storePath: join(folder, 'etc/kept'),
      n: [1, 1, 1],
      overflow: 'disconnect',
      sharedSubscriptions: undefined,
      stampSenders: ['one/#'],
      refuseWhenFull: ['one/answers/#'],
      shutdown: { graceMs: 1 },
      logLevel: 'error',
      known: secret,
    })
    expect(await facts(file, {}, env)).toMatchObject({
      host: '10.0.0.2',
      port: 2,
      storePath: join(folder, 'env'),
      n: [2, 2, 1],
      overflow: 'drop-newest',
      sharedSubscriptions: 'by-publisher',
      stampSenders: ['two/#', '+/two'],
      refuseWhenFull: ['two/answers/#'],
      shutdown: { graceMs: 2, serverReference: 'two:2' },
      logLevel: 'warn',
      known: SECRET,
    })
    expect(await facts(file, flags, env)).toMatchObject({
      host: '10.0.0.3',
      port: 3,
      storePath: join(folder, 'flag'),
      n: [3, 2, 1],
      overflow: 'drop-oldest',
      sharedSubscriptions: 'in-turn',
      stampSenders: [],
      refuseWhenFull: [],
      shutdown: { graceMs: 3, serverReference: 'three:3' },
      logLevel: 'debug',
      known: secret,
    })
  })

  it('are called in faults by whatever said them', async () => {
    const { faults } = await faultsOf(
      file,
      { overflow: 'x', limit: ['nonsense=5', 'packetBytes=1'] },
      { JAMEY_BROKER_PORT: 'y', JAMEY_BROKER_LIMITS: 'z', JAMEY_BROKER_CERT: 'absent.pem' },
    )
    expect(faults.map(({ variable, found }) => `${variable}: ${found}`).sort()).toEqual([
      '--limit nonsense: an unknown field',
      '--limit packetBytes: 1',
      '--overflow: "x"',
      expect.stringMatching(/^JAMEY_BROKER_CERT: ".*absent.pem", which cannot be read/),
      'JAMEY_BROKER_LIMITS: "z"',
      'JAMEY_BROKER_PORT: "y"',
    ])
  })

  it('are completed by a folder where nothing else says them', async () => {
    const own = dataDirectoryAt(join(folder, '.jamey'))
    const settings = await readBrokerSettings({ flags: {}, env: {}, cwd: '/', directory: own })
    expect(settings).toMatchObject({
      listeners: [{ port: 8883, tls: { ...pem, requestClientCertificate: true } }],
      storePath: join(own.data, 'broker'),
      authentication: { method: 'token' },
    })
    // A key is not taken from there for somebody else's certificate.
    const env = { JAMEY_BROKER_CERT: own.serverCertificate }
    const half = await readBrokerSettings({ flags: {}, env, cwd: '/', directory: own }).catch(
      (error) => error,
    )
    expect(listOf(half)).toEqual(['listeners[0].tls.key: nothing'])
  })

  it('with --insecure alone are those of a broker for tests, whatever the environment has', async () => {
    const variables = { MQTT_JWT_SECRET: SECRET, JAMEY_BROKER_CERT: directory.serverCertificate }
    expect(await read(undefined, { insecure: true }, variables)).toMatchObject({
      listeners: [{ host: '127.0.0.1', port: 1883, insecure: true }],
      authentication: { method: 'none' },
      storePath: undefined,
    })
  })

  it('are not asked for beyond the store where only that is needed', () => {
    writeFileSync(join(folder, 'etc/broker.yaml'), 'store: kept\nlisteners: [{ tls: { cert: absent } }]\n')
    const source = { env: {}, cwd: folder }
    expect(readStorePath({ ...source, flags: { config: 'etc/broker.yaml' } })).toBe(join(folder, 'etc/kept'))
    expect(readStorePath({ ...source, flags: { store: 'none' } })).toBeUndefined()
    expect(() => readStorePath({ ...source, flags: { config: 'absent.yaml' } })).toThrow('absent.yaml')
  })
})
