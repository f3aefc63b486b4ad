import type { BrokerStatus } from '@jamey/contracts'
import {
  formatBytes,
  formatCount,
  formatFigure,
  formatMilliseconds,
  formatSeconds,
} from '../format/numbers.js'
import { Time } from '../parts/time.js'
import { samples } from '../state/system.js'

/** The broker in a line or two of numbers. */
export function Figures({ status }: { status: BrokerStatus }) {
  const last = samples.value.at(-1)
  const rate = (value: number | undefined): string => (value === undefined ? '–' : formatFigure(value))
  const { descriptors } = status
  const figures: readonly (readonly [string, string, string])[] = [
    ['Connections', formatCount(status.connections), `${formatCount(status.sessions)} sessions`],
    ['Received', rate(last?.received), 'messages/s'],
    ['Sent', rate(last?.sent), 'messages/s'],
    ['Queued', formatCount(status.queued.messages), `${formatCount(status.in_flight)} in flight`],
    ['Retained', formatCount(status.retained), 'with $SYS'],
    ['Event loop', formatMilliseconds(status.event_loop_delay_ms.p99), 'delay, p99'],
    ['Memory', formatBytes(status.memory_bytes), 'of the process'],
    ['Store', status.store_bytes === undefined ? '–' : formatBytes(status.store_bytes), 'on disk'],
    [
      'Descriptors',
      descriptors === undefined ? '–' : formatCount(descriptors.open),
      descriptors?.maximum === undefined ? 'open' : `of ${formatCount(descriptors.maximum)}`,
    ],
  ]
  return (
    <section aria-labelledby="figures">
      <h2 id="figures">
        Broker{' '}
        <span class="muted">
          {status.version}, up {formatSeconds(status.uptime_seconds)}, since <Time at={status.started_at} />
        </span>
      </h2>
      <dl class="figures">
        {figures.map(([name, value, unit]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <b>{value}</b> <span class="muted">{unit}</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
