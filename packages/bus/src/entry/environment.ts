import { createPrivateKey, createSecretKey, type KeyObject, X509Certificate } from 'node:crypto'
import {
  isClientIdentifier,
  MAXIMUM_LIFETIME_SECONDS,
  MINIMUM_SECRET_BYTES,
  PERMISSION_FORM,
  Permissions,
  tokenSecretsIn,
  tokenUrlFault,
} from '@jamey/auth'
import { COMPONENTS, type ComponentManifest } from '@jamey/contracts'
import type { BusComponent, BusConfig, BusTls } from '../model/config.js'
import { EnvironmentReader, quote } from './environment-reader.js'
import { readUrls } from './environment-urls.js'

export interface EnvironmentOptions {
  /** Folder from which `.env` and relative paths are looked up; the working directory by default. */
  readonly cwd?: string | undefined
  /** Gives presence, and the default client identifier and permissions where its name is one of Jamey's. */
  readonly component?: BusComponent | undefined
  /**
   * What the manifest at this path lists for this client, `permissionsIn` of `@jamey/manifest`; undefined where it does
   * not name it. Asked where JAMEY_PERMISSIONS_FILE is set, MQTT_PERMISSIONS is not, and the client is none of Jamey's
   * components. Without it JAMEY_PERMISSIONS_FILE says nothing here.
   */
  readonly permissionsIn?: ((path: string, clientId: string) => readonly string[] | undefined) | undefined
}

/** Value of `MQTT_USERNAME` that stands for neither user name nor token. */
const NO_LOGIN = 'none'
const KEY_PASSPHRASE = 'MQTT_TLS_CLIENT_KEY_PASSPHRASE'
const PROXY_SCHEMES = ['http:', 'https:', 'socks5:', 'socks5h:']
/** 2^28 - 1 of Remaining Length and its own five bytes. [MQTT 5.0 section 2.1.4] */
const MAXIMUM_PACKET = 268_435_460
/** VerneMQ 2.1 ends a connection that asks for packets larger than what Remaining Length alone can say. */
const MAXIMUM_ASKED = 268_435_455

/**
 * The configuration in the `MQTT_*` variables, also from `.env` in the working directory; the environment wins.
 * Throws `ConfigurationError`, which tells every fault with its variable, the value found and what was expected.
 * Secrets and keys come as `KeyObject`, which neither logs nor `inspect()` show.
 */
