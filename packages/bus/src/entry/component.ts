import { readFileSync } from 'node:fs'
import type { Bus } from '../model/bus.js'
import type { BusConfig } from '../model/config.js'
import { connectBus } from './connect-bus.js'
import { configFromEnvironment } from './environment.js'

/** A program with a part of its own in the system, such as a service. */
export interface Component {
  /** Name that presence shows; one of Jamey's own components has its usual client identifier and permissions by it. */
  readonly name: string
  /** URL of its package.json, where its version stands. */
  readonly packageFile: URL
}

export interface ComponentOptions {
  /** The process's environment by default. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Folder from which `.env` and relative paths are looked up; the working directory by default. */
  readonly cwd?: string | undefined
  readonly log?: BusConfig['log'] | undefined
  readonly tracing?: BusConfig['tracing'] | undefined
  /** Permissions besides those that the environment, or its component, gives it. */
  readonly morePermissions?: readonly string[] | undefined
  /** Store in which published messages outlive the process; closed with the bus. */
  readonly store?: BusConfig['store'] | undefined
  readonly transport?: BusConfig['transport'] | undefined
}

/** The part of a component that serves over its bus. */
export interface ComponentService {
  /** Resolves once requests are taken. */
  start(): Promise<void>
  /** Lets what runs come to its end, for `graceMs` milliseconds at most. */
  stop(options: { graceMs: number }): Promise<void>
}

export interface RunningComponent<Service extends ComponentService> {
  readonly bus: Bus
  readonly service: Service
  /** Resolves once requests are taken; rejects where they never can be, with everything closed again. */
  readonly ready: Promise<void>
  /** Drains and closes the service and its bus; 5000 ms each at most, unless told otherwise. */
  stop(options?: { graceMs?: number | undefined }): Promise<void>
}

/**
 * A bus as the environment says, with presence, that connects in the background. Throws `ConfigurationError` before
 * anything is connected. Whoever calls it closes the bus.
 */
export async function connectComponent(
  { name, packageFile }: Component,
  options: ComponentOptions,
): Promise<{ readonly bus: Bus; readonly config: BusConfig }> {
  const { env = process.env, cwd = process.cwd(), morePermissions = [] } = options
  const { log, store, tracing, transport } = options
  const read = configFromEnvironment(env, { component: { name, version: versionIn(packageFile) }, cwd })
  const config = { ...read, permissions: [...read.permissions, ...morePermissions] }
  const bus = await connectBus({ ...config, waitForConnection: false, log, store, tracing, transport })
  return { bus, config }
}

/** Connects a component's bus, and starts the service that `create` makes of it. Throws as `connectComponent`. */
export async function runComponent<Service extends ComponentService>(
  component: Component,
  options: ComponentOptions,
  create: (bus: Bus) => Service,
): Promise<RunningComponent<Service>> {
  const { bus } = await connectComponent(component, options)
  const service = create(bus)
  const ready = service.start().catch(async (error: unknown) => {
    // What keeps the bus from connecting is why nothing else can be done: whatever failed first says less.
    const { state, cause } = bus.mqtt.status
    await bus.close({ drain: false })
    throw state === 'error' ? (cause ?? error) : error
  })
  // A caller that awaits `ready` still gets the error; unawaited it must not end the process.
  ready.catch(() => {})
  return {
    bus,
    service,
    ready,
    stop: async ({ graceMs = 5000 } = {}) => {
      await service.stop({ graceMs })
      await bus.close({ drain: true, timeoutMs: graceMs })
    },
  }
}

function versionIn(packageFile: URL): string {
  return (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version
}
