import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { JameyError } from '@jamey/protocol'
import { type Clock, isWithin, systemClock } from '../guard/clock.js'
import type { ServerEnd, ServerLink } from '../guard/server-link.js'

/**
 * The time of a server to end by itself once its input is closed, then half of it after SIGTERM: less in all than the two
 * seconds after which clients end whoever they started.
 */
const GRACE_MS = 1_000
/** The time of others that hold its output, once it is gone. */
const OUTPUT_GRACE_MS = 500

export interface ChildServerOptions {
  readonly command: string
  readonly args: readonly string[]
  /** That of the system by default. */
  readonly clock?: Clock | undefined
  readonly cwd?: string | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
}

/** The program of a server could not be started; `cause` says why. */
export class ServerStartError extends JameyError<'server-not-started'> {
  override readonly name = 'ServerStartError'

  constructor(command: string, cause: Error) {
    super('server-not-started', `${command} could not be started: ${cause.message}`, { cause })
  }
}

/**
 * Starts a server; its standard error goes where ours goes. It leads a process group of its own, so that what it has
 * started (`npx` starts a shell, and that the server) ends with it. Rejects with `ServerStartError`.
 */
export async function startChildServer(options: ChildServerOptions): Promise<ServerLink> {
  const child = spawn(options.command, options.args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: process.platform !== 'win32',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => reject(new ServerStartError(options.command, error)))
  })
  // A later error tells that a signal could not be sent, to one that is gone.
  child.on('error', () => {})
  return new ChildServer(child, options.clock ?? systemClock)
}

class ChildServer implements ServerLink {
  readonly output: Readable
  readonly input: Writable
  readonly ended: Promise<ServerEnd>
  readonly #child: ChildProcess
  readonly #clock: Clock
  #closing: Promise<ServerEnd> | undefined

  constructor(child: ChildProcess, clock: Clock) {
    this.#child = child
    this.#clock = clock
    this.output = child.stdout as Readable
    this.input = child.stdin as Writable
    // It may be gone at any time, which `ended` tells.
    this.input.on('error', () => {})
    const outputEnded = new Promise<void>((done) => this.output.once('close', done))
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        void isWithin(this.#clock, outputEnded, OUTPUT_GRACE_MS).then(() => {
          this.#kill('SIGKILL')
          this.output.destroy()
          resolve(endOf(code, signal))
        })
      })
    })
  }

  close(): Promise<ServerEnd> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  async #end(): Promise<ServerEnd> {
    this.input.end()
    if (await isWithin(this.#clock, this.ended, GRACE_MS)) return this.ended
    this.#kill('SIGTERM')
    if (await isWithin(this.#clock, this.ended, GRACE_MS / 2)) return this.ended
    this.#kill('SIGKILL')
    return this.ended
  }

  /** All of its process group; those that are gone do not mind. */
  #kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      process.kill(process.platform === 'win32' ? pid : -pid, signal)
    } catch {
      // There is nobody left.
    }
  }
}

function endOf(code: number | null, signal: NodeJS.Signals | null): ServerEnd {
  if (signal !== null) return { isFailure: true, text: `${signal} (signal ${constants.signals[signal]})` }
  return { isFailure: code !== 0, text: `exit code ${code}` }
}
