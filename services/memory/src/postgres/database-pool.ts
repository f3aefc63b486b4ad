import { readOwnFile } from '@jamey/auth'
import { Client, type ClientConfig, Pool, type PoolClient, types } from 'pg'
import { StorageError } from '../model/errors.js'
import { type DatabaseAddress, isSocket, shownAddress } from './database-address.js'
import { databaseErrorFrom } from './database-errors.js'

export interface DatabasePoolOptions {
  readonly address: DatabaseAddress
  /** A file with the password, read anew for each connection, so that it may be changed. */
  readonly passwordFile?: string | undefined
  readonly connections: number
  /** Time that one statement may take; the server ends it then. Without a bound where 0. */
  readonly statementMs: number
  /** Statements for each connection, before anything else. */
  readonly settings?: string | undefined
  /** Milliseconds from anywhere, for durations. */
  readonly clock: () => number
}

/** Statements on one connection, one after another. */
export interface Session {
  rows<Row>(sql: string, values?: readonly unknown[]): Promise<Row[]>
  /** Resolves with the number of rows that were written. */
  run(sql: string, values?: readonly unknown[]): Promise<number>
}

const CONNECT_MS = 5000
/** Time beyond the server's own limit after which a connection counts as dead: its machine may be gone without a word. */
const GRACE_MS = 5000
/** A process that stood still in the middle of its turn to write loses it after this. */
const IDLE_IN_TRANSACTION_MS = 5000
const FIRST_RETRY_MS = 100
const MAXIMUM_RETRY_MS = 2000
const FILE_BYTES = 1_048_576
const INT8 = 20

/**
 * A bounded number of connections to one database. While the server is away, calls fail at once between attempts, which
 * come further and further apart. Rejects with `StorageError`, and with the reason of `signal`.
 */
export class DatabasePool {
  readonly #pool: Pool
  readonly #options: DatabasePoolOptions
  readonly #shown: string
  #away: { readonly error: unknown; readonly delayMs: number; readonly untilMs: number } | undefined
  #isClosed = false

