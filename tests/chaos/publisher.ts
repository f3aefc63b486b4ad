import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('publisher-process.mjs', import.meta.url))

/** One life of the publishing process. */
export class Publisher {
  /** The payloads whose publish it reported stored, in order. */
  readonly stored: string[] = []
  /** Settles with its end, with true where it had everything acknowledged. */
  readonly ended: Promise<boolean>
  readonly #child: ChildProcess
  #hasDrained = false
  #watchers: (() => void)[] = []

  constructor(url: string, folder: string, life: number, first: number, count: number) {
    const args = [SCRIPT, url, folder, life, first, count].map(String)
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })
    lines.on('line', (line) => {
      if (line === 'drained') this.#hasDrained = true
      else if (line !== 'started') this.stored.push(`${life} ${line}`)
      const watchers = this.#watchers
      this.#watchers = []
      for (const watcher of watchers) watcher()
    })
    this.ended = Promise.all([once(this.#child, 'exit'), once(lines, 'close')]).then(() => this.#hasDrained)
  }

  /** Resolves once it has reported so many. */
  async reached(count: number): Promise<void> {
    while (this.stored.length < count) {
      const more = new Promise<void>((resolve) => this.#watchers.push(resolve))
      const isOver = await Promise.race([more.then(() => false), this.ended.then(() => true)])
      if (isOver && this.stored.length < count) throw new Error('the publishing process ended too early')
    }
  }

  /** As a power cut. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}
