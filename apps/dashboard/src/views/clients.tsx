import type { ClientSort, ClientSummary } from '@jamey/contracts'
import { useRef, useState } from 'preact/hooks'
import { broker } from '../api/endpoints.js'
import { formatCount, formatFigure } from '../format/numbers.js'
import { useRemote } from '../parts/async.js'
import { CLIENT } from '../parts/client-link.js'
import { Count } from '../parts/count.js'
import { Choice, Form } from '../parts/form.js'
import { Empty, Loaded, NeedsPermission } from '../parts/notice.js'
import { Pages } from '../parts/pages.js'
import { useShortcuts } from '../parts/shortcut-keys.js'
import { type Column, Table } from '../parts/table.js'
import { Text } from '../parts/text.js'
import { Age, Time } from '../parts/time.js'
import { BROKER_QUERY } from '../state/permissions.js'
import { route } from '../state/route.js'
import { rights } from '../state/session.js'
import { status } from '../state/system.js'
import { ClientDetail } from './client-detail.js'

const PAGE = 100

const SORTS: Readonly<Record<ClientSort, string>> = {
  client_id: 'by name',
  messages_per_second: 'busiest',
  queued: 'most queued',
  in_flight: 'most in flight',
  received: 'most received',
  sent: 'most sent',
  dropped: 'most dropped',
}

const STATES = ['all', 'connected', 'away'] as const

/** Who is connected, as which identity, since when; page by page, for there may be ten thousand. */
export function Clients() {
  const { item } = route.value
  if (!rights.value.mayPublish(BROKER_QUERY)) {
    return (
      <>
        <h1>Clients</h1>
        <NeedsPermission permission={`publish:${BROKER_QUERY}`} what="Seeing who is connected" />
      </>
    )
  }
  return item === undefined ? <ClientList /> : <ClientDetail key={item} clientId={item} />
}

function ClientList() {
  const [search, setSearch] = useState('')
  const [sort, setSort] = useState('client_id')
  const [state, setState] = useState<(typeof STATES)[number]>('all')
  // The cursors of the pages before, the last one that of the page that is shown.
  const [cursors, setCursors] = useState<readonly string[]>([])
  const input = useRef<HTMLInputElement>(null)
  const cursor = cursors.at(-1)
  const [remote, again] = useRemote([search, sort, state, cursor].join('\n'), (signal) => {
    const is_connected = state === 'all' ? undefined : state === 'connected'
    return broker.clients({ search, sort, is_connected, cursor, limit: PAGE }, signal)
  })
  useShortcuts([{ key: '/', does: 'search clients', run: () => input.current?.focus() }])
  const counts = status.remote.value.data
  return (
    <>
      <h1>Clients</h1>
      <search>
        <Form class="bar">
          <input
            ref={input}
            type="search"
            aria-label="Search clients"
            placeholder="client identifier, user name or address"
            value={search}
            onInput={(event) => {
              setSearch(event.currentTarget.value)
              setCursors([])
            }}
          />
          <select
            aria-label="Order"
            value={sort}
            onChange={(event) => {
              setSort(event.currentTarget.value)
              setCursors([])
            }}
          >
            {Object.entries(SORTS).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
          <Choice
            label="State"
            options={STATES}
            value={state}
            onChoose={(name) => {
              setState(name)
              setCursors([])
            }}
          />
          {counts !== undefined && (
            <span class="muted small">
              {formatCount(counts.connections)} connected, {formatCount(counts.sessions)} sessions
            </span>
          )}
        </Form>
      </search>
      <Loaded remote={remote} what="clients">
        {({ clients }) =>
          clients.length === 0 ? (
            <Empty>{search === '' ? 'Nobody is here.' : `No client fits “${search}”.`}</Empty>
          ) : (
            <Table caption="Clients" columns={COLUMNS} rows={clients} keyOf={({ client_id }) => client_id} />
          )
        }
      </Loaded>
      <Pages
        label="clients"
        cursors={cursors}
        next={remote.data?.next_cursor}
        at={remote.at}
        onMove={setCursors}
        onAgain={again}
      />
    </>
  )
}

const COLUMNS: readonly Column<ClientSummary>[] = [
  CLIENT,
  {
    head: 'Connected',
    cell: ({ is_connected, connected_at, disconnected_at }) =>
      is_connected ? (
        <Age at={connected_at} />
      ) : (
        <span class="tone-warn">
          away{' '}
          {disconnected_at !== undefined && (
            <>
              since <Time at={disconnected_at} />
            </>
          )}
        </span>
      ),
  },
  { head: 'Identity', cell: ({ username }) => <Text>{username}</Text> },
  { head: 'Address', isMinor: true, holds: 'address', cell: ({ address }) => <code>{address ?? '–'}</code> },
  { head: 'MQTT', isMinor: true, cell: ({ protocol }) => protocol },
  {
    head: 'Messages/s',
    isNumber: true,
    cell: ({ messages_per_second }) => formatFigure(messages_per_second),
  },
  {
    head: 'Filters',
    isMinor: true,
    isNumber: true,
    cell: ({ subscriptions }) => <Count of={subscriptions} />,
  },
  { head: 'Received', isMinor: true, isNumber: true, cell: ({ received }) => <Count of={received} /> },
  { head: 'Sent', isMinor: true, isNumber: true, cell: ({ sent }) => <Count of={sent} /> },
  { head: 'In flight', isNumber: true, cell: ({ in_flight }) => <Count of={in_flight} /> },
  {
    head: 'Queued',
    isNumber: true,
    cell: ({ queued }) => <Count of={queued} isBad={true} />,
  },
  {
    head: 'Dropped',
    isNumber: true,
    cell: ({ dropped }) => <Count of={dropped} isBad={true} />,
  },
]
