import type { Line } from '../lines/line-splitter.js'
import type { LineWriter } from '../lines/line-writer.js'
import { isId, isObject, type Message, type MessageId, readContent } from '../lines/message.js'
import { errorLine, INTERNAL_ERROR, INVALID_REQUEST, PARSE_ERROR, refusalLine, shown } from './answers.js'
import { type CallRequest, callRequestOf, isModern } from './call-request.js'
import type { Elicitation } from './elicitation.js'
import type { Exchange } from './exchange.js'
import { guardedMethod } from './guarded-methods.js'
import { METHODS } from './protocol.js'

export interface ClientLinesOptions {
  readonly client: LineWriter
  readonly server: LineWriter
  readonly elicitation: Elicitation
  /** The call under way that has this identifier. */
  readonly exchangeOf: (id: MessageId) => Exchange | undefined
  /** True for a request that was passed on and is not answered yet. */
  readonly isAwaited: (id: MessageId) => boolean
  /** Has a call judged, and made where it may be. Resolves when there is room for another one. */
  readonly call: (request: CallRequest) => Promise<void>
  /** A request was passed on, and the server will answer it. */
  readonly passedOn: (id: MessageId, method: string) => void
  readonly note: (line: string) => void
}

type Request = Extract<Message, { kind: 'request' }>
type Notification = Extract<Message, { kind: 'notification' }>

/**
 * The client's side. Calls of tools and reads of resources go to be judged, all else goes on as it came; what cannot be
 * read goes nowhere, since the server might read a call in it.
 */
export class ClientLines {
  readonly #options: ClientLinesOptions

  constructor(options: ClientLinesOptions) {
    this.#options = options
  }

  async take(line: Line): Promise<void> {
    if (line.kind === 'too-long') return this.#refuseLong(line)
    const content = readContent(line.bytes)
    if (content.kind === 'empty') return
    if (content.kind === 'unreadable') {
      this.#options.note(`a line of the client was dropped: ${content.reason}`)
      return this.#options.client.write(
        errorLine(null, PARSE_ERROR, `the message was dropped: ${content.reason}`),
      )
    }
    if (content.kind !== 'batch') return this.#takeMessage(content, line.bytes)
    if (content.messages.some((message) => this.#isOurs(message))) {
      // Each for itself, as JSON-RPC lets the other side treat them: calls are judged one by one.
      for (const message of content.messages) {
        await this.#takeMessage(message, Buffer.from(JSON.stringify(message.value)))
      }
      return
    }
    for (const message of content.messages) if (message.kind === 'request') this.#notice(message)
    await this.#options.server.write(line.bytes)
  }

  /** True for a message that is to be looked at before the server gets it. */
  #isOurs(message: Message): boolean {
    const { elicitation, exchangeOf } = this.#options
    if (message.kind === 'response') return elicitation.isOwnState(message.id)
    if (message.method === METHODS.cancelled || isGuarded(message)) return true
    return message.kind === 'request' && exchangeOf(message.id) !== undefined
  }

  #notice({ id, method, params }: Request): void {
    if (method === METHODS.initialize) this.#options.elicitation.learn(params)
    this.#options.passedOn(id, method)
  }

  async #refuseLong({ id, method, byteLength }: Extract<Line, { kind: 'too-long' }>): Promise<void> {
    const { client, server, note } = this.#options
    const text = `the message is too large: ${byteLength} bytes in one line`
    note(`a line of the client was dropped: ${text}`)
    // An answer to the server, which waits for one.
    if (isId(id) && method === undefined) return server.write(errorLine(id, INTERNAL_ERROR, text))
    // Which version it is of was not kept; older clients pass over the member of newer ones.
    const isCall = method === METHODS.callTool && isId(id)
    await client.write(
      isCall
        ? refusalLine({ id, method, isModern: true }, `The call was not made: ${text}.`)
        : errorLine(isId(id) ? id : null, INVALID_REQUEST, text),
    )
  }

  async #takeMessage(message: Message, line: Buffer): Promise<void> {
    if (message.kind === 'request') return this.#takeRequest(message, line)
    if (message.kind === 'notification') return this.#takeNotification(message, line)
    if (!this.#options.elicitation.takeResponse(message)) await this.#options.server.write(line)
  }

  async #takeRequest(message: Request, line: Buffer): Promise<void> {
    const { client, server, exchangeOf, isAwaited } = this.#options
    const { id, method } = message
    const request = callRequestOf(message, line)
    // Two answers of one identifier cannot be told apart, and the wrong one would be reported.
    if (exchangeOf(id) !== undefined || (request !== undefined && isAwaited(id))) {
      return client.write(errorLine(id, INVALID_REQUEST, 'a request under way has the same id'))
    }
    if (typeof request === 'string') return this.#refuse({ id, method, isModern: isModern(message) }, request)
    if (request !== undefined) return this.#takeCall(request)
    this.#notice(message)
    await server.write(line)
  }

  async #takeCall(request: CallRequest): Promise<void> {
    const { elicitation, call } = this.#options
    const retry = elicitation.takeRetry(request)
    if (retry === 'unknown')
      return this.#refuse(request, 'its question is no longer open; call again without requestState')
    if (retry === undefined) await call(request)
  }

  async #refuse(request: Pick<CallRequest, 'id' | 'method' | 'isModern'>, why: string): Promise<void> {
    await this.#options.client.write(refusalLine(request, `The call was not made: ${why}.`))
  }

  async #takeNotification(message: Notification, line: Buffer): Promise<void> {
    const { server, note } = this.#options
    // It would be made and never answered for.
    if (isGuarded(message)) return note('a call without id was dropped')
    if (message.method === METHODS.cancelled && !this.#cancel(message.params)) return
    await server.write(line)
  }

  /** True where the server is to hear of it: it does not know of a call that it has not got. */
  #cancel(params: unknown): boolean {
    const id = isObject(params) ? params['requestId'] : undefined
    const exchange = isId(id) ? this.#options.exchangeOf(id) : undefined
    if (exchange === undefined || !isId(id)) return true
    if (exchange.isSent) {
      // Nobody waits for the answer to a request that was taken back.
      exchange.detach()
      exchange.failed('it was taken back')
      return true
    }
    exchange.takeBack(`taken back: ${shown(String((params as { reason?: unknown }).reason ?? ''), 200)}`)
    return false
  }
}

function isGuarded({ method, params }: Request | Notification): boolean {
  return guardedMethod(method, params) !== undefined
}
