/** What became of the requests of a load. */
export interface Tally {
  sent: number
  answered: number
  /** Failed with an error that says it may be tried again. */
  failedRetryable: number
  /** Whatever else they came to. */
  readonly faults: unknown[]
  /** Milliseconds, of those answered, in the order of their answers. */
  readonly tookMs: number[]
  /** Longest until a request settled, milliseconds. */
  slowestMs: number
  /** From the first to the last that was sent, milliseconds. */
  ranMs: number
}

export interface RequestLoad {
  readonly tally: Tally
  /** Sends no more; resolves once each has settled. */
  stop(): Promise<Tally>
}

/** More than this many wait only where the machine is too slow for the rate: then it is less. */
const MAXIMUM_WAITING = 100

/** Makes `perSecond` requests in a second, or what the machine bears, while others wait. */
export function startLoad(perSecond: number, request: (number: number) => Promise<unknown>): RequestLoad {
  const tally: Tally = {
    sent: 0,
    answered: 0,
    failedRetryable: 0,
    faults: [],
    tookMs: [],
    slowestMs: 0,
    ranMs: 0,
  }
  const waiting = new Set<Promise<void>>()
  const one = async (number: number): Promise<void> => {
    const fromMs = performance.now()
    try {
      await request(number)
      tally.answered++
      tally.tookMs.push(performance.now() - fromMs)
    } catch (error) {
      if ((error as { retryable?: boolean }).retryable === true) tally.failedRetryable++
      else tally.faults.push(error)
    }
    tally.slowestMs = Math.max(tally.slowestMs, performance.now() - fromMs)
  }
  const startedMs = performance.now()
  let lookedMs = startedMs
  let due = 0
  const pace = setInterval(() => {
    const nowMs = performance.now()
    due += ((nowMs - lookedMs) / 1000) * perSecond
    lookedMs = nowMs
    for (; due >= 1; due--) {
      if (waiting.size >= MAXIMUM_WAITING) continue
      const settling: Promise<void> = one(tally.sent++).finally(() => waiting.delete(settling))
      waiting.add(settling)
    }
  }, 2)
  return {
    tally,
    stop: async () => {
      clearInterval(pace)
      tally.ranMs = performance.now() - startedMs
      await Promise.all(waiting)
      return tally
    },
  }
}

/** The value below which so much of them lies, 0.99 say; milliseconds, whole. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN)
}
