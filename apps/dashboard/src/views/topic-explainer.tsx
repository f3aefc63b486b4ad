import type { PermittedClient, TopicExplanation } from '@jamey/contracts'
import { useState } from 'preact/hooks'
import { broker } from '../api/endpoints.js'
import { formatBytes, formatCount } from '../format/numbers.js'
import { useRemote } from '../parts/async.js'
import { ClientLink } from '../parts/client-link.js'
import { CountTable } from '../parts/count-table.js'
import { Form } from '../parts/form.js'
import { Empty, Loaded, NeedsPermission } from '../parts/notice.js'
import { type Column, Table } from '../parts/table.js'
import { Text } from '../parts/text.js'
import { Age } from '../parts/time.js'
import { BROKER_QUERY } from '../state/permissions.js'
import { rights } from '../state/session.js'

/** Why a message of a topic goes where it goes: who may, who listens, what is kept, what was lost. */
export function TopicExplainer({ topic }: { topic: string }) {
  const [asked, setAsked] = useState('')
  if (!rights.value.mayPublish(BROKER_QUERY)) {
    return <NeedsPermission permission={`publish:${BROKER_QUERY}`} what="Explaining a topic" />
  }
  return (
    <>
      <Form class="bar" onSubmit={() => setAsked(topic)}>
        <button type="submit" class="primary" disabled={topic === ''}>
          Explain
        </button>
      </Form>
      {asked === '' ? (
        <Empty>
          Says who may publish and subscribe there, who listens, what is retained, and what was lost.
        </Empty>
      ) : (
        <Answer key={asked} topic={asked} />
      )}
    </>
  )
}

function Answer({ topic }: { topic: string }) {
  const [remote] = useRemote(topic, () => broker.topic(topic))
  return (
    <Loaded remote={remote} what="what is known of it">
      {(found) => <Explanation found={found} />}
    </Loaded>
  )
}

function Explanation({ found }: { found: TopicExplanation }) {
  const { subscribers, retained, dropped, contract, is_complete } = found
  return (
    <>
      {!is_complete && <p class="notice">There is more than is shown.</p>}
      <dl class="facts">
        {contract !== undefined && (
          <>
            <dt>Contract</dt>
            <dd>
              <code>{contract.topic}</code>, {contract.actions.join(', ')}
              {contract.service !== undefined && `, served by ${contract.service}`}
            </dd>
          </>
        )}
        <dt>May publish</dt>
        <dd>
          <Permitted clients={found.may_publish} />
        </dd>
        <dt>May receive</dt>
        <dd>
          <Permitted clients={found.may_subscribe} />
        </dd>
        <dt>Retained</dt>
        <dd>
          {retained === undefined ? (
            'nothing'
          ) : (
            <>
              {formatBytes(retained.bytes)}, QoS {retained.qos}
              {retained.published_by !== undefined && (
                <>
                  , of <Text>{retained.published_by}</Text>
                </>
              )}
              {retained.expires_at !== undefined && (
                <>
                  , expires <Age at={retained.expires_at} />
                </>
              )}
            </>
          )}
        </dd>
      </dl>
      <h3>Who listens</h3>
      {subscribers.length === 0 ? (
        <Empty>Nobody: what is published there is lost, unless it is retained.</Empty>
      ) : (
        <Table
          caption="Subscribers"
          columns={SUBSCRIBERS}
          rows={subscribers}
          keyOf={({ client_id, filter, share_group = '' }) => `${client_id} ${share_group} ${filter}`}
        />
      )}
      <h3>Dropped</h3>
      <CountTable caption="Messages of this topic that were dropped" counts={dropped} />
    </>
  )
}

function Permitted({ clients }: { clients: readonly PermittedClient[] }) {
  if (clients.length === 0) return <>nobody who is known</>
  return (
    <ul class="plain">
      {clients.map(({ client_id, is_connected, known_by, permission }) => (
        <li key={client_id}>
          {known_by === 'session' ? <ClientLink client_id={client_id} /> : <Text>{client_id}</Text>}{' '}
          <span class="muted small">
            {permission === undefined ? 'its own, or everything' : permission}
            {!is_connected && ', away'}
          </span>
        </li>
      ))}
    </ul>
  )
}

const SUBSCRIBERS: readonly Column<TopicExplanation['subscribers'][number]>[] = [
  {
    head: 'Client',
    cell: ({ client_id, is_connected, may_receive }) => (
      <>
        <ClientLink client_id={client_id} />
        {!is_connected && <span class="tone-warn"> away</span>}
        {!may_receive && <span class="tone-bad"> may not receive it</span>}
      </>
    ),
  },
  {
    head: 'By filter',
    cell: ({ filter, share_group }) => (
      <code>
        <Text>{share_group === undefined ? filter : `$share/${share_group}/${filter}`}</Text>
      </code>
    ),
  },
  { head: 'QoS', isNumber: true, cell: ({ qos }) => qos },
  { head: 'Queued', isNumber: true, cell: ({ queued }) => formatCount(queued) },
]
