import { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ClientRegistry, Revocations, type Secret } from '@jamey/auth'
import { type Bus, type BusConfig, configFromEnvironment, connectBus } from '@jamey/bus'
import type { Logger } from 'pino'
import { createGateway, DEFAULT_GRACE_MS } from './gateway.js'
import { type GatewaySettings, gatewayOptionsFromEnvironment } from './options.js'

export interface RunOptions {
  /** The process's environment by default. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Where `.env` and relative paths are looked up; the working directory by default. */
  readonly cwd?: string
  readonly log: Logger
  /** Where published messages outlive the process; closed with the bus. */
  readonly store?: BusConfig['store']
}

export interface RunningGateway {
  /** Its connection; open until `stop`. */
  readonly bus: Bus
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string
  /** Resolves once connected to the broker and serving; rejects where it never can. */
  readonly ready: Promise<void>
  /** Drains, says goodbye to the broker and resolves within about `graceMs`, 10 s by default. */
  stop(options?: { graceMs?: number }): Promise<void>
}

/**
 * Starts a gateway with a bus of its own, as the environment says; resolves when HTTP listens, while the broker may
 * still be away. Throws `ConfigurationError`, or `GatewayError` where it cannot listen.
 */
export async function runGateway({
  env = process.env,
  cwd,
  log,
  store,
}: RunOptions): Promise<RunningGateway> {
  const settings = gatewayOptionsFromEnvironment(env, cwd)
  const component = { name: 'gateway', version: version() }
  const config = configFromEnvironment(env, cwd === undefined ? { component } : { component, cwd })
  const tokenSecret = secretsOf(config) ?? settings.tokenSecret
  const { jwtAudience: audience = settings.audience, jwtIssuers: issuers = settings.issuers } = config
  const clients = await clientsOf(env, cwd, log)
  const denied = await deniedOf(settings, env, cwd, log)
  const stopWatching = (): void => {
    clients?.stop()
    denied.stop()
  }
  const bus = await connectBus({
    ...config,
    waitForConnection: false,
    log,
    ...(store === undefined ? {} : { store }),
  })
  try {
    const gateway = createGateway({
      ...settings,
      ...(settings.socketPath === undefined
        ? {}
        : { socketPath: resolve(cwd ?? process.cwd(), settings.socketPath) }),
      ...(tokenSecret === undefined ? {} : { tokenSecret }),
      ...(audience === undefined ? {} : { audience }),
      ...(issuers === undefined ? {} : { issuers }),
      ...(clients === undefined ? {} : { clients }),
      denied,
      bus,
      log,
    })
    await gateway.start()
    return {
      bus,
      url: gateway.url ?? '',
      ready: gateway.ready,
      async stop({ graceMs = DEFAULT_GRACE_MS } = {}) {
        stopWatching()
        await gateway.stop({ graceMs })
        await bus.close({ drain: true, timeoutMs: Math.max(1_000, graceMs / 4) })
      },
    }
  } catch (error) {
    stopWatching()
    await bus.close({ drain: false })
    throw error
  }
}

/** JAMEY_CLIENTS_FILE, which is looked at all the time. */
async function clientsOf(
  env: NonNullable<RunOptions['env']>,
  cwd = '.',
  log: Logger,
): Promise<ClientRegistry | undefined> {
  const path = env['JAMEY_CLIENTS_FILE']
  if (!path) return undefined
  const onError = (err: Error): void => log.error({ err }, 'who may have tokens by this file is not known')
  return ClientRegistry.open({ path: resolve(cwd, path), onError })
}

/** JAMEY_DENIED_FILE and JAMEY_HTTP_CRL, which are looked at all the time. */
function deniedOf(
  { tls, crlFiles = [] }: GatewaySettings,
  env: NonNullable<RunOptions['env']>,
  cwd = '.',
  log: Logger,
): Promise<Revocations> {
  const path = env['JAMEY_DENIED_FILE']
  return Revocations.open({
    deniedFile: path ? resolve(cwd, path) : undefined,
    crlFiles,
    authorities: tls?.clientCa === undefined ? [] : [String(tls.clientCa)],
    onError: (err) => log.error({ err }, 'who is denied by this file is not known'),
  })
}

/** The bus looks into `.env` too, and both halves must believe the same tokens. */
function secretsOf({ jwtSecret, formerJwtSecrets = [] }: BusConfig): readonly Secret[] | undefined {
  if (jwtSecret === undefined) return undefined
  return [jwtSecret, ...formerJwtSecrets].map((secret) =>
    secret instanceof KeyObject ? secret.export() : secret,
  )
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
