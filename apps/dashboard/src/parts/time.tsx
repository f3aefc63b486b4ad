import { formatSeconds } from '../format/numbers.js'
import { formatTime, formatUtc } from '../format/times.js'
import { now } from '../state/now.js'

/** A moment as the reader's clock has it; its title is in UTC. */
export function Time({ at }: { at: string | number | undefined }) {
  const ms = msOf(at)
  if (ms === undefined) return <span class="muted">unknown</span>
  return (
    <time dateTime={new Date(ms).toISOString()} title={formatUtc(ms)}>
      {formatTime(ms, now.value)}
    </time>
  )
}

/** How long ago, or how long until: `4 min 2 s ago`, `in 3 h`. */
export function Age({ at }: { at: string | number | undefined }) {
  const ms = msOf(at)
  if (ms === undefined) return <span class="muted">unknown</span>
  const seconds = (now.value - ms) / 1000
  const text = seconds >= 0 ? `${formatSeconds(seconds)} ago` : `in ${formatSeconds(-seconds)}`
  return (
    <time dateTime={new Date(ms).toISOString()} title={formatUtc(ms)}>
      {text}
    </time>
  )
}

/** Time that is left, or since when it is over: `9 d 3 h`, `ended 2 h ago`. */
export function Left({ until }: { until: string | undefined }) {
  const ms = msOf(until)
  if (ms === undefined) return <span class="muted">unknown</span>
  const seconds = (ms - now.value) / 1000
  const text = seconds > 0 ? formatSeconds(seconds) : `ended ${formatSeconds(-seconds)} ago`
  return (
    <time dateTime={new Date(ms).toISOString()} title={formatUtc(ms)}>
      {text}
    </time>
  )
}

const SOON_MS = 60_000

/** Time that is left, counted down each second. */
export function Countdown({ until }: { until: string }) {
  const left = Date.parse(until) - now.value
  const text = left <= 0 ? 'expired' : `expires in ${formatSeconds(left / 1000)}`
  return (
    <time
      class={left < SOON_MS ? 'countdown tone-bad' : 'countdown'}
      dateTime={until}
      title={formatUtc(Date.parse(until))}
    >
      {text}
    </time>
  )
}

function msOf(at: string | number | undefined): number | undefined {
  const ms = typeof at === 'string' ? Date.parse(at) : at
  return ms === undefined || Number.isNaN(ms) ? undefined : ms
}
