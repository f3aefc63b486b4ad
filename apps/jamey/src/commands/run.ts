import type { Logger } from 'pino'
import type { CommandContext, Outcome } from '../command-context.js'
import { startComponent } from '../component.js'
import { completed, directoryEnvironment } from '../component-environment.js'
import { runningBroker } from '../connection-target.js'
import { type ClientComponent, type DataDirectory, requireDataDirectory } from '../data-directory.js'
import { EXIT } from '../exit-codes.js'
import { httpPortFailure } from '../listening.js'
import { createLog } from '../log.js'
import { logLevelOf } from '../log-level.js'
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
  const directory =
    options.dataDir === undefined ? undefined : requireDataDirectory(context.cwd, options.dataDir)
  if (part === 'broker') {
    const flags = options.logLevel === undefined ? {} : { logLevel: options.logLevel }
    await serveBroker(context, { flags, directory, logLevel: 'info', portSetting: 'JAMEY_BROKER_PORT' })
    return EXIT.success
  }
  context.terminal.serve()
  const log = createLog(context.terminal, logLevelOf(options.logLevel, context.env, 'info'))
  await runComponent(context, part, directory, log)
  return EXIT.success
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
  const reload = () => component.reload()
  process.on('SIGHUP', reload)
  try {
    terminal.print(`${name}${where}, connecting to ${brokerOf(env)}`)
    await unlessAborted(component.ready, interrupted)
    terminal.print(`${name} is ready`)
    await Promise.race([aborted(interrupted), component.lost])
  } catch (error) {
    if (!interrupted.aborted) {
      await component.stop(1_000).catch(() => {})
      throw error
    }
  } finally {
    process.removeListener('SIGHUP', reload)
  }
  terminal.note(`stopping ${name}`)
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
