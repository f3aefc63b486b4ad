import { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import {
  assertOwnFolder,
  type ClientCertificate,
  Permissions,
  RemoteTokenSource,
  TokenSource,
} from '@jamey/auth'
import {
  type Client,
  type ConnectOptions,
  type Credentials,
  type CredentialsProvider,
  createClient,
  type SessionStore,
  type TlsOptions,
} from '@jamey/mqtt'
import type { Bus } from '../model/bus.js'
import type { BusConfig, BusLog, BusTls } from '../model/config.js'
import { type Clock, systemClock } from '../support/clock.js'
import { MqttBus } from './mqtt-bus.js'
import { Renewal, type Tokens } from './renewal.js'

/** The greatest number that a Remaining Length can tell. */
const DEFAULT_MAXIMUM_PACKET_BYTES = 268_435_455

/**
 * Connects, and resolves with the bus once connected; at once with `waitForConnection: false`.
 * Rejects with the client's `ConnectionError` or `AuthenticationError`, which say whether trying again may help.
 */
export async function connectBus(config: BusConfig): Promise<Bus> {
  const permissions = new Permissions(config.permissions, { clientId: config.clientId })
  const store = await storeOf(config)
  const renewal = renewalOf(config)
  // The will is asked for with every connection, when the bus that writes it exists.
  let bus: MqttBus | undefined
  const options: ConnectOptions = {
    ...clientOptionsOf(config),
    ...(store === undefined ? {} : { store }),
    credentials: credentialsOf(config, renewal),
    requireAuthenticationMethod: config.authenticationMethod === 'JWT',
    ...(config.component === undefined ? {} : { will: () => willOf(bus) }),
  }
  if (config.insecure === true) warnOfPlaintext(config)
  if (config.acceptUnverified === true) warnOfUnverified(config)
  const client = createClient(options)
  bus = new MqttBus(config, permissions, client, renewal)
  renewal?.watch(client)
  try {
    await connect(client, config)
  } catch (error) {
    await bus.close({ drain: false, timeoutMs: 1000 })
    throw error
  }
  return bus
}

/** A client as a bus has it, whose token is renewed in time, for programs that carry messages of whatever kind. */
export interface RenewingClient {
  readonly client: Client
  /** No token is renewed any more; to be called when the client is closed. */
  readonly stopRenewal: () => void
}

/** Makes the client that `connectBus` would have; `options` come before those of `config`. It does not connect yet. */
export function createRenewingClient(config: BusConfig, options: ConnectOptions = {}): RenewingClient {
  const renewal = renewalOf(config)
  const client = createClient({
    ...clientOptionsOf(config),
    credentials: credentialsOf(config, renewal),
    requireAuthenticationMethod: config.authenticationMethod === 'JWT',
    ...options,
  })
  if (config.insecure === true) warnOfPlaintext(config)
  renewal?.watch(client)
  return { client, stopRenewal: () => renewal?.stop() }
}

/**
 * How `connectBus` would connect, for programs that look at a server without a bus. Each connection takes a token that is
 * good then, and none is renewed in between.
 */
export function connectionOptionsOf(config: BusConfig): ConnectOptions {
  return {
    ...clientOptionsOf(config),
    credentials: credentialsOf(config, renewalOf(config)),
    requireAuthenticationMethod: config.authenticationMethod === 'JWT',
  }
}

/** LMDB is fetched by those alone who keep their messages on disk. */
async function storeOf({ store, outboxFolder }: BusConfig): Promise<SessionStore | undefined> {
  if (store !== undefined || outboxFolder === undefined) return store
  assertOwnFolder(outboxFolder)
  const { openSessionStore } = await import('@jamey/store')
  return openSessionStore({ path: outboxFolder })
}

/**
 * Messages without acknowledgement; our broker sends no more at once either. They are acknowledged in order
 * [MQTT-4.6.0-2], so with fewer a flood of one sender, which waits for its turn, keeps back what comes behind it.
 */
const RECEIVE_MAXIMUM = 4096

async function connect(
  client: ReturnType<typeof createClient>,
  { waitForConnection = true, signal }: BusConfig,
): Promise<void> {
  const connected = client.connect({ signal })
  if (waitForConnection) await connected
  // States and errors tell how it goes; the promise itself has no one waiting.
  else connected.catch(() => {})
}

function clientOptionsOf(config: BusConfig): ConnectOptions {
  const urls = typeof config.url === 'string' ? [config.url] : config.url
  const { log } = config
  return {
    urls: (config.urlOrder === 'random' ? shuffled(urls) : urls).map((url) =>
      config.insecure === true ? url : secured(url),
    ),
    clientId: config.clientId,
    protocolVersion: config.protocolVersion ?? 'auto',
    cleanSession: config.cleanSession ?? config.sessionExpirySeconds === 0,
    keepAliveSeconds: config.keepAliveSeconds ?? 60,
    maximumPacketBytes: config.maximumPacketBytes ?? DEFAULT_MAXIMUM_PACKET_BYTES,
    sessionExpirySeconds: config.sessionExpirySeconds ?? 300,
    receiveMaximum: RECEIVE_MAXIMUM,
    waitForConnection: config.waitForConnection ?? true,
    reconnect: { failuresBeforeOpen: config.failuresBeforeOpen ?? 10 },
    ...(config.tls === undefined ? {} : { tls: tlsOf(config.tls) }),
    ...(config.proxy === undefined ? {} : { proxy: config.proxy }),
    ...(config.transport === undefined ? {} : { transport: config.transport }),
    ...(config.clock === undefined ? {} : { clock: config.clock }),
    ...(log === undefined ? {} : { onBackgroundError: (error) => warn(log, error) }),
  }
}

/** All elements in an order of chance, by Fisher and Yates. */
function shuffled<T>(all: readonly T[]): T[] {
  const left = [...all]
  return all.map(() => left.splice(Math.floor(Math.random() * left.length), 1)[0] as T)
}

/**
 * The URL with the scheme of TLS: `mqtt://` is MQTT over TLS in our settings, and only `insecure` makes it what the
 * scheme says elsewhere.
 */
function secured(url: string): string {
  return url.replace(/^mqtt(\+srv)?:/i, 'mqtts$1:').replace(/^ws:/i, 'wss:')
}

/** Paths where there are any: the client reads them for each attempt. */
function tlsOf({ ca, cert, key, passphrase, files = {} }: BusTls): TlsOptions {
  const text = key instanceof KeyObject ? pemOf(key) : key
  const hush = files.passphrase?.export().toString('utf8') ?? passphrase
  return {
    ...(ca === undefined ? {} : { ca: files.ca ?? ca }),
    ...(cert === undefined ? {} : { cert: files.cert ?? cert }),
    ...(text === undefined ? {} : { key: files.key ?? text }),
    ...(hush === undefined ? {} : { passphrase: hush }),
  }
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function credentialsOf(
  { username }: BusConfig,
  renewal: Renewal | undefined,
): Credentials | CredentialsProvider {
  if (renewal !== undefined) return (request) => renewal.credentials(request)
  return username ? { username } : {}
}

function renewalOf(config: BusConfig): Renewal | undefined {
  const { username, authenticationMethod, clock = systemClock } = config
  if (username === false) return undefined
  const source = tokensOf(config, clock)
  if (source === undefined) return undefined
  const log = config.log ?? { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  return new Renewal(source, clock, log, { username, hasMethod: authenticationMethod !== 'none' })
}

/** The source of tokens; undefined where nothing says how they are to be had. */
function tokensOf(config: BusConfig, clock: Clock): Tokens | undefined {
  const { clientId: subject, permissions, jwtSecret, jwtLifetimeSeconds, jwtAudience, jwtIssuers } = config
  const { tokenUrl: url, clientSecret, tokenCa } = config
  const ca = tokenCa === undefined ? undefined : () => textOf(config.tokenCaFile, tokenCa)
  const now = (): number => clock.timeOfDay()
  const certificate = certificateOf(config)
  if (url !== undefined && clientSecret === undefined && certificate !== undefined) {
    return new RemoteTokenSource({ url, subject, certificate, ca, now })
  }
  if (url !== undefined && clientSecret !== undefined) {
    const secret = clientSecret instanceof KeyObject ? clientSecret.export().toString('utf8') : clientSecret
    return new RemoteTokenSource({ url, subject, secret, ca, now })
  }
  if (jwtSecret === undefined) return undefined
  return new TokenSource({
    secret: jwtSecret instanceof KeyObject ? jwtSecret.export() : jwtSecret,
    subject,
    permissions,
    lifetimeSeconds: jwtLifetimeSeconds,
    audience: jwtAudience?.length === 1 ? jwtAudience[0] : jwtAudience,
    issuer: jwtIssuers?.[0],
    now,
  })
}

function certificateOf({ tls = {} }: BusConfig): (() => Promise<ClientCertificate>) | undefined {
  const { cert, key, files = {} } = tls
  if (cert === undefined || key === undefined) return undefined
  const passphrase = files.passphrase?.export().toString('utf8') ?? tls.passphrase
  return async () => ({ cert: await textOf(files.cert, cert), key: await textOf(files.key, key), passphrase })
}

/** The content of a file now; what it held before where it cannot be read, as while it is replaced. */
async function textOf<T>(path: string | undefined, before: T): Promise<T | Buffer> {
  if (path === undefined) return before
  return readFile(path).catch(() => before)
}

function willOf(bus: MqttBus | undefined) {
  const will = bus?.presence?.will()
  if (will === undefined) throw new Error('The will was asked for before the bus was made.')
  return will
}

function warn(log: BusLog, error: Error): void {
  log.warn({ event: 'bus.client.failed', err: error }, 'the MQTT client reports a failure')
}

function warnOfPlaintext(config: BusConfig): void {
  const { clientId, log = warningsOf('InsecureConnection') } = config
  const message = `${clientId} may connect without encryption (insecure): passwords and messages can be read on the way.`
  log.warn({ event: 'bus.plaintext.allowed', clientId }, message)
}

function warnOfUnverified(config: BusConfig): void {
  const { clientId, log = warningsOf('UnverifiedSenders') } = config
  const message = `${clientId} serves requests whose sender nobody vouches for (acceptUnverified): they may be from anybody.`
  log.warn({ event: 'bus.unverified.accepted', clientId }, message)
}

/** Where a bus without a log warns: as Node does. */
function warningsOf(type: string): Pick<BusLog, 'warn'> {
  return { warn: (_, message) => process.emitWarning(message, type) }
}
