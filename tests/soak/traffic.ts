import type { Publisher } from './publisher.js'

/** How often the steady rate is looked after. */
const TICK_MS = 10
/** What was missed for longer than this is not made up for. */
const MAXIMUM_BURST_SECONDS = 0.2

interface Lane {
  readonly publisher: Publisher
  /** Its share of the mix. */
  readonly weight: number
  /** Where a publisher must not run further ahead of its receivers; for the calibration. */
  readonly outstanding: () => number
}

/** Publishes in a fixed mix: at a steady rate, or as fast as everything arrives. */
export class Traffic {
  readonly #lanes: readonly Lane[]
  /** The publishers in the order of the mix, spread evenly. */
  readonly #order: readonly Lane[]
  #at = 0
  #timer: NodeJS.Timeout | undefined

  constructor(lanes: readonly Lane[]) {
    this.#lanes = lanes
    this.#order = interleaved(lanes)
  }

  /** `perSecond` messages in all. */
  start(perSecond: number): void {
    let last = performance.now()
    let credit = 0
    this.#timer = setInterval(() => {
      const now = performance.now()
      credit = Math.min(perSecond * MAXIMUM_BURST_SECONDS, credit + ((now - last) / 1000) * perSecond)
      last = now
      for (; credit >= 1; credit--) this.#next().publisher.publish()
    }, TICK_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Messages a second that arrive when publishers go as fast as they may, in the mix. */
  async calibrate(milliseconds: number, mostAhead: number): Promise<number> {
    const endsAtMs = performance.now() + milliseconds
    // The first third warms up.
    const countsFromMs = performance.now() + milliseconds / 3
    let published = 0
    while (performance.now() < endsAtMs) {
      const isCounted = performance.now() > countsFromMs
      for (let n = 0; n < 256; n++) {
        const lane = this.#order[this.#at] as Lane
        if (lane.outstanding() > mostAhead || !lane.publisher.publish()) break
        this.#next()
        if (isCounted) published++
      }
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    for (const { publisher } of this.#lanes) publisher.counts.heldBack = 0
    return Math.round((published * 1000) / (endsAtMs - countsFromMs))
  }

  #next(): Lane {
    const lane = this.#order[this.#at] as Lane
    this.#at = (this.#at + 1) % this.#order.length
    return lane
  }
}

function interleaved(lanes: readonly Lane[]): Lane[] {
  const places = lanes.flatMap((lane) =>
    Array.from({ length: lane.weight }, (_, i) => ({ lane, place: (i + 0.5) / lane.weight })),
  )
  return places.sort((a, b) => a.place - b.place).map(({ lane }) => lane)
}
