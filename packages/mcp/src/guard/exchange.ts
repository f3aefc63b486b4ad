import type { Message } from '../lines/message.js'
import type { CallRequest } from './call-request.js'

type Response = Extract<Message, { kind: 'response' }>

/** The server's answer, and the line that it came in. */
export interface ServerAnswer {
  readonly message: Response
  readonly line: Buffer | string
}

/** The server did not answer, and whether it did what was asked is not known. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/**
 * One call of a tool on its way: judged, then with the server, then done. The request that it answers changes where the
 * client has been asked a question and comes again with the answer.
 */
export class Exchange {
  readonly #taking = new AbortController()
  #request: CallRequest | undefined
  #isSent = false
  #settle: { resolve(answer: ServerAnswer): void; reject(error: Error): void } | undefined

  constructor(request: CallRequest) {
    this.#request = request
  }

  /** Aborted when the call is taken back before the server has it. */
  get signal(): AbortSignal {
    return this.#taking.signal
  }

  /** Undefined while the client has a question, and is to come again. */
  get request(): CallRequest | undefined {
    return this.#request
  }

  get isSent(): boolean {
    return this.#isSent
  }

  detach(): void {
    this.#request = undefined
  }

  attach(request: CallRequest): void {
    this.#request = request
  }

  /** Before the server has the call: it will not get it. */
  takeBack(why: string): void {
    this.#taking.abort(new Error(why))
  }

  /** Resolves with the server's answer to what `send` sent; rejects with `NoAnswer`. */
  sent(): Promise<ServerAnswer> {
    this.#isSent = true
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  answered(answer: ServerAnswer): void {
    this.#settle?.resolve(answer)
  }

  failed(why: string): void {
    this.#settle?.reject(new NoAnswer(why))
  }
}
