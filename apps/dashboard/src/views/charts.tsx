import { formatBytes, formatFigure, formatMilliseconds } from '../format/numbers.js'
import { latencyInWords } from '../format/words.js'
import { Chart, type Series } from '../parts/chart.js'
import { Empty } from '../parts/notice.js'
import { Time } from '../parts/time.js'
import { type Sample, WINDOW_SECONDS } from '../state/history.js'
import { POLL_MS, samples } from '../state/system.js'

const perSecond = (value: number): string => `${formatFigure(value)}/s`
const bytesPerSecond = (value: number): string => `${formatBytes(value)}/s`
/** A line breaks where polls were missed for longer than that. */
const GAP_SECONDS = (POLL_MS / 1000) * 4

/** So much less than the whole window is told as such. */
const WINDOW_SLACK_SECONDS = 30

/** The last fifteen minutes, as far as this page was open. */
export function Charts() {
  const found = samples.value
  if (found.length < 2) {
    return (
      <section aria-labelledby="charts">
        <h2 id="charts">Rates</h2>
        <Empty>
          Rates are made of two looks at the counters; the first lines come in {POLL_MS / 1000} s.
        </Empty>
      </section>
    )
  }
  const { times, rows } = withGaps(found)
  const series = (label: string, value: (sample: Sample) => number | null): Series => ({
    label,
    values: rows.map((row) => (row === null ? null : value(row))),
  })
  return (
    <section aria-labelledby="charts">
      <h2 id="charts">
        Rates <Span since={found[0]?.at ?? 0} until={found.at(-1)?.at ?? 0} />
      </h2>
      <div class="charts">
        <Chart
          title="Messages"
          times={times}
          format={perSecond}
          series={[series('received', (one) => one.received), series('sent', (one) => one.sent)]}
        />
        <Chart
          title="Latency, p99 over 2 min"
          times={times}
          format={formatMilliseconds}
          series={[
            ...latencyNames(found).map((name) =>
              series(latencyInWords(name), (one) => one.latencyP99[name] ?? null),
            ),
            series('event loop', (one) => one.eventLoopP99),
          ]}
        />
        <Chart
          title="Bytes"
          times={times}
          format={bytesPerSecond}
          isBinary={true}
          series={[series('received', (one) => one.bytesReceived), series('sent', (one) => one.bytesSent)]}
        />
        <Chart
          title="Lost"
          times={times}
          format={perSecond}
          series={[series('dropped', (one) => one.dropped), series('refused', (one) => one.refused)]}
        />
      </div>
    </section>
  )
}

/** How long the lines are: from when on, as long as that is less than fifteen minutes ago. */
function Span({ since, until }: { since: number; until: number }) {
  if (until - since >= WINDOW_SECONDS - WINDOW_SLACK_SECONDS)
    return <span class="muted">last 15 minutes</span>
  return (
    <span class="muted">
      since <Time at={Math.round(since * 1000)} />, when this page began to look on
    </span>
  )
}

/** A few of the times that the broker measures; more lines than three nobody tells apart. */
function latencyNames(found: readonly Sample[]): string[] {
  return Object.keys(found.at(-1)?.latencyP99 ?? {}).slice(0, 2)
}

/** Samples with an empty one in each gap, so that no line is drawn over what was not seen. */
function withGaps(found: readonly Sample[]): { times: number[]; rows: (Sample | null)[] } {
  const times: number[] = []
  const rows: (Sample | null)[] = []
  for (const sample of found) {
    const before = times.at(-1)
    if (before !== undefined && sample.at - before > GAP_SECONDS) {
      times.push(before + 1)
      rows.push(null)
    }
    times.push(sample.at)
    rows.push(sample)
  }
  return { times, rows }
}
