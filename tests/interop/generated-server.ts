import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import {
  createAuthority,
  createTokenSecretFile,
  issueClientCertificate,
  issueServerCertificate,
} from '@jamey/auth'
import { freePort } from '@jamey/testing'
import type { CertifiedClient } from './certified-server.js'
import { listening } from './mosquitto.js'

const JAMEY = resolve(import.meta.dirname, '../../apps/jamey/bin/jamey.js')
const run = promisify(execFile)

interface Printed {
  readonly files: readonly { readonly path: string; readonly became: string }[]
  readonly command: string
  readonly check_command: string | null
  readonly notes: readonly string[]
}

/**
 * A server of another project on loopback, with the files that `jamey broker-config` wrote, checked and started by the
 * lines that it printed.
 */
export class GeneratedServer {
  readonly port: number
  readonly folder: string
  readonly tokenSecret: string
  readonly #broker: string
  readonly #authority: Awaited<ReturnType<typeof createAuthority>>
  readonly #processes: ChildProcess[] = []
  readonly #env: NodeJS.ProcessEnv
  #printed: Printed | undefined
  #said = ''

  private constructor(
    broker: string,
    folder: string,
    {
      port,
      tokenSecret,
      authority,
    }: { port: number; tokenSecret: string; authority: Awaited<ReturnType<typeof createAuthority>> },
  ) {
    this.#broker = broker
    this.folder = folder
    this.port = port
    this.tokenSecret = tokenSecret
    this.#authority = authority
    this.#env = { PATH: `${process.env['PATH']}:/usr/sbin`, HOME: folder }
  }

  static async make(broker: string): Promise<GeneratedServer> {
    const folder = mkdtempSync(join(tmpdir(), `jamey-${broker}-`))
    const certs = join(folder, '.jamey', 'certs')
    mkdirSync(certs, { recursive: true, mode: 0o700 })
    const authority = await createAuthority()
    const certificate = await issueServerCertificate(authority, { hosts: ['localhost', '127.0.0.1'] })
    const file = (name: string, text: string) => writeFileSync(join(certs, name), text, { mode: 0o600 })
    file('ca.crt', authority.certPem)
    file('server.crt', certificate.certPem)
    file('server.key', certificate.keyPem)
    const { secret: tokenSecret } = await createTokenSecretFile(join(folder, '.jamey', 'token-secret'))
    return new GeneratedServer(broker, folder, { port: await freePort(), tokenSecret, authority })
  }

  /** What the server and those beside it have written so far. */
  get said(): string {
    return this.#said
  }

  async jamey(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(process.execPath, [JAMEY, ...args], { cwd: this.folder, env: this.#env })
    return stdout
  }

  /** Writes the files of a manifest, and has the server's own program look at them where it has one. */
  async configure(manifest: string, ...options: readonly string[]): Promise<Printed> {
    writeFileSync(join(this.folder, 'permissions.yaml'), manifest)
    const to = ['--out', 'made', '--port', String(this.port), '--json']
    const printed: Printed = JSON.parse(await this.jamey('broker-config', this.#broker, ...to, ...options))
    if (printed.check_command !== null) {
      await run('/bin/sh', ['-c', printed.check_command], { cwd: '/', env: this.#env })
    }
    this.#printed = printed
    return printed
  }

  /** Runs the line that was printed. `env`: what keeps it apart from others on this machine. */
  async start(env: NodeJS.ProcessEnv = {}): Promise<ChildProcess> {
    if (this.#printed === undefined) throw new Error('there are no files yet')
    return this.serve('/bin/sh', ['-c', `exec ${this.#printed.command}`], this.port, env)
  }

  /** A process that is there once something listens at `port`, and ends with the server. */
  async serve(
    program: string,
    args: readonly string[],
    port: number,
    env: NodeJS.ProcessEnv = {},
  ): Promise<ChildProcess> {
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
    const child = spawn(program, args, {
      cwd: this.folder,
      env: { ...this.#env, ...env },
      detached: true,
      stdio,
    })
    this.#processes.push(child)
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#said += chunk.toString()
      })
    }
    const isUp = await Promise.race([listening(port).then(() => true), once(child, 'exit').then(() => false)])
    if (!isUp) throw new Error(`${program} ended while it was starting:\n${this.#said.slice(-4000)}`)
    return child
  }

  /** What lets `commonName` in, and tells who it is. */
  async client(commonName: string): Promise<CertifiedClient> {
    const { certPem, keyPem } = await issueClientCertificate(this.#authority, { commonName })
    const tls = { ca: this.#authority.certPem, cert: certPem, key: keyPem }
    return { url: `mqtts://127.0.0.1:${this.port}`, tls }
  }

  async stop(): Promise<void> {
    for (const child of this.#processes.reverse()) {
      const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      // Its whole group: the server may be a child of the script that starts it.
      if (gone !== undefined && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await gone
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
