const WARM_UP_MS = 2_000
const WINDOW_MS = 5_000

/** Requests a second, and what one took in milliseconds. */
export interface Measured {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

/** Calls again and again, so many at once, for some seconds after a warm-up. */
export async function measure(call: () => Promise<unknown>, atOnce: number): Promise<Measured> {
  await during(WARM_UP_MS, call, atOnce)
  return during(WINDOW_MS, call, atOnce)
}

async function during(windowMs: number, call: () => Promise<unknown>, atOnce: number): Promise<Measured> {
  const tookMs: number[] = []
  const from = performance.now()
  const loop = async (): Promise<void> => {
    while (performance.now() < from + windowMs) {
      const calledAt = performance.now()
      await call()
      tookMs.push(performance.now() - calledAt)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, loop))
  tookMs.sort((a, b) => a - b)
  const at = (share: number): number => tookMs[Math.floor(tookMs.length * share)] ?? Number.NaN
  return { perSecond: tookMs.length / ((performance.now() - from) / 1000), p50: at(0.5), p99: at(0.99) }
}
