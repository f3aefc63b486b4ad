import type { MemoryLayer } from '@jamey/contracts'

/** Seconds for which each layer keeps a memory, counted from storing it; null keeps it for good. */
export type LayerLifetimes = Readonly<Record<MemoryLayer, number | null>>

/** Number of memories of a layer that one owner keeps when they are consolidated; any number where it is not given. */
export type LayerBudgets = Readonly<Partial<Record<MemoryLayer, number>>>

const HOUR = 3600
const DAY = 24 * HOUR

export const DEFAULT_LIFETIMES: LayerLifetimes = {
  working: HOUR,
  short_term: DAY,
  episodic: 90 * DAY,
  semantic: null,
  long_term: null,
}
