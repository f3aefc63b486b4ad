export { type MemoryToolOptions, memoryToolHandlers } from './memory-tool.js'
