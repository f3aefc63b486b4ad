import { userInfo } from 'node:os'
import { isLoopbackHost } from '@jamey/auth'

/** What `sslmode` may say, in libpq's words. `allow` and `prefer` fall back to plain text when asked to, so they are not among them. */
export const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const

export type SslMode = (typeof SSL_MODES)[number]

/** A database, as `JAMEY_MEMORY_URL` names it. */
export interface DatabaseAddress {
  /** A name or an address, or the folder of a Unix socket, which begins with `/`. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string | undefined
  readonly sslMode: SslMode
  /** A PEM file with the certificates that the server's is checked against; those of Node where undefined. */
  readonly sslRootCertificate: string | undefined
  /** PEM files of a certificate to show, and its key. */
  readonly sslCertificate: string | undefined
  readonly sslKey: string | undefined
}

/** A URL that cannot be used; nothing in it repeats the URL, which may hold a password. */
export interface AddressFault {
  readonly found: string
  readonly expected: string
}

const DEFAULT_PORT = 5432
const PARAMETERS = ['host', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const
const EXAMPLE = 'postgres://user@host/database?sslmode=verify-full'

/** Reads `postgres://user:password@host:port/database?sslmode=...`; everything but the database has a default. */
export function readDatabaseUrl(text: string): DatabaseAddress | AddressFault {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    return { found: 'something else (not shown)', expected: `a URL such as ${EXAMPLE}` }
  }
  const unknown = [...url.searchParams.keys()].find((name) => !PARAMETERS.some((known) => known === name))
  if (unknown !== undefined) {
    return { found: `the parameter ${JSON.stringify(unknown)}`, expected: `one of ${PARAMETERS.join(', ')}` }
  }
  const decoded = decodedParts(url)
  if (decoded === undefined) {
    return { found: 'a % that begins no code', expected: '%25 for a percent sign' }
  }
  const given = (name: (typeof PARAMETERS)[number]) => url.searchParams.get(name) || undefined
  const host = given('host') ?? (decoded.host || 'localhost')
  const database = decoded.path.replace(/^\//, '')
  if (database === '' || database.includes('/')) {
    return { found: 'no database, or several', expected: `the name of one, as in ${EXAMPLE}` }
  }
  const sslMode = sslModeOf(given('sslmode'), host)
  if (typeof sslMode !== 'string') return sslMode
  if ((given('sslcert') === undefined) !== (given('sslkey') === undefined)) {
    return { found: 'one of sslcert and sslkey', expected: 'both, or neither' }
  }
  return {
    host,
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    database,
    user: decoded.user || userInfo().username,
    password: decoded.password || undefined,
    sslMode,
    sslRootCertificate: given('sslrootcert') === 'system' ? undefined : given('sslrootcert'),
    sslCertificate: given('sslcert'),
    sslKey: given('sslkey'),
  }
}

/** Where it is, for people: without the user's password, and without any other part of the URL. */
export function shownAddress({ host, port, database }: DatabaseAddress): string {
  return isSocket(host) ? `${database} at ${host}` : `${database} at ${host}:${port}`
}

export function isSocket(host: string): boolean {
  return host.startsWith('/')
}

/** Whoever is on the way to another machine could read and change everything; on this one nobody is. */
function sslModeOf(given: string | undefined, host: string): SslMode | AddressFault {
  if (isSocket(host)) return 'disable'
  if (given === undefined) return isLoopbackHost(host) ? 'disable' : 'verify-full'
  const known = SSL_MODES.find((mode) => mode === given)
  return known ?? { found: `sslmode=${given}`, expected: `one of ${SSL_MODES.join(', ')}` }
}

function decodedParts(url: URL) {
  try {
    return {
      // An address of IPv6 stands in brackets.
      host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'),
      path: decodeURIComponent(url.pathname),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
    }
  } catch {
    return undefined
  }
}
