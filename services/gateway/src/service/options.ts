import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import {
  isClientIdentifier,
  LiveKeySet,
  MINIMUM_SECRET_BYTES,
  OwnershipError,
  PERMISSION_FORM,
  Permissions,
  readOwnFile,
  type Secret,
  type TokenVerifierOptions,
} from '@jamey/auth'
import { ConfigurationError, type ConfigurationFault } from '@jamey/bus'
import { COMPONENTS } from '@jamey/contracts'
import type { Logger } from 'pino'
import type { GatewayBus } from '../api/gateway-bus.js'
import type { LocalAnswers } from '../api/local-answers.js'
import type { GatewayTls } from '../callers/https.js'
import type { CallLimit } from '../http/http-server.js'
import type { TokenClients } from '../tokens/token-issuer.js'

export const DEFAULT_HTTP_HOST = '127.0.0.1'
export const DEFAULT_HTTP_PORT = 8080
/** Generous, since it only has to stop what runs wild: 500 calls a second. */
export const DEFAULT_CALLS_PER_MINUTE = 30_000

/** Room for many authorities. */
const MAXIMUM_PEM_BYTES = 1024 * 1024

/** As `Metrics` of `@jamey/metrics` gives them. */
export interface ShownMetrics {
  readonly contentType: string
  text(): Promise<string>
}

/** Everything but what must be given by whoever starts it: a connected bus and a log. */
export interface GatewaySettings {
  /** '127.0.0.1' by default. */
  readonly host?: string | undefined
  /** 8080 by default; 0 takes any free one. */
  readonly port?: number | undefined
  /** Path at which a Unix socket is served, too, of mode 0600; none by default. */
  readonly socketPath?: string | undefined
  /** Secret that signs callers' tokens, one of several where it is being replaced; without it no token is accepted. */
  readonly tokenSecret?: Secret | readonly Secret[] | undefined
  /** Public keys that callers' tokens may be signed for, too: a `KeySet` or a `LiveKeySet`. */
  readonly keys?: TokenVerifierOptions['keys'] | undefined
  /** Audience that callers' tokens must have (`aud`); see `TokenVerifierOptions`. */
  readonly audience?: TokenVerifierOptions['audience'] | undefined
  /** Issuers of callers' tokens (`iss`); any by default. */
  readonly issuers?: TokenVerifierOptions['issuers'] | undefined
  /** HTTPS in the place of HTTP; TLS 1.3. */
  readonly tls?: GatewayTls | undefined
  /** Absolute paths of where `tls` was read, which `runGateway` looks at all the time. */
  readonly tlsFiles?: readonly string[] | undefined
  /** The list that lies beside the authority for client certificates, which may come later. */
  readonly ownCrlFile?: string | undefined
  /** Revocation lists (CRLs) of who vouches for client certificates, which `runGateway` reads. */
  readonly crlFiles?: readonly string[] | undefined
  /** Clients that may have tokens, such as `ClientRegistry`; these are signed with `tokenSecret`. Nobody by default. */
  readonly clients?: TokenClients | undefined
  /** Decides who is denied, as `Revocations` does; nobody by default. */
  readonly denied?: TokenVerifierOptions['denied'] | undefined
  /** Client identifiers of the consciences whose keys `/v1/jwks` shows; `jamey-conscience` by default. */
  readonly consciences?: readonly string[] | undefined
  /** True where callers on this machine need a token too; false by default. */
  readonly requireToken?: boolean | undefined
  /** 30000 calls a minute for each caller by default; false turns it off. */
  readonly callLimit?: CallLimit | false | undefined
  /** The proxies whose X-Forwarded-For is believed, as addresses or networks; none by default. */
  readonly trustProxy?: boolean | readonly string[] | undefined
  /** True where a conscience and a memory are meant to run: it is not ready before both have answered. False by default. */
  readonly expectsServices?: boolean | undefined
  /** Answers what the parts of this process know without the bus, such as a broker of it; nothing by default. */
  readonly local?: LocalAnswers | undefined
  /** Shown at `/metrics` to callers that may publish to `jamey/metrics`; nothing there by default. */
  readonly metrics?: ShownMetrics | undefined
  /**
   * Folder of a built page, with `index.html` and `assets`, which browsers get at `/`; none by default. It is read when
   * the gateway starts.
   */
  readonly dashboard?: string | undefined
  /**
   * Permissions that the gateway has besides those of its component, so that callers who have the same see and send by
   * it: `runGateway` asks for them; none by default.
   */
  readonly morePermissions?: readonly string[] | undefined
  /**
   * What a manifest allows a client, by which everything it calls, sees and sends is bounded beside its token; no
   * manifest by default.
   */
  readonly boundsOf?: ((clientId: string) => Permissions) | undefined
}

