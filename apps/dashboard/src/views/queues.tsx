import type { ClientSummary, RetainedMessage } from '@jamey/contracts'
import { useRef, useState } from 'preact/hooks'
import { broker } from '../api/endpoints.js'
import { counted, formatBytes, formatCount } from '../format/numbers.js'
import { visibleText } from '../format/visible-text.js'
import { payloadPreview } from '../format/words.js'
import { useRemote } from '../parts/async.js'
import { CLIENT } from '../parts/client-link.js'
import { Count } from '../parts/count.js'
import { Form } from '../parts/form.js'
import { Empty, Loaded, NeedsPermission } from '../parts/notice.js'
import { Pages } from '../parts/pages.js'
import { useShortcuts } from '../parts/shortcut-keys.js'
import { type Column, Table } from '../parts/table.js'
import { Text } from '../parts/text.js'
import { Age } from '../parts/time.js'
import { Topic } from '../parts/topic.js'
import { BROKER_QUERY } from '../state/permissions.js'
import { rights } from '../state/session.js'
import { status } from '../state/system.js'

const PAGE = 100

/** What the broker keeps: messages that wait for clients, and retained ones. */
export function Queues() {
  if (!rights.value.mayPublish(BROKER_QUERY)) {
    return (
      <>
        <h1>Queues and retained</h1>
        <NeedsPermission permission={`publish:${BROKER_QUERY}`} what="Seeing what the broker keeps" />
      </>
    )
  }
  return (
    <>
      <h1>Queues and retained</h1>
      <WaitingQueues />
      <Retained />
    </>
  )
}

function WaitingQueues() {
  const [remote, again] = useRemote('queues', (signal) =>
    broker.clients({ sort: 'queued', limit: PAGE }, signal),
  )
  const now = status.remote.value.data
  return (
    <section aria-labelledby="queues">
      <h2 id="queues">
        Queues
        {now !== undefined && (
          <span class="muted">
            {counted(now.queued.messages, 'message')} and {formatCount(now.in_flight)} in flight,{' '}
            {formatBytes(now.queued.bytes)} together
          </span>
        )}
      </h2>
      <Loaded remote={remote} what="queues">
        {({ clients }) => {
          const waiting = clients.filter((one) => one.queued > 0)
          return waiting.length === 0 ? (
            <Empty>Nothing waits for a client.</Empty>
          ) : (
            <Table
              caption="Clients for which messages wait, the most first"
              columns={QUEUES}
              rows={waiting}
              keyOf={({ client_id }) => client_id}
            />
          )
        }}
      </Loaded>
      <Pages label="queues" onAgain={again} at={remote.at} />
    </section>
  )
}

const QUEUES: readonly Column<ClientSummary>[] = [
  CLIENT,
  {
    head: 'State',
    cell: ({ is_connected }) => (is_connected ? 'connected' : <span class="tone-warn">away</span>),
  },
  { head: 'Queued', isNumber: true, cell: ({ queued }) => <Count of={queued} /> },
  { head: 'In flight', isNumber: true, cell: ({ in_flight }) => <Count of={in_flight} /> },
  { head: 'Size of both', isNumber: true, cell: ({ queued_bytes }) => formatBytes(queued_bytes) },
  { head: 'Dropped', isNumber: true, cell: ({ dropped }) => <Count of={dropped} isBad={true} /> },
]

function Retained() {
  const [typed, setTyped] = useState('#')
  const [filter, setFilter] = useState('#')
  const [cursors, setCursors] = useState<readonly string[]>([])
  const input = useRef<HTMLInputElement>(null)
  const cursor = cursors.at(-1)
  const [remote] = useRemote(`${filter} ${cursor ?? ''}`, () =>
    broker.retained({ filter, cursor, limit: PAGE }),
  )
  useShortcuts([{ key: '/', does: 'choose a filter', run: () => input.current?.focus() }])
  const count = status.remote.value.data?.retained
  const isWhole = cursors.length === 0 && remote.data?.next_cursor === undefined
  return (
    <section aria-labelledby="retained">
      <h2 id="retained">
        Retained{' '}
        {count !== undefined && (
          <span class="muted">{counted(count, 'message')}, those of $SYS included</span>
        )}
      </h2>
      <Form
        class="bar"
        onSubmit={() => {
          setFilter(typed.trim() === '' ? '#' : typed.trim())
          setCursors([])
        }}
      >
        <input
          ref={input}
          type="text"
          class="code"
          aria-label="Topic filter of retained messages"
          spellcheck={false}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <button type="submit">Look</button>
      </Form>
      <Loaded remote={remote} what="retained messages">
        {({ messages }) =>
          messages.length === 0 ? (
            <Empty>Nothing is retained there.</Empty>
          ) : (
            <>
              {isWhole && (
                <p class="muted small" role="status">
                  {counted(messages.length, 'message')} here.
                  {/^[#+]/.test(filter) && ` ${filter} leaves out topics that begin with $, such as $SYS/#.`}
                </p>
              )}
              <Table
                caption="Retained messages"
                columns={RETAINED}
                rows={messages}
                keyOf={({ topic }) => topic}
              />
            </>
          )
        }
      </Loaded>
      <Pages
        label="retained messages"
        cursors={cursors}
        next={remote.data?.next_cursor}
        onMove={setCursors}
      />
    </section>
  )
}

const RETAINED: readonly Column<RetainedMessage>[] = [
  {
    head: 'Topic',
    holds: 'topic',
    cell: ({ topic }) => <Topic>{topic}</Topic>,
  },
  {
    head: 'Payload',
    holds: 'payload',
    cell: ({ payload_text, is_cut }) =>
      payload_text === undefined ? (
        <span class="muted">bytes</span>
      ) : (
        <code class="preview" title={visibleText(payload_text)}>
          <Text>{payloadPreview(payload_text)}</Text>
          {is_cut && '…'}
        </code>
      ),
  },
  { head: 'Size', isNumber: true, cell: ({ bytes }) => formatBytes(bytes) },
  { head: 'QoS', isMinor: true, isNumber: true, cell: ({ qos }) => qos },
  {
    head: 'By',
    isMinor: true,
    holds: 'name',
    cell: ({ published_by }) => <Text>{published_by ?? 'the broker'}</Text>,
  },
  {
    head: 'Expires',
    cell: ({ expires_at }) =>
      expires_at === undefined ? <span class="muted">never</span> : <Age at={expires_at} />,
  },
]
