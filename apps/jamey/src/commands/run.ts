import type { Logger } from 'pino'
import { announcerIn, toItsEnd } from '../announcer.js'
import type { CommandContext, Outcome } from '../command-context.js'
import { startComponent } from '../component.js'
import { completed, directoryEnvironment } from '../component-environment.js'
import { type ClientComponent, type DataDirectory, requireDataDirectory } from '../data-directory.js'
import { EXIT } from '../exit-codes.js'
import { httpPortFailure } from '../listening.js'
import { createLog } from '../log.js'
import { logLevelOf } from '../log-level.js'
import { runningBroker } from '../run-file.js'
import { serveBroker } from '../serve-broker.js'
import { stopInOrder } from '../stop-in-order.js'
import { aborted, unlessAborted } from '../waiting.js'

export interface RunOptions {
  readonly dataDir?: string
  readonly logLevel?: string
}

/** One part alone in this process, until somebody stops it. */
export async function run(
  context: CommandContext,
  part: ClientComponent | 'broker',
  options: RunOptions,
): Outcome {
  const { terminal, cwd, env } = context
  terminal.serve()
  const directory = options.dataDir === undefined ? undefined : requireDataDirectory(cwd, options.dataDir)
  const log = createLog(terminal, logLevelOf(options.logLevel, env, 'info'))
  const work = (): Promise<void> =>
    part === 'broker' ? runBroker(context, directory, options) : runComponent(context, part, directory, log)
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
    announcer: (log) => announcerIn(log, terminal),
  })
}

async function runComponent(
  context: CommandContext,
  name: ClientComponent,
  directory: DataDirectory | undefined,
  log: Logger,
): Promise<void> {
  const env = completed(context.env, identityOf(context, name, directory))
  const component = await startComponent(name, { env, cwd: context.cwd, log }).catch((error: unknown) => {
    throw httpPortFailure(error, 'JAMEY_HTTP_PORT')
  })
  const where = component.url === undefined ? '' : ` at ${component.url}`
  const { terminal, interrupted } = context
  const announcer = announcerIn(log.child({ component: name }), terminal)
  const reload = () => component.reload()
  process.on('SIGHUP', reload)
  try {
    announcer.say(`${name}${where}, connecting to ${brokerOf(env)}`)
    await unlessAborted(component.ready, interrupted)
    announcer.say(`${name} is ready`)
    await Promise.race([aborted(interrupted), component.lost])
  } catch (error) {
    if (!interrupted.aborted) {
      await component.stop(1_000).catch(() => {})
      throw error
    }
  } finally {
    process.removeListener('SIGHUP', reload)
  }
  announcer.note(`stopping ${name}`)
  await stopInOrder([[{ name, stop: (graceMs) => component.stop(graceMs) }]])
}

function identityOf(
  { env }: CommandContext,
  name: ClientComponent,
  directory: DataDirectory | undefined,
): NodeJS.ProcessEnv {
  if (directory === undefined) return {}
  return directoryEnvironment(name, directory, {
    broker: runningBroker(directory),
    clientId: env['MQTT_CLIENT_ID'] || undefined,
  })
}

/** As the settings name it; several URLs, and those with a port, say everything themselves. */
function brokerOf({ MQTT_BROKER_URL: url = 'mqtt://localhost', MQTT_PORT: port }: NodeJS.ProcessEnv): string {
  return port === undefined || /:\d+\b|,/.test(url) ? url : `${url}:${port}`
}
