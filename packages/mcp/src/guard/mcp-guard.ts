import { randomBytes, randomUUID } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import {
  type CallJudge,
  CallRefusedError,
  type CallVerdict,
  ClearedCall,
  clearCall,
  ResultWithheldError,
  reportResult,
  type ToolCall,
} from '@jamey/agents'
import { type Line, linesOf } from '../lines/line-splitter.js'
import { LineWriter } from '../lines/line-writer.js'
import { isObject, type MessageId } from '../lines/message.js'
import { refusalLine, shown } from './answers.js'
import { type CallRequest, lineFor } from './call-request.js'
import { ClientLines } from './client-lines.js'
import { type Clock, isWithin, systemClock } from './clock.js'
import { Continuations } from './continuations.js'
import { Elicitation, OWN_MEMBERS } from './elicitation.js'
import { Exchange, NoAnswer, type ServerAnswer } from './exchange.js'
import { HeldBytes } from './held-bytes.js'
import { QueueAnswer } from './queue-answer.js'
import { reportedResult } from './reported-result.js'
import { ServerLines } from './server-lines.js'
import type { ServerEnd, ServerLink } from './server-link.js'
import { ToolList } from './tool-list.js'

/** A page, a screenshot or a file in one message; what is longer is answered with an error. */
export const MAXIMUM_LINE_BYTES = 16 * 1024 * 1024
/** Of calls that wait for a verdict or an answer, and of answers that wait to be reported. */
const MAXIMUM_HELD_BYTES = 64 * 1024 * 1024
export const MAXIMUM_CALLS = 1_024
/** How long what was sent may take to be reported once the server is gone. */
const REPORTS_GRACE_MS = 5_000

export interface McpGuardOptions {
  readonly client: { readonly input: Readable; readonly output: Writable }
  readonly server: ServerLink
  readonly judge: CallJudge
  /** The server's name, as whoever deploys it has it: tools and methods are judged as `mcp__NAME__TOOL`. */
  readonly serverName: string
  /** The folder that the server runs in, where it runs on this machine: relative paths may begin there. */
  readonly cwd?: string | undefined
  /** Milliseconds that a person has to approve a call, a day at the most. */
  readonly waitMs: number
  /**
   * True where the client's user may approve calls. It is the client that brings the answer, so this is for clients that
   * the agent has no hand in.
   */
  readonly isElicitationTrusted: boolean
  /** That of the system by default. */
  readonly clock?: Clock | undefined
  /** For the log: what was refused and what could not be read. */
  readonly note: (line: string) => void
  /** Aborted, the server is asked to end. */
  readonly signal?: AbortSignal | undefined
}

/** How it came to an end: the client left or somebody stopped it, or the server ended by itself. */
export type McpGuardEnd =
  | { readonly endedBy: 'client'; readonly server: ServerEnd }
  | { readonly endedBy: 'server'; readonly server: ServerEnd }

/** What is asked for without a verdict, for what comes of it is reported. */
const UNJUDGED: CallVerdict = { decision: 'allow', reasons: [], rules: [] }

/** Passes on what client and server say until one of them leaves, and has calls of tools and reads of resources judged. */
export async function guardMcp(options: McpGuardOptions): Promise<McpGuardEnd> {
  return new McpGuard(options).run()
}

class McpGuard {
  readonly #options: McpGuardOptions
  readonly #clock: Clock
  readonly #client: LineWriter
  readonly #server: LineWriter
  readonly #tools = new ToolList()
  readonly #elicitation: Elicitation
  readonly #continuations = new Continuations()
  readonly #held = new HeldBytes(MAXIMUM_HELD_BYTES)
  readonly #exchanges = new Set<Exchange>()
  readonly #running = new Set<Promise<void>>()
  /** The connection is the session: whose words and results belong together, nothing else tells. */
  readonly #sessionId = `mcp-${randomBytes(12).toString('hex')}`
  readonly #fromClient: ClientLines
  readonly #fromServer: ServerLines

