import {
  type DataInput,
  type MemoryBatchStored,
  type MemoryForgotten,
  type MemoryGot,
  type MemoryQueryInput,
  type MemoryRecalled,
  type MemoryStored,
  type MemoryStoreInput,
  type MemoryUpdated,
  type MemoryUpdateInput,
  type RequestContract,
  type ResponseData,
  topics,
} from '@jamey/contracts'

const { store, storeBatch, get, query, update, forget } = topics.memory

export type MemoryToForget = DataInput<typeof forget>
export type RecalledMemory = MemoryRecalled['memories'][number]

/** A memory, over whichever way it is reached. Every failure rejects with `MemoryAccessError`. */
export interface AgentMemory {
  store(memory: MemoryStoreInput): Promise<MemoryStored>
  /** All in one commit and in this order; each result stands for itself. */
  storeBatch(memories: readonly MemoryStoreInput[]): Promise<MemoryBatchStored>
  get(id: string): Promise<MemoryGot>
  query(query: MemoryQueryInput): Promise<MemoryRecalled>
  update(change: MemoryUpdateInput): Promise<MemoryUpdated>
  forget(which: MemoryToForget): Promise<MemoryForgotten>
}

/** Asks a memory one thing; rejects with `MemoryAccessError`. */
export type AskMemory = <C extends RequestContract>(
  contract: C,
  data: DataInput<C>,
) => Promise<ResponseData<C>>

export function memoryOver(ask: AskMemory): AgentMemory {
  return {
    store: (memory) => ask(store, memory),
    storeBatch: (memories) => ask(storeBatch, { memories: [...memories] }),
    get: (id) => ask(get, { id }),
    query: (asked) => ask(query, asked),
    update: (change) => ask(update, change),
    forget: (which) => ask(forget, which),
  }
}
