import type { DataInput, RequestContract, ResponseData } from '@jamey/contracts'
import { MemoryAccessError } from '../model/errors.js'
import { isRetryable, messageOf } from '../model/failure.js'
import { ANSWER_TIMEOUT_MS } from '../model/limits.js'
import { type AgentMemory, memoryOver } from './agent-memory.js'

/** The part of a bus that is needed; one of `@jamey/bus` has it. */
export interface MemoryBus {
  request<C extends RequestContract>(
    contract: C,
    data: DataInput<C>,
    options: { readonly timeoutMs: number },
  ): Promise<ResponseData<C>>
}

export interface BusMemoryOptions {
  /** Milliseconds for one answer, 10 000 by default. */
  readonly timeoutMs?: number | undefined
}

/**
 * The memory on the bus, whose memories are those of the bus's client. Every failure rejects with `MemoryAccessError`,
 * whose `cause` is the bus's own.
 */
export function busMemory(
  bus: MemoryBus,
  { timeoutMs = ANSWER_TIMEOUT_MS }: BusMemoryOptions = {},
): AgentMemory {
  return memoryOver(async (contract, data) => {
    try {
      return await bus.request(contract, data, { timeoutMs })
    } catch (error) {
      throw memoryErrorOf(contract, error)
    }
  })
}

function memoryErrorOf({ action }: RequestContract, error: unknown): MemoryAccessError {
  const isRefused = error instanceof Error && error.name === 'RemoteError' && 'kind' in error
  const options = { cause: error, retryable: isRetryable(error) }
  const message = `The memory could not ${action}: ${messageOf(error)}`
  if (!isRefused) return new MemoryAccessError('memory-unreachable', message, options)
  return new MemoryAccessError('memory-refused', message, { ...options, reason: String(error.kind) })
}
