import type { BrokerStatus } from '@jamey/contracts'
import { formatBytes, formatCount, formatMilliseconds, formatSeconds } from '../format/numbers.js'
import { CountTable } from '../parts/count-table.js'
import { Meter } from '../parts/meter.js'
import { Empty, Loaded, NeedsPermission } from '../parts/notice.js'
import { type Column, Table } from '../parts/table.js'
import { Time } from '../parts/time.js'
import { BROKER_QUERY } from '../state/permissions.js'
import { rights } from '../state/session.js'
import { recentDrops, status, watchedSince } from '../state/system.js'

/** What the broker bounds, how much of it is used, and what it dropped and refused. */
export function Limits() {
  if (!rights.value.mayPublish(BROKER_QUERY)) {
    return (
      <>
        <h1>Limits and drops</h1>
        <NeedsPermission permission={`publish:${BROKER_QUERY}`} what="Seeing limits and drops" />
      </>
    )
  }
  const since = watchedSince.value
  return (
    <>
      <h1>Limits and drops</h1>
      <Loaded remote={status.remote.value} what="limits">
        {(found) => (
          <>
            <section aria-labelledby="recent-drops">
              <h2 id="recent-drops">
                Dropped while this page looks on
                {since !== undefined && (
                  <span class="muted">
                    since <Time at={Math.round(since * 1000)} />
                  </span>
                )}
              </h2>
              <CountTable
                caption="Messages dropped since this page was opened"
                counts={Object.fromEntries(recentDrops.value.map(({ reason, count }) => [reason, count]))}
              />
            </section>
            <div class="pair">
              <SinceStart what="Dropped" startedAt={found.started_at} counts={found.dropped} />
              <SinceStart what="Refused" startedAt={found.started_at} counts={found.refused} />
            </div>
            <section aria-labelledby="limits">
              <h2 id="limits">Limits</h2>
              <Table caption="Limits that are used" columns={USED} rows={used(found.limits)} keyOf={nameOf} />
              <details class="more">
                <summary>Limits of single clients, packets and times</summary>
                <Table caption="Other limits" columns={OTHERS} rows={others(found.limits)} keyOf={nameOf} />
              </details>
            </section>
            <section aria-labelledby="listeners">
              <h2 id="listeners">Listeners</h2>
              {found.listeners.length === 0 ? (
                <Empty>None.</Empty>
              ) : (
                <Table
                  caption="Listeners"
                  columns={LISTENERS}
                  rows={found.listeners}
                  keyOf={({ address }) => address}
                />
              )}
            </section>
          </>
        )}
      </Loaded>
    </>
  )
}

interface SinceStartProps {
  readonly what: 'Dropped' | 'Refused'
  readonly startedAt: string
  readonly counts: Readonly<Record<string, number>>
}

function SinceStart({ what, startedAt, counts }: SinceStartProps) {
  return (
    <section aria-labelledby={what}>
      <h2 id={what}>
        {what} by the broker
        <span class="muted">
          since its start, <Time at={startedAt} />
        </span>
      </h2>
      <CountTable caption={`${what} since the broker's start`} counts={counts} />
    </section>
  )
}

/** The name of a limit has its unit; 0 is no limit at all. */
function withUnit(name: string, value: number): string {
  if (value === 0) return 'none'
  if (/_ms$/.test(name)) return formatMilliseconds(value)
  if (/_seconds$/.test(name)) return formatSeconds(value)
  if (/bytes/.test(name)) return formatBytes(value)
  return formatCount(value)
}

type LimitRow = readonly [string, BrokerStatus['limits'][string]]

const nameOf = ([name]: LimitRow): string => name

/** Those whose use is counted, the fullest first. */
function used(limits: BrokerStatus['limits']): LimitRow[] {
  const share = ([, { value, in_use = 0 }]: LimitRow): number => in_use / value
  return Object.entries(limits)
    .filter(([, { in_use }]) => in_use !== undefined)
    .sort((a, b) => share(b) - share(a))
}

function others(limits: BrokerStatus['limits']): LimitRow[] {
  return Object.entries(limits).filter(([, { in_use }]) => in_use === undefined)
}

const NAME: Column<LimitRow> = { head: 'Limit', cell: ([name]) => name.replaceAll('_', ' ') }
const MAXIMUM: Column<LimitRow> = {
  head: 'Maximum',
  isNumber: true,
  cell: ([name, { value }]) => withUnit(name, value),
}
const OTHERS = [NAME, MAXIMUM]
const USED: readonly Column<LimitRow>[] = [
  NAME,
  {
    head: 'Used',
    isNumber: true,
    cell: ([name, { in_use = 0 }]) => (in_use === 0 ? <span class="muted">0</span> : withUnit(name, in_use)),
  },
  {
    head: 'Share',
    cell: ([, { value, in_use = 0 }]) => <Meter value={in_use} maximum={value} />,
  },
  MAXIMUM,
]

const LISTENERS: readonly Column<BrokerStatus['listeners'][number]>[] = [
  { head: 'Address', cell: ({ address }) => <code>{address}</code> },
  {
    head: 'Speaks',
    cell: ({ tls, web_socket }) =>
      `${web_socket ? 'MQTT over WebSocket' : 'MQTT'}, ${tls ? 'TLS' : 'without TLS'}`,
  },
  { head: 'Connections', isNumber: true, cell: ({ connections }) => formatCount(connections) },
]
