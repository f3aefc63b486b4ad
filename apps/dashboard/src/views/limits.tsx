import type { BrokerStatus } from '@jamey/contracts'
import { formatBytes, formatCount, formatSeconds } from '../format/numbers.js'
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
                Dropped since{' '}
                {since === undefined ? 'this page was opened' : <Time at={Math.round(since * 1000)} />}
              </h2>
              <CountTable
                caption="Messages dropped since this page was opened"
                counts={Object.fromEntries(recentDrops.value.map(({ reason, count }) => [reason, count]))}
              />
            </section>
            <div class="pair">
              <section aria-labelledby="all-drops">
                <h2 id="all-drops">
                  Dropped since <Time at={found.started_at} />
                </h2>
                <CountTable caption="Messages dropped since the broker's start" counts={found.dropped} />
              </section>
              <section aria-labelledby="refused">
                <h2 id="refused">
                  Refused since <Time at={found.started_at} />
                </h2>
                <CountTable caption="What was refused since the broker's start" counts={found.refused} />
              </section>
            </div>
            <section aria-labelledby="limits">
              <h2 id="limits">Limits</h2>
              <Table
                caption="Limits of the broker"
                columns={LIMITS}
                rows={byUse(found.limits)}
                keyOf={([name]) => name}
              />
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

/** The name of a limit ends with its unit. */
function withUnit(name: string, value: number): string {
  if (/bytes$/i.test(name)) return formatBytes(value)
  if (/seconds$/i.test(name)) return formatSeconds(value)
  return formatCount(value)
}

type LimitRow = readonly [string, BrokerStatus['limits'][string]]

/** The fullest first; what nobody counts comes last, in the broker's order. */
function byUse(limits: BrokerStatus['limits']): LimitRow[] {
  const share = ([, { value, in_use }]: LimitRow): number => (in_use === undefined ? -1 : in_use / value)
  return Object.entries(limits).sort((a, b) => share(b) - share(a))
}

const LIMITS: readonly Column<LimitRow>[] = [
  { head: 'Limit', cell: ([name]) => name },
  {
    head: 'Used',
    isNumber: true,
    cell: ([name, { in_use }]) =>
      in_use === undefined ? <span class="muted">–</span> : withUnit(name, in_use),
  },
  {
    head: 'Share',
    cell: ([, { value, in_use }]) =>
      in_use === undefined ? <span class="muted">–</span> : <Meter value={in_use} maximum={value} />,
  },
  { head: 'Maximum', isNumber: true, cell: ([name, { value }]) => withUnit(name, value) },
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
