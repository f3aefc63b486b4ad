import type { IncomingMessage } from 'node:http'
import { PassThrough, Writable } from 'node:stream'
import { errorLine, INTERNAL_ERROR, shown } from '../guard/answers.js'
import { type Clock, isWithin, systemClock } from '../guard/clock.js'
import { HeldBytes } from '../guard/held-bytes.js'
import { METHODS } from '../guard/protocol.js'
import type { ServerEnd, ServerLink } from '../guard/server-link.js'
import { LineSplitter } from '../lines/line-splitter.js'
import { LineWriter } from '../lines/line-writer.js'
import { isId, isObject, type Message, type MessageId, readContent } from '../lines/message.js'
import { eventsOf } from './event-stream.js'
import { HttpExchanges } from './http-exchange.js'
import { RequestHeaders, versionOf } from './request-headers.js'

export interface HttpServerOptions {
  /** Of the endpoint: `https://tickets.example/mcp`. */
  readonly url: URL
  /** Sent as Bearer token. */
  readonly token?: string | undefined
  /** No message may have more. */
  readonly maximumBytes: number
  /** That of the system by default. */
  readonly clock?: Clock | undefined
  /** For the log: what could not be read. */
  readonly note: (line: string) => void
}

/** Held of answers that have not come to their end, of all of them together. */
const MAXIMUM_HELD_BYTES = 64 * 1024 * 1024
/** Time of a server for what is under way once the client has left, and again to end its session. */
const GRACE_MS = 1_000
/** A notification that is not taken within this time keeps nothing from going on. */
const TAKEN_MS = 10_000
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 30_000
/** An answer whose stream broke so often, without anything new, is given up. */
const MOST_RESUMPTIONS = 5
const MOST_ERROR_BYTES = 65_536

/** Reaches a server over streamable HTTP, as 2026-07-28 and the versions with a handshake have it. */
export function connectHttpServer(options: HttpServerOptions): ServerLink {
  return new HttpServer(options)
}

/** Messages that were sent at once, and which answers are awaited for them. */
interface Post {
  readonly messages: readonly Message[]
  /** Of its requests, those that are not answered yet. */
  readonly open: Set<MessageId>
  readonly controller: AbortController
}

class HttpServer implements ServerLink {
  readonly output = new PassThrough()
  readonly input: Writable
  readonly ended: Promise<ServerEnd>
  readonly #options: HttpServerOptions
  readonly #clock: Clock
  readonly #exchanges: HttpExchanges
  readonly #headers = new RequestHeaders()
  readonly #held = new HeldBytes(MAXIMUM_HELD_BYTES)
  readonly #lines: LineSplitter
  readonly #client: LineWriter
  readonly #posts = new Set<Post>()
  readonly #running = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  #resolveEnded: (end: ServerEnd) => void = () => {}
  #closed: Promise<ServerEnd> | undefined
  #isListening = false
  /** Of the versions with a handshake. */
  #session: string | undefined
  #version: string | undefined

  constructor(options: HttpServerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#exchanges = new HttpExchanges(options.url)
    this.#lines = new LineSplitter(options.maximumBytes)
    this.#client = new LineWriter(this.output)
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    this.input = new Writable({
      write: (chunk: Buffer, _, done) => {
        this.#take(chunk).then(() => done(), done)
      },
    })
    this.input.on('error', () => {})
  }

  close(): Promise<ServerEnd> {
    this.#closed ??= this.#leave()
    return this.#closed
  }

  async #leave(): Promise<ServerEnd> {
    await isWithin(this.#clock, Promise.all(this.#running), GRACE_MS)
    this.#closing.abort()
    if (this.#session !== undefined) await this.#endSession()
    return this.#end({ isFailure: false, text: 'the connection was closed' })
  }

  #end(end: ServerEnd): Promise<ServerEnd> {
    this.#closing.abort()
    this.#exchanges.close()
    this.output.end()
    this.#resolveEnded(end)
    return this.ended
  }