export function configFromEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
  options: EnvironmentOptions = {},
): BusConfig {
  const reader = new EnvironmentReader(env, options.cwd ?? process.cwd())
  const manifest = manifestOf(options.component)
  const insecure = reader.flag('MQTT_INSECURE') ?? false
  const clientId = readClientId(reader, manifest)
  const { url, urlOrder } = readUrls(reader, insecure)
  const tls = readTls(reader, clientId)
  const proxy = readProxy(reader)
  const login = readLogin(reader, insecure)
  const issued = readIssuer(reader)
  const needsNoSecret = insecure || login.username === false || issued !== undefined
  const [jwtSecret, ...formerJwtSecrets] = readSecrets(reader, needsNoSecret)
  const permissions = readPermissions(reader, clientId, manifest, options.permissionsIn)
  const seconds = { unit: 'seconds' }
  const lifetime = { ...seconds, minimum: 1, maximum: MAXIMUM_LIFETIME_SECONDS }
  const jwtLifetimeSeconds = reader.integer('MQTT_JWT_LIFETIME_SECONDS', lifetime) ?? 300
  const jwtAudience = reader.list('MQTT_JWT_AUDIENCE')
  const jwtIssuers = reader.list('MQTT_JWT_ISSUER')
  const keepAlive = { ...seconds, minimum: 0, maximum: 65_535 }
  const keepAliveSeconds = reader.integer('MQTT_KEEP_ALIVE_SECONDS', keepAlive) ?? 60
  const packet = { unit: 'bytes', minimum: 1024, maximum: MAXIMUM_PACKET }
  const maximumPacketBytes = reader.integer('MQTT_MAX_PACKET_SIZE', packet) ?? MAXIMUM_ASKED
  const failuresBeforeOpen = readBreaker(reader)
  const sharing = { auto: 'auto', true: 'available', false: 'unavailable' } as const
  const sharedSubscriptions = reader.choice('MQTT_SHARED_SUBSCRIPTIONS', sharing) ?? 'auto'
  const heartbeatSeconds =
    reader.integer('JAMEY_HEARTBEAT_SECONDS', { ...seconds, minimum: 0, maximum: 3600 }) ?? 30
  const actFor = readClientIds(reader, 'JAMEY_ACT_FOR')
  const serverStamps = reader.filters('MQTT_SERVER_STAMPS')
  const acceptUnverified = reader.flag('JAMEY_ACCEPT_UNVERIFIED') ?? false
  const outboxFolder = reader.path('MQTT_OUTBOX_DIR')
  reader.assertFaultless()
  return {
    url,
    urlOrder,
    clientId,
    permissions,
    jwtLifetimeSeconds,
    keepAliveSeconds,
    maximumPacketBytes,
    failuresBeforeOpen,
    sharedSubscriptions,
    heartbeatSeconds,
    ...login,
    ...issued,
    ...(actFor === undefined ? {} : { actFor }),
    ...(serverStamps === undefined ? {} : { serverStamps }),
    ...(acceptUnverified ? { acceptUnverified } : {}),
    ...(outboxFolder === undefined ? {} : { outboxFolder }),
    ...(tls === undefined ? {} : { tls }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(jwtSecret === undefined ? {} : { jwtSecret }),
    ...(jwtAudience === undefined ? {} : { jwtAudience }),
    ...(jwtIssuers === undefined ? {} : { jwtIssuers }),
    ...(formerJwtSecrets.length === 0 ? {} : { formerJwtSecrets }),
    ...(options.component === undefined ? {} : { component: options.component }),
    ...(insecure ? { insecure } : {}),
  }
}

/** Reads how the client makes itself known, and in which version of MQTT. */
function readLogin(
  reader: EnvironmentReader,
  insecure: boolean,
): Pick<BusConfig, 'protocolVersion' | 'authenticationMethod' | 'username'> {
  const protocolVersion =
    reader.choice('MQTT_PROTOCOL_VERSION', { auto: 'auto', 5: 5, 4: 4 } as const) ?? 'auto'
  const methods = { auto: 'auto', jwt: 'JWT', none: 'none' } as const
  const authenticationMethod = reader.choice('MQTT_AUTH_METHOD', methods) ?? 'auto'
  const username = reader.text('MQTT_USERNAME')
  if (authenticationMethod === 'JWT' && (protocolVersion === 4 || username === NO_LOGIN)) {
    const [variable, found] =
      protocolVersion === 4 ? ['MQTT_PROTOCOL_VERSION', '4'] : ['MQTT_USERNAME', NO_LOGIN]
    reader.fault('MQTT_AUTH_METHOD', `JWT beside ${variable}=${found}`, 'none or auto, or another of the two')
  }
  if (username !== NO_LOGIN) {
    return { protocolVersion, authenticationMethod, ...(username === undefined ? {} : { username }) }
  }
  if (!insecure && reader.text('MQTT_TLS_CLIENT_CERT') === undefined) {
    const expected = 'a client certificate (MQTT_TLS_CLIENT_CERT), without which nothing tells who this is'
    reader.fault('MQTT_USERNAME', quote(NO_LOGIN), expected)
  }
  return { protocolVersion, authenticationMethod, username: false }
}

function readBreaker(reader: EnvironmentReader): number {
  if (reader.text('MQTT_BREAKER_FAILURES') === 'never') return Number.POSITIVE_INFINITY
  const range = { unit: "attempts (or 'never')", minimum: 1, maximum: 1_000_000 }
  return reader.integer('MQTT_BREAKER_FAILURES', range) ?? 10
}

function manifestOf(component: BusComponent | undefined): ComponentManifest | undefined {
  const manifests: Readonly<Record<string, ComponentManifest>> = COMPONENTS
  return component !== undefined && Object.hasOwn(manifests, component.name)
    ? manifests[component.name]
    : undefined
}

function readClientId(reader: EnvironmentReader, manifest: ComponentManifest | undefined): string {
  const text = reader.text('MQTT_CLIENT_ID')
  const expected = '1 to 128 characters without / + # and control characters, unique among all clients'
  const clientId = text ?? manifest?.clientId
  if (clientId === undefined) return reader.fault('MQTT_CLIENT_ID', 'nothing', expected) ?? ''
  if (!isClientIdentifier(clientId)) reader.fault('MQTT_CLIENT_ID', quote(clientId), expected)
  return clientId
}

/** Client identifiers with commas between them. */
function readClientIds(reader: EnvironmentReader, variable: string): readonly string[] | undefined {
  const text = reader.text(variable)
  if (text === undefined) return undefined
  const clientIds = text.split(',').map((one) => one.trim())
  const wrong = clientIds.find((one) => !isClientIdentifier(one))
  if (wrong === undefined) return clientIds
  return reader.fault(variable, quote(wrong), 'client identifiers with commas between them')
}

/** A proxy whose URL may hold a password, which neither logs nor `inspect()` show. */
class GivenProxy {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  get url(): string {
    return this.#url
  }
}

function readProxy(reader: EnvironmentReader): BusConfig['proxy'] {
  const text = reader.text('MQTT_PROXY')
  if (text === undefined || text === 'environment') return text
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && url.hostname !== '' && PROXY_SCHEMES.includes(url.protocol))
    return new GivenProxy(text)
  return reader.fault(
    'MQTT_PROXY',
    'something else (not shown)',
    "http://, https:// or socks5:// with [user:password@]host[:port], or 'environment' for what https_proxy and no_proxy say",
  )
}

