import type { BrokerStatus } from '@jamey/contracts'
import type { LatencyBucket, LatencyHistogram } from '@jamey/protocol'
import { quantileMs } from './quantiles.js'

/** What is told is of so long at the most, and a step more. */
const WINDOW_MS = 120_000
/** Buckets are kept for later so often, however many ask. */
const STEP_MS = 10_000

type Named = readonly (readonly [string, LatencyHistogram])[]

/** The buckets of every histogram, as they stood at one moment. */
interface Look {
  readonly atMs: number
  readonly buckets: ReadonlyMap<string, readonly LatencyBucket[]>
}

/**
 * Latencies since somebody looked before, at most two minutes ago: differences of histograms that only grow. They cost
 * where they are asked for, and nothing where durations are observed.
 */
export class RecentLatencies {
  #looks: readonly Look[] = []

  /** Undefined where nobody has looked in the last minutes, so that there is nothing to compare with. */
  read(named: Named, nowMs: number): BrokerStatus['latency_recent'] {
    const looks = this.#looks.filter(({ atMs }) => nowMs - atMs < WINDOW_MS + STEP_MS)
    const present = new Map(named.map(([name, histogram]) => [name, histogram.buckets()]))
    const newest = looks.at(-1)
    this.#looks =
      newest === undefined || nowMs - newest.atMs >= STEP_MS
        ? [...looks, { atMs: nowMs, buckets: present }]
        : looks
    const since = looks[0]
    if (since === undefined) return undefined
    const grown = [...present].map(
      ([name, buckets]) => [name, grownBy(buckets, since.buckets.get(name))] as const,
    )
    return {
      seconds: Math.round((nowMs - since.atMs) / 1000),
      ms: Object.fromEntries(
        grown
          .filter(([, { count }]) => count > 0)
          .map(([name, of]) => [
            name,
            { p50: quantileMs(of, 0.5), p99: quantileMs(of, 0.99), count: of.count },
          ]),
      ),
    }
  }
}

/** What came since `before`; all of it, where the component was started anew and counts from nothing. */
function grownBy(
  buckets: readonly LatencyBucket[],
  before: readonly LatencyBucket[] = [],
): { readonly count: number; buckets(): LatencyBucket[] } {
  const total = buckets.at(-1)?.count ?? 0
  const base = (before.at(-1)?.count ?? 0) > total ? [] : before
  const grown = buckets.map(({ upTo, count }, i) => ({ upTo, count: count - (base[i]?.count ?? 0) }))
  return { count: grown.at(-1)?.count ?? 0, buckets: () => grown }
}
