import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signToken } from '@jamey/auth'
import { ConfigurationError } from '@jamey/bus'
import { type Client, type ConnectOptions, connect } from '@jamey/mqtt'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startServedBroker } from '../broker/served-broker.js'
import { readBrokerSettings } from '../broker/settings.js'
import { type DataDirectory, dataDirectoryAt } from '../install/data-directory.js'
import { issueClient, makeDataDirectory, provision } from '../install/provision.js'

const MANIFEST = `version: 1
clients:
  eva: { permissions: ['lab/%c/#', 'act-for:bob'] }
  robot-7: { proof: certificate, permissions: ['publish:lab/#'], limits: { publishesPerSecond: 1 } }
  dora: { proof: [secret, certificate], permissions: [news] }
  idle: {}
`
const YAML = `
listeners:
  - { port: 0, tls: { cert: .jamey/certs/server.crt, key: .jamey/certs/server.key, ca: .jamey/certs/ca.crt } }
store: none
authentication: { tokenSecretFile: .jamey/token-secret }
manifest: permissions.yaml
`

let folder: string
let directory: DataDirectory
let secret: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-broker-manifest-'))
  directory = dataDirectoryAt(join(folder, '.jamey'))
  makeDataDirectory(directory)
  await provision(directory, '127.0.0.1')
  for (const name of ['robot-7', 'dora', 'eva', 'mallory']) await issueClient(directory, name)
  secret = readFileSync(directory.secret, 'utf8').trim()
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const write = (file: string, text: string) => writeFileSync(join(folder, file), text)

interface Shown {
  /** Of the token; none: there is no token. */
  readonly permissions?: readonly string[]
  /** Whose certificate. */
  readonly certificate?: string
}

