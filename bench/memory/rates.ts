const WARM_UP_MS = 2_000
const WINDOW_MS = 5_000

/** Requests a second, and what one took in milliseconds. */
export interface Measured {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

/** Processor time for each call, in microseconds: of the whole system, and of this process, which asks. */
export interface Costs {
  readonly systemMicros: number
  readonly clientMicros: number
}

/** Says how much processor time a system has used so far. */
export interface Used {
  cpuMicros(): number
}

/** Calls again and again, so many at once, for some seconds after a warm-up. */
export async function measure(
  call: () => Promise<unknown>,
  atOnce: number,
  system: Used,
): Promise<Measured & Costs> {
  await during(WARM_UP_MS, call, atOnce)
  const [before, own] = [system.cpuMicros(), process.cpuUsage()]
  const { tookMs, perSecond } = await during(WINDOW_MS, call, atOnce)
  const { user, system: kernel } = process.cpuUsage(own)
  const systemMicros = (system.cpuMicros() - before) / tookMs.length
  const clientMicros = (user + kernel) / tookMs.length
  return { perSecond, ...timesOf(tookMs), systemMicros, clientMicros }
}

/** The median and the 99th of a hundred; sorts what it is given. */
export function timesOf(tookMs: number[]): Pick<Measured, 'p50' | 'p99'> {
  tookMs.sort((a, b) => a - b)
  const at = (share: number): number => tookMs[Math.floor(tookMs.length * share)] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99) }
}

async function during(windowMs: number, call: () => Promise<unknown>, atOnce: number) {
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
  return { tookMs, perSecond: tookMs.length / ((performance.now() - from) / 1000) }
}
