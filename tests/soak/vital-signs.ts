import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How one process is doing. Bytes and milliseconds. */
export interface VitalSigns {
  readonly rssBytes: number
  /** After a full garbage collection. */
  readonly heapBytes: number
  readonly externalBytes: number
  readonly arrayBufferBytes: number
  readonly handles: number
  /** The same by kind. */
  readonly handlesByKind: Readonly<Record<string, number>>
  readonly loopDelayP50Ms: number
  readonly loopDelayP99Ms: number
  readonly loopDelayMaxMs: number
  /** Of all cores, since the last look: 1 is one core. */
  readonly cpu: number
}

/** Node starts with --expose-gc. */
const collectGarbage = (globalThis as { gc?: () => void }).gc

/** Looks at its own process; what a look itself costs (a collection of the whole heap) is not counted as delay. */
export class Vitals {
  readonly #delay = monitorEventLoopDelay({ resolution: 5 })
  #cpu = process.cpuUsage()
  #atMs = performance.now()

  constructor() {
    this.#delay.enable()
  }

  look(): VitalSigns {
    const { handles, handlesByKind } = countHandles()
    const delay = {
      loopDelayP50Ms: milliseconds(this.#delay.percentile(50)),
      loopDelayP99Ms: milliseconds(this.#delay.percentile(99)),
      loopDelayMaxMs: milliseconds(this.#delay.max),
    }
    this.#delay.disable()
    const { user, system } = process.cpuUsage(this.#cpu)
    const cpu = (user + system) / 1000 / Math.max(1, performance.now() - this.#atMs)
    collectGarbage?.()
    const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
    this.#cpu = process.cpuUsage()
    this.#atMs = performance.now()
    this.#delay.reset()
    this.#delay.enable()
    return {
      rssBytes: rss,
      heapBytes: heapUsed,
      externalBytes: external,
      arrayBufferBytes: arrayBuffers,
      handles,
      handlesByKind,
      ...delay,
      cpu: Math.round(cpu * 100) / 100,
    }
  }

  stop(): void {
    this.#delay.disable()
  }
}

/** What keeps the event loop alive. */
export function countHandles(): Pick<VitalSigns, 'handles' | 'handlesByKind'> {
  const handlesByKind: Record<string, number> = {}
  const all = process.getActiveResourcesInfo()
  for (const kind of all) handlesByKind[kind] = (handlesByKind[kind] ?? 0) + 1
  return { handles: all.length, handlesByKind }
}

function milliseconds(nanoseconds: number): number {
  return Number.isNaN(nanoseconds) ? 0 : Math.round(nanoseconds / 10_000) / 100
}
