import type { MemoryLayer } from '@jamey/contracts'

/** In the order of the contract; the type holds every one of them to be listed. */
const LAYERS: Readonly<Record<MemoryLayer, true>> = {
  working: true,
  short_term: true,
  episodic: true,
  semantic: true,
  long_term: true,
}

export const LAYER_NAMES = Object.keys(LAYERS)