  constructor(options: McpGuardOptions) {
    this.#options = options
    this.#client = new LineWriter(options.client.output)
    this.#server = new LineWriter(options.server.input)
    this.#clock = options.clock ?? systemClock
    this.#elicitation = new Elicitation({
      client: this.#client,
      clock: this.#clock,
      waitMs: options.waitMs,
    })
    const shared = {
      client: this.#client,
      server: this.#server,
      tools: this.#tools,
      exchangeOf: (id: MessageId) => this.#exchangeOf(id),
      note: options.note,
    }
    this.#fromServer = new ServerLines({ ...shared, tell: (method, params) => this.#tell(method, params) })
    this.#fromClient = new ClientLines({
      ...shared,
      elicitation: this.#elicitation,
      isAwaited: (id) => this.#fromServer.isExpected(id),
      call: (request) => this.#begin(request),
      passedOn: (id, method) => this.#fromServer.expect(id, method),
    })
  }

  async run(): Promise<McpGuardEnd> {
    const { server, signal } = this.#options
    const stopped = new Promise<void>((resolve) => {
      if (signal?.aborted === true) resolve()
      signal?.addEventListener('abort', () => resolve())
    })
    const answers = this.#passFromServer()
    const clientLeft = Promise.race([this.#passFromClient(), stopped]).then(() => 'client' as const)
    // A server that closed its output answers nothing any more.
    const serverLeft = Promise.race([server.ended, answers]).then(() => 'server' as const)
    const endedBy = await Promise.race([clientLeft, serverLeft])
    for (const exchange of this.#exchanges) {
      if (!exchange.isSent) exchange.takeBack(`the ${endedBy} left`)
    }
    const end = await server.close()
    await answers
    for (const exchange of this.#exchanges) exchange.failed(`the server ended: ${end.text}`)
    await this.#finish()
    this.#options.client.input.destroy()
    return { endedBy, server: end }
  }

  async #passFromClient(): Promise<void> {
    await this.#pass(this.#options.client.input, (line) => this.#fromClient.take(line))
  }

  async #passFromServer(): Promise<void> {
    await this.#pass(this.#options.server.output, async (line) => {
      await this.#held.room()
      await this.#fromServer.take(line)
    })
  }

  /** Until the stream ends. One that fails has ended. */
  async #pass(stream: Readable, take: (line: Line) => Promise<void>): Promise<void> {
    try {
      for await (const line of linesOf(stream, MAXIMUM_LINE_BYTES)) await take(line)
    } catch (error) {
      this.#options.note(`reading failed: ${shown(String(error), 200)}`)
    }
  }

  /** Answers that came are still reported and told, as long as that takes no longer than the grace. */
  async #finish(): Promise<void> {
    await isWithin(this.#clock, Promise.all(this.#running), REPORTS_GRACE_MS)
  }

  #exchangeOf(id: MessageId): Exchange | undefined {
    for (const exchange of this.#exchanges) if (exchange.request?.id === id) return exchange
    return undefined
  }

  /** Resolves when the next one may come: at once where it is judged, and else once whoever asks hears that it is not. */
  async #begin(request: CallRequest): Promise<void> {
    if (this.#exchanges.size >= MAXIMUM_CALLS || this.#held.isFull) {
      const text = `The call of ${request.tool} was not made: too many calls wait already. Try again later.`
      return this.#client.write(refusalLine(request, text))
    }
    const exchange = new Exchange(request)
    const bytes = request.line.length
    this.#exchanges.add(exchange)
    this.#held.take(bytes)
    const running = this.#run(exchange, request).finally(() => {
      this.#exchanges.delete(exchange)
      this.#held.release(bytes)
      this.#running.delete(running)
    })
    this.#running.add(running)
  }

  /** Never rejects: whatever goes wrong is the call's answer. */
  async #run(exchange: Exchange, request: CallRequest): Promise<void> {
    try {
      const cleared = await this.#clear(exchange, request)
      if (request.guardedBy.staysOpen === true) return await this.#open(exchange, request, cleared)
      const answer = await this.#send(exchange, cleared)
      await this.#client.write(answer.line)
    } catch (error) {
      await this.#refuse(exchange, request, error)
    }
  }

  #clear(exchange: Exchange, request: CallRequest): Promise<ClearedCall> | ClearedCall {
    const call = this.#callOf(request)
    if (!request.guardedBy.isJudged) return new ClearedCall(this.#options.judge, call, UNJUDGED)
    return clearCall(this.#judgeFor(exchange), call, {
      approvalTimeoutMs: this.#options.waitMs,
      signal: exchange.signal,
    })
  }

  /** Its answer is the end of it, so the session is told before, and the server has it as what is passed on. */
  async #open(exchange: Exchange, request: CallRequest, cleared: ClearedCall): Promise<void> {
    await cleared.succeeded(null)
    if (exchange.signal.aborted) return
    this.#fromServer.expect(request.id, request.method)
    await this.#server.write(lineFor(request, { arguments: cleared.verdict.arguments }))
  }

  /** What the server says by itself belongs to no call, and is taken for somebody else's words. */
  #tell(method: string, params: unknown): Promise<void> {
    return reportResult(this.#options.judge, {
      session_id: this.#sessionId,
      kind: 'result',
      tool: this.#qualified(method),
      call_id: randomUUID(),
      result: reportedResult(params),
      outcome: 'succeeded',
    })
  }

  #qualified(tool: string): string {
    return `mcp__${this.#options.serverName}__${tool}`
  }

  #callOf({ tool, arguments: given, annotations = this.#tools.annotationsOf(tool) }: CallRequest): ToolCall {
    const { cwd } = this.#options
    return {
      tool: this.#qualified(tool),
      arguments: given,
      ...(annotations === undefined ? {} : { annotations }),
      ...(cwd === undefined ? {} : { cwd }),
      session_id: this.#sessionId,
      call_id: randomUUID(),
    }
  }

  /** The judge, whose questions the client's user answers where that counts, and nobody twice. */
  #judgeFor(exchange: Exchange): CallJudge {
    const { judge, isElicitationTrusted } = this.#options
    const { request } = exchange
    return {
      evaluate: async (call, options) => {
        const verdict = await judge.evaluate(call, options)
        if (verdict.decision !== 'ask') return verdict
        if (request !== undefined && this.#continuations.take(request))
          return { ...verdict, decision: 'allow' }
        return isElicitationTrusted ? this.#elicit(exchange, call, verdict) : verdict
      },
      waitForApproval: (id, options) => judge.waitForApproval(id, options),
      ...(judge.withdraw === undefined ? {} : { withdraw: judge.withdraw.bind(judge) }),
      report: (report) => judge.report(report),
    }
  }

  /** The client's user and those who see the queue are asked at once, and the first answer counts. */
  async #elicit(exchange: Exchange, { tool }: ToolCall, verdict: CallVerdict): Promise<CallVerdict> {
    const queue = new QueueAnswer(this.#options.judge, verdict, {
      waitMs: this.#options.waitMs,
      signal: exchange.signal,
    })
    const elicited = await this.#elicitation.ask(exchange, verdict, queue.answered)
    queue.stop()
    // Then there is still the queue, which may have been the first.
    if (elicited === 'unavailable' || elicited === 'overtaken') return verdict
    if (elicited === 'expired') {
      const why = "the client's user did not answer in time."
      throw new CallRefusedError('approval-pending', tool, why, { verdict, retryable: true })
    }
    const isYes = elicited === 'accepted'
    if (!(await queue.withdraw(`the client's user said ${isYes ? 'yes' : 'no'}`))) return verdict
    if (isYes) return { ...verdict, decision: 'allow' }
    throw new CallRefusedError('approval-denied', tool, "the client's user said no.", { verdict })
  }

  /** Sends what was cleared, waits for its answer, and resolves once the session knows it. */
  async #send(exchange: Exchange, cleared: ClearedCall): Promise<ServerAnswer> {
    const { request } = exchange
    if (request === undefined) {
      await cleared.skipped()
      throw new NoAnswer('the client did not come back')
    }
    const isOurRetry = this.#elicitation.isOwnState(request.params['requestState'])
    const line = lineFor(request, {
      arguments: cleared.verdict.arguments,
      without: isOurRetry ? OWN_MEMBERS : [],
    })
    const answered = exchange.sent()
    void this.#server.write(line)
    let answer: ServerAnswer
    try {
      answer = await answered
    } catch (error) {
      await cleared.failed(error)
      throw error
    }
    this.#held.take(answer.line.length)
    try {
      const { result, value } = answer.message
      const isError = Object.hasOwn(value, 'error') || (isObject(result) && result['isError'] === true)
      const reported = reportedResult(Object.hasOwn(value, 'error') ? value['error'] : result)
      await (isError ? cleared.failed(reported) : cleared.succeeded(reported))
    } finally {
      this.#held.release(answer.line.length)
    }
    this.#continuations.learn(request, answer.message.result)
    return answer
  }

  async #refuse(exchange: Exchange, { tool }: CallRequest, error: unknown): Promise<void> {
    const text = refusalOf(tool, error)
    this.#options.note(shown(text, 1_000))
    const { request, signal } = exchange
    // Nobody waits for the answer to a request that was taken back.
    if (request === undefined || signal.aborted) return
    await this.#client.write(refusalLine(request, text))
  }
}

function refusalOf(tool: string, error: unknown): string {
  if (error instanceof CallRefusedError || error instanceof ResultWithheldError) {
    return error.message
  }
  if (error instanceof NoAnswer)
    return `${tool} was called, and what became of it is not known: ${error.message}. Look what it did before it is called again.`
  return `The call of ${tool} was not made: ${error instanceof Error ? error.message : String(error)}`
}
