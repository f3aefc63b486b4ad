import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** Three servers on this machine that are one broker, on loopback alone. */
export interface Cluster {
  /** Of MQTT, one of each node. */
  readonly ports: readonly number[]
  /** Starts all that do not run; resolves once they take clients and the cluster is whole. */
  whole(): Promise<void>
  /** As a power cut. */
  kill(node: number): Promise<void>
  close(): Promise<void>
}

/** How long a node may take on a machine that does other things, too. */
export const PATIENCE_MS = 180_000
const LOOK_MS = 250

/** A process and whatever it started. */
export class Group {
  readonly #child: ChildProcess
  readonly #gone: Promise<unknown>
  #isGone = false

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(command, args, { env: { ...process.env, ...env }, stdio: 'ignore', detached: true })
    this.#gone = once(this.#child, 'exit').then(() => {
      this.#isGone = true
    })
  }

  get isGone(): boolean {
    return this.#isGone
  }

  async kill(): Promise<void> {
    if (this.#isGone || this.#child.pid === undefined) return
    process.kill(-this.#child.pid, 'SIGKILL')
    await this.#gone
  }
}

/** Whether somebody listens there. */
export async function listens(port: number): Promise<boolean> {
  const socket = connectTcp(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Resolves once `holds` says so. Throws with `what` where it takes too long. */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s`)
    await pause(LOOK_MS)
  }
}

/** The exit code of a command. */
export async function exitCodeOf(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: 'ignore' })
  const [code] = await once(child, 'exit')
  return code ?? 1
}
