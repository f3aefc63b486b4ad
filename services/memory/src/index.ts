export type { Announcement, MemoryChange } from './announcement.js'
export { checkMemoryFile, type MemoryFileCheck } from './check-memory-file.js'
export {
  type MemoryConflictCode,
  MemoryConflictError,
  MemoryInputError,
  StorageError,
  type StorageErrorCode,
} from './error.js'
export { MemoryArchive } from './memory-archive.js'
export { type MemoryEnvironment, memoryOptionsFromEnvironment } from './memory-environment.js'
export { DEFAULT_LIFETIMES, type LayerLifetimes } from './memory-layers.js'
export { type ArchivedMemory, MEMORY_LIMITS, type MemoryLimits, type Origin } from './memory-record.js'
export { createMemory, type MemoryBus, type MemoryOptions, type MemoryService } from './memory-service.js'
export type { MemoryCallOptions, MemoryStorage, MemoryStoreStats } from './memory-storage.js'
export { MemoryStore, type MemoryStoreOptions, type Restored } from './memory-store.js'
export { type RunMemoryOptions, type RunningMemory, runMemory } from './run-memory.js'
export { RECENCY_HALF_LIFE_MS, SCORE_WEIGHTS, score } from './score.js'
export { openThreadedMemory } from './threaded-memory.js'
