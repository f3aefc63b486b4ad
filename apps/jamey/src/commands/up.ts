import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { readTokenSecretsFile } from '@jamey/auth'
import { type Manifest, readManifestFile } from '@jamey/manifest'
import type { Logger } from 'pino'
import { embeddedSettings } from '../broker/embedded-broker.js'
import { type ServedBroker, type Surroundings, startServedBroker } from '../broker/served-broker.js'
import type { BrokerSettings } from '../broker/settings.js'
import { CertificateKeeper } from '../components/certificate-keeper.js'
import { type RunningComponent, startComponent } from '../components/component.js'
import { completed, environmentBesideBroker, serviceSettings } from '../components/component-environment.js'
import { ServedMetrics } from '../components/served-metrics.js'
import { type Stoppable, stopInOrder } from '../components/stop-in-order.js'
import { findingsBeside } from '../doctor/findings-beside.js'
import { checkPortFree } from '../doctor/health-checks.js'
import { warnOfVariables } from '../doctor/settings-checks.js'
import {
  type ClientComponent,
  type DataDirectory,
  displayPath,
  newDataDirectory,
  readDataFile,
} from '../install/data-directory.js'
import { ownFolderOf } from '../install/expiry.js'
import { namedClients } from '../install/named-clients.js'
import { CERTIFIED_CLIENTS, makeDataDirectory, provision, RESERVED_CLIENTS } from '../install/provision.js'
import { type BrokerAddress, claimRunFile, type RunClaim } from '../install/run-file.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import { reachableHost } from '../support/host-address.js'
import { httpPortFailure, type Listening, type ListeningOptions, listeningOf } from '../support/listening.js'
import { VERSION } from '../support/version.js'
import { aborted, unlessAborted } from '../support/waiting.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { createLog } from '../terminal/log.js'
import { type LogLevel, logLevelOf } from '../terminal/log-level.js'
import { formatBanner, formatWritten } from '../views/up-view.js'

/**
 * The gateway in the process of the broker may see and send whatever its callers may: what each of them may is up to its
 * own permissions. A manifest bounds it all the same.
 */
const SEES_AND_SENDS_ALL = 'subscribe:#,publish:#'

export interface UpOptions extends ListeningOptions {
  readonly dataDir: string
  readonly logLevel?: string
}

/** The whole system in this process, until somebody stops it. */
export async function up(context: CommandContext, options: UpOptions): Outcome {
  const directory = newDataDirectory(context.cwd, options.dataDir)
  const { terminal, env } = context
  terminal.serve()
  const listening = listeningOf(options, env)
  const logLevel = logLevelOf(options.logLevel, env, 'warn')
  warnOfVariables(context, (text) => terminal.warn(text))
  const log = createLog(terminal, logLevel)
  // Nothing is made where nothing could start.
  if (!existsSync(directory.path)) await expectPortsFree(listening)
  for (const repair of makeDataDirectory(directory).repaired) terminal.warn(repair)
  const claim = claimRunFile(directory.path, VERSION)
  try {
    if (claim.replacedStale) terminal.note('the last `jamey up` here ended without cleaning up')
    const { written } = await provision(directory, listening.host)
    if (written.length > 0) terminal.note(formatWritten(written, displayPath(directory.path, context.cwd)))
    const system = new System(directory, log, logLevel, context)
    const reload = (): void => system.reload()
    const keeper = keeperOf(directory, log)
    process.on('SIGHUP', reload)
    try {
      void keeper.start()
      await serveUntilStopped(system, claim, directory, context, listening)
    } finally {
      keeper.stop()
      process.removeListener('SIGHUP', reload)
    }
  } finally {
    claim.release()
  }
  terminal.note('stopped')
  return EXIT.success
}

async function expectPortsFree({ host, port, httpHost, httpPort }: Listening): Promise<void> {
  const wanted = [
    await checkPortFree('broker', host, port, '--port'),
    await checkPortFree('HTTP', httpHost, httpPort, '--http-port'),
  ]
  const taken = wanted.find(({ status }) => status !== 'ok')
  if (taken === undefined) return
  const { check, message, hint } = taken
  throw new CommandFailure(`${check}: ${message}`, {
    code: 'port-taken',
    ...(hint === undefined ? {} : { hint }),
  })
}

/** Renews what ends while this runs: a start alone would be too seldom. */
function keeperOf(directory: DataDirectory, log: Logger): CertificateKeeper {
  const folder = ownFolderOf([directory.serverCertificate]) && directory.certificates
  return new CertificateKeeper({ paths: certificatesOf(directory), folder, log })
}

function certificatesOf({ caCertificate, serverCertificate, clientCertificate }: DataDirectory): string[] {
  return [
    caCertificate,
    serverCertificate,
    ...CERTIFIED_CLIENTS.map((clientId) => clientCertificate(clientId)),
  ]
}

async function serveUntilStopped(
  system: System,
  claim: RunClaim,
  directory: DataDirectory,
  { terminal, cwd, interrupted }: CommandContext,
  listening: Listening,
): Promise<void> {
  const { colors } = terminal
  try {
    await system.start(listening)
    claim.update({ broker: system.brokerAddress, gateway: { url: system.url } })
    system.nowReady()
    // Time counts from the start of the process, since a person waits from then on.
    const banner = formatBanner({ system, directory, cwd, elapsedMs: performance.now(), colors })
    terminal.print(terminal.asStarted(banner))
    await aborted(interrupted)
    terminal.note('stopping: finishing what was taken (Ctrl-C again stops at once)')
  } catch (error) {
    const stopping = system.stop()
    if (interrupted.aborted) return stopping
    // The error that led here matters more than what then failed to stop.
    await stopping.catch(() => {})
    throw error
  }
  await system.stop()
}

