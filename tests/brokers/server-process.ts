import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { endWithThisProcess } from './own-processes.js'

const KEPT_CHARACTERS = 20_000
const START_MS = 90_000
const RETRY_MS = 20

export interface ServerCommand {
  readonly program: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd?: string
  /** At which it listens once it is up. */
  readonly port: number
}

/** A server in a process group of its own: it may be a child of the script that starts it. */
export class ServerProcess {
  readonly #command: ServerCommand
  #child: ChildProcess | undefined
  #said = ''

  constructor(command: ServerCommand) {
    this.#command = command
  }

  /** The last of what it printed. */
  get said(): string {
    return this.#said
  }

  async start(): Promise<void> {
    const { program, args, env, cwd, port } = this.#command
    const child = spawn(program, args, { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    if (child.pid !== undefined) child.once('exit', endWithThisProcess(-child.pid))
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#said = (this.#said + chunk.toString()).slice(-KEPT_CHARACTERS)
      })
    }
    const ended = once(child, 'exit').then(() => false)
    const isUp = await Promise.race([listening(port), ended])
    if (!isUp) throw new Error(`${program} did not start:\n${this.#said.slice(-4000)}`)
  }

  /** Resolves when the process that was started is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.pid === undefined) return
    const hasEnded = child.exitCode !== null || child.signalCode !== null
    const gone = hasEnded ? undefined : once(child, 'exit')
    // A script waits for its server, and hands no signal on.
    if (!hasEnded) process.kill(-child.pid, signal)
    await gone
    // Erlang leaves its port mapper behind, which has the pipes as well: they would keep this program from its end.
    for (const stream of [child.stdout, child.stderr]) stream?.destroy()
    if (hasEnded) return
    while (isThere(-child.pid)) await pause(RETRY_MS)
  }

  async restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.end(signal)
    await this.start()
  }
}

/** Whether something takes connections at `port` in time. */
export async function listening(port: number): Promise<boolean> {
  const endsAtMs = performance.now() + START_MS
  while (performance.now() < endsAtMs) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen) return true
    await pause(RETRY_MS)
  }
  return false
}

export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}

/** Whether there is a process, or one of the group where the number is negative. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
