import {
  isLoopbackHost,
  MINIMUM_SECRET_BYTES,
  type Revocations,
  TokenVerifier,
  type TokenVerifierOptions,
} from '@jamey/auth'
import type { Manifest } from '@jamey/manifest'
import { type Logger, pino } from 'pino'
import { endpointsOf } from '../brokers/endpoints.js'
import { Ceiling } from '../decisions/ceiling.js'
import { Decider, type Trust } from '../decisions/decider.js'
import { FailureLimit } from '../decisions/failure-limit.js'
import type { BrokerName } from '../decisions/grant.js'
import { GrantJournal } from '../decisions/grant-journal.js'
import { GrantSeal } from '../decisions/grant-seal.js'
import { GrantTable } from '../decisions/grant-table.js'
import { AuthzError } from '../http/authz-error.js'
import { HttpServer, type ServerSettings } from '../http/http-server.js'
import type { ServerTls } from '../http/tls.js'
import { DecisionMetrics } from '../metrics/decision-metrics.js'
import {
  DEFAULT_AUTHZ_HOST,
  DEFAULT_AUTHZ_PORT,
  DEFAULT_FAILURES_PER_MINUTE,
  DEFAULT_VIRTUAL_HOST,
} from './settings.js'

/** The parts that can be replaced while it runs. */
export interface AuthzTrust {
  /** Secrets that brokers have to show, 32 bytes at least; several while one takes the place of another. */
  readonly secrets: readonly [string, ...string[]]
  /** The common names of the brokers' certificates; with `tls.ca` alone. */
  readonly certificateNames?: readonly string[] | undefined
  /** Keys of tokens, as `TokenVerifier` takes them; without secret and keys no token is accepted. */
  readonly tokens?: Omit<TokenVerifierOptions, 'denied' | 'now'> | undefined
  /** Decides who is denied, as `Revocations` does; nobody by default. */
  readonly denied?: Pick<Revocations, 'objectionTo'> | undefined
  /** Bounds what tokens say; without it they say everything, and certificates prove nothing. */
  readonly manifest?: Manifest | undefined
  /** The brokers that let nobody in whose user name is not that of a certificate, wherever none is sent as a token. */
  readonly certificatesOf?: readonly BrokerName[] | undefined
  /** Seconds for which VerneMQ may keep an answer about a topic; 0 by default. */
  readonly cacheSeconds?: number | undefined
  /** HTTPS; without it HTTP, on loopback alone. */
  readonly tls?: ServerTls | undefined
}

