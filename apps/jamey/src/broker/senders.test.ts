import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signToken } from '@jamey/auth'
import { type Client, connect } from '@jamey/mqtt'
import { until } from '@jamey/testing'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type DataDirectory, dataDirectoryAt } from '../install/data-directory.js'
import { makeDataDirectory, provision } from '../install/provision.js'
import { embeddedSettings, startBroker } from './embedded-broker.js'
import { type BrokerSettings, readBrokerSettings } from './settings.js'

const log = pino({ level: 'silent' })

let folder: string
let directory: DataDirectory

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-broker-senders-'))
  directory = dataDirectoryAt(join(folder, '.jamey'))
  makeDataDirectory(directory)
  await provision(directory, '127.0.0.1')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const text = (path: string): string => readFileSync(path, 'utf8')

async function serve(settings: BrokerSettings) {
  const broker = await startBroker({ ...settings, storePath: undefined }, { log, portSetting: '' })
  onTestFinished(() => broker.close({ graceMs: 0 }))
  return async (clientId: string, permissions: string[]): Promise<Client> => {
    const client = await connect({
      url: `mqtts://127.0.0.1:${broker.addresses[0]?.port}`,
      tls: { ca: text(directory.caCertificate) },
      clientId,
      credentials: {
        username: clientId,
        password: await signToken({ sub: clientId, permissions }, text(directory.secret).trim()),
      },
      reconnect: false,
    })
    onTestFinished(async () => void (await client.close({ timeoutMs: 1000 })))
    return client
  }
}

const kinds: [string, () => Promise<BrokerSettings> | BrokerSettings][] = [
  ['jamey run broker', () => readBrokerSettings({ flags: { port: 0 }, env: {}, cwd: folder, directory })],
  [
    'jamey up',
    () =>
      embeddedSettings({
        host: '127.0.0.1',
        port: 0,
        cert: text(directory.serverCertificate),
        key: text(directory.serverKey),
        ca: text(directory.caCertificate),
        secrets: [text(directory.secret).trim()],
        storePath: '',
        deniedFile: join(folder, 'denied'),
        ownClients: [],
      }),
  ],
]

describe.each(kinds)('the broker of %s', (_name, settingsOf) => {
  it('tells below jamey/ who sent a message, and for whom its token lets it act [promise 40]', async () => {
    const enter = await serve(await settingsOf())
    const reader = await enter('reader', ['subscribe:#'])
    const told: unknown[] = []
    await reader.subscribe('#', { qos: 1 }, ({ topic, properties }) => {
      told.push([topic, properties?.userProperties])
    })
    const userProperties = [
      ['jamey-sender', 'victim'],
      ['jamey-act-for', '+'],
    ] as const
    for (const [clientId, more] of [
      ['eva', []],
      ['gateway', ['act-for:bob', 'act-for:carl']],
    ] as const) {
      const client = await enter(clientId, ['publish:#', ...more])
      const announced = [
        ['jamey-sender', 'jamey/#'],
        ['jamey-on-behalf-of', '#'],
      ]
      expect(client.explain()).toMatchObject({ server: { userProperties: announced } })
      for (const topic of ['jamey/t', 'other']) {
        await client.publish(topic, 'm', { qos: 1, properties: { userProperties } })
      }
    }
    await until(() => told.length === 4)
    expect(told).toEqual([
      ['jamey/t', [['jamey-sender', 'eva']]],
      ['other', userProperties],
      [
        'jamey/t',
        [
          ['jamey-sender', 'gateway'],
          ['jamey-act-for', 'bob'],
          ['jamey-act-for', 'carl'],
        ],
      ],
      ['other', userProperties],
    ])
  })
})
