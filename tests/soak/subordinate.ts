import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Order } from './reports.js'

type Answer = { readonly answer: unknown } | { readonly error: string }

/** One of the processes of a soak, which does one thing after the other as it is told. */
export class Subordinate {
  readonly name: string
  readonly #child: ChildProcess
  readonly #gone: Promise<unknown[]>
  #busy: Promise<unknown> = Promise.resolve()

  constructor(name: 'broker' | 'client') {
    this.name = name
    const script = fileURLToPath(new URL(`${name}-process.js`, import.meta.url))
    this.#child = fork(script, { execArgv: ['--expose-gc', '--enable-source-maps'] })
    this.#gone = once(this.#child, 'exit')
  }

  /** Rejects where the process fails at it, or is gone. */
  ask<T>(order: Order): Promise<T> {
    const asked = this.#busy.then(() => this.#exchange(order))
    this.#busy = asked.catch(() => {})
    return asked as Promise<T>
  }

  async gone(): Promise<void> {
    await this.#gone
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async #exchange(order: Order): Promise<unknown> {
    const child = this.#child
    if (!child.connected) throw new Error(`the ${this.name} process is gone`)
    const answered = once(child, 'message').then(([message]) => message as Answer)
    child.send(order)
    const answer = await Promise.race([answered, this.#gone.then(([code]) => died(this.name, code))])
    if ('error' in answer) throw new Error(`the ${this.name} process: ${answer.error}`)
    return answer.answer
  }
}

function died(name: string, code: unknown): Answer {
  return { error: `ended with code ${String(code)} while the ${name} was at work` }
}
