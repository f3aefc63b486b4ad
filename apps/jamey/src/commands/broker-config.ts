import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { createTokenSecretFile } from '@jamey/auth'
import {
  type BrokerFiles,
  type BrokerOptions,
  OTHER_BROKERS,
  type OtherBroker,
  type OtherBrokerName,
  readManifest,
} from '@jamey/manifest'
import { type WrittenFile, writeBrokerFolder } from '../install/broker-folder.js'
import { type DataDirectory, displayPath, findDataDirectory } from '../install/data-directory.js'
import { EXIT } from '../support/exit-codes.js'
import { usageError } from '../support/failure.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { readTextFile } from '../terminal/text-input.js'
import { formatBrokerFiles } from '../views/broker-files-view.js'

const USAGE = { code: 'broker-config-unusable' }

export interface BrokerConfigOptions {
  readonly manifest: string
  readonly out: string
  readonly host: string
  readonly port: number
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly mutualTls?: boolean
  readonly clientsBy?: BrokerOptions['clientsBy']
  readonly authzUrl: string
  readonly authzSecretFile?: string
  readonly tokenSecretFile?: string
  readonly dataDir?: string
  readonly force?: boolean
  readonly json?: boolean
}

/** Writes all files of another broker from the manifest, and tells how to start it. */
export async function brokerConfig(
  context: CommandContext,
  name: OtherBrokerName,
  options: BrokerConfigOptions,
): Outcome {
  const { terminal, cwd } = context
  const manifest = readManifest(await readTextFile(context, options.manifest), basename(options.manifest))
  const broker: OtherBroker = OTHER_BROKERS[name]
  const folder = resolve(cwd, options.out)
  const settings = await settingsOf(context, name, broker, options)
  const made = broker.make(manifest, settings)
  const written = writeBrokerFolder(folder, made.files, { isForced: options.force === true })
  for (const path of Object.values(settings.tls)) {
    if (!existsSync(path)) terminal.warn(`${displayPath(path, cwd)} is not there yet`)
  }
  if (options.json === true) terminal.printJson(jsonOf(made, written))
  else terminal.print(formatBrokerFiles(made, written, (path) => displayPath(path, cwd), terminal))
  return EXIT.success
}

function jsonOf({ command, checkCommand, notes }: BrokerFiles, files: readonly WrittenFile[]) {
  return { files, command, check_command: checkCommand ?? null, notes }
}

async function settingsOf(
  { cwd }: CommandContext,
  name: string,
  broker: OtherBroker,
  options: BrokerConfigOptions,
): Promise<BrokerOptions> {
  const { clientsBy = broker.clientsBy[0], mutualTls: isMutualTls = false } = options
  if (!broker.clientsBy.includes(clientsBy)) {
    throw usageError(`${name} knows no clients by ${clientsBy}`, {
      ...USAGE,
      hint: `--clients-by ${broker.clientsBy[0]} is what it can do`,
    })
  }
  const directory = findDataDirectory(cwd, options.dataDir)
  const at = (path: string | undefined): string | undefined => path && resolve(cwd, path)
  return {
    folder: resolve(cwd, options.out),
    host: options.host,
    port: options.port,
    tls: {
      ca: required('--ca', at(options.ca) ?? directory?.caCertificate, options.dataDir),
      cert: required('--cert', at(options.cert) ?? directory?.serverCertificate, options.dataDir),
      key: required('--key', at(options.key) ?? directory?.serverKey, options.dataDir),
    },
    isMutualTls: isMutualTls || clientsBy === 'certificates',
    clientsBy,
    authorization: {
      url: options.authzUrl,
      secret: broker.needsSecret
        ? await secretOf(at(options.authzSecretFile), directory, options.dataDir)
        : undefined,
    },
    tokenSecretFile: at(options.tokenSecretFile) ?? directory?.secret,
  }
}

/** The secret that the broker shows the service; whoever of the two is first makes it. */
async function secretOf(
  path: string | undefined,
  directory: DataDirectory | undefined,
  dataDir: string | undefined,
): Promise<string> {
  const file = required('--authz-secret-file', path ?? directory?.authzSecret, dataDir)
  return (await createTokenSecretFile(file)).secret
}

function required(option: string, path: string | undefined, dataDir: string | undefined): string {
  if (path !== undefined) return path
  const lack = dataDir === undefined ? 'no .jamey here or in a folder above' : `no folder ${dataDir}`
  throw usageError(`${option} is missing, and there is ${lack}`, {
    ...USAGE,
    hint: `give ${option}, or make the folder with \`jamey certs init\``,
  })
}
