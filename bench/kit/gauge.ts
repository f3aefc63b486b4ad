import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { createHistogram, PerformanceObserver, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import { processorSeconds } from './processor.js'

export interface GaugePlan {
  /** The messages are measured when so much time has passed, and so many of them have, or the longest time is over. */
  readonly warmUp: { readonly leastMs: number; readonly messages: number; readonly longestMs: number }
  readonly windowMs: number
  readonly allocationMs: number
  /** Other processes whose share of a core is told, too: the server first. */
  readonly watched: readonly number[]
  /** Where to write the CPU profile of the window; none by default. */
  readonly profilePath?: string | undefined
}

export interface Latency {
  readonly samples: number
  /** Milliseconds; undefined where there are too few samples to tell. */
  readonly p50: number | undefined
  readonly p99: number | undefined
  readonly p999: number | undefined
}

/** What one client did in one window. */
export interface Figures {
  readonly seconds: number
  readonly messages: number
  readonly perSecond: number
  /** User and system time of the whole process, its helper threads included, in microseconds per message. */
  readonly cpuMicros: number
  /** Bytes allocated per message: on the JavaScript heap, and as buffers outside of it. */
  readonly heapBytes: number | undefined
  readonly bufferBytes: number | undefined
  readonly latency: Latency
  /** Of one core: what this process used, and what those watched used (undefined where the system does not tell). */
  readonly clientShare: number
  readonly watchedShares: readonly (number | undefined)[]
  readonly peakRssBytes: number
}

/** Looking at the clock twice per message would be a good part of a fast client's work. */
const SAMPLES_PER_SECOND = 5000
const LOOKS_PER_SECOND = 1000
/** Fewer tell nothing of allocation: what else the process does would be most of it. */
const LEAST_MESSAGES = 100

/** Counts messages, and measures a stretch of them. */
export class Gauge {
  count = 0
  /** One message of so many is to be timed; none while Infinity. */
  timedShare = Number.POSITIVE_INFINITY
  #histogram: RecordableHistogram = createHistogram()
  #nextLook = Number.POSITIVE_INFINITY
  readonly #allocation = new Allocation()

  /** One message is done. */
  tick(): void {
    if (++this.count >= this.#nextLook) this.#nextLook = this.#allocation.look(this.count)
  }

  /** What one of the timed messages took. */
  time(milliseconds: number): void {
    this.#histogram.record(Math.max(1, Math.round(milliseconds * 1e6)))
  }

  /** Warms up, then measures; the messages go on before, meanwhile and afterwards. */
  async measure(plan: GaugePlan): Promise<Figures> {
    const rate = await this.#warmUp(plan.warmUp)
    const stopProfiling = plan.profilePath === undefined ? undefined : await profile(plan.profilePath)
    this.#histogram = createHistogram()
    this.timedShare = Math.max(1, Math.round(rate / SAMPLES_PER_SECOND))
    const window = openWindow(this, plan.watched)
    await sleep(plan.windowMs)
    const measured = window()
    const latency = latencyOf(this.#histogram)
    this.timedShare = Number.POSITIVE_INFINITY
    await stopProfiling?.()
    if (plan.allocationMs > 0) {
      this.#nextLook = this.#allocation.begin(this.count, Math.max(1, Math.round(rate / LOOKS_PER_SECOND)))
      await sleep(plan.allocationMs)
      this.#nextLook = Number.POSITIVE_INFINITY
      this.#allocation.end()
    }
    const peakRssBytes = process.resourceUsage().maxRSS * 1024
    return { ...measured, latency, ...this.#allocation.perMessage, peakRssBytes }
  }

  /** Returns messages a second, as far as they can be told by then. */
  async #warmUp({ leastMs, messages, longestMs }: GaugePlan['warmUp']): Promise<number> {
    const startedAt = performance.now()
    await sleep(leastMs)
    while (this.count < messages && performance.now() - startedAt < longestMs) await sleep(20)
    return (this.count / (performance.now() - startedAt)) * 1000
  }
}

type Measured = Omit<Figures, 'latency' | 'heapBytes' | 'bufferBytes' | 'peakRssBytes'>

function openWindow(gauge: Gauge, watched: readonly number[]): () => Measured {
  const usedBefore = watched.map(processorSeconds)
  const countBefore = gauge.count
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  return () => {
    const seconds = (performance.now() - startedAt) / 1000
    const { user, system } = process.cpuUsage(cpuBefore)
    const messages = gauge.count - countBefore
    const watchedShares = watched.map((pid, i) => {
      const [before, after] = [usedBefore[i], processorSeconds(pid)]
      return before === undefined || after === undefined ? undefined : (after - before) / seconds
    })
    return {
      seconds,
      messages,
      perSecond: messages / seconds,
      cpuMicros: (user + system) / messages,
      clientShare: (user + system) / 1e6 / seconds,
      watchedShares,
    }
  }
}

/** A percentile needs samples beyond it, or it is but the slowest one. */
function latencyOf(histogram: RecordableHistogram): Latency {
  const samples = histogram.count
  const at = (percentile: number, needed: number): number | undefined =>
    samples < needed ? undefined : histogram.percentile(percentile) / 1e6
  return { samples, p50: at(50, 5), p99: at(99, 200), p999: at(99.9, 2000) }
}

interface Stretch {
  readonly fromMs: number
  readonly toMs: number
  readonly messages: number
  readonly heapBytes: number
  readonly bufferBytes: number
}

/**
 * Bytes allocated per message. Between two garbage collections nothing leaves the heap, so its growth is what was
 * allocated: we look about once a millisecond, add up the growth, and leave out every stretch with a collection in
 * it, together with its messages.
 */
class Allocation {
  readonly #collections: { fromMs: number; toMs: number }[] = []
  readonly #observer = new PerformanceObserver((list) => this.#note(list.getEntries()))
  readonly #stretches: Stretch[] = []
  #step = 1
  #count = 0
  #atMs = 0
  #heap = 0
  #buffers = 0
  /** What a look itself allocates. */
  #lookBytes = 0

  /** Returns the count at which to look. */
  begin(count: number, step: number): number {
    this.#step = step
    this.#observer.observe({ entryTypes: ['gc'] })
    this.#lookBytes = Math.min(...Array.from({ length: 20 }, growthOfLooking))
    this.#remember(count)
    return count + step
  }

  /** Returns the count at which to look again. */
  look(count: number): number {
    const [fromMs, countBefore, heapBefore, buffersBefore] = [
      this.#atMs,
      this.#count,
      this.#heap,
      this.#buffers,
    ]
    this.#remember(count)
    this.#stretches.push({
      fromMs,
      toMs: this.#atMs,
      messages: count - countBefore,
      heapBytes: this.#heap - heapBefore - this.#lookBytes,
      bufferBytes: this.#buffers - buffersBefore,
    })
    return count + this.#step
  }

  end(): void {
    this.#note(this.#observer.takeRecords())
    this.#observer.disconnect()
  }

  get perMessage(): { heapBytes: number | undefined; bufferBytes: number | undefined } {
    // Buffers are freed a little after the collection that found them unused, which shows as shrinking alone.
    const clean = this.#stretches.filter((stretch) => stretch.bufferBytes >= 0 && !this.#isCollected(stretch))
    const sum = (value: (stretch: Stretch) => number): number =>
      clean.reduce((all, one) => all + value(one), 0)
    const messages = sum((stretch) => stretch.messages)
    if (messages < LEAST_MESSAGES) return { heapBytes: undefined, bufferBytes: undefined }
    return {
      heapBytes: Math.max(0, sum((stretch) => stretch.heapBytes) / messages),
      bufferBytes: sum((stretch) => stretch.bufferBytes) / messages,
    }
  }

  #isCollected({ fromMs, toMs, heapBytes }: Stretch): boolean {
    const isShrunk = heapBytes < -this.#lookBytes
    return isShrunk || this.#collections.some((one) => one.fromMs <= toMs && one.toMs >= fromMs)
  }

  #note(entries: readonly { startTime: number; duration: number }[]): void {
    for (const { startTime, duration } of entries) {
      this.#collections.push({ fromMs: startTime, toMs: startTime + duration })
    }
  }

  #remember(count: number): void {
    const { used_heap_size, external_memory } = getHeapStatistics()
    this.#count = count
    this.#heap = used_heap_size
    this.#buffers = external_memory
    this.#atMs = performance.now()
  }
}

function growthOfLooking(): number {
  const before = getHeapStatistics().used_heap_size
  return Math.max(0, getHeapStatistics().used_heap_size - before)
}

async function profile(path: string): Promise<() => Promise<void>> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 200 })
  await session.post('Profiler.start')
  return async () => {
    const { profile: found } = await session.post('Profiler.stop')
    session.disconnect()
    writeFileSync(path, JSON.stringify(found))
  }
}