function readTls(reader: EnvironmentReader, clientId: string): BusTls | undefined {
  const variables = { ca: 'MQTT_TLS_CA_CERT', cert: 'MQTT_TLS_CLIENT_CERT', key: 'MQTT_TLS_CLIENT_KEY' }
  const ca = reader.file(variables.ca, 'a PEM file with CA certificates', { isSecret: false })
  if (ca !== undefined) readCertificate(reader, variables.ca, ca)
  const hasCert = reader.text(variables.cert) !== undefined
  const hasKey = reader.text(variables.key) !== undefined
  if (hasCert !== hasKey) {
    const [given, missing] = hasCert ? [variables.cert, variables.key] : [variables.key, variables.cert]
    reader.fault(missing, 'nothing', `a PEM file, since ${given} is set`)
  }
  const cert = reader.file(variables.cert, 'a PEM file with the client certificate', { isSecret: false })
  const keyPem = reader.file(variables.key, 'a PEM file with the private key', { isSecret: true })
  const certificate = cert === undefined ? undefined : readCertificate(reader, variables.cert, cert)
  const key = keyPem === undefined ? undefined : readKey(reader, variables.key, keyPem)
  if (certificate !== undefined) assertIdentity(reader, variables.cert, certificate, clientId)
  if (certificate !== undefined && key !== undefined && !certificate.checkPrivateKey(key)) {
    reader.fault(variables.key, 'a key of another certificate', `the private key of ${variables.cert}`)
  }
  if (ca === undefined && cert === undefined) return undefined
  const passphrase = reader.text(KEY_PASSPHRASE)
  const files = {
    ca: reader.path(variables.ca),
    cert: reader.path(variables.cert),
    key: reader.path(variables.key),
  }
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    files: {
      ...files,
      ...(passphrase === undefined ? {} : { passphrase: createSecretKey(Buffer.from(passphrase, 'utf8')) }),
    },
  }
}