export interface GatewayOptions extends GatewaySettings {
  readonly bus: GatewayBus
  /** Silent by default. */
  readonly log?: Logger | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads JAMEY_GATEWAY_PERMISSIONS (permissions, separated by commas), JAMEY_HTTP_HOST, JAMEY_HTTP_PORT, JAMEY_HTTP_SOCKET, JAMEY_HTTP_CERT, JAMEY_HTTP_KEY, JAMEY_HTTP_CA,
 * JAMEY_HTTP_CRL, JAMEY_HTTP_REQUIRE_TOKEN, JAMEY_HTTP_CALLS_PER_MINUTE (0: no limit),
 * JAMEY_HTTP_TRUST_PROXY (addresses, separated by commas), MQTT_JWT_SECRET, MQTT_JWT_AUDIENCE, MQTT_JWT_ISSUER and
 * MQTT_JWKS_FILE, or MQTT_JWKS_URL with MQTT_JWKS_CA_CERT. Throws `ConfigurationError` with every
 * fault at once.
 */
export function gatewayOptionsFromEnvironment(
  env: Environment = process.env,
  cwd: string = process.cwd(),
): GatewaySettings {
  const faults: ConfigurationFault[] = []
  const read = <T>(
    variable: string,
    expected: string,
    parse: (text: string) => T | undefined,
  ): T | undefined => {
    const text = env[variable]?.trim()
    if (text === undefined || text === '') return undefined
    const value = parse(text)
    if (value === undefined) faults.push({ variable, expected, found: JSON.stringify(text) })
    return value
  }
  const host = read('JAMEY_HTTP_HOST', 'a host name or an IP address', hostOf)
  const port = read('JAMEY_HTTP_PORT', 'a port from 0 to 65535', (text) => integerOf(text, 65_535))
  const socketPath = read('JAMEY_HTTP_SOCKET', 'the path of a socket', (text) => text)
  const consciences = read('JAMEY_CONSCIENCES', 'client identifiers, separated by commas', identifiersOf)
  const requireToken = read('JAMEY_HTTP_REQUIRE_TOKEN', '1 or 0', switchOf)
  const calls = read('JAMEY_HTTP_CALLS_PER_MINUTE', 'a whole number, or 0 for no limit', (text) =>
    integerOf(text, 1_000_000_000),
  )
  const trustProxy = read('JAMEY_HTTP_TRUST_PROXY', 'addresses or networks, separated by commas', addressesOf)
  const morePermissions = read(
    'JAMEY_GATEWAY_PERMISSIONS',
    `permissions, separated by commas, each ${PERMISSION_FORM}, or none`,
    permissionsIn,
  )
  const audience = read('MQTT_JWT_AUDIENCE', 'texts, separated by commas', listOf)
  const issuers = read('MQTT_JWT_ISSUER', 'texts, separated by commas', listOf)
  const keys = keysOf(env, cwd, faults)
  const https = httpsOf(env, cwd, faults)
  const tokenSecret = env['MQTT_JWT_SECRET']
  if (
    tokenSecret !== undefined &&
    tokenSecret !== '' &&
    Buffer.byteLength(tokenSecret) < MINIMUM_SECRET_BYTES
  ) {
    const found = `one of ${Buffer.byteLength(tokenSecret)} bytes`
    faults.push({
      variable: 'MQTT_JWT_SECRET',
      expected: `a secret of at least ${MINIMUM_SECRET_BYTES} bytes`,
      found,
    })
  }
  if (faults.length > 0) throw new ConfigurationError(faults)
  return {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(socketPath === undefined ? {} : { socketPath }),
    ...(consciences === undefined ? {} : { consciences }),
    ...(requireToken === undefined ? {} : { requireToken }),
    ...(calls === undefined ? {} : { callLimit: calls === 0 ? false : { calls, windowMs: 60_000 } }),
    ...(trustProxy === undefined ? {} : { trustProxy }),
    ...(morePermissions === undefined ? {} : { morePermissions }),
    ...(audience === undefined ? {} : { audience }),
    ...(issuers === undefined ? {} : { issuers }),
    ...(keys === undefined ? {} : { keys }),
    ...https,
    ...(tokenSecret === undefined || tokenSecret === '' ? {} : { tokenSecret }),
  }
}

function keysOf(env: Environment, cwd: string, faults: ConfigurationFault[]): LiveKeySet | undefined {
  const { MQTT_JWKS_FILE: path, MQTT_JWKS_URL: url, MQTT_JWKS_CA_CERT: caPath } = env
  const fault = (variable: string, expected: string, found: string): undefined => {
    faults.push({ variable, expected, found })
  }
  if (path && url) return fault('MQTT_JWKS_URL', 'one of MQTT_JWKS_FILE and MQTT_JWKS_URL', 'both')
  if (path) return new LiveKeySet({ path: resolve(cwd, path) })
  if (!url) return undefined
  let ca: string | undefined
  try {
    if (caPath) ca = readFileSync(resolve(cwd, caPath), 'utf8')
  } catch (error) {
    const found = `${JSON.stringify(caPath)}, which cannot be read (${(error as NodeJS.ErrnoException).code})`
    return fault('MQTT_JWKS_CA_CERT', 'a PEM file of who vouches for MQTT_JWKS_URL', found)
  }
  try {
    return new LiveKeySet({ url, ca })
  } catch (error) {
    return fault('MQTT_JWKS_URL', 'https://... (http:// of this machine alone)', (error as Error).message)
  }
}

/** HTTPS alone, as the environment and its files say now. Throws `ConfigurationError`. */
export function tlsFromEnvironment(env: Environment, cwd: string): GatewayTls | undefined {
  const faults: ConfigurationFault[] = []
  const { tls } = httpsOf(env, cwd, faults)
  if (faults.length > 0) throw new ConfigurationError(faults)
  return tls
}

/** HTTPS, and whose client certificates are asked for. */
function httpsOf(
  env: Environment,
  cwd: string,
  faults: ConfigurationFault[],
): Pick<GatewaySettings, 'tls' | 'tlsFiles' | 'crlFiles' | 'ownCrlFile'> {
  const { JAMEY_HTTP_CERT: certPath, JAMEY_HTTP_KEY: keyPath, JAMEY_HTTP_CA: caPath } = env
  const { JAMEY_HTTP_CRL: crlPaths } = env
  const needs = (variable: string, expected: string): void => {
    faults.push({ variable, expected, found: 'nothing' })
  }
  if (!certPath && (keyPath || caPath)) needs('JAMEY_HTTP_CERT', 'a PEM file with the certificate for HTTPS')
  if (!keyPath && certPath) needs('JAMEY_HTTP_KEY', 'a PEM file with the key of JAMEY_HTTP_CERT')
  if (!caPath && crlPaths) needs('JAMEY_HTTP_CA', 'a PEM file with who has signed JAMEY_HTTP_CRL')
  const cert = pemAt('JAMEY_HTTP_CERT', certPath, { cwd, faults, isSecret: false })
  const key = pemAt('JAMEY_HTTP_KEY', keyPath, { cwd, faults, isSecret: true })
  const clientCa = pemAt('JAMEY_HTTP_CA', caPath, { cwd, faults, isSecret: false })
  if (cert === undefined || key === undefined) return {}
  const crlFiles = crlPaths?.split(',').map((path) => resolve(cwd, path.trim()))
  const ownCrlFile = caPath ? join(dirname(resolve(cwd, caPath)), 'crl.pem') : undefined
  return {
    tls: { cert, key, ...(clientCa === undefined ? {} : { clientCa }) },
    tlsFiles: [certPath, keyPath, caPath].flatMap((path) => (path ? [resolve(cwd, path)] : [])),
    ...(crlPaths && crlFiles ? { crlFiles } : {}),
    ...(ownCrlFile === undefined || crlFiles?.includes(ownCrlFile) ? {} : { ownCrlFile }),
  }
}

function pemAt(
  variable: string,
  path: string | undefined,
  { cwd, faults, isSecret }: { cwd: string; faults: ConfigurationFault[]; isSecret: boolean },
): string | undefined {
  if (!path) return undefined
  try {
    return readOwnFile(resolve(cwd, path), { isSecret, maximumBytes: MAXIMUM_PEM_BYTES })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = error instanceof OwnershipError ? message : `which cannot be read (${code})`
    faults.push({ variable, expected: 'a PEM file', found: `${JSON.stringify(path)}, ${why}` })
    return undefined
  }
}

function listOf(text: string): string[] | undefined {
  const entries = text.split(',').map((entry) => entry.trim())
  return entries.includes('') ? undefined : entries
}

function hostOf(text: string): string | undefined {
  return /^[\w.:-]+$/.test(text) ? text : undefined
}

function integerOf(text: string, maximum: number): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= maximum ? Number(text) : undefined
}

function identifiersOf(text: string): string[] | undefined {
  const identifiers = text.split(',').map((identifier) => identifier.trim())
  return identifiers.every(isClientIdentifier) ? identifiers : undefined
}

function permissionsIn(text: string): string[] | undefined {
  if (text === 'none') return []
  const permissions = text.split(',').map((permission) => permission.trim())
  try {
    new Permissions(permissions, { clientId: COMPONENTS.gateway.clientId })
    return permissions
  } catch {
    return undefined
  }
}

function switchOf(text: string): boolean | undefined {
  if (/^(1|true|yes|on)$/i.test(text)) return true
  return /^(0|false|no|off)$/i.test(text) ? false : undefined
}

function addressesOf(text: string): string[] | undefined {
  const addresses = text.split(',').map((address) => address.trim())
  return addresses.every((address) =>
    /^[\da-fA-F.:]+(\/\d{1,3})?$|^(loopback|linklocal|uniquelocal)$/.test(address),
  )
    ? addresses
    : undefined
}
