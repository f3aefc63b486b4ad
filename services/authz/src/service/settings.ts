import { isAbsolute, resolve } from 'node:path'
import { isClientIdentifier, isLoopbackHost, LiveKeySet, OwnershipError, readOwnFile } from '@jamey/auth'
import { BROKERS, type BrokerName } from '../decisions/grant.js'
import { AuthzError } from '../http/authz-error.js'
import type { ServerTls } from '../http/tls.js'

export const DEFAULT_AUTHZ_HOST = '127.0.0.1'
export const DEFAULT_AUTHZ_PORT = 8090
/** Failures of one client at one address. */
export const DEFAULT_FAILURES_PER_MINUTE = 30
export const DEFAULT_VIRTUAL_HOST = '/'

const MAXIMUM_PEM_BYTES = 1024 * 1024
const MAXIMUM_CACHE_SECONDS = 3_600

/** The settings in the environment; files that can change while the service runs are named and not read. */
export interface AuthzSettings {
  readonly host: string
  readonly port: number
  /** PEM files; undefined: HTTP, on this machine alone. */
  readonly tls:
    | { readonly certFile: string; readonly keyFile: string; readonly caFile: string | undefined }
    | undefined
  readonly secretFile: string
  /** Common names of the certificates of brokers. */
  readonly certificateNames: readonly string[] | undefined
  readonly certificatesOf: readonly BrokerName[]
  readonly cacheSeconds: number
  readonly failuresPerMinute: number
  /** Undefined: nothing outlives the process. */
  readonly grantsFile: string | undefined
  readonly virtualHost: string
  readonly manifestFile: string | undefined
  readonly deniedFile: string | undefined
  readonly tokenSecret: string | undefined
  readonly tokenSecretFile: string | undefined
  readonly keys: LiveKeySet | undefined
  readonly audience: readonly string[] | undefined
  readonly issuers: readonly string[] | undefined
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads the variables of `docs/configuration.md`. Throws `AuthzError` 'settings-invalid' with every fault at once. */
export function settingsFromEnvironment(env: Environment, cwd: string): AuthzSettings {
  const reader = new Reader(env, cwd)
  const host = reader.value('JAMEY_AUTHZ_HOST', 'a host name or an IP address', hostOf) ?? DEFAULT_AUTHZ_HOST
  const settings: AuthzSettings = {
    host,
    port:
      reader.value('JAMEY_AUTHZ_PORT', 'a port from 0 to 65535', integerUpTo(65_535)) ?? DEFAULT_AUTHZ_PORT,
    tls: tlsIn(reader),
    secretFile: reader.path('JAMEY_AUTHZ_SECRET_FILE') ?? '',
    certificateNames: reader.value('JAMEY_AUTHZ_CLIENTS', 'common names, separated by commas', namesOf),
    certificatesOf:
      reader.value('JAMEY_AUTHZ_CERTIFICATES', `some of ${BROKERS.join(', ')}`, brokersOf) ?? [],
    cacheSeconds:
      reader.value(
        'JAMEY_AUTHZ_CACHE_SECONDS',
        `0 to ${MAXIMUM_CACHE_SECONDS} seconds`,
        integerUpTo(MAXIMUM_CACHE_SECONDS),
      ) ?? 0,
    failuresPerMinute:
      reader.value(
        'JAMEY_AUTHZ_FAILURES_PER_MINUTE',
        'a whole number, or 0 for no limit',
        integerUpTo(1_000_000),
      ) ?? DEFAULT_FAILURES_PER_MINUTE,
    grantsFile: grantsFileIn(reader),
    virtualHost: reader.text('JAMEY_AUTHZ_RABBITMQ_VHOST') ?? DEFAULT_VIRTUAL_HOST,
    manifestFile: reader.path('JAMEY_AUTHZ_MANIFEST'),
    deniedFile: reader.path('JAMEY_DENIED_FILE'),
    tokenSecret: reader.text('MQTT_JWT_SECRET'),
    tokenSecretFile: reader.path('MQTT_JWT_SECRET_FILE'),
    keys: keysIn(reader),
    audience: reader.value('MQTT_JWT_AUDIENCE', 'texts, separated by commas', listOf),
    issuers: reader.value('MQTT_JWT_ISSUER', 'texts, separated by commas', listOf),
  }
  assertTogether(settings, reader)
  reader.throwFaults()
  return settings
}

/** Throws where variables that are each allowed forbid one another. */
function assertTogether(settings: AuthzSettings, reader: Reader): void {
  const { tls, host, certificateNames, tokenSecret, tokenSecretFile, keys, certificatesOf } = settings
  if (settings.secretFile === '')
    reader.needs('JAMEY_AUTHZ_SECRET_FILE', 'the file of the secret that brokers show')
  if (tls === undefined && !isLoopbackHost(host)) {
    reader.needs(
      'JAMEY_AUTHZ_CERT',
      `a certificate, for ${host} can be reached from other machines and tokens come here`,
    )
  }
  if (tls?.caFile !== undefined && certificateNames === undefined) {
    reader.needs(
      'JAMEY_AUTHZ_CLIENTS',
      'the common names of the certificates of brokers, which JAMEY_AUTHZ_CA signs',
    )
  }
  if (tls?.caFile === undefined && certificateNames !== undefined) {
    reader.needs('JAMEY_AUTHZ_CA', 'a PEM file of who vouches for JAMEY_AUTHZ_CLIENTS')
  }
  if (tokenSecret !== undefined && tokenSecretFile !== undefined) {
    reader.fault('MQTT_JWT_SECRET_FILE', 'one of MQTT_JWT_SECRET and MQTT_JWT_SECRET_FILE', 'both')
  }
  if (certificatesOf.length > 0 && settings.manifestFile === undefined) {
    reader.needs('JAMEY_AUTHZ_MANIFEST', 'the manifest, which says whose proof a certificate is')
  }
  const canVerify = tokenSecret ?? tokenSecretFile ?? keys
  if (canVerify === undefined && certificatesOf.length === 0) {
    reader.needs(
      'MQTT_JWT_SECRET_FILE',
      'this, MQTT_JWT_SECRET, MQTT_JWKS_FILE or MQTT_JWKS_URL: nobody could connect',
    )
  }
}

function tlsIn(reader: Reader): AuthzSettings['tls'] {
  const certFile = reader.path('JAMEY_AUTHZ_CERT')
  const keyFile = reader.path('JAMEY_AUTHZ_KEY')
  const caFile = reader.path('JAMEY_AUTHZ_CA')
  if (certFile === undefined && (keyFile ?? caFile) !== undefined) {
    reader.needs('JAMEY_AUTHZ_CERT', 'a PEM file with the certificate for HTTPS')
  }
  if (certFile !== undefined && keyFile === undefined) {
    reader.needs('JAMEY_AUTHZ_KEY', 'a PEM file with the key of JAMEY_AUTHZ_CERT')
  }
  return certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile, caFile }
}

