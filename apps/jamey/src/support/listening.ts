import { EXIT } from './exit-codes.js'
import { CommandFailure } from './failure.js'
import { DEFAULT_BROKER_PORT } from './host-address.js'

const DEFAULT_HTTP_PORT = 8080
const DEFAULT_HOST = '127.0.0.1'

export interface ListeningOptions {
  readonly port?: number
  readonly httpPort?: number
  readonly host?: string
}

/** Addresses at which the parts of `jamey up` listen. */
export interface Listening {
  readonly host: string
  readonly port: number
  readonly httpHost: string
  readonly httpPort: number
}

/** Options go before the environment, which has `.env` below it, as it does for every part that is run alone. */
export function listeningOf(options: ListeningOptions, env: NodeJS.ProcessEnv): Listening {
  return {
    host: options.host ?? (env['JAMEY_BROKER_HOST'] || DEFAULT_HOST),
    port: options.port ?? portOf(env, 'JAMEY_BROKER_PORT', DEFAULT_BROKER_PORT),
    httpHost: options.host ?? (env['JAMEY_HTTP_HOST'] || DEFAULT_HOST),
    httpPort: options.httpPort ?? portOf(env, 'JAMEY_HTTP_PORT', DEFAULT_HTTP_PORT),
  }
}

function portOf(env: NodeJS.ProcessEnv, variable: string, fallback: number): number {
  return portIn(env, variable) ?? fallback
}

/** Undefined where the variable is not set. Throws `CommandFailure` where it is no port. */
export function portIn(env: NodeJS.ProcessEnv, variable: string): number | undefined {
  const text = env[variable]
  if (!text) return undefined
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  throw new CommandFailure(`${variable} is ${JSON.stringify(text)}; expected a port from 0 to 65535`, {
    code: 'port-invalid',
    exitCode: EXIT.usage,
  })
}

/** The way out of a taken port: `setting` is a variable, or a command that ends with the option, `jamey up --port`. */
export function anotherPort(setting: string, taken: number | undefined): string {
  const next = taken === undefined ? 'N' : taken < 65_535 ? taken + 1 : taken - 1
  const how = setting.includes(' ') ? `\`${setting} ${next}\`` : setting
  return `choose another one with ${how}, or stop what listens there`
}

/** The same error; one about a taken HTTP port is told with the setting that chooses another. */
export function httpPortFailure(error: unknown, setting: string): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (code !== 'port-in-use') return error
  // The gateway's own message goes on with settings of which only one is of use here.
  const what = String(message).replace(/ is already in use:.*$/s, '')
  const port = /port (\d+)/i.exec(what)?.[1]
  return new CommandFailure(`${what} is taken by another process`, {
    code: 'port-taken',
    hint: anotherPort(setting, port === undefined ? undefined : Number(port)),
    cause: error,
  })
}
