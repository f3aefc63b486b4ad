import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('run-source.mjs', import.meta.url))

/** A process that runs one of the modules beside this one and prints a line for each thing it did. */
export class Child {
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #closed: Promise<unknown[]>

  /** With `fileBytes`, no file of this process can grow beyond so many bytes, as on a disk that is full. */
  constructor(module: string, args: readonly string[], fileBytes?: number) {
    const command = [process.execPath, SCRIPT, module, ...args]
    const stdio = ['ignore', 'pipe', fileBytes === undefined ? 'inherit' : 'ignore'] as const
    this.#process =
      fileBytes === undefined
        ? spawn(command[0] as string, command.slice(1), { stdio: [...stdio] })
        : spawn('sh', ['-c', `ulimit -f ${Math.floor(fileBytes / 512)}; exec "$@"`, 'sh', ...command], {
            stdio: [...stdio],
          })
    this.#closed = once(this.#process, 'close')
    this.#lines = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]()
  }

  get pid(): number {
    return this.#process.pid as number
  }

  /** The next line it prints; undefined once it has ended. */
  async line(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next()
    return done === true ? undefined : value
  }

  /** Ends it as a power cut would end it, at whatever it does just now, and gives the lines that were left. */
  async kill(): Promise<string[]> {
    this.#process.kill('SIGKILL')
    const left: string[] = []
    for (let line = await this.line(); line !== undefined; line = await this.line()) left.push(line)
    await this.#closed
    return left
  }

  /** The exit code of a process that ends by itself. */
  async ended(): Promise<number> {
    const [code] = await this.#closed
    return code as number
  }
}