function readCertificate(
  reader: EnvironmentReader,
  variable: string,
  pem: string,
): X509Certificate | undefined {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(pem)
  } catch {
    const found = `${quote(reader.text(variable) ?? '')}, which holds no certificate`
    return reader.fault(variable, found, 'a file that starts with a certificate in PEM')
  }
  if (Date.parse(certificate.validTo) > Date.now()) return certificate
  return reader.fault(variable, `a certificate that expired on ${certificate.validTo}`, 'a valid certificate')
}

function readKey(reader: EnvironmentReader, variable: string, pem: string): KeyObject | undefined {
  const passphrase = reader.text(KEY_PASSPHRASE)
  try {
    return createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase })
  } catch {
    const path = quote(reader.text(variable) ?? '')
    const isEncrypted = /BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem)
    if (!isEncrypted)
      return reader.fault(variable, `${path}, which holds no key that can be read`, 'a private key in PEM')
    const found = passphrase === undefined ? 'nothing' : 'one that is not its (not shown)'
    return reader.fault(KEY_PASSPHRASE, found, `the passphrase of ${path} in ${variable}, which is encrypted`)
  }
}

/** The broker lets a certificate in only under its own name. */
function assertIdentity(
  reader: EnvironmentReader,
  variable: string,
  certificate: X509Certificate,
  clientId: string,
): void {
  const commonName = /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? ''
  if (clientId === '' || commonName === clientId) return
  const found = `a certificate for ${quote(commonName)}`
  reader.fault(variable, found, `one whose common name is the client identifier ${quote(clientId)}`)
}

/** The first signs. Empty where there is none, or a fault. */
function readSecrets(reader: EnvironmentReader, insecure: boolean): readonly KeyObject[] {
  const variable = 'MQTT_JWT_SECRET'
  const fileVariable = 'MQTT_JWT_SECRET_FILE'
  const fault = (
    ...[name, found, expected]: Parameters<EnvironmentReader['fault']>
  ): readonly KeyObject[] => {
    reader.fault(name, found, expected)
    return []
  }
  const text = reader.text(variable)
  const hasFile = reader.text(fileVariable) !== undefined
  if (text !== undefined && hasFile)
    return fault(fileVariable, `a file beside ${variable}`, 'one of the two only')
  const expected = `at least ${MINIMUM_SECRET_BYTES} random bytes, as made by: openssl rand -base64 32`
  if (!hasFile && text === undefined) {
    return insecure ? [] : fault(variable, 'nothing', `${expected} (or ${fileVariable})`)
  }
  const name = hasFile ? fileVariable : variable
  const content = hasFile ? reader.file(name, 'a file with the token secret', { isSecret: true }) : undefined
  if (hasFile && content === undefined) return []
  // A single PEM may have white space within, as in the variable.
  const lines = (content ?? text ?? '').trim()
  const secrets = hasFile && lines.includes('\n') ? tokenSecretsIn(lines) : [hasFile ? lines : (text ?? '')]
  if (secrets === undefined)
    return fault(name, 'other lines (not shown)', `a secret a line, each of ${expected}`)
  const bytes = secrets.map((secret) => Buffer.from(secret, 'utf8'))
  const short = bytes.find(({ length }) => length < MINIMUM_SECRET_BYTES)
  if (short !== undefined) return fault(name, `${short.length} bytes (not shown)`, expected)
  return bytes.map((secret) => createSecretKey(secret))
}

