import type { ServerResponse } from 'node:http'
import { Problem } from '../problems/problem.js'

/** The calls that wait for an answer; each is given up when its caller goes away or the gateway must stop. */
export class InFlight {
  readonly #controllers = new Set<AbortController>()
  #whenEmpty: (() => void)[] = []

  get size(): number {
    return this.#controllers.size
  }

  /** The signal of one call, from now until its response has been written or its connection is gone. */
  begin(response: ServerResponse): AbortSignal {
    const controller = new AbortController()
    this.#controllers.add(controller)
    response.once('close', () => {
      this.#end(controller)
      if (!response.writableFinished) controller.abort(new Problem('client-closed', 'The caller went away.'))
    })
    return controller.signal
  }

  abortAll(reason: Problem): void {
    for (const controller of this.#controllers) controller.abort(reason)
  }

  /** Resolves once no call waits any more. */
  async empty(): Promise<void> {
    if (this.#controllers.size === 0) return
    await new Promise<void>((resolve) => this.#whenEmpty.push(resolve))
  }

  #end(controller: AbortController): void {
    this.#controllers.delete(controller)
    if (this.#controllers.size > 0) return
    const waiting = this.#whenEmpty
    this.#whenEmpty = []
    for (const resolve of waiting) resolve()
  }
}
