import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueServerCertificate } from '@jamey/auth'
import { freePort } from '@jamey/testing'

/** A Mosquitto of our own on loopback: TCP and WebSocket, each plain and with TLS 1.3, everything allowed. */
export class Mosquitto {
  readonly ca: string
  readonly port: number
  readonly tlsPort: number
  readonly webSocketPort: number
  readonly webSocketTlsPort: number
  readonly #folder: string
  #process: ChildProcess | undefined

  static readonly isInstalled = isThere('/usr/sbin/mosquitto')

  private constructor(folder: string, ca: string, ports: readonly [number, number, number, number]) {
    this.#folder = folder
    this.ca = ca
    ;[this.port, this.tlsPort, this.webSocketPort, this.webSocketTlsPort] = ports
  }

  /**
   * `persistence`: what it knows of sessions is written when it is stopped in order, as Debian's own settings say.
   * `settings`: further lines of its configuration.
   */
  static async start({ persistence = false, settings = '' } = {}): Promise<Mosquitto> {
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
    const broker = new Mosquitto(folder, authority.certPem, ports)
    await broker.resume()
    return broker
  }

  /** Starts the process again after `kill`. */
  async resume(): Promise<void> {
    this.#process = spawn('/usr/sbin/mosquitto', ['-c', join(this.#folder, 'mosquitto.conf')], {
      stdio: 'ignore',
    })
    const isUp = await Promise.race([
      Promise.all([listening(this.tlsPort), listening(this.webSocketTlsPort)]).then(() => true),
      once(this.#process, 'exit').then(() => false),
    ])
    if (!isUp) throw new Error('mosquitto ended while it was starting')
  }

  /** Ends it in order, as a restart of the system's service does, and starts it again. */
  async restart(): Promise<void> {
    await this.#end('SIGTERM')
    await this.resume()
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
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
