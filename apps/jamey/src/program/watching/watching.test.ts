import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { insecureAuthenticator } from '@jamey/broker'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { embeddedSettings } from '../../broker/embedded-broker.js'
import { type ServedBroker, startServedBroker } from '../../broker/served-broker.js'
import { dataDirectoryAt } from '../../install/data-directory.js'
import { makeDataDirectory, provision } from '../../install/provision.js'
import { type HostProcess, main } from '../command-line.js'
import { runCommand } from '../run-command.support.js'

const log = pino({ level: 'silent' })
let folder: string
let served: ServedBroker
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-watching-'))
  const directory = dataDirectoryAt(join(folder, '.jamey'))
  makeDataDirectory(directory)
  await provision(directory, '127.0.0.1')
  const text = (path: string): string => readFileSync(path, 'utf8')
  const started = {
    ...embeddedSettings({
      host: '127.0.0.1',
      port: 0,
      cert: text(directory.serverCertificate),
      key: text(directory.serverKey),
      ca: text(directory.caCertificate),
      secrets: [text(directory.secret).trim()],
      storePath: '',
      deniedFile: directory.denied,
      ownClients: [],
    }),
    storePath: undefined,
  }
  served = await startServedBroker({
    started,
    read: async () => started,
    log,
    logLevel: 'silent',
    portSetting: '',
  })
  env = {
    MQTT_BROKER_URL: 'mqtts://127.0.0.1',
    MQTT_PORT: String(served.addresses[0]?.port),
    MQTT_TLS_CA_CERT: directory.caCertificate,
    MQTT_JWT_SECRET_FILE: directory.secret,
  }
})

afterAll(async () => {
  await served.stop(0)
  rmSync(folder, { recursive: true, force: true })
})

const jamey = (...args: string[]) => runCommand(folder, args, env)

describe('jamey top', () => {
  it('prints one picture where nobody looks at a terminal, or with --once', async () => {
    for (const args of [['top'], ['top', '--once']]) {
      const { code, stdout, stderr } = await jamey(...args, '--interval', '0.01')
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^jamey \d+\.\d+\.\d+ {2}up .*127\.0\.0\.1:\d+\nconnections 1 of /)
      expect(stdout).toMatch(/\nCLIENT .*\njamey-cli-\w+ /)
      expect(stdout).not.toContain('\x1b')
    }
  })

  it('prints the same for scripts', async () => {
    const { stdout } = await jamey('top', '--once', '--json', '--interval', '0.01', '--sort', 'client_id')
    const look = JSON.parse(stdout)
    expect(look).toMatchObject({
      status: { connections: 1, limits: { connections: { in_use: 1 } } },
      rates: { messages_in: expect.any(Number), dropped: 0 },
      clients: [{ is_connected: true }],
    })
    expect((await jamey('top', '--sort', 'colour')).code).toBe(2)
  })

  it('draws on a terminal until q is pressed, sorts by the next column with s, and leaves it as it was', async () => {
    let drawn = ''
    const modes: boolean[] = []
    const stdin = Object.assign(new PassThrough(), {
      isTTY: true,
      setRawMode: (isRaw: boolean) => modes.push(isRaw),
    })
    const stdout = Object.assign(
      new Writable({
        write(chunk, _, done) {
          drawn += String(chunk)
          done()
        },
      }),
      { isTTY: true, columns: 50, rows: 12 },
    )
    const host = {
      argv: ['node', 'jamey', 'top', '--interval', '60'],
      env: { ...env, NO_COLOR: '1' },
      cwd: () => folder,
      on: () => host,
      removeListener: () => host,
      exit: (code: number) => {
        throw new Error(`exit ${code}`)
      },
      stdin,
      stdout,
      stderr: new PassThrough(),
    }
    const ended = main(host as unknown as HostProcess)
    const frames = (): string[] => drawn.split('\x1b[H').slice(1)
    await expect.poll(() => frames().length).toBe(1)
    expect(frames()[0]).toContain('s next order (messages_per_second)')
    stdin.write('s')
    await expect.poll(() => frames().length).toBe(2)
    expect(frames()[1]).toContain('s next order (queued)')
    expect(frames()[1]?.split('\n').length).toBeLessThanOrEqual(12)
    stdin.write('q')
    expect(await ended).toBe(0)
    expect(drawn.endsWith('\x1b[?25h\x1b[?1049l')).toBe(true)
    expect(modes).toEqual([true, false])
  })
})

describe('jamey explain', () => {
  it('explains a topic, and a client where there is one of that name', async () => {
    const topic = await jamey('explain', 'jamey/broker/query')
    expect(topic).toMatchObject({ code: 0, stderr: '' })
    expect(topic.stdout).toContain('jamey/broker/query  status, clients, client')
    expect(topic.stdout).toMatch(/has subscribed:\n {2}jamey-broker {2}jamey\/broker\/query\/#/)
    const named = ['--client-id', 'robot-7', '--permission', 'jamey/broker/query']
    const client = await jamey('explain', 'robot-7', ...named)
    expect(client.stdout).toMatch(/^robot-7\n {2}connected from 127\.0\.0\.1/)
    expect(client.stdout).toContain('may:\n  jamey/broker/query')
    const asTopic = await jamey('explain', 'robot-7', '--as', 'topic', '--json', ...named)
    expect(JSON.parse(asTopic.stdout)).toMatchObject({ topic: { topic: 'robot-7', subscribers: [] } })
  })

  it('says that a word of one level is no client before it takes it for a topic', async () => {
    const { stdout, stderr } = await jamey('explain', 'robot-9')
    expect(stderr).toBe('no client of this name is known; as a topic:\n')
    expect(stdout).toMatch(/^robot-9\n/)
  })

  it('says what is wrong with the word, or that nobody is called so', async () => {
    expect(await jamey('explain', 'a/#')).toMatchObject({ code: 2 })
    const nobody = await jamey('explain', 'nobody', '--as', 'client')
    expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining('knows no client "nobody"') })
  })

  it('names the permission that is missing', async () => {
    const { code, stderr } = await jamey('explain', 'a', '--permission', 'publish:lab/#')
    expect([code, stderr]).toEqual([3, expect.stringContaining('publish:jamey/broker/query')])
  })

  it('says of a broker of another make that it cannot be asked', async () => {
    const { createBroker } = await import('@jamey/broker')
    const other = await createBroker({
      listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
      authenticator: insecureAuthenticator(),
    })
    await other.listen()
    const address = { MQTT_BROKER_URL: 'mqtt://127.0.0.1', MQTT_PORT: String(other.addresses[0]?.port) }
    const { code, stderr } = await runCommand(folder, ['explain', 'a'], { ...address, MQTT_INSECURE: 'true' })
    await other.close({ graceMs: 0 })
    expect([code, stderr]).toEqual([5, expect.stringContaining('this broker cannot be asked')])
  })
})
