import { type DataInput, type RequestContract, topics } from '@jamey/contracts'
import { baseOf, type GatewayOptions, timeoutOf, tokenOf } from '../http/gateway-options.js'
import { invalidAnswer, type JsonFailure, type JsonRequest, jsonRequest } from '../http/json-request.js'
import { MemoryAccessError } from '../model/errors.js'
import { type AgentMemory, memoryOver } from './agent-memory.js'

export type HttpMemoryOptions = GatewayOptions

interface Exchange {
  readonly method: JsonRequest['method']
  readonly path: string
  readonly body?: unknown
}

const { store, storeBatch, get, query, update, forget } = topics.memory

/** Where the gateway has each operation. */
const EXCHANGES: ReadonlyMap<RequestContract, (data: never) => Exchange> = new Map<
  RequestContract,
  (data: never) => Exchange
>([
  [store, (body) => ({ method: 'POST', path: 'v1/memories', body })],
  [storeBatch, (body) => ({ method: 'POST', path: 'v1/memories/batch', body })],
  [query, (body) => ({ method: 'POST', path: 'v1/memories/query', body })],
  [forget, (body) => ({ method: 'POST', path: 'v1/memories/forget', body })],
  [get, ({ id }: DataInput<typeof get>) => ({ method: 'GET', path: pathOf(id) })],
  [update, ({ id, ...body }: DataInput<typeof update>) => ({ method: 'PATCH', path: pathOf(id), body })],
])

/**
 * The memory behind the gateway's HTTP API, whose memories are those of whom the token names. Every failure rejects with
 * `MemoryAccessError`.
 */
export function httpMemory(options: HttpMemoryOptions): AgentMemory {
  const base = baseOf(options)
  const timeoutMs = timeoutOf(options)
  return memoryOver(async (contract, data) => {
    const exchange = EXCHANGES.get(contract)?.(data as never)
    if (exchange === undefined) throw new TypeError(`The gateway has no ${contract.action} here.`)
    const { path, ...rest } = exchange
    const url = new URL(path, base)
    const request = { ...rest, url, token: await memoryToken(options), timeoutMs, signal: undefined, failure }
    const parsed = contract.responseSchema.safeParse(await answerOf(contract, request))
    if (parsed.success) return parsed.data as never
    const [issue] = parsed.error.issues
    const why = `its answer's ${issue?.path.join('.')} is not valid: ${issue?.message}`
    throw invalidAnswer(request, why, parsed.error)
  })
}

/** A memory that is not there is 404 over HTTP, and null on the wire. */
async function answerOf(contract: RequestContract, request: JsonRequest): Promise<unknown> {
  try {
    return await jsonRequest(request)
  } catch (error) {
    // The 404 of whatever else may stand at a wrong address says nothing about memories.
    const isNone = error instanceof MemoryAccessError && error.status === 404 && error.reason === 'not-found'
    if (contract === get && isNone) return { memory: null }
    throw error
  }
}

function pathOf(id: string): string {
  return `v1/memories/${encodeURIComponent(id)}`
}

async function memoryToken(options: HttpMemoryOptions): Promise<string | undefined> {
  try {
    return await tokenOf(options)
  } catch (cause) {
    throw new MemoryAccessError('memory-unreachable', 'There is no token to ask with', {
      cause,
      retryable: true,
    })
  }
}

function failure({ kind, message, code, ...options }: JsonFailure): MemoryAccessError {
  return new MemoryAccessError(`memory-${kind}`, message, { ...options, reason: code })
}
