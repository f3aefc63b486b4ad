import { createTokenSecretFile, Revocations, readTokenSecretsFile, type Secret } from '@jamey/auth'
import { readManifestFile } from '@jamey/manifest'
import type { Logger } from 'pino'
import { AuthzError } from '../http/authz-error.js'
import { type AuthzTrust, startAuthz } from './authz.js'
import { type AuthzSettings, type Environment, readTls, settingsFromEnvironment } from './settings.js'

export interface RunOptions {
  /** The process's environment by default. */
  readonly env?: Environment | undefined
  /** Folder from which relative paths are looked up; the working directory by default. */
  readonly cwd?: string | undefined
  readonly log: Logger
}

export interface RunningAuthz {
  /** The URL, such as `https://127.0.0.1:8090`. */
  readonly url: string
  /** Reads secrets, certificates and the manifest again. Rejects for what cannot be used, and then nothing changed. */
  reload(): Promise<void>
  stop(): Promise<void>
}

/** Starts the service as the environment says. Throws `AuthzError`, and what reading its files throws. */
export async function runAuthz(options: RunOptions): Promise<RunningAuthz> {
  const { env = process.env, cwd = process.cwd(), log } = options
  const settings = settingsFromEnvironment(env, cwd)
  const denied = await Revocations.open({
    deniedFile: settings.deniedFile,
    onError: (err) =>
      log.error({ event: 'authz.denied.unreadable', err }, 'who is denied by this file is not known'),
  })
  try {
    await createSecret(settings, log)
    const { host, port, grantsFile, failuresPerMinute, virtualHost } = settings
    const read = () => readTrust(settings, denied)
    const authz = await startAuthz({
      ...(await read()),
      ...{ host, port, grantsFile, failuresPerMinute, virtualHost, log },
    })
    return {
      url: authz.url,
      reload: async () => authz.use(await read()),
      async stop() {
        denied.stop()
        await authz.stop()
      },
    }
  } catch (error) {
    denied.stop()
    throw error
  }
}

/** The first start makes it; brokers are given what is in the file. */
async function createSecret({ secretFile }: AuthzSettings, log: Logger): Promise<void> {
  const { isNew } = await withVariable('JAMEY_AUTHZ_SECRET_FILE', () => createTokenSecretFile(secretFile))
  if (isNew) log.info({ event: 'authz.secret.made', path: secretFile }, 'made a secret for brokers to show')
}

async function readTrust(settings: AuthzSettings, denied: Revocations): Promise<AuthzTrust> {
  const { secretFile, tls, manifestFile, keys, audience, issuers } = settings
  const secret = await tokenSecretsOf(settings)
  return {
    secrets: await withVariable('JAMEY_AUTHZ_SECRET_FILE', () => readTokenSecretsFile(secretFile)),
    certificateNames: settings.certificateNames,
    tokens: { secret, keys, audience, issuers },
    denied,
    manifest: manifestFile === undefined ? undefined : readManifestFile(manifestFile),
    certificatesOf: settings.certificatesOf,
    cacheSeconds: settings.cacheSeconds,
    tls: tls && readTls(tls),
  }
}

async function tokenSecretsOf({
  tokenSecret,
  tokenSecretFile,
}: AuthzSettings): Promise<readonly Secret[] | undefined> {
  if (tokenSecret !== undefined) return [tokenSecret]
  return tokenSecretFile === undefined ? undefined : readTokenSecretsFile(tokenSecretFile)
}

async function withVariable<T>(variable: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new AuthzError('secret-unusable', `${variable}: ${(error as Error).message}`, { cause: error })
  }
}
