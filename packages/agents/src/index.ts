export { ClearedCall, clearCall, type GuardOptions, reportResult } from './guard/cleared-call.js'
export { type GuardCallOptions, guardCall } from './guard/guard-call.js'
export { MAXIMUM_JSON_BYTES, MAXIMUM_JSON_DEPTH } from './guard/plain-json.js'
export { type BusJudgeOptions, busJudge, type JudgeBus } from './judges/bus-judge.js'
export { type HttpJudgeOptions, httpJudge } from './judges/http-judge.js'
export type { KeepingOptions } from './memory/addressed.js'
export {
  type AgentMemory,
  type AskMemory,
  type MemoryToForget,
  memoryOver,
  type RecalledMemory,
} from './memory/agent-memory.js'
export { type BusMemoryOptions, busMemory, type MemoryBus } from './memory/bus-memory.js'
export { type HttpMemoryOptions, httpMemory } from './memory/http-memory.js'
export { MEMORIES_ARE_DATA, type ShownMemory, shownMemory } from './memory/shown-memory.js'
export * from './model/call-judge.js'
export * from './model/errors.js'
