import type { DataInput, RequestContract, ResponseData } from '@jamey/contracts'
import { MemoryAccessError } from '../model/errors.js'
import { type AgentMemory, memoryOver } from './agent-memory.js'

/** What is needed of a bus; one of `@jamey/bus` has it. */
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

const TIMEOUT_MS = 10_000

/**
 * The memory on the bus, whose memories are those of the bus's client. Every failure rejects with `MemoryAccessError`,
 * whose `cause` is the bus's own.
 */
export function busMemory(bus: MemoryBus, { timeoutMs = TIMEOUT_MS }: BusMemoryOptions = {}): AgentMemory {
  return memoryOver(async (contract, data) => {
    try {
      return await bus.request(contract, data, { timeoutMs })
    } catch (error) {
      throw memoryErrorOf(contract, error)
    }
  })
}

function memoryErrorOf({ action }: RequestContract, error: unknown): MemoryAccessError {
  const why = error instanceof Error ? error.message : String(error)
  const isRefused = error instanceof Error && error.name === 'RemoteError' && 'kind' in error
  const retryable = error instanceof Error && 'retryable' in error && error.retryable === true
  const message = `The memory could not ${action}: ${why}`
  if (!isRefused) return new MemoryAccessError('memory-unreachable', message, { cause: error, retryable })
  return new MemoryAccessError('memory-refused', message, {
    cause: error,
    retryable,
    reason: String(error.kind),
  })
}
