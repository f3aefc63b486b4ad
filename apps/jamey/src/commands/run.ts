import { resolve } from 'node:path'
import type { Logger } from 'pino'
import { serveBroker } from '../broker/serve-broker.js'
import { announcerIn, toItsEnd } from '../components/announcer.js'
import { CertificateKeeper, certificatePaths } from '../components/certificate-keeper.js'
import { startComponent } from '../components/component.js'
import { completed, directoryEnvironment } from '../components/component-environment.js'
import { ownBroker } from '../components/own-broker.js'
import { serveAuthz } from '../components/serve-authz.js'
import { stopInOrder } from '../components/stop-in-order.js'
import { findingsBeside } from '../doctor/findings-beside.js'
import { warnOfVariables } from '../doctor/settings-checks.js'
import { type ClientComponent, type DataDirectory, requireDataDirectory } from '../install/data-directory.js'
import { EXIT } from '../support/exit-codes.js'
import { httpPortFailure } from '../support/listening.js'
import { aborted, unlessAborted } from '../support/waiting.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { createLog } from '../terminal/log.js'
import { logLevelOf } from '../terminal/log-level.js'

export interface RunOptions {
  readonly dataDir?: string
  readonly logLevel?: string
}

/** Runs one part alone in this process, until somebody stops it. */
export async function run(
  context: CommandContext,
  part: ClientComponent | 'broker' | 'authz',
  options: RunOptions,
): Outcome {
  const { terminal, cwd, env } = context
  terminal.serve()
  const directory = options.dataDir === undefined ? undefined : requireDataDirectory(cwd, options.dataDir)
  const log = createLog(terminal, logLevelOf(options.logLevel, env, 'info'))
  const announcer = announcerIn(log.child({ component: part }), terminal)
  warnOfVariables(context, (text) => announcer.warn({ event: 'process.variable.unknown' }, text))
  const work = (): Promise<void> =>
    part === 'broker'
      ? runBroker(context, directory, options)
      : part === 'authz'
        ? serveAuthz(context, directory, log)
        : runComponent(context, part, directory, log)
  return (await toItsEnd(work, log.child({ component: part }), terminal)) ?? EXIT.success
}

function runBroker(
  context: CommandContext,
  directory: DataDirectory | undefined,
  { logLevel }: RunOptions,
): Promise<void> {
  const { terminal } = context
  return serveBroker(context, {
    flags: logLevel === undefined ? {} : { logLevel },
    directory,
    logLevel: 'info',
    portSetting: 'JAMEY_BROKER_PORT',
    examine: (settings) => findingsBeside(context, directory, settings.storePath),
    announcer: (log) => announcerIn(log, terminal),
  })
}

async function runComponent(
  context: CommandContext,
  name: ClientComponent,
  directory: DataDirectory | undefined,
  log: Logger,
): Promise<void> {
  const { ServedMetrics } = await import('../components/served-metrics.js')
  const served = await ServedMetrics.start({ env: context.env, cwd: context.cwd, log })
  const { metrics } = served
  const identity = await identityOf(context, name, directory, log).catch(async (error: unknown) => {
    await served.stop()
    if (!context.interrupted.aborted) throw error
  })
  if (identity === undefined) return
  const env = completed(context.env, identity)
  const component = await startComponent(name, { env, cwd: context.cwd, log, metrics }).catch(
    async (error: unknown) => {
      await served.stop()
      throw httpPortFailure(error, 'JAMEY_HTTP_PORT')
    },
  )
  served.watchBus(component.bus)
  const where = component.url === undefined ? '' : ` at ${component.url}`
  const { terminal, interrupted } = context
  const announcer = announcerIn(log.child({ component: name }), terminal)
  const paths = certificatePaths(env, (path) => resolve(context.cwd, path))
  const keeper = new CertificateKeeper({ paths, log: log.child({ component: name }) })
  served.watchCertificates(paths)
  if (directory !== undefined) served.watchData(directory.data)
  void keeper.start()
  const reload = () => component.reload()
  process.on('SIGHUP', reload)
  try {
    announcer.say({ event: 'process.started' }, `${name}${where}, connecting to ${brokerOf(env)}`)
    await unlessAborted(component.ready, interrupted)
    served.nowReady(component.bus)
    announcer.say({ event: 'process.ready' }, `${name} is ready`)
    await Promise.race([aborted(interrupted), component.lost])
  } catch (error) {
    if (!interrupted.aborted) {
      await component.stop(1_000).catch(() => {})
      await served.stop()
      throw error
    }
  } finally {
    keeper.stop()
    process.removeListener('SIGHUP', reload)
  }
  announcer.note({ event: 'process.stopping' }, `stopping ${name}`)
  served.nowStopping()
  try {
    await stopInOrder([[{ name, stop: (graceMs) => component.stop(graceMs) }]])
  } finally {
    await served.stop()
  }
}

/** The part's identity from the data directory, once a broker of that was started. */
async function identityOf(
  { env, cwd, interrupted, terminal }: CommandContext,
  name: ClientComponent,
  directory: DataDirectory | undefined,
  log: Logger,
): Promise<NodeJS.ProcessEnv> {
  if (directory === undefined) return {}
  const { path } = directory
  const onAbsent = (): void =>
    announcerIn(log.child({ component: name }), terminal).note(
      { event: 'process.waiting' },
      `${name} waits for a broker: none was started from ${path}, and MQTT_BROKER_URL names none`,
    )
  const broker = await ownBroker(directory, { env, cwd, signal: interrupted, onAbsent })
  return directoryEnvironment(name, directory, { broker, clientId: env['MQTT_CLIENT_ID'] || undefined })
}

/** The broker as the settings name it; several URLs, and those with a port, say everything themselves. */
function brokerOf({ MQTT_BROKER_URL: url = 'mqtt://localhost', MQTT_PORT: port }: NodeJS.ProcessEnv): string {
  return port === undefined || /:\d+\b|,/.test(url) ? url : `${url}:${port}`
}
