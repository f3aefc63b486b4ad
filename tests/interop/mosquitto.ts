import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueServerCertificate } from '@jamey/auth'
import { freePort } from '@jamey/testing'

const MAXIMUM_KEPT_CHARACTERS = 64_000

/** A Mosquitto of our own on loopback: TCP and WebSocket, each plain and with TLS 1.3, everything allowed. */
export class Mosquitto {
  readonly ca: string
  readonly port: number
  readonly tlsPort: number
  readonly webSocketPort: number
  readonly webSocketTlsPort: number
  readonly #folder: string
  readonly #env: NodeJS.ProcessEnv
  #process: ChildProcess | undefined
  #said = ''

  static readonly isInstalled = isThere('/usr/sbin/mosquitto')

  private constructor(
    folder: string,
    ca: string,
    ports: readonly [number, number, number, number],
    env: NodeJS.ProcessEnv,
  ) {
    this.#folder = folder
    this.#env = env
    this.ca = ca
    ;[this.port, this.tlsPort, this.webSocketPort, this.webSocketTlsPort] = ports
  }

  /**
   * `persistence`: what it knows of sessions is written when it is stopped in order, as Debian's own settings say.
   * `settings`: further lines of its configuration. `env`: further variables of its environment.
   */
  static async start({
    persistence = false,
    settings = '',
    env = {} as NodeJS.ProcessEnv,
  } = {}): Promise<Mosquitto> {
    const folder = mkdtempSync(join(tmpdir(), 'jamey-mosquitto-'))
    const authority = await createAuthority()
    const server = await issueServerCertificate(authority, { hosts: ['localhost', '127.0.0.1'] })
    const ports = [await freePort(), await freePort(), await freePort(), await freePort()] as const
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
      return join(folder, name)
    }
    const tls = `
tls_version tlsv1.3
cafile ${file('ca.crt', authority.certPem)}
certfile ${file('server.crt', server.certPem)}
keyfile ${file('server.key', server.keyPem)}`
    const config = `
allow_anonymous true
persistence ${persistence}
persistence_location ${folder}/
user root
sys_interval 1
${settings}
listener ${ports[0]} 127.0.0.1
listener ${ports[1]} 127.0.0.1
${tls}
listener ${ports[2]} 127.0.0.1
protocol websockets
listener ${ports[3]} 127.0.0.1
protocol websockets
${tls}
`
    file('mosquitto.conf', config)
    const broker = new Mosquitto(folder, authority.certPem, ports, { ...process.env, ...env })
    await broker.resume()
    return broker
  }

  /** Starts the process again after `kill`. */
  async resume(): Promise<void> {
    this.#process = spawn('/usr/sbin/mosquitto', ['-c', join(this.#folder, 'mosquitto.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: this.#env,
    })
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-MAXIMUM_KEPT_CHARACTERS)
    })
    const isUp = await Promise.race([
      Promise.all([listening(this.tlsPort), listening(this.webSocketTlsPort)]).then(() => true),
      once(this.#process, 'exit').then(() => false),
    ])
    if (!isUp) throw new Error(`mosquitto ended while it was starting:\n${this.#said}`)
  }

  /** The end of its log. */
  get said(): string {
    return this.#said
  }

  /** Has it read its files again. */
  reload(): void {
    this.#process?.kill('SIGHUP')
  }

  /** Ends it in order, as a restart of the system's service does, and starts it again. */
  async restart(): Promise<void> {
    await this.end()
    await this.resume()
  }

  /** Ends it in order; resolves with its exit code, null where a signal ended it. */
  end(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined) return null
    // With all that it said.
    const gone = once(child, 'close')
    child.kill(signal)
    const [code] = await gone
    return code
  }

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Resolves when something accepts connections on `port`. */
export async function listening(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen) return
    // Refused at once: the next try is one turn of the event loop later.
    await new Promise(setImmediate)
  }
}

function isThere(program: string): boolean {
  try {
    execFileSync(program, ['-h'], { stdio: 'ignore' })
    return true
  } catch (error) {
    // Mosquitto's help ends with a code of its own.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  }
}