export interface AuthzOptions extends AuthzTrust {
  /** '127.0.0.1' by default. */
  readonly host?: string | undefined
  /** 8090 by default; 0 takes any free one. */
  readonly port?: number | undefined
  /** File in which grants outlive the process; none by default. */
  readonly grantsFile?: string | undefined
  /** Failures of one client at one address; 30 by default, 0 for no limit. */
  readonly failuresPerMinute?: number | undefined
  /** Decisions under way, beyond which everything is refused; 500 by default. */
  readonly maximumInFlight?: number | undefined
  /** RabbitMQ's virtual host; '/' by default. */
  readonly virtualHost?: string | undefined
  /** Silent by default. */
  readonly log?: Logger | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

export interface Authz {
  /** The URL, such as `https://127.0.0.1:8090`. */
  readonly url: string
  /** Asks these from now on; connections that are known stay known. Throws `AuthzError`, and then nothing changed. */
  use(trust: AuthzTrust): void
  /** Finishes what was asked, closes. */
  stop(): Promise<void>
}

/** Starts the service; resolves when it listens. Throws `AuthzError`. */
export async function startAuthz(options: AuthzOptions): Promise<Authz> {
  const { host = DEFAULT_AUTHZ_HOST, port = DEFAULT_AUTHZ_PORT, now = Date.now } = options
  const log = (options.log ?? pino({ level: 'silent' })).child({ service: 'authz' })
  if (options.tls === undefined) warnOfPlainHttp(host, log)
  const settings = serverSettingsOf(options)
  const seal = new GrantSeal(options.secrets)
  const table = new GrantTable({ now })
  const trust = trustOf(options, now)
  const journal = await openJournal(options.grantsFile, { seal, table }, log)
  const decider = new Decider({
    trust,
    seal,
    table,
    failures: new FailureLimit(options.failuresPerMinute ?? DEFAULT_FAILURES_PER_MINUTE),
    keep: journal && ((entry) => journal.append(entry)),
    now,
  })
  try {
    const server = new HttpServer({
      ...settings,
      endpoints: endpointsOf({ virtualHost: options.virtualHost ?? DEFAULT_VIRTUAL_HOST }),
      decider,
      metrics: new DecisionMetrics(),
      grants: () => table.size,
      maximumInFlight: options.maximumInFlight,
      log,
      now,
    })
    const url = await listen(server, { host, port, scheme: options.tls === undefined ? 'http' : 'https' })
    log.info({ event: 'authz.listening', url }, 'listening')
    return {
      url,
      use(next) {
        const [settings, trust, seal] = [
          serverSettingsOf(next),
          trustOf(next, now),
          new GrantSeal(next.secrets),
        ]
        server.use(settings)
        decider.use(trust, seal)
      },
      async stop() {
        await server.close()
        await journal?.close()
        log.info({ event: 'authz.stopped' }, 'stopped')
      },
    }
  } catch (error) {
    await journal?.close()
    throw error
  }
}

function warnOfPlainHttp(host: string, log: Logger): void {
  if (!isLoopbackHost(host)) {
    const message = `tokens would come to ${host} without encryption; set JAMEY_AUTHZ_CERT and JAMEY_AUTHZ_KEY, or listen on 127.0.0.1`
    throw new AuthzError('plain-http', message)
  }
  log.info(
    { event: 'authz.listening.plaintext' },
    'brokers on this machine send tokens without encryption; JAMEY_AUTHZ_CERT makes it HTTPS',
  )
}

function trustOf(options: AuthzTrust, now: () => number): Trust {
  const { tokens, denied, manifest, certificatesOf = [] } = options
  const canVerify = tokens?.secret !== undefined || tokens?.keys !== undefined
  return {
    verifier: canVerify ? new TokenVerifier({ ...tokens, denied, now }) : undefined,
    denied,
    ceiling: manifest && new Ceiling(manifest),
    certificatesOf: new Set(certificatesOf),
  }
}

/** White space ends a header's value, and what is short can be guessed. */
function assertSecrets(secrets: readonly string[]): void {
  const isUsable = (secret: string) => /^[\x21-\x7e]+$/.test(secret) && secret.length >= MINIMUM_SECRET_BYTES
  if (secrets.length > 0 && secrets.every(isUsable)) return
  const expected = `at least ${MINIMUM_SECRET_BYTES} characters of ASCII without white space`
  throw new AuthzError(
    'secret-unusable',
    `JAMEY_AUTHZ_SECRET_FILE has no secret brokers can show; expected ${expected}`,
  )
}

function serverSettingsOf({ secrets, certificateNames, cacheSeconds = 0, tls }: AuthzTrust): ServerSettings {
  assertSecrets(secrets)
  const names = tls?.ca === undefined ? undefined : (certificateNames ?? [])
  return { proof: { secrets, certificateNames: names }, cacheSeconds, tls }
}

async function openJournal(
  path: string | undefined,
  parts: { seal: GrantSeal; table: GrantTable },
  log: Logger,
): Promise<GrantJournal | undefined> {
  if (path === undefined) {
    log.info(
      { event: 'authz.grants.absent' },
      'clients of VerneMQ and RabbitMQ have to connect again after a restart; JAMEY_AUTHZ_GRANTS_FILE keeps them',
    )
    return undefined
  }
  const onError = (err: Error): void =>
    log.error(
      { event: 'authz.grants.unwritten', err },
      'grants cannot be written; who connects now has to connect again after a restart',
    )
  try {
    return await GrantJournal.open({ ...parts, path, onError })
  } catch (error) {
    const message = `JAMEY_AUTHZ_GRANTS_FILE ${JSON.stringify(path)} cannot be used: ${(error as Error).message}`
    throw new AuthzError('grants-unusable', message, { cause: error })
  }
}

async function listen(
  server: HttpServer,
  { host, port, scheme }: { host: string; port: number; scheme: string },
): Promise<string> {
  try {
    const address = await server.listen(host, port)
    const name = address.address.includes(':') ? `[${address.address}]` : address.address
    return `${scheme}://${name}:${address.port}`
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const message = isTaken
      ? `port ${port} on ${host} is taken by another process`
      : `cannot listen on ${host}:${port}: ${(error as Error).message}`
    await server.close()
    throw new AuthzError(isTaken ? 'port-in-use' : 'cannot-listen', message, { cause: error })
  }
}
