import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

export interface PostgresServer {
  /** Of its one database, for a user who may do everything. */
  readonly url: string
  readonly version: string
  /** Milliseconds of processor time that all its processes have taken. */
  cpuMs(): number
  stop(): Promise<void>
}

const DEBIAN = '/usr/lib/postgresql'

/** A server of the system's package on loopback, with its own settings: what it acknowledges is on the disk. */
export async function startPostgres(folder: string): Promise<PostgresServer> {
  const bin = newestPrograms()
  const user = unprivileged()
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid)
  chmodSync(folder, 0o755)
  const data = join(folder, 'data')
  const options = ['--auth=trust', '--username=bench', '--encoding=UTF8', '--locale=C.UTF-8']
  execFileSync(join(bin, 'initdb'), ['--pgdata', data, ...options], { ...user, cwd: folder, stdio: 'pipe' })
  const port = await freePort()
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`]
  const child = spawn(join(bin, 'postgres'), ['-D', data, ...settings.flatMap((one) => ['-c', one])], {
    ...user,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  for await (const chunk of child.stderr.setEncoding('utf8')) {
    log += chunk
    if (log.includes('ready to accept connections')) break
  }
  if (child.exitCode !== null) throw new Error(`PostgreSQL did not start: ${log}`)
  child.stderr.resume()
  return {
    url: `postgres://bench@127.0.0.1:${port}/postgres?sslmode=disable`,
    version: execFileSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' }).trim(),
    cpuMs: () => cpuMsOf(child.pid ?? 0),
    stop: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGINT')
      await ended
    },
  }
}

/** Of Linux, where nearly all systems count in hundredths of a second. */
const JIFFY_MS = 10

/** Of a process, of its children, and of those of them that have ended. */
function cpuMsOf(parent: number): number {
  const ended = fieldsOf(parent).slice(11, 15)
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => fieldsOf(Number(name)))
    .filter((fields) => fields[1] === parent)
    .flatMap((fields) => fields.slice(11, 13))
  return [...ended, ...children].reduce((sum, jiffies) => sum + jiffies, 0) * JIFFY_MS
}

/** What stands behind the name in `/proc/PID/stat`: state, parent, ..., utime, stime, cutime, cstime. */
function fieldsOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
  } catch {
    // It has ended since.
    return []
  }
}

function newestPrograms(): string {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : []
  if (versions[0] === undefined) throw new Error(`nothing below ${DEBIAN}: install the package postgresql`)
  return join(DEBIAN, versions[0], 'bin')
}

/** PostgreSQL refuses to be root. */
function unprivileged(): { readonly uid: number; readonly gid: number } | { readonly uid?: undefined } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
