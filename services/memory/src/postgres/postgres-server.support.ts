import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  writeFileSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'

const USER = 'memory'
const MOST_TRIES = 50
export const PASSWORD = 'correct horse battery staple'

/** Who runs the server: PostgreSQL refuses to be root. */
function unprivileged(): { uid: number; gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

function program(name: string): string {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folder = versions
    .map((version) => join(debian, version, 'bin'))
    .find((bin) => existsSync(join(bin, name)))
  if (folder === undefined) throw new Error(`no ${name} below ${debian}: install the package postgresql`)
  return join(folder, name)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

interface ServerOptions {
  readonly settings?: readonly string[]
  readonly certificates?: string
}

const TLS = ['ssl=on', 'ssl_cert_file=server.pem', 'ssl_key_file=server.key']

/** A PostgreSQL of its own, in a temporary folder, on loopback and a socket. */
export class PostgresServer {
  readonly folder: string
  readonly port: number
  readonly #user = unprivileged()
  readonly #settings: readonly string[]
  #process: ChildProcess | undefined
  #databases = 0
  /** Databases with the newest schema and nothing in it. */
  readonly #free: string[] = []

  private constructor(folder: string, port: number, settings: readonly string[]) {
    this.folder = folder
    this.port = port
    this.#settings = settings
  }

  /** `certificates` is a folder with `server.pem` and `server.key`, where it is to speak TLS. */
  static async start({ settings = [], certificates }: ServerOptions = {}): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'jamey-postgres-'))
    const server = new PostgresServer(folder, await freePort(), [
      ...settings,
      ...(certificates === undefined ? [] : TLS),
    ])
    server.own(folder)
    chmodSync(folder, 0o755)
    const password = join(folder, 'password')
    writeFileSync(password, PASSWORD, { mode: 0o644 })
    const options = [
      '--auth=scram-sha-256',
      `--pwfile=${password}`,
      `--username=${USER}`,
      '--no-sync',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
    ]
    execFileSync(program('initdb'), ['--pgdata', server.#data, ...options], {
      ...server.#user,
      stdio: 'pipe',
      cwd: folder,
    })
    if (certificates !== undefined) {
      for (const name of ['server.pem', 'server.key']) server.#take(join(certificates, name), name)
    }
    await server.resume()
    return server
  }

  /** A copy that the server may read, and nobody else. */
  #take(from: string, name: string): void {
    const path = join(this.#data, name)
    copyFileSync(from, path)
    chmodSync(path, 0o600)
    this.own(path)
  }

  /** Makes a file or folder that of the user who runs the server. */
  own(path: string): void {
    const { uid, gid } = this.#user
    if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
  }

  get #data(): string {
    return join(this.folder, 'data')
  }

  /** Starts the server on what it has. Processes of one that was killed may take a moment to end. */
  async resume(): Promise<void> {
    for (let tries = 1; ; tries++) {
      const log = await this.#launch()
      if (log === undefined) return
      if (tries === MOST_TRIES || !log.includes('pre-existing shared memory block'))
        throw new Error(`PostgreSQL did not start: ${log}`)
    }
  }

  /** Resolves once it takes connections, or with what it said before it ended. */
  async #launch(): Promise<string | undefined> {
    const settings = [
      `port=${this.port}`,
      'listen_addresses=127.0.0.1',
      `unix_socket_directories=${this.folder}`,
      'max_connections=60',
      ...this.#settings,
    ].flatMap((setting) => ['-c', setting])
    const child = spawn(program('postgres'), ['-D', this.#data, ...settings], {
      ...this.#user,
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process = child
    let log = ''
    for await (const chunk of child.stderr!.setEncoding('utf8')) {
      log += chunk
      if (log.includes('ready to accept connections')) {
        child.stderr!.resume()
        return undefined
      }
    }
    return log
  }

  /** `kill -9` of the server and all its processes. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGQUIT')
    await rm(this.folder, { recursive: true, force: true })
  }

  /** The URL of a database with nothing in it. */
  async newDatabase(): Promise<string> {
    const free = this.#free.pop()
    if (free !== undefined) return free
    const name = `memories_${++this.#databases}`
    await this.sql('postgres', `CREATE DATABASE ${name}`)
    return this.url(name)
  }

  /** Empties a database for the next test: to make its tables anew takes longer than most tests. */
  async recycle(url: string): Promise<void> {
    const name = new URL(url).pathname.slice(1)
    const kept = "'version', 'totals'"
    const tables = `SELECT tablename FROM pg_tables WHERE schemaname = 'jamey_memory' AND tablename NOT IN (${kept})`
    const rows = await this.sql<{ tablename: string }>(name, tables)
    const emptied = rows.map(({ tablename }) => `DELETE FROM jamey_memory.${tablename}`)
    await this.sql(name, [...emptied, 'UPDATE jamey_memory.totals SET memories = 0, terms = 0'].join('; '))
    this.#free.push(url)
  }

  url(database: string): string {
    return `postgres://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${this.port}/${database}`
  }

  /** Rows of a statement in a database of this server, asked on a connection of its own. */
  async sql<Row = Record<string, unknown>>(
    database: string,
    sql: string,
    values: unknown[] = [],
  ): Promise<Row[]> {
    const client = new Client({ connectionString: this.url(database) })
    await client.connect()
    try {
      return (await client.query(sql, values)).rows as Row[]
    } finally {
      await client.end()
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
}