  constructor(options: DatabasePoolOptions) {
    this.#options = options
    this.#shown = shownAddress(options.address)
    const { settings, connections } = options
    this.#pool = new Pool({
      ...clientConfig(options),
      max: connections,
      ...(settings === undefined ? {} : { onConnect: async (client) => void (await client.query(settings)) }),
    })
    // A connection that is lost while nothing runs on it is told of by its next statement, or replaced before that.
    this.#pool.on('error', () => {})
    this.#pool.on('connect', (client) => client.on('error', () => {}))
  }

  /** The database's name and place, for messages. */
  get shown(): string {
    return this.#shown
  }

  /** Runs `work` with a connection of its own; whatever it runs when `signal` comes is cancelled in the server. */
  async use<T>(work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    const client = await this.#connect()
    let fault: unknown
    const cancelling = signal === undefined ? undefined : this.#cancelWith(signal, client)
    try {
      return await work(sessionOf(client))
    } catch (error) {
      fault = this.#errorFrom(error)
      signal?.throwIfAborted()
      throw fault
    } finally {
      // Whoever has the connection next must not be met by a cancellation that was on its way.
      await cancelling?.settled()
      client.release(isLost(fault))
    }
  }

  /** The same in one transaction, which begins with `begin`; it is on the disk when this resolves. */
  transaction<T>(begin: string, work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.use(async (session) => {
      let result: T
      try {
        await session.rows(begin)
        result = await work(session)
      } catch (error) {
        await session.rows('ROLLBACK').catch(() => {})
        throw error
      }
      await session.rows('COMMIT')
      return result
    }, signal)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#pool.end()
  }

  async #connect(): Promise<PoolClient> {
    if (this.#isClosed)
      throw new StorageError('storage-closed', `The memory database ${this.#shown} is closed.`)
    const away = this.#away
    if (away !== undefined && this.#options.clock() < away.untilMs) throw away.error
    try {
      const client = await this.#pool.connect()
      this.#away = undefined
      return client
    } catch (error) {
      const fault = this.#errorFrom(error)
      const delayMs = away === undefined ? FIRST_RETRY_MS : Math.min(away.delayMs * 2, MAXIMUM_RETRY_MS)
      this.#away = { error: fault, delayMs, untilMs: this.#options.clock() + delayMs }
      throw fault
    }
  }

  #cancelWith(signal: AbortSignal, client: PoolClient) {
    let cancelled: Promise<void> = Promise.resolve()
    const cancel = () => {
      cancelled = this.#cancel(client).catch(() => {})
    }
    signal.addEventListener('abort', cancel, { once: true })
    return {
      settled: () => {
        signal.removeEventListener('abort', cancel)
        return cancelled
      },
    }
  }

  /** On a connection of its own, as those of the pool may all be at work. */
  async #cancel(client: PoolClient): Promise<void> {
    const { processID } = client as unknown as { readonly processID: number | null }
    if (processID === null) return
    const other = new Client({ ...clientConfig(this.#options), statement_timeout: CONNECT_MS })
    other.on('error', () => {})
    await other.connect()
    try {
      await other.query('SELECT pg_cancel_backend($1)', [processID])
    } finally {
      await other.end()
    }
  }

  #errorFrom(error: unknown): unknown {
    return databaseErrorFrom(error, this.#shown)
  }
}

function sessionOf(client: PoolClient): Session {
  return {
    rows: async (sql, values) => (await client.query(sql, values as unknown[] | undefined)).rows,
    run: async (sql, values) => (await client.query(sql, values as unknown[] | undefined)).rowCount ?? 0,
  }
}

/**
 * A connection on which a statement failed is as good as new, unless it is the connection that failed, or it only reads:
 * whether connections do is asked when they are made.
 */
function isLost(fault: unknown): boolean {
  if (!(fault instanceof StorageError)) return fault !== undefined
  return fault.code === 'storage-away' || fault.code === 'storage-readonly'
}

function clientConfig(options: DatabasePoolOptions): ClientConfig {
  const { address, passwordFile, statementMs } = options
  const { host, port, database, user, password = '' } = address
  const secret = () =>
    passwordFile === undefined ? password : fileText(passwordFile, true).replace(/\r?\n$/, '')
  return {
    host,
    port,
    database,
    user,
    // Always a function, so that no variable or file of libpq's is asked instead.
    password: async () => secret(),
    ssl: tlsOf(address),
    application_name: 'jamey-memory',
    statement_timeout: statementMs,
    query_timeout: statementMs === 0 ? 0 : statementMs + GRACE_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    types: { getTypeParser: parserOf },
  }
}

/** Numbers of eight bytes are times and counts, which a double holds. */
const parserOf: typeof types.getTypeParser = (id: number, format?: unknown) =>
  id === INT8 ? Number : types.getTypeParser(id, format as 'text')

function tlsOf(address: DatabaseAddress): ClientConfig['ssl'] {
  const { host, sslMode, sslRootCertificate, sslCertificate, sslKey } = address
  if (sslMode === 'disable' || isSocket(host)) return false
  return {
    host,
    ...(sslRootCertificate === undefined ? {} : { ca: fileText(sslRootCertificate) }),
    ...(sslCertificate === undefined ? {} : { cert: fileText(sslCertificate) }),
    ...(sslKey === undefined ? {} : { key: fileText(sslKey, true) }),
    // As in libpq: with certificates to check against, `require` checks, too.
    rejectUnauthorized: sslMode !== 'require' || sslRootCertificate !== undefined,
    ...(sslMode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  }
}

function fileText(path: string, isSecret = false): string {
  try {
    return readOwnFile(path, { maximumBytes: FILE_BYTES, isSecret })
  } catch (error) {
    const { message } = error as Error
    throw new StorageError(
      'storage-refused',
      `A file for the memory database cannot be used: ${message}.`,
      error,
    )
  }
}
