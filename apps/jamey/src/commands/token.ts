import { resolve } from 'node:path'
import { readTokenSecretFile, signToken } from '@jamey/auth'
import { COMPONENTS } from '@jamey/contracts'
import { requireDataDirectory } from '../install/data-directory.js'
import { listedClient } from '../install/listed-client.js'
import { assertNewClientName } from '../install/new-client-name.js'
import { EXIT } from '../support/exit-codes.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'

export interface TokenOptions {
  readonly sub: string
  readonly permission?: readonly string[]
  /** Manifest that says what the client may do. */
  readonly manifest?: string
  readonly lifetime: number
  readonly json?: boolean
  readonly dataDir?: string
}

/** Signs a token and prints it alone, so that `$(jamey token)` works. */
export async function token(context: CommandContext, options: TokenOptions): Outcome {
  const { terminal, env, cwd } = context
  assertNewClientName(options.sub, [])
  const secret = await secretOf(env, cwd, options.dataDir)
  const issuedAt = context.now()
  const listed = await listedClient(context, options, options.sub)
  const permissions = options.permission ?? listed?.permissions ?? COMPONENTS.operator.permissions
  const signed = await signToken(
    { sub: options.sub, permissions, lifetimeSeconds: options.lifetime, now: () => issuedAt.getTime() },
    secret,
  )
  if (options.json) {
    const expiresAt = new Date((Math.floor(issuedAt.getTime() / 1000) + options.lifetime) * 1000)
    terminal.printJson({ token: signed, sub: options.sub, permissions, expires_at: expiresAt.toISOString() })
  } else terminal.print(signed)
  return EXIT.success
}

/** The environment's secret where it has one, unless a folder is named. */
async function secretOf(env: NodeJS.ProcessEnv, cwd: string, dataDir: string | undefined): Promise<string> {
  const { MQTT_JWT_SECRET: text, MQTT_JWT_SECRET_FILE: path } = env
  if (dataDir === undefined && text) return text
  if (dataDir === undefined && path) return readTokenSecretFile(resolve(cwd, path))
  return readTokenSecretFile(requireDataDirectory(cwd, dataDir, 'secret').secret)
}
