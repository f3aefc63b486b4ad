import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@jamey/testing'
import { JAMEY } from './own-broker.js'
import { endWithThisProcess } from './own-processes.js'
import { pause } from './server-process.js'

const READY_MS = 60_000
const KEPT_CHARACTERS = 200_000
const LOOK_MS = 20

/** One entry of `carry`. */
export interface Carried {
  readonly from: string
  readonly filters: readonly string[]
  readonly qos?: 0 | 1 | 2
  readonly retained?: readonly string[]
}

/** The counts that the bridge tells at `/healthz`. */
export interface BridgeDirection {
  readonly from: string
  readonly carried: number
  readonly waiting: number
  readonly held: number
  readonly deadLetters: number
  readonly repeated: number
  readonly unverified: number
  readonly notRelayed: number
  readonly forged: number
  readonly looped: number
}

/** `jamey broker bridge` in a process of its own, which can be killed and started again. */
export class BridgeProcess {
  readonly #folder: string
  readonly #sides: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly #port: number
  #carry: readonly Carried[] = []
  #child: ChildProcess | undefined
  #said = ''

  private constructor(
    folder: string,
    sides: Readonly<Record<string, Readonly<Record<string, string>>>>,
    port: number,
  ) {
    this.#folder = folder
    this.#sides = sides
    this.#port = port
  }

  /** `sides`: the variables for each. */
  static async make(
    sides: Readonly<Record<string, Readonly<Record<string, string>>>>,
  ): Promise<BridgeProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'jamey-brokers-bridge-'))
    return new BridgeProcess(folder, sides, await freePort())
  }

  get said(): string {
    return this.#said
  }

  /** Resolves when it carries all of `carry`; without, what it carried before. */
  async start(carry = this.#carry): Promise<void> {
    this.#carry = carry
    this.#child = this.#spawn([])
    const endsAtMs = performance.now() + READY_MS
    while ((await this.#ask('/readyz'))?.status !== 200) {
      if (performance.now() > endsAtMs || this.#child.exitCode !== null) {
        throw new Error(`the bridge is not ready:\n${this.#said.slice(-4000)}`)
      }
      await pause(LOOK_MS)
    }
  }

  async directions(): Promise<readonly BridgeDirection[]> {
    const answer = await this.#ask('/healthz')
    const status = (await answer?.json()) as { directions: readonly BridgeDirection[] } | undefined
    return status?.directions ?? []
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }

  /** The last run, which leaves nothing behind. Resolves with its exit code. */
  async end(): Promise<number | null> {
    await this.stop()
    this.#child = this.#spawn(['--end'])
    const [code] = await once(this.#child, 'exit')
    return code
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  #spawn(args: readonly string[]): ChildProcess {
    const write = (name: string, text: string): void =>
      writeFileSync(join(this.#folder, name), text, { mode: 0o600 })
    for (const [name, variables] of Object.entries(this.#sides)) {
      const lines = Object.entries(variables).map(([variable, value]) => `${variable}="${value}"\n`)
      write(`${name}.env`, lines.join(''))
    }
    const sides = Object.fromEntries(Object.keys(this.#sides).map((name) => [name, `${name}.env`]))
    // JSON is YAML.
    write(
      'bridge.yaml',
      JSON.stringify({
        sides,
        relay: ['+'],
        outbox: 'outbox',
        health: { port: this.#port },
        carry: this.#carry,
      }),
    )
    const child = spawn(process.execPath, [JAMEY, 'broker', 'bridge', '--config', 'bridge.yaml', ...args], {
      cwd: this.#folder,
      env: { PATH: process.env['PATH'], HOME: this.#folder },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child.once('exit', endWithThisProcess(child.pid))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-KEPT_CHARACTERS)
    })
    return child
  }

  async #ask(path: string): Promise<Response | undefined> {
    return fetch(`http://127.0.0.1:${this.#port}${path}`).catch(() => undefined)
  }
}
