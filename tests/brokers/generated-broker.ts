import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { BrokerOptions, MakeBrokerFiles } from '@jamey/manifest'
import { freePort } from '@jamey/testing'
import type { BrokerUnderTest, Capabilities } from './broker-under-test.js'
import { castManifest } from './cast.js'
import { SECRET } from './own-broker.js'
import { ServerProcess } from './server-process.js'
import { Workplace } from './workplace.js'

/** A broker of Debian, started with the files that are made of the cast. */
export interface GeneratedSetting {
  readonly key: string
  readonly name: string
  readonly access: string
  readonly program: string
  /** Prints something that has the version in it: a program with its arguments. */
  readonly versionCommand: readonly [string, ...string[]]
  readonly make: MakeBrokerFiles
  /** What a test has otherwise than an installation, in the text of every file. */
  readonly adapt?: (text: string, path: string) => string
  readonly clientsBy: BrokerOptions['clientsBy']
  readonly capabilities: Capabilities
  /** Of every client, beside certificate and address. */
  readonly clientEnvironment: Readonly<Record<string, string>>
  /** Whether what it takes beside the program is there. */
  readonly isReady?: () => boolean
  /** What has to run beside it; started before it. */
  readonly beside?: (place: Workplace) => Promise<Beside>
}

/** Processes that a broker needs: Erlang's port mapper, the service that decides. */
export interface Beside {
  readonly env: Readonly<Record<string, string>>
  readonly authorization?: BrokerOptions['authorization']
  stop(): Promise<void>
}

const NOTHING: Beside = { env: {}, stop: async () => {} }

export async function generatedBroker(setting: GeneratedSetting): Promise<BrokerUnderTest> {
  const place = await Workplace.make(setting.key)
  const port = await freePort()
  const beside = (await setting.beside?.(place)) ?? NOTHING
  const { files, command } = setting.make(
    castManifest(setting.clientsBy === 'certificates' ? 'certificate' : 'token'),
    {
      folder: place.folder,
      host: '127.0.0.1',
      port,
      tls: { ca: place.ca, cert: place.cert, key: place.key },
      isMutualTls: setting.clientsBy === 'certificates',
      clientsBy: setting.clientsBy,
      authorization: beside.authorization ?? { url: 'http://127.0.0.1:1', secret: undefined },
      tokenSecretFile: place.write('token-secret', SECRET),
    },
  )
  for (const { path, text, mode = 0o644 } of files)
    place.write(path, setting.adapt?.(text, path) ?? text, mode)
  const env = { PATH: `/usr/sbin:${process.env['PATH']}`, HOME: place.folder, ...beside.env }
  const shell = { program: '/bin/sh', args: ['-c', command], env, cwd: place.folder, port }
  const server = new ServerProcess(shell)
  const { key, name, access, capabilities } = setting
  return {
    key,
    name,
    access,
    capabilities,
    version: versionOf(setting),
    start: () => server.start(),
    kill9: () => server.restart('SIGKILL'),
    restart: () => server.restart('SIGTERM'),
    async stop() {
      await server.end('SIGKILL')
      await beside.stop()
      place.remove()
    },
    environmentOf: async (clientId) => ({
      MQTT_BROKER_URL: `mqtts://127.0.0.1:${port}`,
      MQTT_TLS_CA_CERT: place.ca,
      ...(setting.clientsBy === 'certificates' ? await place.certificateOf(clientId) : {}),
      ...setting.clientEnvironment,
    }),
  }
}

export function isInstalled({ program, isReady }: GeneratedSetting): boolean {
  return existsSync(program) && isReady?.() !== false
}

function versionOf({ versionCommand: [program, ...args] }: GeneratedSetting): string {
  const { stdout } = spawnSync(program, args, { encoding: 'utf8', timeout: 5000 })
  return /\d+\.\d+(\.\d+)?/.exec(stdout)?.[0] ?? ''
}