/** Beside the other data, unless somebody says another place, or none. */
function grantsFileIn(reader: Reader): string | undefined {
  if (reader.text('JAMEY_AUTHZ_GRANTS_FILE') === 'none') return undefined
  const folder = reader.path('JAMEY_DATA_DIR')
  return reader.path('JAMEY_AUTHZ_GRANTS_FILE') ?? (folder && resolve(folder, 'authz-grants'))
}

function keysIn(reader: Reader): LiveKeySet | undefined {
  const path = reader.path('MQTT_JWKS_FILE')
  const url = reader.text('MQTT_JWKS_URL')
  const caPath = reader.path('MQTT_JWKS_CA_CERT')
  if (path !== undefined && url !== undefined) {
    reader.fault('MQTT_JWKS_URL', 'one of MQTT_JWKS_FILE and MQTT_JWKS_URL', 'both')
    return undefined
  }
  if (path !== undefined) return new LiveKeySet({ path })
  if (url === undefined) return undefined
  try {
    const ca = caPath && readPem('MQTT_JWKS_CA_CERT', caPath, { isSecret: false })
    return new LiveKeySet({ url, ca })
  } catch (error) {
    reader.fault('MQTT_JWKS_URL', 'https://... (http:// of this machine alone)', (error as Error).message)
    return undefined
  }
}

/** The files of `tls`; throws `AuthzError` 'settings-invalid' that names the variable. */
export function readTls({ certFile, keyFile, caFile }: NonNullable<AuthzSettings['tls']>): ServerTls {
  return {
    cert: readPem('JAMEY_AUTHZ_CERT', certFile, { isSecret: false }),
    key: readPem('JAMEY_AUTHZ_KEY', keyFile, { isSecret: true }),
    ca: caFile === undefined ? undefined : readPem('JAMEY_AUTHZ_CA', caFile, { isSecret: false }),
  }
}

function readPem(variable: string, path: string, { isSecret }: { isSecret: boolean }): string {
  try {
    return readOwnFile(path, { isSecret, maximumBytes: MAXIMUM_PEM_BYTES })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = error instanceof OwnershipError ? message : `it cannot be read (${code})`
    throw new AuthzError(
      'settings-invalid',
      `${variable} is ${JSON.stringify(path)}: ${why}; expected a PEM file`,
      {
        cause: error,
      },
    )
  }
}

class Reader {
  readonly #env: Environment
  readonly #cwd: string
  readonly #faults: string[] = []

  constructor(env: Environment, cwd: string) {
    this.#env = env
    this.#cwd = cwd
  }

  /** An empty variable counts as not set. */
  text(variable: string): string | undefined {
    return this.#env[variable]?.trim() || undefined
  }

  path(variable: string): string | undefined {
    const text = this.text(variable)
    return text === undefined || isAbsolute(text) ? text : resolve(this.#cwd, text)
  }

  value<T>(variable: string, expected: string, parse: (text: string) => T | undefined): T | undefined {
    const text = this.text(variable)
    if (text === undefined) return undefined
    const value = parse(text)
    if (value === undefined) this.fault(variable, expected, JSON.stringify(text))
    return value
  }

  needs(variable: string, expected: string): void {
    this.fault(variable, expected, 'nothing')
  }

  fault(variable: string, expected: string, found: string): void {
    this.#faults.push(`${variable}: found ${found}; expected ${expected}`)
  }

  throwFaults(): void {
    if (this.#faults.length > 0) throw new AuthzError('settings-invalid', this.#faults.join('\n'))
  }
}

function hostOf(text: string): string | undefined {
  return /^[\w.:-]+$/.test(text) ? text : undefined
}

function integerUpTo(maximum: number): (text: string) => number | undefined {
  return (text) => (/^\d{1,7}$/.test(text) && Number(text) <= maximum ? Number(text) : undefined)
}

function listOf(text: string): string[] | undefined {
  const entries = text.split(',').map((entry) => entry.trim())
  return entries.includes('') ? undefined : entries
}

function namesOf(text: string): string[] | undefined {
  const names = listOf(text)
  return names?.every(isClientIdentifier) ? names : undefined
}

function brokersOf(text: string): BrokerName[] | undefined {
  const names = listOf(text) ?? []
  const known = BROKERS.filter((broker) => names.includes(broker))
  return known.length === names.length ? known : undefined
}
