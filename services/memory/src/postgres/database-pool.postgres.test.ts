import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { StorageError } from '../model/errors.js'
import { type DatabaseAddress, readDatabaseUrl } from './database-address.js'
import { DatabasePool, type DatabasePoolOptions } from './database-pool.js'
import { PASSWORD, PostgresServer } from './postgres-server.support.js'

let server: PostgresServer
let certificates: string

beforeAll(async () => {
  certificates = mkdtempSync(join(tmpdir(), 'jamey-certificates-'))
  makeCertificates(certificates)
  server = await PostgresServer.start({ settings: ['fsync=off'], certificates })
})
afterAll(async () => {
  await server.stop()
  rmSync(certificates, { recursive: true })
})

/** An authority, a server's certificate for `localhost`, and another authority that has nothing to do with it. */
function makeCertificates(folder: string): void {
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  for (const name of ['ca', 'other']) {
    openssl('req', '-x509', ...key, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`)
  }
  openssl(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    'server.key',
    '-out',
    'server.csr',
    '-subj',
    '/CN=server',
  )
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost')
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    'names',
    '-out',
    'server.pem',
  )
}

function open(url: string, options: Partial<DatabasePoolOptions> = {}): DatabasePool {
  const address = readDatabaseUrl(url) as DatabaseAddress
  const pool = new DatabasePool({
    address,
    connections: 2,
    statementMs: 10_000,
    clock: () => performance.now(),
    ...options,
  })
  onTestFinished(() => pool.close())
  return pool
}

const ask = (pool: DatabasePool, sql = 'SELECT 1 AS one', signal?: AbortSignal) =>
  pool.use((session) => session.rows(sql), signal)

async function failureOf(promise: Promise<unknown>): Promise<StorageError> {
  const error = await promise.then(
    () => undefined,
    (failure: unknown) => failure,
  )
  expect(error).toBeInstanceOf(StorageError)
  return error as StorageError
}

describe('TLS', () => {
  const url = (host: string, parameters: string) =>
    server.url('postgres').replace('127.0.0.1', host).concat(`?${parameters}`)
  const inUse = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'

  it.each([
    ['localhost', 'sslmode=verify-full&sslrootcert=ca.pem'],
    ['127.0.0.1', 'sslmode=verify-ca&sslrootcert=ca.pem'],
    ['127.0.0.1', 'sslmode=require'],
    ['127.0.0.1', 'sslmode=require&sslrootcert=ca.pem'],
  ])('%s with %s is encrypted', async (host, parameters) => {
    const pool = open(url(host, parameters.replace('ca.pem', join(certificates, 'ca.pem'))))
    expect(await ask(pool, inUse)).toEqual([{ ssl: true }])
  })

  it.each([
    // The certificate is for localhost.
    ['127.0.0.1', 'sslmode=verify-full&sslrootcert=ca.pem'],
    ['localhost', 'sslmode=verify-full'],
    ['localhost', 'sslmode=verify-full&sslrootcert=other.pem'],
    ['127.0.0.1', 'sslmode=verify-ca&sslrootcert=other.pem'],
    ['127.0.0.1', 'sslmode=require&sslrootcert=other.pem'],
  ])('%s with %s is refused for its certificate', async (host, parameters) => {
    const pool = open(
      url(
        host,
        parameters.replace(/\w+\.pem/, (name) => join(certificates, name)),
      ),
    )
    const { code, message, retryable } = await failureOf(ask(pool))
    expect({ code, retryable }).toEqual({ code: 'storage-refused', retryable: false })
    expect(message).toContain('certificate')
  })

  it('is not given up where the server has none', async () => {
    const plain = await PostgresServer.start({ settings: ['fsync=off'] })
    onTestFinished(() => plain.stop())
    const pool = open(`${plain.url('postgres')}?sslmode=require`)
    expect(await failureOf(ask(pool))).toMatchObject({ code: 'storage-refused' })
  })
})

describe('who connects', () => {
  it('may come over a Unix socket', async () => {
    const address = readDatabaseUrl(`${server.url('postgres')}?host=${server.folder}`) as DatabaseAddress
    const pool = open(`${server.url('postgres')}?host=${server.folder}`)
    expect(address.sslMode).toBe('disable')
    expect(await ask(pool, 'SELECT inet_server_addr() AS address')).toEqual([{ address: null }])
  })

  it('shows a password from a file, which is read for each connection', async () => {
    const file = join(certificates, 'password')
    writeFileSync(file, 'not this one\n', { mode: 0o600 })
    const bare = server.url('postgres').replace(/:[^:@]+@/, '@')
    const pool = open(bare, { passwordFile: file, clock: () => Number.POSITIVE_INFINITY })
    expect(await failureOf(ask(pool))).toMatchObject({ code: 'storage-refused' })
    writeFileSync(file, `${PASSWORD}\n`)
    expect(await ask(pool)).toEqual([{ one: 1 }])
  })

  it('reads no password that others can read', async () => {
    const file = join(certificates, 'open-password')
    writeFileSync(file, PASSWORD)
    chmodSync(file, 0o644)
    const pool = open(server.url('postgres').replace(/:[^:@]+@/, '@'), { passwordFile: file })
    const { code, message } = await failureOf(ask(pool))
    expect(code).toBe('storage-refused')
    expect(message).toContain('open-password')
  })

  it('asks no variable of libpq for a password', async () => {
    process.env['PGPASSWORD'] = PASSWORD
    onTestFinished(() => void delete process.env['PGPASSWORD'])
    const pool = open(server.url('postgres').replace(/:[^:@]+@/, '@'))
    expect(await failureOf(ask(pool))).toMatchObject({ code: 'storage-refused' })
  })

  it('finds the password in no error', async () => {
    const wrong = 'a-secret-of-mine'
    const urls = [
      server.url('postgres').replace(encodeURIComponent(PASSWORD), wrong),
      server.url('no_such_database').replace(encodeURIComponent(PASSWORD), wrong),
      `postgres://memory:${wrong}@127.0.0.1:1/memories`,
      `postgres://memory:${wrong}@nowhere.invalid/memories`,
    ]
    for (const url of urls) {
      const error = await failureOf(ask(open(url)))
      const shown = [
        error.message,
        error.stack,
        JSON.stringify(error),
        String(error.cause),
        JSON.stringify(error.cause),
      ]
      expect(shown.join('\n')).not.toContain(wrong)
    }
  })
})

