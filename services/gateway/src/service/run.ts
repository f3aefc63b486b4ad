import { KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import { ClientRegistry, Permissions, type RevocationFiles, Revocations, type Secret } from '@jamey/auth'
import { type Bus, type BusConfig, type ComponentOptions, connectComponent } from '@jamey/bus'
import { COMPONENTS } from '@jamey/contracts'
import { LiveManifest, permissionsOf } from '@jamey/manifest'
import type { Logger } from 'pino'
import { ManifestClients } from '../tokens/manifest-clients.js'
import { createGateway, DEFAULT_GRACE_MS, type Gateway } from './gateway.js'
import { authoritiesOf, keepTlsLive } from './live-tls.js'
import { type GatewaySettings, gatewayOptionsFromEnvironment, tlsFromEnvironment } from './options.js'

export interface RunOptions extends ComponentOptions {
  readonly log: Logger
  readonly metrics?: GatewaySettings['metrics'] | undefined
  readonly local?: GatewaySettings['local'] | undefined
  readonly expectsServices?: GatewaySettings['expectsServices'] | undefined
  readonly dashboard?: GatewaySettings['dashboard'] | undefined
}

export interface RunningGateway {
  /** The bus of the gateway; open until `stop`. */
  readonly bus: Bus
  /** The URL, such as `http://127.0.0.1:8080`. */
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
export async function runGateway(options: RunOptions): Promise<RunningGateway> {
  const { env = process.env, cwd = process.cwd(), log } = options
  const settings = gatewayOptionsFromEnvironment(env, cwd)
  const clients = await clientsOf(env, cwd, log)
  const manifest = manifestOf(env, cwd, log)
  const denied = await deniedOf(settings, env, cwd, log)
  let live: { stop(): void } | undefined
  const stopWatching = (): void => {
    live?.stop()
    clients?.stop()
    manifest?.stop()
    denied.stop()
  }
  let bus: Bus | undefined
  try {
    const component = { name: 'gateway', packageFile: new URL('../../package.json', import.meta.url) }
    const connected = await connectComponent(component, {
      ...options,
      morePermissions: [...(settings.morePermissions ?? []), ...listedFor(manifest)],
    })
    bus = connected.bus
    const gateway = createGateway({
      ...settings,
      ...accessOf(settings, connected.config),
      socketPath: settings.socketPath && resolve(cwd, settings.socketPath),
      clients: manifest === undefined ? clients : new ManifestClients(manifest, clients),
      denied,
      boundsOf: manifest && boundsBy(manifest),
      bus,
      log,
      metrics: options.metrics,
      local: options.local,
      expectsServices: options.expectsServices,
      dashboard: options.dashboard,
    })
    await gateway.start()
    const { tls, tlsFiles: files = [] } = settings
    if (tls !== undefined) {
      const read = () => tlsFromEnvironment(env, cwd)
      const lists = deniedFilesOf(settings, env, cwd)
      live = keepTlsLive({ files, tls, read, gateway, denied, lists, log })
    }
    return { bus, url: gateway.url ?? '', ready: gateway.ready, stop: stopOf(gateway, bus, stopWatching) }
  } catch (error) {
    stopWatching()
    await bus?.close({ drain: false })
    throw error
  }
}

function stopOf(gateway: Gateway, bus: Bus, stopWatching: () => void): RunningGateway['stop'] {
  return async ({ graceMs = DEFAULT_GRACE_MS } = {}) => {
    stopWatching()
    await gateway.stop({ graceMs })
    await bus.close({ drain: true, timeoutMs: Math.max(1_000, graceMs / 4) })
  }
}

/**
 * The options that say whose tokens callers may have. The bus looks into `.env` too, and both halves must believe the
 * same.
 */
function accessOf(
  settings: GatewaySettings,
  config: BusConfig,
): Pick<GatewaySettings, 'tokenSecret' | 'audience' | 'issuers'> {
  const tokenSecret = secretsOf(config) ?? settings.tokenSecret
  const { jwtAudience: audience = settings.audience, jwtIssuers: issuers = settings.issuers } = config
  return { tokenSecret, audience, issuers }
}

/** JAMEY_CLIENTS_FILE, which is looked at all the time. */
async function clientsOf(
  env: NonNullable<RunOptions['env']>,
  cwd: string,
  log: Logger,
): Promise<ClientRegistry | undefined> {
  const path = env['JAMEY_CLIENTS_FILE']
  if (!path) return undefined
  const onError = (err: Error): void =>
    log.error({ event: 'gateway.clients.unreadable', err }, 'who may have tokens by this file is not known')
  return ClientRegistry.open({ path: resolve(cwd, path), onError })
}

/** JAMEY_PERMISSIONS_FILE, which is looked at all the time. */
function manifestOf(env: NonNullable<RunOptions['env']>, cwd: string, log: Logger): LiveManifest | undefined {
  const path = env['JAMEY_PERMISSIONS_FILE']
  if (!path) return undefined
  const onError = (err: Error): void =>
    log.error(
      { event: 'gateway.manifest.unusable', err },
      'this manifest cannot be used; the one before holds',
    )
  return new LiveManifest(resolve(cwd, path), { onError })
}

/** What the manifest gives gateways: all that is not its component's is asked for, too. */
function listedFor(manifest: LiveManifest | undefined): readonly string[] {
  const gateway = manifest?.current.clients.find(({ component }) => component === 'gateway')
  const own = COMPONENTS.gateway.permissions
  return gateway?.permissions.filter((permission) => !own.includes(permission)) ?? []
}

/** What a manifest allows a client as it is now: nothing, where it does not name it. */
function boundsBy(live: Pick<LiveManifest, 'current'>): (clientId: string) => Permissions {
  return (clientId) => permissionsOf(live.current, clientId) ?? new Permissions([], { clientId })
}

/** JAMEY_DENIED_FILE and JAMEY_HTTP_CRL, which are looked at all the time. */
function deniedOf(
  settings: GatewaySettings,
  env: NonNullable<RunOptions['env']>,
  cwd: string,
  log: Logger,
): Promise<Revocations> {
  return Revocations.open({
    ...deniedFilesOf(settings, env, cwd),
    authorities: authoritiesOf(settings.tls),
    onError: (err) =>
      log.error({ event: 'gateway.denied.unreadable', err }, 'who is denied by this file is not known'),
  })
}

function deniedFilesOf(
  { crlFiles = [], ownCrlFile }: GatewaySettings,
  env: NonNullable<RunOptions['env']>,
  cwd: string,
): Omit<RevocationFiles, 'authorities'> {
  const path = env['JAMEY_DENIED_FILE']
  return { deniedFile: path ? resolve(cwd, path) : undefined, crlFiles, ownCrlFile }
}

function secretsOf({ jwtSecret, formerJwtSecrets = [] }: BusConfig): readonly Secret[] | undefined {
  if (jwtSecret === undefined) return undefined
  return [jwtSecret, ...formerJwtSecrets].map((secret) =>
    secret instanceof KeyObject ? secret.export() : secret,
  )
}
