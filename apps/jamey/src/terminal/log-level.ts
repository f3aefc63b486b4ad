import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** The option, else JAMEY_LOG_LEVEL, else `fallback`. */
export function logLevelOf(option: string | undefined, env: NodeJS.ProcessEnv, fallback: LogLevel): LogLevel {
  const text = option ?? (env['JAMEY_LOG_LEVEL'] || fallback)
  const level = LOG_LEVELS.find((name) => name === text)
  if (level !== undefined) return level
  throw new CommandFailure(
    `JAMEY_LOG_LEVEL is ${JSON.stringify(text)}; expected one of ${LOG_LEVELS.join(', ')}`,
    { code: 'log-level-unknown', exitCode: EXIT.usage },
  )
}