describe('a statement', () => {
  const running = () =>
    server.sql(
      'postgres',
      "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'",
    )

  it('is cancelled in the server when nobody waits for it any more', async () => {
    const pool = open(server.url('postgres'))
    const giving = new AbortController()
    const reason = new Error('given up')
    const sleeping = ask(pool, 'SELECT pg_sleep(60)', giving.signal)
    await expect.poll(running).toHaveLength(1)
    giving.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
    expect(await running()).toEqual([])
    // The connection is as good as before, and nobody else is met by that.
    expect(await Promise.all([ask(pool), ask(pool)])).toEqual([[{ one: 1 }], [{ one: 1 }]])
  })

  it('takes no longer than it may', async () => {
    const pool = open(server.url('postgres'), { statementMs: 50 })
    expect(await failureOf(ask(pool, 'SELECT pg_sleep(60)'))).toMatchObject({
      code: 'storage-busy',
      retryable: true,
    })
    expect(await ask(pool)).toEqual([{ one: 1 }])
  })
})

describe('a server that is away', () => {
  it('is tried again, ever less often, and calls in between fail at once', async () => {
    let nowMs = 0
    const other = await PostgresServer.start({ settings: ['fsync=off'] })
    onTestFinished(() => other.stop())
    const pool = open(other.url('postgres'), { clock: () => nowMs })
    await ask(pool)
    await other.kill()
    // A process of the server that has not noticed yet may answer once more.
    await expect
      .poll(() =>
        ask(pool).then(
          () => 'answers',
          () => 'fails',
        ),
      )
      .toBe('fails')
    const first = await failureOf(ask(pool))
    expect(first).toMatchObject({ code: 'storage-away', retryable: true })
    // A connection that was lost is noticed by its next use; then nobody can connect.
    const refused = await failureOf(ask(pool))
    expect(await failureOf(ask(pool))).toBe(refused)
    await other.resume()
    expect(await failureOf(ask(pool))).toBe(refused)
    nowMs += 5000
    expect(await ask(pool)).toEqual([{ one: 1 }])
  })
})
