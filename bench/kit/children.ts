import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

export const MOSQUITTO = '/usr/sbin/mosquitto'
/** Longer than any run takes on the slowest machine: whoever says nothing for so long hangs. */
const PATIENCE_MS = 300_000

/** A process that has an end of its own, and is stopped when this one ends before. */
class Started {
  readonly pid: number
  readonly process: ChildProcess
  readonly #stopAtExit = (): void => void this.process.kill()

  constructor(child: ChildProcess) {
    this.process = child
    this.pid = child.pid ?? 0
    process.once('exit', this.#stopAtExit)
    child.once('exit', () => process.off('exit', this.#stopAtExit))
  }

  /** Stops it, unless it has ended; resolves when it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const gone = once(this.process, 'exit')
    this.process.kill(signal)
    await gone
  }
}

/** A part of the benchmark in a process of its own: it gets a job, and tells things. */
export class Child extends Started {
  readonly #name: string
  readonly #told: unknown[] = []
  #wake: () => void = () => {}

  /** It loads its modules at once, and begins with `give`. */
  constructor(program: URL, flags: readonly string[] = []) {
    const path = fileURLToPath(program)
    super(fork(path, { execArgv: [...flags], serialization: 'advanced' }))
    this.#name = basename(path, '.js')
    this.process.on('message', (message) => {
      this.#told.push(message)
      this.#wake()
    })
    this.process.once('exit', () => this.#wake())
  }

  give(job: object): void {
    // One that is gone already is noticed by `next`.
    this.process.send(job, () => {})
  }

  /** Never resolves; rejects when it ends. */
  async ended(): Promise<never> {
    const { exitCode, signalCode } = this.process
    if (exitCode === null && signalCode === null) await once(this.process, 'exit')
    throw this.#endedEarly()
  }

  /** The next thing it tells. Rejects when it ends before, or says nothing for so long. */
  async next<Message>(patienceMs = PATIENCE_MS): Promise<Message> {
    const endsAt = performance.now() + patienceMs
    while (this.#told.length === 0) {
      const { exitCode, signalCode } = this.process
      if (exitCode !== null || signalCode !== null) {
        throw this.#endedEarly()
      }
      if (performance.now() >= endsAt)
        throw new Error(`${this.#name} hangs: nothing for ${patienceMs / 1000} s`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, endsAt - performance.now())
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return this.#told.shift() as Message
  }

  #endedEarly(): Error {
    return new Error(`${this.#name} ended early (${this.process.exitCode ?? this.process.signalCode})`)
  }
}

/** Debian's Mosquitto. */
export class Mosquitto extends Started {
  constructor(configPath: string) {
    super(spawn(MOSQUITTO, ['-c', configPath], { stdio: 'ignore' }))
  }

  /** Resolves when it accepts connections there. */
  async listens(port: number): Promise<void> {
    while (!(await accepts(port))) {
      if (this.process.exitCode !== null) throw new Error('mosquitto did not start')
    }
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
