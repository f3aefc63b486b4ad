import type { FakeClock } from '@jamey/testing'
import type { LayerBudgets } from '../model/memory-layers.js'
import type { MemoryLimits } from '../model/memory-record.js'
import type { MemoryStorage } from '../model/memory-storage.js'

/** What a test may ask of the storage it opens. */
export interface ContractOptions {
  readonly announcer?: string | undefined
  readonly limits?: Partial<MemoryLimits> | undefined
  readonly ownerBytes?: number | undefined
  readonly budgets?: LayerBudgets | undefined
}

/** A storage with nothing in it, whose clock stands still on 2026-05-01 at noon; closed at the end of the test. */
export interface OpenedStorage {
  readonly store: MemoryStorage
  readonly clock: FakeClock
  /** Another one, at the same time, on the same memories. */
  readonly openBeside: (options?: ContractOptions) => Promise<MemoryStorage>
}

export type OpenStorage = (options?: ContractOptions) => Promise<OpenedStorage>
