import type { Capabilities } from './broker-under-test.js'
import type { SystemUnderTest } from './system.js'

/** What a scene saw, for the table, and what of it may not be. */
export interface Seen {
  readonly text: string
  /** Empty where all is as it has to be. */
  readonly faults: readonly string[]
}

/** How much of everything. */
export interface Extent {
  readonly loadSeconds: number
  readonly ratePerSecond: number
  /** Of the load around an end of the broker. */
  readonly outageSeconds: number
  /** After how long the broker is ended. */
  readonly outageAfterSeconds: number
}

export interface Scene {
  readonly key: string
  /** The head of its column. */
  readonly title: string
  /** Why it cannot be played there; undefined where it can. */
  readonly without?: (broker: {
    readonly capabilities: Capabilities
    readonly restart: unknown
    readonly kill9: unknown
  }) => string | undefined
  /** Throws where it could not be played to its end, which is a fault. */
  readonly play: (system: SystemUnderTest, extent: Extent) => Promise<Seen>
}

/** `expected` is what the broker is known to do. */
export function faultUnless(holds: boolean, fault: string): readonly string[] {
  return holds ? [] : [fault]
}

/** Rejects after `timeoutMs` with what was waited for. */
export async function within<T>(timeoutMs: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing in ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const LOOK_MS = 20

/** Resolves with whether `condition` came true in time. */
export async function comesTrue(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const endsAtMs = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > endsAtMs) return false
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  return true
}
