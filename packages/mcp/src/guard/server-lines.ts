import type { Line } from '../lines/line-splitter.js'
import type { LineWriter } from '../lines/line-writer.js'
import { isId, type Message, type MessageId, readContent } from '../lines/message.js'
import { errorLine, INTERNAL_ERROR, INVALID_REQUEST, shown } from './answers.js'
import type { Exchange } from './exchange.js'
import { METHODS } from './protocol.js'
import type { ToolList } from './tool-list.js'

/** Requests that wait for an answer; the oldest are forgotten, as some are never answered. */
const MOST_REMEMBERED = 65_536

export interface ServerLinesOptions {
  readonly client: LineWriter
  readonly server: LineWriter
  readonly tools: ToolList
  /** The call under way that has this identifier. */
  readonly exchangeOf: (id: MessageId) => Exchange | undefined
  /** Resolves once the session knows what the server says in a request of its own. */
  readonly tell: (method: string, params: unknown) => Promise<void>
  readonly note: (line: string) => void
}

/** Requests of a server with texts that a model or a person of the client's side reads. */
const SAYING: ReadonlySet<string> = new Set([METHODS.createMessage, METHODS.elicit])

/**
 * The server's side. Answers to calls go to whoever made them, lists of tools are read, what it asks of the client is
 * reported, and all else goes on as it came. What cannot be read goes nowhere, since the client might read a result in it that nobody was told of.
 */
export class ServerLines {
  readonly #options: ServerLinesOptions
  /** Of the requests that were passed on, what is asked for. */
  readonly #expected = new Map<MessageId, string>()

  constructor(options: ServerLinesOptions) {
    this.#options = options
  }

  /** The client asks for this, and waits for one answer. */
  expect(id: MessageId, method: string): void {
    this.#expected.set(id, method)
    if (this.#expected.size <= MOST_REMEMBERED) return
    const [oldest] = this.#expected.keys()
    if (oldest !== undefined) this.#expected.delete(oldest)
  }

  /** True for what the client asked for and the server has not answered. */
  isExpected(id: MessageId): boolean {
    return this.#expected.has(id)
  }

  async take(line: Line): Promise<void> {
    if (line.kind === 'too-long') return this.#refuseLong(line)
    const content = readContent(line.bytes)
    if (content.kind === 'empty') return
    if (content.kind === 'unreadable') {
      const excerpt = shown(line.bytes.subarray(0, 400).toString('utf8'), 200)
      return this.#options.note(`a line of the server was dropped: ${content.reason}: ${excerpt}`)
    }
    if (content.kind !== 'batch') return this.#takeMessage(content, line.bytes)
    if (content.messages.every((message) => !this.#isOurs(message))) {
      for (const message of content.messages) this.#notice(message)
      return this.#options.client.write(line.bytes)
    }
    for (const message of content.messages) {
      await this.#takeMessage(message, Buffer.from(JSON.stringify(message.value)))
    }
  }

  async #refuseLong({ id, method, byteLength }: Extract<Line, { kind: 'too-long' }>): Promise<void> {
    const { client, server, note, exchangeOf } = this.#options
    const text = `the message is too large: ${byteLength} bytes in one line`
    note(`a line of the server was dropped: ${text}`)
    if (!isId(id)) return
    // A request of the server's, which waits for an answer.
    if (method !== undefined) return server.write(errorLine(id, INVALID_REQUEST, text))
    const exchange = exchangeOf(id)
    if (exchange === undefined) await client.write(errorLine(id, INTERNAL_ERROR, text))
    else exchange.failed(text)
  }

  async #takeMessage(message: Message, line: Buffer): Promise<void> {
    const { client, server, exchangeOf, note } = this.#options
    if (message.kind === 'response' && message.id !== null) {
      const exchange = exchangeOf(message.id)
      if (exchange?.isSent === true) return exchange.answered({ message, line })
      // A second answer, one to what the server has not got or to a call that was taken back: nobody was told of it.
      if (exchange !== undefined || !this.#expected.has(message.id)) {
        return note('an answer that nobody waits for was dropped')
      }
    }
    this.#notice(message)
    if (message.kind === 'request' && SAYING.has(message.method)) {
      // In its turn: a server that asks more than can be reported waits.
      const why = await this.#untold(message)
      if (why !== undefined) return server.write(errorLine(message.id, INTERNAL_ERROR, why))
    }
    await client.write(line)
  }

  /** A text says why the session could not be told. */
  async #untold({ method, params }: Extract<Message, { kind: 'request' }>): Promise<string | undefined> {
    try {
      await this.#options.tell(method, params)
      return undefined
    } catch (error) {
      const why = `${method} was not passed on: ${error instanceof Error ? error.message : String(error)}`
      this.#options.note(shown(why, 1_000))
      // Why the conscience cannot be reached is nothing for the server.
      return `${method} was not passed on: its session could not be told`
    }
  }

  /** False for an answer to a request that was passed on; true for one to a call, or to nothing. */
  #isOurs(message: Message): boolean {
    if (message.kind !== 'response' || message.id === null) return false
    return !this.#expected.has(message.id) || this.#options.exchangeOf(message.id) !== undefined
  }

  #notice(message: Message): void {
    const { tools } = this.#options
    if (message.kind === 'response') {
      if (message.id === null) return
      if (this.#expected.get(message.id) === METHODS.listTools) tools.learn(message.result)
      this.#expected.delete(message.id)
    } else if (message.method === METHODS.toolsChanged) tools.forget()
  }
}
