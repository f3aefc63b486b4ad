import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bus, systemClock, type Tracing } from '@jamey/bus'
import type { LocalAnswers } from '@jamey/gateway'
import type { Metrics } from '@jamey/metrics'
import type { Client, SessionStore, TransportFactory } from '@jamey/mqtt'
import type { Logger } from 'pino'
import type { ClientComponent } from '../install/data-directory.js'
import { CommandFailure, reportOf } from '../support/failure.js'
import { ConnectionLog, isBreaker } from './connection-log.js'
import { Reconnector } from './reconnector.js'

/** A component in this process, connected (or connecting) as a client of its own. */
export interface RunningComponent {
  readonly bus: Bus
  /** URL at which it answers besides the bus: that of the gateway. */
  readonly url: string | undefined
  /** Resolves once it serves; rejects where it never can. */
  readonly ready: Promise<void>
  /** Rejects when its connection ends for good, as when another client of its name takes it over; never with `comesBack`. */
  readonly lost: Promise<never>
  /** Tries again at once where the breaker is open or the next attempt is waited for, and reads again what can be read again (the conscience's rules). */
  reload(): void
  stop(graceMs: number): Promise<void>
}

export interface ComponentOptions {
  readonly env: NodeJS.ProcessEnv
  /** Folder in which a service looks for `.env` and relative paths. */
  readonly cwd: string
  readonly log: Logger
  /** Takes its connection up again, whatever ended it: others in this process go on, and would go with it. */
  readonly comesBack?: boolean
  /** What the gateway shows at `/metrics`. */
  readonly metrics?: Pick<Metrics, 'contentType' | 'text'>
  /** What the gateway is told of this process without the bus. */
  readonly local?: LocalAnswers
  /** Connects with the broker, where that is in this process; over the network by default. */
  readonly transport?: TransportFactory
}

/** Starts one component as its environment says. Throws its configuration errors. */
export async function startComponent(
  component: ClientComponent,
  { env, cwd, log, comesBack = false, metrics, local, transport }: ComponentOptions,
): Promise<RunningComponent> {
  const store = await openOutboxStore(env, cwd)
  const options = {
    env,
    cwd,
    comesBack,
    log: log.child({ component }),
    ...(store === undefined ? {} : { store }),
    ...(metrics === undefined ? {} : { metrics }),
    ...(local === undefined ? {} : { local }),
    ...(transport === undefined ? {} : { transport }),
    tracing: await tracingHere(),
  }
  try {
    return await startService(component, options)
  } catch (error) {
    // Nobody else closes the store where the start failed before there was a bus.
    await store?.close()
    throw error
  }
}

/** Opens the outbox that MQTT_OUTBOX_DIR names, or none: what the component publishes outlives the process there. */
async function openOutboxStore(env: NodeJS.ProcessEnv, cwd: string): Promise<SessionStore | undefined> {
  const path = env['MQTT_OUTBOX_DIR']
  if (!path) return undefined
  const [{ assertOwnFolder }, { openSessionStore }] = await Promise.all([
    import('@jamey/auth'),
    import('@jamey/store'),
  ])
  assertOwnFolder(resolve(cwd, path))
  return openSessionStore({ path: resolve(cwd, path) })
}

/** Where OpenTelemetry's API registers what the user started, whichever copy of it did so. */
const OPEN_TELEMETRY = Symbol.for('opentelemetry.js.api.1')

/** Spans of messages, where the user has started an SDK of OpenTelemetry in this process. */
async function tracingHere(): Promise<Tracing | undefined> {
  const registered = (globalThis as { [OPEN_TELEMETRY]?: { readonly trace?: unknown } })[OPEN_TELEMETRY]
  if (registered?.trace === undefined) return undefined
  const { openTelemetryTracing } = await import('@jamey/tracing')
  return openTelemetryTracing()
}

async function startService(
  component: ClientComponent,
  options: ComponentOptions & { readonly store?: SessionStore },
): Promise<RunningComponent> {
  const running = (service: Service) => watched(component, service, options)
  switch (component) {
    case 'conscience': {
      const { runConscience } = await import('@jamey/conscience')
      // A broker within this process has no rules that take messages beside its subscribers.
      const announcesUnheard = options.transport === undefined
      return running(await runConscience({ ...options, announcesUnheard }))
    }
    case 'memory': {
      const { runMemory } = await import('@jamey/memory')
      return running(await runMemory(options))
    }
    case 'gateway': {
      const { runGateway } = await import('@jamey/gateway')
      // Beside a broker within this process are the others, too.
      const expectsServices = options.transport !== undefined
      return running(await runGateway({ ...options, expectsServices, dashboard: dashboardFolder() }))
    }
  }
}

/** The built page of the gateway; undefined where it was not built. */
function dashboardFolder(): string | undefined {
  const folder = fileURLToPath(new URL('../../dashboard/', import.meta.url))
  return existsSync(join(folder, 'index.html')) ? folder : undefined
}

/** The common part of what the services' own start functions give. */
interface Service {
  readonly url?: string
  readonly bus: Bus
  readonly ready: Promise<void>
  reload?(): void
  stop(options?: { graceMs?: number }): Promise<void>
}

function watched(
  name: string,
  service: Service,
  { log, comesBack = false }: ComponentOptions,
): RunningComponent {
  const reconnector = comesBack ? new Reconnector(service.bus.mqtt, systemClock, log) : undefined
  const connectionLog = new ConnectionLog(log, systemClock)
  const lost = new Promise<never>((_, reject) => {
    service.bus.onState((change) => {
      connectionLog.tell(change)
      if (change.state === 'connected') reconnector?.onConnected()
      if (change.state !== 'error' || isBreaker(change)) return
      if (reconnector === undefined) reject(connectionLost(name, change.cause))
      else reconnector.onGivenUp(change.cause)
    })
  })
  // It is awaited only once everything is ready; until then `ready` tells the same.
  lost.catch(() => {})
  return {
    bus: service.bus,
    url: service.url,
    ready: service.ready,
    lost,
    reload: () => reload(service, log),
    stop: (graceMs) => {
      reconnector?.stop()
      return service.stop({ graceMs })
    },
  }
}

/** Does what SIGHUP asks for. */
export function reload(
  service: { readonly bus: { readonly mqtt: Pick<Client, 'state' | 'reset'> }; reload?(): void },
  log: Pick<Logger, 'info' | 'error'>,
): void {
  // An open breaker is closed, and a wait cut short.
  if (service.bus.mqtt.state === 'error' || service.bus.mqtt.state === 'reconnecting')
    service.bus.mqtt.reset()
  try {
    service.reload?.()
    log.info({ event: 'process.reloaded' }, 'reloaded')
  } catch (error) {
    log.error(
      { event: 'process.reload.failed', err: error },
      'what was to be reloaded cannot be used; the old stays in force',
    )
  }
}

function connectionLost(name: string, cause: unknown): CommandFailure {
  const { message, code, exitCode } = reportOf(cause ?? new Error('no reason was given'))
  return new CommandFailure(`${name} gave its connection up: ${message}`, { code, exitCode, cause })
}
