import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { emptyFolder, removeFolder } from './program.js'

/** The command line as a user has it after `npm run build`. */
const JAMEY = resolve(import.meta.dirname, '../../apps/jamey/bin/jamey.js')

/** A `jamey` process in circumstances that a shell makes: a limit, a log that is full, a clock that is wrong. */
export class Child {
  readonly process: ChildProcess
  readonly exit: Promise<number | null>
  stderr = ''
  readonly #folder = emptyFolder()

  /** `before` are commands of the shell, `after` where the output goes. */
  constructor(args: readonly string[], shell: { before?: string; after?: string } = {}) {
    const { before = ':', after = '' } = shell
    const script = `${before}; exec "${process.execPath}" "${JAMEY}" "$@" ${after}`
    this.process = spawn('bash', ['-c', script, 'bash', ...args], {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.exit = once(this.process, 'exit').then(([code]) => code as number | null)
    this.process.stderr?.on('data', (chunk) => {
      this.stderr += chunk
    })
  }

  /** Resolves with the code it left with. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.process.kill(signal)
    return this.exit
  }

  async remove(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.stop('SIGKILL')
    removeFolder(this.#folder)
  }
}
