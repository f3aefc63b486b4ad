import { randomBytes, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { BusConfig } from '@jamey/bus'
import { COMPONENTS } from '@jamey/contracts'
import {
  type DataDirectory,
  dataDirectoryOption,
  readDataFile,
  requireDataDirectory,
} from '../install/data-directory.js'
import { type BrokerAddress, readRunFile, startedBroker } from '../install/run-file.js'
import { commonNameOf } from '../support/certificate-name.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import { hostInUrl } from '../support/host-address.js'
import type { CommandContext } from '../terminal/command-context.js'

const PASSING_NAME = 'jamey-cli-'

/** Options that every command that talks to a broker takes. */
export interface ClientOptions {
  readonly dataDir?: string
  readonly clientId?: string
  readonly permission?: readonly string[]
  readonly json?: boolean
}

/** The server that a command connects to, and the help where that fails. */
export interface ConnectionTarget {
  readonly config: BusConfig
  /** `127.0.0.1:8883`, as errors name it. */
  readonly address: string
  readonly wayOut: string
  /** Why the address may be the wrong one. */
  readonly doubt?: string
  /** The source that said which permissions to ask for. */
  readonly permissionSource: PermissionSource
}

/**
 * `option`: --permission. `environment` and `file`: MQTT_PERMISSIONS. `manifest`: JAMEY_PERMISSIONS_FILE. `default`:
 * nobody, so the operator's.
 */
export type PermissionSource = 'option' | 'environment' | 'file' | 'manifest' | 'default'

/**
 * The broker of MQTT_BROKER_URL where that is set, else the one of the data directory: at the address that it wrote
 * down as it was started, or that the environment gives it. There is no default: what listens there may be the system of
 * which this folder is a copy. The name is a new one for every command, so that none
 * throws out another one or the component whose `.env` lies in the folder. A client certificate is bound to its
 * name, so that of the environment is shown only under the name it bears: where that is asked for, or where nothing else
 * proves who connects and MQTT_CLIENT_ID does not say that the name is a component's.
 */
export async function connectionTarget(
  context: Pick<CommandContext, 'env' | 'fromFile' | 'cwd'>,
  options: ClientOptions,
): Promise<ConnectionTarget> {
  return usesEnvironment(context, options)
    ? targetOfEnvironment(context, options)
    : targetOfDirectory(context, options)
}

/**
 * A command that has been connected goes on trying in an outage: nobody could close an open breaker in it. Those that
 * wait for an answer have their own time-out, and the first connection is not waited for.
 */
const PATIENT = { failuresBeforeOpen: Number.POSITIVE_INFINITY } as const

/** A folder that is named on the command line goes before a broker that is set for every command. */
function usesEnvironment({ env }: Pick<CommandContext, 'env'>, options: ClientOptions): boolean {
  return options.dataDir === undefined && Boolean(env['MQTT_BROKER_URL'])
}

async function targetOfEnvironment(
  { env, fromFile, cwd }: Pick<CommandContext, 'env' | 'fromFile' | 'cwd'>,
  options: ClientOptions,
): Promise<ConnectionTarget> {
  const { configFromEnvironment } = await import('../support/from-bus.js')
  const passingName = newClientId()
  const readAs = options.clientId ?? (env['MQTT_CLIENT_ID'] || certifiedName({ env, cwd }) || passingName)
  // The outbox is the component's, whose process has it open.
  const { outboxFolder: _, ...config } = configFromEnvironment({ ...env, MQTT_CLIENT_ID: readAs }, { cwd })
  const isShown = options.clientId !== undefined || (isCertificateAlone(config) && !env['MQTT_CLIENT_ID'])
  const clientId = isShown ? readAs : passingName
  const isListed = Boolean(env['MQTT_PERMISSIONS'])
  const listedIn = fromFile.has('MQTT_PERMISSIONS') ? 'file' : 'environment'
  const named = isListed ? config.permissions : await namedPermissions({ env, cwd }, options)
  const place = fromFile.has('MQTT_BROKER_URL') ? ' of .env' : ''
  return {
    config: {
      ...(isShown ? config : withoutCertificate(config)),
      ...(env['MQTT_BREAKER_FAILURES'] ? {} : PATIENT),
      clientId,
      permissions: options.permission ?? named ?? COMPONENTS.operator.permissions,
    },
    address: addressOf(config.url),
    wayOut: `check MQTT_BROKER_URL and MQTT_PORT${place}, and that the broker runs${isShown ? '' : certificateHint(env)}`,
    permissionSource: isListed && options.permission === undefined ? listedIn : sourceOf(options, named),
  }
}

/**
 * Permissions that the manifest lists for a client that is asked for by its name: the broker goes by it as well, so that the command
 * refuses here what would be refused there. Names that are made for one command are in no manifest.
 */
async function namedPermissions(
  context: Pick<CommandContext, 'env' | 'cwd'>,
  { clientId, permission }: ClientOptions,
): Promise<readonly string[] | undefined> {
  if (clientId === undefined || permission !== undefined) return undefined
  if (!context.env['JAMEY_PERMISSIONS_FILE']) return undefined
  const { listedClient } = await import('../install/listed-client.js')
  return (await listedClient(context, {}, clientId))?.permissions
}

function sourceOf({ permission }: ClientOptions, named: readonly string[] | undefined): PermissionSource {
  if (permission !== undefined) return 'option'
  return named === undefined ? 'default' : 'manifest'
}

function withoutCertificate({ tls, ...config }: BusConfig): BusConfig {
  return tls?.ca === undefined ? config : { ...config, tls: { ca: tls.ca } }
}

/** No token, no password: there is no other way in. */
function isCertificateAlone({ tls, jwtSecret, tokenUrl, username }: BusConfig): boolean {
  return tls?.cert !== undefined && jwtSecret === undefined && tokenUrl === undefined && username === false
}

/** The name that the certificate of the environment bears; '' where it cannot be read, which reading the settings tells. */
function certifiedName({ env, cwd }: Pick<CommandContext, 'env' | 'cwd'>): string {
  try {
    return commonNameOf(new X509Certificate(readFileSync(resolve(cwd, env['MQTT_TLS_CLIENT_CERT'] ?? ''))))
  } catch {
    return ''
  }
}

function certificateHint(env: NodeJS.ProcessEnv): string {
  if (!env['MQTT_TLS_CLIENT_CERT']) return ''
  return '; where it wants a client certificate, --client-id NAME shows MQTT_TLS_CLIENT_CERT under its name'
}

async function targetOfDirectory(
  { env, cwd }: Pick<CommandContext, 'env' | 'cwd'>,
  options: ClientOptions,
): Promise<ConnectionTarget> {
  const directory = requireDataDirectory(cwd, options.dataDir)
  const { host, port, doubt } = brokerOf(directory, { env, cwd })
  const { readTokenSecretFile } = await import('../support/from-auth.js')
  const named = await namedPermissions({ env, cwd }, options)
  return {
    config: {
      url: `mqtts://${hostInUrl(host)}:${port}`,
      clientId: options.clientId ?? newClientId(),
      tls: { ca: readDataFile(directory.caCertificate) },
      jwtSecret: await readTokenSecretFile(directory.secret),
      permissions: options.permission ?? named ?? COMPONENTS.operator.permissions,
      ...PATIENT,
    },
    address: `${hostInUrl(host)}:${port}`,
    wayOut: `start it with \`jamey up${dataDirectoryOption(directory, cwd)}\``,
    ...(doubt === undefined ? {} : { doubt }),
    permissionSource: sourceOf(options, named),
  }
}

function brokerOf(
  directory: DataDirectory,
  { env, cwd }: Pick<CommandContext, 'env' | 'cwd'>,
): BrokerAddress & Pick<ConnectionTarget, 'doubt'> {
  const started = startedBroker(directory, { env, cwd })
  if (started?.isSeen) return started.address
  if (started !== undefined) {
    const { host, port } = started.address
    const doubt = `nothing that runs from ${directory.path} is seen from here; trying ${hostInUrl(host)}:${port}, where the last broker of it listened`
    return { host, port, doubt }
  }
  const run = readRunFile(directory.path)
  if (run.state === 'running') {
    throw new CommandFailure(`process ${run.record.pid} is still starting from ${directory.path}`, {
      code: 'no-broker',
      exitCode: EXIT.unavailable,
      hint: 'try again when it says that it is ready',
    })
  }
  throw new CommandFailure(`nothing runs from ${directory.path}`, {
    code: 'no-broker',
    exitCode: EXIT.unavailable,
    hint: `\`jamey up${dataDirectoryOption(directory, cwd)}\` starts it; a broker that was started otherwise is named by MQTT_BROKER_URL`,
  })
}

function addressOf(url: string | readonly string[]): string {
  const urls = typeof url === 'string' ? [url] : url
  return urls.map((one) => (URL.canParse(one) ? new URL(one).host : one)).join(', ')
}

function newClientId(): string {
  return PASSING_NAME + randomBytes(6).toString('hex')
}

/** True where a client identifier was made for one command. */
export function isPassingName(clientId: string): boolean {
  return clientId.startsWith(PASSING_NAME)
}
