import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { JAMEY } from './own-broker.js'
import { endWithThisProcess } from './own-processes.js'

const READY_MS = 120_000
const KEPT_CHARACTERS = 200_000

/** One `jamey run ...`, started again by whoever wants it back. */
export class Part {
  readonly name: 'conscience' | 'memory' | 'gateway'
  readonly clientId: string
  readonly #folder: string
  readonly #env: Readonly<Record<string, string>>
  #child: ChildProcess | undefined
  #said = ''
  #wasStopped = false
  /** How often it ended by itself. */
  ends = 0

  constructor(
    name: Part['name'],
    clientId: string,
    setting: { readonly folder: string; readonly env: Readonly<Record<string, string>> },
  ) {
    this.name = name
    this.clientId = clientId
    this.#folder = setting.folder
    this.#env = setting.env
  }

  get said(): string {
    return this.#said
  }

  /** Resolves when it says that it is ready. */
  async start(): Promise<void> {
    this.#said = ''
    this.#wasStopped = false
    const child = spawn(process.execPath, [JAMEY, 'run', this.name], {
      cwd: this.#folder,
      env: { PATH: process.env['PATH'], HOME: this.#folder, ...this.#env, MQTT_CLIENT_ID: this.clientId },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child = child
    child.once('exit', endWithThisProcess(child.pid))
    const ready = new Promise<boolean>((resolve) => {
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-KEPT_CHARACTERS)
        if (this.#said.includes('is ready')) resolve(true)
      })
    })
    const ended = once(child, 'exit').then(() => {
      if (!this.#wasStopped) this.ends++
      return false
    })
    const timer = AbortSignal.timeout(READY_MS)
    const late = once(timer, 'abort').then(() => false)
    if (!(await Promise.race([ready, ended, late]))) {
      throw new Error(`${this.clientId} is not ready:\n${this.#said.slice(-4000)}`)
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#wasStopped = true
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
}
