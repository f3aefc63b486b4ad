import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Problem } from '../problems/problem.js'

/** The calls that wait for an answer; each is given up when its caller goes away or the gateway must stop. */
export class InFlight {
  readonly #responses = new Set<ServerResponse>()
  /** Calls of one connection end with it, so they share what tells them: to make it takes longer than to wait. */
  readonly #controllers = new WeakMap<Socket, AbortController>()
  #whenEmpty: (() => void)[] = []

  get size(): number {
    return this.#responses.size
  }

  /** The signal of one call, from now until its response has been written or its connection is gone. */
  begin(response: ServerResponse): AbortSignal {
    const controller = this.#controllerOf(response)
    this.#responses.add(response)
    response.once('close', () => {
      this.#end(response)
      if (!response.writableFinished) controller.abort(new Problem('client-closed', 'The caller went away.'))
    })
    return controller.signal
  }

  abortAll(reason: Problem): void {
    for (const response of this.#responses) this.#controllerOf(response).abort(reason)
  }

  /** Resolves once no call waits any more. */
  async empty(): Promise<void> {
    if (this.#responses.size === 0) return
    await new Promise<void>((resolve) => this.#whenEmpty.push(resolve))
  }

  #controllerOf({ req: { socket } }: ServerResponse): AbortController {
    const known = this.#controllers.get(socket)
    if (known !== undefined) return known
    const controller = new AbortController()
    this.#controllers.set(socket, controller)
    return controller
  }

  #end(response: ServerResponse): void {
    this.#responses.delete(response)
    if (this.#responses.size > 0) return
    const waiting = this.#whenEmpty
    this.#whenEmpty = []
    for (const resolve of waiting) resolve()
  }
}
