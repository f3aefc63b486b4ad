import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { CallVerdict } from '@jamey/agents'
import type { LineWriter } from '../lines/line-writer.js'
import { isObject, type Message } from '../lines/message.js'
import { shown } from './answers.js'
import type { CallRequest } from './call-request.js'
import type { Clock } from './clock.js'
import type { Exchange } from './exchange.js'
import { METHODS } from './protocol.js'

/** The answer of the client's user, or why there is none; `overtaken`: somebody else was first. */
export type Elicited = 'accepted' | 'declined' | 'expired' | 'unavailable' | 'overtaken'

/** The member of `inputRequests` and `inputResponses` that is the guard's. */
const INPUT = 'jamey_approval'
/** Members of a retry that are for the guard and not for the server. */
export const OWN_MEMBERS = ['inputResponses', 'requestState'] as const
const STATE_PREFIX = 'jamey-guard:'
const MOST_ARGUMENT_CHARACTERS = 2_000
const MOST_REASON_CHARACTERS = 1_000

/** More than a click is asked for, as some clients accept by themselves what is shown to nobody. */
const REQUESTED_SCHEMA = {
  type: 'object',
  properties: { approve: { type: 'boolean', title: 'Make this call', default: false } },
  required: ['approve'],
} as const

interface Question {
  readonly exchange: Exchange
  /** The request that the question is about. */
  readonly request: CallRequest
  readonly settle: (elicited: Elicited) => void
}

export interface ElicitationOptions {
  readonly client: LineWriter
  readonly clock: Clock
  /** Milliseconds that the user has. */
  readonly waitMs: number
}

/**
 * Asks the user of the client. In versions with a handshake that is a request of the server's side; from 2026-07-28 on
 * it is the result of the call itself, after which the client comes again with the answer.
 */
export class Elicitation {
  readonly #options: ElicitationOptions
  /** By the identifier of our request, or by `requestState`. */
  readonly #questions = new Map<string, Question>()
  #isSupported = false

  constructor(options: ElicitationOptions) {
    this.#options = options
  }

  /** Takes what a client says in its `initialize` that it can. */
  learn(params: unknown): void {
    this.#isSupported = isObject(params) && asksByForm(params['capabilities'])
  }

  /** `overtaken`: aborted once somebody else has answered, whose word counts then. */
  async ask(exchange: Exchange, verdict: CallVerdict, overtaken: AbortSignal): Promise<Elicited> {
    const { request } = exchange
    if (request === undefined) return 'unavailable'
    // What stays open has no result that could ask.
    const isAskable = request.isModern
      ? asksByForm(request.capabilities) && request.guardedBy.staysOpen !== true
      : this.#isSupported
    if (!isAskable) return 'unavailable'
    const key = STATE_PREFIX + randomBytes(16).toString('base64url')
    const { clock, waitMs, client } = this.#options
    let settle: (elicited: Elicited) => void = () => {}
    const elicited = new Promise<Elicited>((resolve) => {
      settle = resolve
    })
    const timer = clock.setTimeout(() => settle('expired'), waitMs)
    const takenBack = (): void => settle('expired')
    exchange.signal.addEventListener('abort', takenBack)
    // Where the client has to come again, its call has nobody to answer to before it does.
    const isOver = (): void => {
      if (!request.isModern) settle('overtaken')
    }
    overtaken.addEventListener('abort', isOver)
    this.#questions.set(key, { exchange, request, settle })
    try {
      const question = { message: textOf(request, verdict), requestedSchema: REQUESTED_SCHEMA }
      if (request.isModern) exchange.detach()
      await client.write(
        JSON.stringify(request.isModern ? resultOf(request, key, question) : requestOf(key, question)),
      )
      if (overtaken.aborted) isOver()
      const answer = await elicited
      const isUnanswered = answer === 'expired' || answer === 'overtaken'
      if (isUnanswered && !request.isModern) await client.write(cancellationOf(key, answer))
      return overtaken.aborted && answer !== 'expired' ? 'overtaken' : answer
    } finally {
      overtaken.removeEventListener('abort', isOver)
      clock.clearTimeout(timer)
      exchange.signal.removeEventListener('abort', takenBack)
      this.#questions.delete(key)
    }
  }

  /** True for a `requestState` of ours, which the server is not to get. */
  isOwnState(state: unknown): boolean {
    return typeof state === 'string' && state.startsWith(STATE_PREFIX)
  }

  /** True for an answer to a question of ours, which nobody else is to see. */
  takeResponse({ id, value, result }: Extract<Message, { kind: 'response' }>): boolean {
    if (typeof id !== 'string' || !id.startsWith(STATE_PREFIX)) return false
    const hasFailed = Object.hasOwn(value, 'error')
    this.#questions.get(id)?.settle(hasFailed ? 'unavailable' : elicitedOf(result))
    return true
  }

  /**
   * Takes a call that comes again with an answer, and says whether it was asked for. Undefined: it has no answer for us
   * and is a call as any other.
   */
  takeRetry(request: CallRequest): 'resumed' | 'unknown' | undefined {
    const { requestState: state, inputResponses: responses } = request.params
    if (typeof state !== 'string' || !state.startsWith(STATE_PREFIX)) return undefined
    const question = this.#questions.get(state)
    if (question === undefined || !isSameCall(question.request, request)) return 'unknown'
    // Good for one answer.
    this.#questions.delete(state)
    question.exchange.attach(request)
    question.settle(elicitedOf(isObject(responses) ? responses[INPUT] : undefined))
    return 'resumed'
  }
}

/** An empty object stands for forms, as in 2025-06-18. */
function asksByForm(capabilities: unknown): boolean {
  const elicitation = isObject(capabilities) ? capabilities['elicitation'] : undefined
  if (!isObject(elicitation)) return false
  return Object.keys(elicitation).length === 0 || isObject(elicitation['form'])
}

function isSameCall(one: CallRequest, other: CallRequest): boolean {
  return one.tool === other.tool && isDeepStrictEqual(one.arguments, other.arguments)
}

function elicitedOf(result: unknown): Elicited {
  if (!isObject(result) || result['action'] !== 'accept') return 'declined'
  const { content } = result
  return isObject(content) && content['approve'] === true ? 'accepted' : 'declined'
}

function requestOf(id: string, question: object): object {
  return { jsonrpc: '2.0', id, method: METHODS.elicit, params: question }
}

function resultOf({ id }: CallRequest, requestState: string, question: object): object {
  const asked = { method: METHODS.elicit, params: { mode: 'form', ...question } }
  const result = { resultType: 'input_required', inputRequests: { [INPUT]: asked }, requestState }
  return { jsonrpc: '2.0', id, result }
}

function cancellationOf(requestId: string, why: 'expired' | 'overtaken'): string {
  const reason = why === 'expired' ? 'nobody answered in time' : 'somebody else has answered'
  const params = { requestId, reason }
  return JSON.stringify({ jsonrpc: '2.0', method: METHODS.cancelled, params })
}

function textOf({ tool, arguments: given }: CallRequest, { reasons }: CallVerdict): string {
  const why =
    reasons.length === 0 ? '' : `\nWhy it asks: ${shown(reasons.join('; '), MOST_REASON_CHARACTERS)}`
  const what = shown(JSON.stringify(given), MOST_ARGUMENT_CHARACTERS)
  return `The agent wants to call ${shown(tool, 200)}\nwith ${what}${why}`
}
