export type { ArchivedMemory } from '@jamey/contracts'
export { checkMemoryFile, type MemoryFileCheck } from './file/check-memory-file.js'
export { MemoryArchive } from './file/memory-archive.js'
export { isDatabaseFile, type MemoryCopyOptions, MemorySnapshot } from './file/memory-snapshot.js'
export { OwnerLock } from './file/owner-lock.js'
export { MEMORY_FILE_VERSION } from './file/schema.js'
export type { Announcement, MemoryChange } from './model/announcement.js'
export {
  type MemoryConflictCode,
  MemoryConflictError,
  MemoryInputError,
  type MemoryRefusedCode,
  MemoryRefusedError,
  StorageError,
  type StorageErrorCode,
} from './model/errors.js'
export { DEFAULT_LIFETIMES, type LayerLifetimes } from './model/memory-layers.js'
export { contentHash, MEMORY_LIMITS, type MemoryLimits, type Origin } from './model/memory-record.js'
export type {
  MemoryBatchItem,
  MemoryCallOptions,
  MemoryStorage,
  MemoryStoreStats,
  Reach,
} from './model/memory-storage.js'
export { type DatabaseAddress, readDatabaseUrl, shownAddress } from './postgres/database-address.js'
export {
  type DatabaseSettings,
  PostgresMemory,
  type PostgresMemoryOptions,
} from './postgres/postgres-memory.js'
export { RECENCY_HALF_LIFE_MS, SCORE_WEIGHTS, score } from './search/score.js'
export { RANKING, type RankingSettings } from './search/settings.js'
export { type MemoryEnvironment, memoryOptionsFromEnvironment } from './service/memory-environment.js'
export {
  createMemory,
  type MemoryBus,
  type MemoryOptions,
  type MemoryService,
} from './service/memory-service.js'
export { type RunMemoryOptions, type RunningMemory, runMemory } from './service/run-memory.js'
export { MemoryStore, type MemoryStoreOptions } from './store/memory-store.js'
export type { Restored } from './store/record-writer.js'
export { type Reindexed, reindexMemoryFile } from './store/reindex.js'
export { openThreadedMemory } from './thread/threaded-memory.js'
