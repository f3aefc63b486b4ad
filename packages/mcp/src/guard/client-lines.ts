import type { Line } from '../lines/line-splitter.js'
import type { LineWriter } from '../lines/line-writer.js'
import { isId, isObject, type Message, type MessageId, readContent } from '../lines/message.js'
import { errorLine, INTERNAL_ERROR, INVALID_REQUEST, PARSE_ERROR, shown, toolErrorLine } from './answers.js'
import { type CallRequest, callRequestOf, isModern } from './call-request.js'
import type { Elicitation } from './elicitation.js'
import type { Exchange } from './exchange.js'
import { METHODS } from './protocol.js'

export interface ClientLinesOptions {
  readonly client: LineWriter
  readonly server: LineWriter
  readonly elicitation: Elicitation
  /** The call under way that has this identifier. */
  readonly exchangeOf: (id: MessageId) => Exchange | undefined
  /** Has a call judged, and made where it may be. */
  readonly call: (request: CallRequest) => void
  /** A request was passed on, and the server will answer it. */
  readonly passedOn: (id: MessageId, method: string) => void
  readonly note: (line: string) => void
}

/**
 * The client's side. Calls of tools go to be judged, all else goes on as it came; what cannot be read goes nowhere,
 * since the server might read a call in it.
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
    if (message.method === METHODS.callTool || message.method === METHODS.cancelled) return true
    return message.kind === 'request' && exchangeOf(message.id) !== undefined
  }

  #notice({ id, method, params }: Extract<Message, { kind: 'request' }>): void {
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
        ? toolErrorLine(id, `The call was not made: ${text}.`, true)
        : errorLine(isId(id) ? id : null, INVALID_REQUEST, text),
    )
  }

  async #takeMessage(message: Message, line: Buffer): Promise<void> {
    if (message.kind === 'request') return this.#takeRequest(message, line)
    if (message.kind === 'notification') return this.#takeNotification(message, line)
    if (!this.#options.elicitation.takeResponse(message)) await this.#options.server.write(line)
  }

  async #takeRequest(message: Extract<Message, { kind: 'request' }>, line: Buffer): Promise<void> {
    const { client, server, exchangeOf } = this.#options
    const { id, method } = message
    // Two answers of one identifier cannot be told apart, and the wrong one would be reported.
    if (exchangeOf(id) !== undefined) {
      return client.write(errorLine(id, INVALID_REQUEST, 'a call under way has the same id'))
    }
    if (method === METHODS.callTool) return this.#takeCall(message, line)
    this.#notice(message)
    await server.write(line)
  }

  async #takeCall(message: Extract<Message, { kind: 'request' }>, line: Buffer): Promise<void> {
    const { client, elicitation, call } = this.#options
    const request = callRequestOf(message, line)
    const refuse = (why: string) =>
      client.write(toolErrorLine(message.id, `The call was not made: ${why}.`, isModern(message)))
    if (typeof request === 'string') return refuse(request)
    const retry = elicitation.takeRetry(request)
    if (retry === 'unknown') return refuse('its question is no longer open; call again without requestState')
    if (retry === undefined) call(request)
  }

  async #takeNotification(message: Extract<Message, { kind: 'notification' }>, line: Buffer): Promise<void> {
    const { server, note } = this.#options
    if (message.method === METHODS.callTool) {
      // It would be made and never answered for.
      return note('a call without id was dropped')
    }
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