/** Reads where tokens are issued, and the secret for it; undefined where no variable says it. */
function readIssuer(
  reader: EnvironmentReader,
): Pick<BusConfig, 'tokenUrl' | 'clientSecret' | 'tokenCa' | 'tokenCaFile'> | undefined {
  const names = { url: 'MQTT_TOKEN_URL', secret: 'MQTT_CLIENT_SECRET', file: 'MQTT_CLIENT_SECRET_FILE' }
  const url = reader.text(names.url)
  const text = reader.text(names.secret)
  const hasFile = reader.text(names.file) !== undefined
  if (url === undefined && text === undefined && !hasFile) return undefined
  const expected = 'the secret that `jamey client add` printed'
  if (text !== undefined && hasFile)
    reader.fault(names.file, `a file beside ${names.secret}`, 'one of the two only')
  const content = hasFile ? reader.file(names.file, `a file with ${expected}`, { isSecret: true }) : undefined
  const secret = (content ?? text ?? '').trim()
  if (url === undefined) reader.fault(names.url, 'nothing', 'where tokens are issued for the client secret')
  else {
    const fault = tokenUrlFault(url)
    if (fault !== undefined)
      reader.fault(names.url, `a URL that ${fault}`, 'https://host/v1/token (http on this machine)')
  }
  const byCertificate = text === undefined && !hasFile && reader.text('MQTT_TLS_CLIENT_CERT') !== undefined
  if (byCertificate && url?.startsWith('http:')) {
    reader.fault(names.url, 'a URL without TLS', 'https://..., where MQTT_TLS_CLIENT_CERT can be shown')
  }
  if (secret === '' && !byCertificate && !(hasFile && content === undefined)) {
    const ways = `${expected} (or ${names.file}, or MQTT_TLS_CLIENT_CERT)`
    reader.fault(names.secret, 'nothing', `${ways}, beside ${names.url}`)
  }
  for (const other of ['MQTT_JWT_SECRET', 'MQTT_JWT_SECRET_FILE']) {
    if (reader.text(other) !== undefined)
      reader.fault(other, `a secret beside ${names.url}`, 'one of the two only')
  }
  const ca = reader.file('MQTT_TOKEN_CA_CERT', 'a PEM file with CA certificates', { isSecret: false })
  if (ca !== undefined) readCertificate(reader, 'MQTT_TOKEN_CA_CERT', ca)
  if (url === undefined || (secret === '' && !byCertificate)) return {}
  const proof = secret === '' ? {} : { clientSecret: createSecretKey(Buffer.from(secret, 'utf8')) }
  const tokenCaFile = reader.path('MQTT_TOKEN_CA_CERT')
  return {
    tokenUrl: url,
    ...proof,
    ...(ca === undefined ? {} : { tokenCa: ca, tokenCaFile }),
  }
}

function readPermissions(
  reader: EnvironmentReader,
  clientId: string,
  manifest: ComponentManifest | undefined,
  permissionsIn: EnvironmentOptions['permissionsIn'],
): readonly string[] {
  const text = reader.text('MQTT_PERMISSIONS')
  if (text === undefined) return manifest?.permissions ?? listedPermissions(reader, clientId, permissionsIn)
  const permissions = text.split(',').map((permission) => permission.trim())
  for (const permission of permissions) {
    try {
      new Permissions([permission], { clientId: isClientIdentifier(clientId) ? clientId : 'client' })
    } catch {
      reader.fault(
        'MQTT_PERMISSIONS',
        quote(permission),
        `permissions with commas between them, each ${PERMISSION_FORM} (in .env a # after white space begins a comment, unless all is in quotes)`,
      )
    }
  }
  return permissions
}

function listedPermissions(
  reader: EnvironmentReader,
  clientId: string,
  permissionsIn: EnvironmentOptions['permissionsIn'],
): readonly string[] {
  const variable = 'JAMEY_PERMISSIONS_FILE'
  const path = reader.path(variable)
  if (path === undefined || permissionsIn === undefined) return []
  try {
    const listed = permissionsIn(path, clientId)
    if (listed !== undefined) return listed
    reader.fault(variable, `${path}, which does not name ${quote(clientId)}`, 'a manifest with this client')
  } catch (error) {
    reader.fault(variable, (error as Error).message, 'a manifest that can be used')
  }
  return []
}