  async #endSession(): Promise<void> {
    const signal = new AbortController()
    const headers = this.#common()
    const ended = this.#exchanges.begin({ method: 'DELETE', headers, signal: signal.signal })
    // A server that does not let clients end sessions says so, and forgets it some day.
    if (
      !(await isWithin(
        this.#clock,
        ended.catch(() => {}),
        GRACE_MS,
      ))
    )
      signal.abort()
    else (await ended.catch(() => undefined))?.resume()
  }

  async #take(chunk: Buffer): Promise<void> {
    for (const line of this.#lines.push(chunk)) {
      if (line.kind === 'line' && !this.#closing.signal.aborted) await this.#send(line.bytes)
    }
  }

  /** In order, as far as it matters: what comes behind a handshake or a notification finds the server told of it. */
  async #send(line: Buffer): Promise<void> {
    const content = readContent(line)
    if (content.kind === 'empty' || content.kind === 'unreadable') return
    const messages = content.kind === 'batch' ? content.messages : [content]
    if (messages.length === 1 && this.#cancel(messages[0] as Message)) return
    const requests = messages.flatMap((message) => (message.kind === 'request' ? [message] : []))
    const post: Post = {
      messages,
      open: new Set(requests.map(({ id }) => id)),
      controller: new AbortController(),
    }
    const running = this.#post(post, line).finally(() => {
      this.#posts.delete(post)
      this.#running.delete(running)
    })
    this.#posts.add(post)
    this.#running.add(running)
    if (requests.length === 0) await isWithin(this.#clock, running, TAKEN_MS)
    else if (requests.some(({ method }) => method === METHODS.initialize)) await running
  }

  /** Where each request says its version, one is taken back by the end of its exchange, and not by a message. */
  #cancel(message: Message): boolean {
    if (message.kind !== 'notification' || message.method !== METHODS.cancelled) return false
    const id = isObject(message.params) ? message.params['requestId'] : undefined
    const post = [...this.#posts].find(({ open }) => isId(id) && open.has(id))
    const [request] = post?.messages ?? []
    if (post === undefined || request?.kind !== 'request' || versionOf(request.params) === undefined)
      return false
    post.open.clear()
    post.controller.abort()
    return true
  }

  /** Never rejects: what fails is the answer of those that wait for one. */
  async #post(post: Post, line: Buffer): Promise<void> {
    const [first] = post.messages
    const isHandshake = first?.kind === 'request' && first.method === METHODS.initialize
    if (isHandshake) [this.#session, this.#version] = [undefined, undefined]
    try {
      const response = await this.#exchanges.begin({
        method: 'POST',
        headers: {
          ...this.#common(),
          ...(first === undefined || post.messages.length > 1 ? {} : this.#headers.of(first)),
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: line,
        signal: AbortSignal.any([this.#closing.signal, post.controller.signal]),
      })
      if (isHandshake) this.#session = headerOf(response, 'mcp-session-id')
      await this.#read(response, post)
      if (first?.kind === 'notification' && first.method === METHODS.initialized) this.#listen()
      if (post.open.size > 0) await this.#missed(post, 'the server ended its answer without one')
    } catch (error) {
      await this.#missed(post, reasonOf(error))
    }
  }

  async #read(response: IncomingMessage, post: Post): Promise<void> {
    const { statusCode = 0 } = response
    if (statusCode < 200 || statusCode >= 300) return this.#refused(response, post)
    const isEvents = /^text\/event-stream\s*(?:;|$)/i.test(response.headers['content-type'] ?? '')
    if (isEvents) return this.#readEvents(response, post)
    const body = await this.#bodyOf(response, this.#options.maximumBytes)
    if (body.length > 0 && post.open.size > 0) await this.#tell(body, post)
  }

  async #refused(response: IncomingMessage, post: Post): Promise<void> {
    const { statusCode } = response
    const body = await this.#bodyOf(response, MOST_ERROR_BYTES)
    const content = readContent(body)
    // An error of the protocol itself, which the client knows what to do with.
    if (content.kind === 'response' && content.id !== null && post.open.has(content.id))
      return this.#tell(body, post)
    if (statusCode === 404 && this.#session !== undefined) {
      this.#session = undefined
      await this.#missed(post, 'the server has forgotten the session')
      void this.#end({ isFailure: true, text: 'the server has forgotten the session (HTTP 404)' })
      return
    }
    const why = statusCode === 401 ? ': it wants a token that it accepts' : ''
    throw new Error(`the server answered with HTTP ${statusCode}${why}`)
  }

  /** Until the stream ends; where it broke and says how, it is taken up again behind the last event. */
  async #readEvents(response: IncomingMessage, post: Post): Promise<void> {
    let [lastId, retryMs, tries]: [string | undefined, number, number] = [undefined, FIRST_RETRY_MS, 0]
    let stream: IncomingMessage | undefined = response
    for (;;) {
      try {
        if (stream !== undefined) {
          for await (const event of eventsOf(stream, this.#options.maximumBytes, this.#held)) {
            ;[lastId, retryMs, tries] = [event.id ?? lastId, event.retryMs ?? retryMs, 0]
            if (event.data.length > 0 && event.name === 'message') await this.#tell(event.data, post)
          }
        }
      } catch (error) {
        if (lastId === undefined || error instanceof RangeError) throw error
      }
      if (post.open.size === 0 || lastId === undefined || ++tries > MOST_RESUMPTIONS) return
      await this.#pause(Math.min(retryMs, LONGEST_RETRY_MS))
      if (this.#closing.signal.aborted) return
      stream = await this.#stream(lastId, post.controller.signal)
    }
  }

  /** A stream of what the server says by itself, or of what follows an event. Undefined where it gives none. */
  async #stream(lastId: string | undefined, signal?: AbortSignal): Promise<IncomingMessage | undefined> {
    const resuming = lastId === undefined ? {} : { 'last-event-id': lastId }
    const headers = { ...this.#common(), ...resuming, accept: 'text/event-stream' }
    const either =
      signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, signal])
    const response = await this.#exchanges.begin({ method: 'GET', headers, signal: either })
    if (response.statusCode === 200) return response
    response.resume()
    return undefined
  }

  /** Requests and notifications of the server's own, for as long as there is a session. */
  #listen(): void {
    if (this.#isListening) return
    this.#isListening = true
    const listening = async (): Promise<void> => {
      let [lastId, retryMs]: [string | undefined, number] = [undefined, FIRST_RETRY_MS]
      while (!this.#closing.signal.aborted) {
        try {
          const stream = await this.#stream(lastId)
          // Many servers say nothing by themselves.
          if (stream === undefined) return
          for await (const event of eventsOf(stream, this.#options.maximumBytes, this.#held)) {
            ;[lastId, retryMs] = [event.id ?? lastId, event.retryMs ?? FIRST_RETRY_MS]
            if (event.data.length > 0 && event.name === 'message') await this.#tell(event.data, undefined)
          }
        } catch (error) {
          if (this.#closing.signal.aborted) return
          this.#options.note(`what the server says by itself is not heard: ${reasonOf(error)}`)
        }
        await this.#pause(retryMs)
        retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS)
      }
    }
    void listening()
  }

  /** Hands on what came, as one line, and notes what of it was awaited. */
  async #tell(bytes: Buffer, post: Post | undefined): Promise<void> {
    const line = oneLine(bytes)
    const content = readContent(line)
    const messages = content.kind === 'batch' ? content.messages : [content]
    for (const message of messages) if (message.kind === 'response') this.#learn(message, post)
    await this.#client.write(line)
  }

  #learn({ id, result }: Extract<Message, { kind: 'response' }>, post: Post | undefined): void {
    if (id === null || post?.open.delete(id) !== true) return
    const request = post.messages.find((message) => message.kind === 'request' && message.id === id)
    if (request?.kind !== 'request' || !isObject(result)) return
    const { protocolVersion } = result
    if (request.method === METHODS.initialize && typeof protocolVersion === 'string')
      this.#version = protocolVersion
    if (request.method === METHODS.listTools) this.#headers.learn(result)
  }

  /** Requests that get no answer are told why; of a notification it is told nobody but the log. */
  async #missed({ open, messages, controller }: Post, why: string): Promise<void> {
    const missing = [...open]
    open.clear()
    const wantsNone = !messages.some(({ kind }) => kind === 'request')
    if (wantsNone && !this.#closing.signal.aborted && !controller.signal.aborted)
      this.#options.note(`a message was not taken: ${why}`)
    for (const id of missing) await this.#client.write(errorLine(id, INTERNAL_ERROR, why))
  }

  #common(): Record<string, string> {
    const { token } = this.#options
    return {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(this.#session === undefined ? {} : { 'mcp-session-id': this.#session }),
      ...(this.#version === undefined ? {} : { 'mcp-protocol-version': this.#version }),
    }
  }

  /** Rejects where it is too large. */
  async #bodyOf(response: IncomingMessage, maximumBytes: number): Promise<Buffer> {
    const chunks: Buffer[] = []
    let byteLength = 0
    try {
      for await (const chunk of response) {
        byteLength += (chunk as Buffer).length
        this.#held.take((chunk as Buffer).length)
        if (byteLength > maximumBytes) throw new RangeError(`its answer has more than ${maximumBytes} bytes`)
        if (this.#held.isFull) throw new RangeError('too much is under way at once')
        chunks.push(chunk as Buffer)
      }
    } finally {
      this.#held.release(byteLength)
    }
    return oneLine(Buffer.concat(chunks))
  }

  #pause(delayMs: number): Promise<unknown> {
    const { signal } = this.#closing
    const left = new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    return isWithin(this.#clock, left, delayMs)
  }
}

/** Line ends are white space between the values of JSON, and stand nowhere else in it. */
function oneLine(bytes: Buffer): Buffer {
  const line = Buffer.from(bytes)
  for (let i = 0; i < line.length; i++) if (line[i] === 0x0a || line[i] === 0x0d) line[i] = 0x20
  return line
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

/** The system's own word for an error of a connection, and nothing that the server wrote. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return code === undefined ? shown(error.message, 200) : `the server cannot be reached, or left (${code})`
}