/** Broker and components of one `jamey up`; whatever was started can be stopped at any time. */
class System {
  readonly #directory: DataDirectory
  readonly #log: Logger
  readonly #logLevel: LogLevel
  readonly #context: CommandContext
  readonly #components = new Map<ClientComponent, RunningComponent>()
  #metrics: ServedMetrics | undefined
  #broker: ServedBroker | undefined
  brokerAddress: BrokerAddress = { host: '', port: 0 }

  constructor(directory: DataDirectory, log: Logger, logLevel: LogLevel, context: CommandContext) {
    this.#directory = directory
    this.#log = log
    this.#logLevel = logLevel
    this.#context = context
  }

  get url(): string {
    return this.#components.get('gateway')?.url ?? ''
  }

  async start({ host, port, httpHost, httpPort }: Listening): Promise<void> {
    const { interrupted, env, cwd } = this.#context
    const directory = this.#directory
    const read = async (): Promise<BrokerSettings> =>
      readSettings(directory, { host, port, manifest: manifestOf(this.#context) })
    const started = await read()
    const log = this.#log.child({ component: 'broker' })
    const portSetting = 'jamey up --port'
    const served = await ServedMetrics.start({ env, cwd, log: this.#log })
    this.#metrics = served
    const surroundings = this.#surroundings(directory.brokerStore)
    const given = { started, read, log, logLevel: this.#logLevel, portSetting, surroundings }
    this.#broker = await startServedBroker(given)
    served.watchBroker(this.#broker.numbers)
    served.watchCertificates(certificatesOf(directory))
    served.watchData(directory.data)
    this.brokerAddress = { host, port: this.#broker.addresses[0]?.port ?? port }
    const broker = { host: reachableHost(host), port: this.brokerAddress.port }
    const { transport, answers: local } = this.#broker
    const starting = (['conscience', 'memory', 'gateway'] as const).map(async (name) => {
      const identity = environmentBesideBroker(name, directory, broker)
      const http = { JAMEY_HTTP_HOST: httpHost, JAMEY_HTTP_PORT: String(httpPort) }
      const sameAsBroker = { JAMEY_CLIENTS_FILE: directory.clients, JAMEY_DENIED_FILE: directory.denied }
      const more = { JAMEY_GATEWAY_PERMISSIONS: SEES_AND_SENDS_ALL }
      // A service would read the `.env` of its folder, too, whose MQTT_* variables mean another broker.
      const settings = {
        cwd: directory.path,
        log: this.#log,
        comesBack: true,
        metrics: served.metrics,
        local,
        transport,
        env: { ...completed(serviceSettings(env, cwd), { ...identity, ...more }), ...http, ...sameAsBroker },
      }
      const component = await startComponent(name, settings)
      this.#components.set(name, component)
      served.watchBus(component.bus)
      await component.ready
    })
    try {
      await unlessAborted(Promise.all(starting), interrupted)
    } catch (error) {
      // Parts that are still starting must be known before they can be stopped.
      await Promise.race([Promise.allSettled(starting), aborted(AbortSignal.timeout(2_000))])
      throw httpPortFailure(error, 'jamey up --http-port')
    }
  }

  /** Whatever the broker is asked about this process. */
  #surroundings(storePath: string): Surroundings {
    const directory = this.#directory
    return {
      certificates: certificatesOf(directory),
      buses: () => [...this.#components.values()].map(({ bus }) => bus),
      named: () => namedClients(directory.clients),
      examine: () => findingsBeside(this.#context, directory, storePath),
    }
  }

  /** The broker's certificate, authority and token secrets, and what the components can read again. */
  reload(): void {
    void this.#broker?.reload()
    for (const component of this.#components.values()) component.reload()
  }

  nowReady(): void {
    this.#metrics?.nowReady()
  }

  /** The gateway takes no more calls before the services that answer them, and these before their broker. */
  async stop(): Promise<void> {
    const named = (...names: ClientComponent[]): Stoppable[] =>
      names.flatMap((name) => {
        const component = this.#components.get(name)
        return component === undefined ? [] : [{ name, stop: (graceMs: number) => component.stop(graceMs) }]
      })
    const broker = this.#broker
    this.#metrics?.nowStopping()
    await stopInOrder([
      named('gateway'),
      named('conscience', 'memory'),
      broker === undefined ? [] : [{ name: 'broker', stop: (graceMs) => broker.stop(graceMs) }],
    ])
    await this.#metrics?.stop()
  }
}

function manifestOf({ env, cwd }: CommandContext): Manifest | undefined {
  const file = env['JAMEY_PERMISSIONS_FILE']
  return file ? readManifestFile(resolve(cwd, file), file) : undefined
}

async function readSettings(
  directory: DataDirectory,
  given: Pick<BrokerAddress, 'host' | 'port'> & { readonly manifest: Manifest | undefined },
): Promise<BrokerSettings> {
  return embeddedSettings({
    ...given,
    cert: readDataFile(directory.serverCertificate),
    key: readDataFile(directory.serverKey),
    ca: readDataFile(directory.caCertificate),
    secrets: await readTokenSecretsFile(directory.secret),
    storePath: directory.brokerStore,
    deniedFile: directory.denied,
    ownCrlFile: directory.revocationList,
    tlsFiles: [directory.serverCertificate, directory.serverKey, directory.caCertificate],
    ownClients: RESERVED_CLIENTS,
  })
}
