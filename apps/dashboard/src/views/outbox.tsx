import type { OutboxList } from '@jamey/contracts'
import { counted, formatBytes } from '../format/numbers.js'
import { Empty, Loaded, NeedsPermission } from '../parts/notice.js'
import { Pages } from '../parts/pages.js'
import { type Column, Table } from '../parts/table.js'
import { Text } from '../parts/text.js'
import { Age } from '../parts/time.js'
import { Topic } from '../parts/topic.js'
import { BROKER_QUERY } from '../state/permissions.js'
import { rights } from '../state/session.js'
import { outbox } from '../state/system.js'

/** What components published and the broker has not acknowledged, and what it does not take. */
export function Outbox() {
  const mayAsk = rights.value.mayPublish(BROKER_QUERY)
  return (
    <>
      <h1>Outbox and dead letters</h1>
      {!mayAsk ? (
        <NeedsPermission permission={`publish:${BROKER_QUERY}`} what="Seeing outboxes" />
      ) : (
        <Loaded remote={outbox.remote.value} what="outboxes">
          {({ components }) =>
            components.length === 0 ? (
              <Empty>No component of this process keeps an outbox on disk.</Empty>
            ) : (
              components.map((component) => <Component key={component.client_id} component={component} />)
            )
          }
        </Loaded>
      )}
      {mayAsk && <Pages label="outboxes" at={outbox.remote.value.at} onAgain={() => outbox.refresh()} />}
    </>
  )
}

function Component({ component }: { component: OutboxList['components'][number] }) {
  const { client_id, waiting, oldest_at, dead, dead_letters } = component
  return (
    <section aria-labelledby={`outbox-${client_id}`}>
      <h2 id={`outbox-${client_id}`}>
        <Text>{client_id}</Text>{' '}
        <span class="muted">
          {waiting === 0 ? 'nothing waits' : `${counted(waiting, 'message')} not acknowledged`}
          {oldest_at !== undefined && waiting > 0 && (
            <>
              , the oldest <Age at={oldest_at} />
            </>
          )}
          {dead === 0 ? '; no dead letters' : `; ${counted(dead, 'dead letter')}`}
        </span>
      </h2>
      {dead_letters.length > 0 && (
        <Table
          caption={`Dead letters of ${client_id}`}
          columns={DEAD_LETTERS}
          rows={dead_letters}
          keyOf={({ id }) => id}
        />
      )}
      {dead > dead_letters.length && (
        <p class="muted small">
          {dead_letters.length} of {dead} are shown.
        </p>
      )}
      {dead > 0 && (
        <p class="muted small more">
          <code>jamey outbox retry</code> sends dead letters again, <code>jamey outbox drop</code> forgets
          them.
        </p>
      )}
    </section>
  )
}

const DEAD_LETTERS: readonly Column<OutboxList['components'][number]['dead_letters'][number]>[] = [
  {
    head: 'Topic',
    cell: ({ topic }) => <Topic>{topic}</Topic>,
  },
  { head: 'Why', cell: ({ reason }) => <Text>{reason}</Text> },
  { head: 'Size', isNumber: true, cell: ({ bytes }) => formatBytes(bytes) },
  { head: 'Id', cell: ({ id }) => <code>{id}</code> },
]
