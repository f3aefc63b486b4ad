import { type Bus, type OnBehalfOf, RemoteError, type RequestOptions } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import type { FastifyRequest } from 'fastify'
import { idempotencyKeyOf, timeoutOf, traceparentOf } from '../callers/call-headers.js'
import { type Caller, passedOn } from '../callers/caller.js'
import { parseInput } from '../problems/invalid-input.js'
import { Problem } from '../problems/problem.js'
import type { Endpoint } from './endpoint.js'
import { asRemote, type LocalAnswers } from './local-answers.js'
import type { ServiceHealth } from './service-health.js'

/** A checked call, ready to be sent. */
export interface PreparedCall {
  readonly endpoint: Endpoint
  readonly input: Record<string, unknown>
  readonly timeoutMs: number
  /** What names the call on the bus: see `identityOf`. */
  readonly identity: Pick<RequestOptions, 'correlationId' | 'messageId'>
  readonly traceparent: string | undefined
  readonly onBehalfOf: OnBehalfOf
}

export interface Answer {
  readonly status: number
  readonly output: Readonly<Record<string, unknown>>
}

/** Turns HTTP requests into requests on `jamey/api/requests`, each on behalf of its caller. */
export class Forwarder {
  readonly #bus: Pick<Bus, 'request'>
  readonly #services: ServiceHealth
  readonly #local: LocalAnswers | undefined

  constructor(bus: Pick<Bus, 'request'>, services: ServiceHealth, local?: LocalAnswers) {
    this.#bus = bus
    this.#services = services
    this.#local = local
  }

  /** Reads and checks a request of `caller`; throws a `Problem` 400 that names the field. */
  prepare(
    endpoint: Endpoint,
    request: FastifyRequest,
    caller: Caller,
    given: unknown = endpoint.input(request),
  ): PreparedCall {
    const { headers } = request
    return {
      endpoint,
      input: parseInput(endpoint.contract.schema, given, endpoint.fieldNames) as Record<string, unknown>,
      timeoutMs: timeoutOf(headers),
      identity: identityOf(endpoint, request, caller),
      traceparent: traceparentOf(headers),
      onBehalfOf: passedOn(caller),
    }
  }

  /**
   * The answer of this process itself; undefined where it has none, and the call is to be sent. It needs no broker that
   * takes messages, so that one is asked how it is also where it takes none.
   */
  answerHere({ endpoint, input, onBehalfOf }: PreparedCall): Promise<Answer> | undefined {
    return this.#local?.(endpoint.operation, input, onBehalfOf.clientId)?.then(
      (output) => ({ status: endpoint.statusOf(output), output }),
      (error: unknown) => {
        throw asRemote(error)
      },
    )
  }

  /** Sends a call and waits for its answer; rejects with the bus's errors, or with the signal's reason. */
  async call(call: PreparedCall, signal: AbortSignal): Promise<Answer> {
    const { endpoint, input, timeoutMs, identity, traceparent, onBehalfOf } = call
    try {
      const { output } = await this.#bus.request(
        topics.api.requests,
        { operation: endpoint.operation, input },
        {
          timeoutMs,
          signal,
          // Of two routers each would have forgotten under an identity of its own; the others are as good twice.
          isRepeatable: !endpoint.operation.endsWith('forget'),
          onBehalfOf,
          ...identity,
          ...(traceparent === undefined ? {} : { traceparent }),
        },
      )
      this.#services.noteOutcome(endpoint.operation, undefined)
      return { status: endpoint.statusOf(output), output }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      this.#services.noteOutcome(endpoint.operation, error)
      throw unservedProblem(endpoint, error) ?? keyProblem(error) ?? error
    }
  }
}

/** What stands against an identifier that followed from a key is told of the key: its caller never saw the other. */
function keyProblem(error: unknown): Problem | undefined {
  if (!(error instanceof RemoteError && error.message.startsWith('message_id: '))) return undefined
  const why = SAID_OF_KEYS[error.kind]
  return why === undefined ? undefined : new Problem('conflict', why, { code: error.kind, cause: error })
}

const SAID_OF_KEYS: Readonly<Record<string, string>> = {
  'memory-conflict':
    'Idempotency-Key: something else was stored under this key; send this with a key of its own.',
  'memory-gone':
    'Idempotency-Key: what was stored under this key has expired or was forgotten since; send it with another key to store it again.',
}

/** The endpoint's own word for why there is no answer. */
function unservedProblem({ unserved }: Endpoint, error: unknown): Problem | undefined {
  if (unserved === undefined || !(error instanceof RemoteError)) return undefined
  if (error.kind === 'no-responder') return new Problem('no-responder', unserved, { cause: error })
  // Some servers do not say that nobody serves.
  if (error.kind === 'request-timed-out') {
    return new Problem('deadline-exceeded', `There was no answer in time. ${unserved}`, { cause: error })
  }
  return undefined
}

/**
 * The request identifier of HTTP runs through the chain as correlation id. Where the message id is to run through it
 * as well, because repeating it must have no second effect, the bus makes the correlation id: the router's own
 * request waits in the same inbox as ours, and one of the two has to tell them apart.
 */
function identityOf(
  { takesIdempotencyKey }: Endpoint,
  request: FastifyRequest,
  { name, hasToken }: Caller,
): PreparedCall['identity'] {
  if (!takesIdempotencyKey) return { correlationId: request.id }
  const whose = hasToken ? `token ${name}` : 'local'
  return { messageId: idempotencyKeyOf(request.headers, whose) ?? request.id }
}
