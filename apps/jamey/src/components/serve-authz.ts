import { resolve } from 'node:path'
import type { Logger } from 'pino'
import type { DataDirectory } from '../install/data-directory.js'
import { CommandFailure } from '../support/failure.js'
import { anotherPort } from '../support/listening.js'
import { aborted } from '../support/waiting.js'
import type { CommandContext } from '../terminal/command-context.js'
import { announcerIn } from './announcer.js'
import { completed } from './component-environment.js'
import { stopInOrder } from './stop-in-order.js'

/** The authorization service alone in this process, until somebody stops it; SIGHUP has it read its files again. */
export async function serveAuthz(
  { env, cwd, terminal, interrupted }: CommandContext,
  directory: DataDirectory | undefined,
  ofProcess: Logger,
): Promise<void> {
  const log = ofProcess.child({ component: 'authz' })
  const announcer = announcerIn(log, terminal)
  const { runAuthz } = await import('@jamey/authz')
  const service = await runAuthz({ env: completed(env, defaultsOf(directory)), cwd, log }).catch(portFailure)
  const reload = (): void => {
    service.reload().then(
      () => log.info({ event: 'authz.reloaded' }, 'reloaded'),
      (err: unknown) =>
        log.error(
          { event: 'authz.reload.failed', err },
          'what was to be reloaded cannot be used; the old stays in force',
        ),
    )
  }
  process.on('SIGHUP', reload)
  try {
    announcer.say({ event: 'authz.ready' }, `authz listens at ${service.url}`)
    await aborted(interrupted)
  } finally {
    process.removeListener('SIGHUP', reload)
  }
  announcer.note({ event: 'authz.stopping' }, 'stopping authz')
  await stopInOrder([[{ name: 'authz', stop: () => service.stop() }]])
}

function defaultsOf(directory: DataDirectory | undefined): NodeJS.ProcessEnv {
  if (directory === undefined) return {}
  return {
    JAMEY_AUTHZ_SECRET_FILE: directory.authzSecret,
    JAMEY_DATA_DIR: resolve(directory.data),
    JAMEY_DENIED_FILE: directory.denied,
    MQTT_JWT_SECRET_FILE: directory.secret,
  }
}

function portFailure(error: unknown): never {
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (code !== 'port-in-use') throw error
  const port = /port (\d+)/.exec(String(message))?.[1]
  throw new CommandFailure(String(message), {
    code: 'port-taken',
    hint: anotherPort('JAMEY_AUTHZ_PORT', port === undefined ? undefined : Number(port)),
    cause: error,
  })
}