async function serve() {
  write('permissions.yaml', MANIFEST)
  write('broker.yaml', YAML)
  const lines: { level: number; err?: { message: string } }[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const read = () => readBrokerSettings({ flags: { config: 'broker.yaml' }, env: {}, cwd: folder })
  const started = await read()
  const served = await startServedBroker({ started, read, log, logLevel: 'info', portSetting: '' })
  onTestFinished(() => served.stop(0))
  const enter = async (clientId: string, shown: Shown, options: Partial<ConnectOptions> = {}) => {
    const { permissions, certificate } = shown
    const token = permissions && (await signToken({ sub: clientId, permissions }, secret))
    const own = certificate === undefined ? {} : pairOf(certificate)
    const client = await connect({
      url: `mqtts://127.0.0.1:${served.addresses[0]?.port}`,
      tls: { ca: readFileSync(directory.caCertificate, 'utf8'), ...own },
      clientId,
      ...(token === undefined ? {} : { credentials: { username: clientId, password: token } }),
      reconnect: false,
      ...options,
    })
    onTestFinished(async () => void (await client.close({ timeoutMs: 1000 })))
    return client
  }
  return { served, enter, lines }
}

function pairOf(name: string): { cert: string; key: string } {
  return {
    cert: readFileSync(directory.clientCertificate(name), 'utf8'),
    key: readFileSync(directory.clientKey(name), 'utf8'),
  }
}

async function mayPublish(client: Client, topic: string): Promise<boolean> {
  return client.publish(topic, 'x', { qos: 1 }).then(
    () => true,
    () => false,
  )
}

const refused = (message: string) => ({ reasonCode: 0x87, message: expect.stringContaining(message) })

describe('a broker with a manifest', () => {
  it('lets in whom it names, for what both it and the token grant [promise 24]', async () => {
    const { enter } = await serve()
    const eva = await enter('eva', { permissions: ['#'] })
    expect(await mayPublish(eva, 'lab/eva/heat')).toBe(true)
    expect(await mayPublish(eva, 'lab/bob/heat')).toBe(false)
    expect(await mayPublish(eva, 'jamey/events/status/eva')).toBe(true)
    const narrow = await enter('eva', { permissions: ['lab/eva/heat'] })
    expect(await mayPublish(narrow, 'lab/eva/heat')).toBe(true)
    expect(await mayPublish(narrow, 'lab/eva/cold')).toBe(false)
    const idle = await enter('idle', { permissions: ['#'] })
    expect(await mayPublish(idle, 'lab/idle')).toBe(false)
  })

  it('refuses whom it does not name, with a token for everything, or a certificate', async () => {
    const { enter } = await serve()
    const unnamed = "the broker's manifest does not name this client"
    await expect(enter('mallory', { permissions: ['#'] })).rejects.toMatchObject(refused(unnamed))
    await expect(enter('mallory', { permissions: ['#'], certificate: 'mallory' })).rejects.toMatchObject(
      refused(unnamed),
    )
    await expect(enter('mallory', { certificate: 'mallory' })).rejects.toMatchObject({ reasonCode: 0x86 })
  })

  it.each([
    ['MQTT 5.0', {}],
    ['MQTT 3.1.1', { protocolVersion: 4 }],
  ] as const)(
    'lets a client in by its certificate alone where that is its proof, over %s',
    async (_, options) => {
      const { enter } = await serve()
      const robot = await enter('robot-7', { certificate: 'robot-7' }, options)
      expect(await mayPublish(robot, 'lab/x')).toBe(true)
      expect(await enter('dora', { certificate: 'dora' }, options)).toBeDefined()
      await expect(enter('robot-7', { certificate: 'mallory' }, options)).rejects.toThrow()
      // Of these a token is expected, whatever else they show.
      await expect(enter('eva', { certificate: 'eva' }, options)).rejects.toThrow()
    },
  )

  it('takes no token without the certificate where that is the proof', async () => {
    const { enter } = await serve()
    await expect(enter('robot-7', { permissions: ['#'] })).rejects.toMatchObject(
      refused("the broker's manifest has this client prove who it is by a client certificate"),
    )
    const both = await enter('robot-7', { permissions: ['publish:lab/x'], certificate: 'robot-7' })
    expect(await mayPublish(both, 'lab/x')).toBe(true)
    expect(await mayPublish(both, 'lab/y')).toBe(false)
    expect(await enter('dora', { permissions: ['#'] })).toBeDefined()
  })

  it('slows a client down to its own rate', async () => {
    const { enter, lines } = await serve()
    const robot = await enter('robot-7', { certificate: 'robot-7' })
    void robot.publish('lab/x', '1', { qos: 0 })
    await robot.publish('lab/x', '2', { qos: 1 })
    expect(lines).toContainEqual(
      expect.objectContaining({ clientId: 'robot-7', publishesPerSecond: 1, publishBytesPerSecond: 0 }),
    )
  })

  it('reads it again at SIGHUP: what changed holds at once, and the others stay', async () => {
    const { served, enter } = await serve()
    const [eva, idle] = [
      await enter('eva', { permissions: ['#'] }),
      await enter('idle', { permissions: ['#'] }),
    ]
    const [robot, dora] = [
      await enter('robot-7', { certificate: 'robot-7' }),
      await enter('dora', { permissions: ['#'] }),
    ]
    const ended: string[] = []
    for (const [name, client] of Object.entries({ eva, idle, robot, dora })) {
      client.onState(({ cause }) => {
        if ((cause as { reasonCode?: number } | undefined)?.reasonCode === 0x87) ended.push(name)
      })
    }
    const changed = MANIFEST.replace('lab/%c/#', 'news')
      .replace('proof: certificate', 'proof: token')
      .replace('proof: [secret, certificate]', 'proof: certificate')
      .replace('idle: {}', 'bob: { permissions: [lab/bob] }')
    write('permissions.yaml', changed)
    await served.reload()
    await expect.poll(() => [...new Set(ended)].sort()).toEqual(['dora', 'idle', 'robot'])
    expect(await mayPublish(eva, 'lab/eva/heat')).toBe(false)
    expect(await mayPublish(eva, 'news')).toBe(true)
    expect(await mayPublish(await enter('bob', { permissions: ['#'] }), 'lab/bob')).toBe(true)
    write('permissions.yaml', MANIFEST)
    await served.reload()
    expect(await mayPublish(eva, 'lab/eva/heat')).toBe(true)
  })

  it('goes on with the old one where the new one cannot be used, and says why, all at once', async () => {
    const { served, enter, lines } = await serve()
    const eva = await enter('eva', { permissions: ['#'] })
    write('permissions.yaml', MANIFEST.replace("'lab/%c/#'", "'lab#'").replace('idle: {}', 'idle: { x: 1 }'))
    await served.reload()
    const said = lines.find(({ level }) => level === 50)?.err?.message ?? ''
    expect(said).toMatch(/broker\.yaml: manifest: permissions\.yaml:3:24: clients\.eva\.permissions\[0\]: /)
    expect(said).toMatch(
      /permissions\.yaml:6:11: clients\.idle\.x: expected one of proof, .* found an unknown field/,
    )
    expect(await mayPublish(eva, 'lab/eva/heat')).toBe(true)
    rmSync(join(folder, 'permissions.yaml'))
    await served.reload()
    expect(await mayPublish(eva, 'lab/eva/heat')).toBe(true)
    expect(await enter('idle', { permissions: ['#'] })).toBeDefined()
  })
})

describe('the settings of a manifest', () => {
  async function faultsOf(yaml: string, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
    write('permissions.yaml', MANIFEST)
    write('broker.yaml', yaml)
    const outcome = await readBrokerSettings({ flags: { config: 'broker.yaml' }, env, cwd: folder }).catch(
      (error: unknown) => error,
    )
    if (!(outcome instanceof ConfigurationError)) return []
    return outcome.faults.map(({ variable, found }) => `${variable}: ${found}`)
  }

  it('are one file beside no permissions, and a listener that asks for the certificates it wants', async () => {
    expect(await faultsOf(YAML)).toEqual([])
    expect(await faultsOf(`${YAML}permissions: []\n`)).toEqual([
      'broker.yaml: permissions: a list, beside manifest',
    ])
    expect(await faultsOf(YAML.replace(', ca: .jamey/certs/ca.crt', ''))).toEqual([
      'broker.yaml: manifest: a client that proves who it is by a certificate ("robot-7")',
    ])
    expect(
      await faultsOf(YAML.replace('tokenSecretFile: .jamey/token-secret', 'method: certificate')),
    ).toEqual([])
    const elsewhere = YAML.replace('manifest: permissions.yaml\n', '')
    expect(await faultsOf(elsewhere, { JAMEY_PERMISSIONS_FILE: 'none.yaml' })).toEqual([
      `JAMEY_PERMISSIONS_FILE: ${join(folder, 'none.yaml')}:1:1: no file`,
    ])
  })
})
