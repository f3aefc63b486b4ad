import type { ClientDetails } from '@jamey/contracts'
import { useState } from 'preact/hooks'
import { broker } from '../api/endpoints.js'
import { formatBytes, formatCount } from '../format/numbers.js'
import { useAct, useRemote } from '../parts/async.js'
import { CountTable } from '../parts/count-table.js'
import { Empty, Loaded, NeedsPermission, NeedsToken, ProblemNote } from '../parts/notice.js'
import { type Column, Table } from '../parts/table.js'
import { Text } from '../parts/text.js'
import { Age, Time } from '../parts/time.js'
import { hrefOf } from '../state/address.js'
import { BROKER_DISCONNECT } from '../state/permissions.js'
import { isLocal, rights } from '../state/session.js'

/** All that the broker knows of one client. */
export function ClientDetail({ clientId }: { clientId: string }) {
  const [remote, again] = useRemote(clientId, () => broker.client(clientId))
  return (
    <>
      <p class="crumb">
        <a href={hrefOf('clients')}>Clients</a>
      </p>
      <h1>
        <Text>{clientId}</Text>
      </h1>
      <Loaded remote={remote} what="the client">
        {({ client }) => client !== null && <ClientView client={client} onDisconnected={again} />}
      </Loaded>
    </>
  )
}

interface ClientViewProps {
  readonly client: ClientDetails
  onDisconnected(): void
}

function ClientView({ client, onDisconnected }: ClientViewProps) {
  return (
    <>
      <ClientFacts client={client} />
      <Disconnect clientId={client.client_id} isConnected={client.is_connected} onDone={onDisconnected} />
      <section aria-labelledby="subscriptions">
        <h2 id="subscriptions">Subscriptions</h2>
        {client.subscriptions.length === 0 ? (
          <Empty>None.</Empty>
        ) : (
          <Table
            caption="Subscriptions"
            columns={SUBSCRIPTIONS}
            rows={client.subscriptions}
            keyOf={({ filter, share_group = '' }) => `${share_group} ${filter}`}
          />
        )}
        {!client.is_complete && <p class="muted small">There are more than are shown.</p>}
      </section>
      <section aria-labelledby="permissions">
        <h2 id="permissions">Permissions</h2>
        {client.permissions === undefined || client.permissions.length === 0 ? (
          <Empty>None that the broker could tell.</Empty>
        ) : (
          <ul class="plain permissions">
            {client.permissions.map((permission) => (
              <li key={permission}>
                <code>
                  <Text>{permission}</Text>
                </code>
              </li>
            ))}
          </ul>
        )}
      </section>
      <section aria-labelledby="drops">
        <h2 id="drops">Drops</h2>
        <CountTable caption="Messages dropped for this client" counts={client.drops} />
      </section>
    </>
  )
}

function ClientFacts({ client }: { client: ClientDetails }) {
  const since = client.is_connected ? client.connected_at : client.disconnected_at
  return (
    <dl class="facts columns">
      <dt>State</dt>
      <dd>
        {client.is_connected ? 'connected' : <b class="tone-warn">away</b>}
        {since !== undefined && (
          <>
            {' '}
            since <Time at={since} />{' '}
            <span class="muted">
              (<Age at={since} />)
            </span>
          </>
        )}
      </dd>
      <dt>Identity</dt>
      <dd>
        <Text>{client.username}</Text>
        {client.token_expires_at !== undefined && (
          <span class="muted">
            , its token ends <Age at={client.token_expires_at} />
          </span>
        )}
      </dd>
      <dt>Address</dt>
      <dd>
        <code>{client.address ?? '–'}</code>
      </dd>
      <dt>Protocol</dt>
      <dd>
        MQTT {client.protocol}
        {client.keep_alive !== undefined && <span class="muted">, keep alive {client.keep_alive} s</span>}
      </dd>
      <dt>Messages</dt>
      <dd>
        {formatCount(client.received)} received from it, {formatCount(client.sent)} sent to it
      </dd>
      <dt>Queue</dt>
      <dd>
        {formatCount(client.queued)} queued and {formatCount(client.in_flight)} in flight,{' '}
        {formatBytes(client.queued_bytes)} together
        {client.waiting_since !== undefined && (
          <span class="muted">
            , something waits since <Time at={client.waiting_since} />
          </span>
        )}
      </dd>
    </dl>
  )
}

const SUBSCRIPTIONS: readonly Column<ClientDetails['subscriptions'][number]>[] = [
  {
    head: 'Filter',
    cell: ({ filter }) => (
      <a href={hrefOf('topics', undefined, { filter })}>
        <code>
          <Text>{filter}</Text>
        </code>
      </a>
    ),
  },
  { head: 'QoS', isNumber: true, cell: ({ qos }) => qos },
  { head: 'Group', cell: ({ share_group }) => share_group ?? '–' },
]

interface DisconnectProps {
  readonly clientId: string
  readonly isConnected: boolean
  onDone(): void
}

function Disconnect({ clientId, isConnected, onDone }: DisconnectProps) {
  const [isSure, setSure] = useState(false)
  const { isBusy, error, run } = useAct()
  if (!isConnected) return null
  if (!rights.value.mayPublish(BROKER_DISCONNECT)) {
    return <NeedsPermission permission={`publish:${BROKER_DISCONNECT}`} what="Disconnecting a client" />
  }
  if (isLocal.value) return <NeedsToken what="Disconnecting a client needs" />
  const disconnect = (): void =>
    run(async () => {
      await broker.disconnect(clientId)
      setSure(false)
      onDone()
    })
  return (
    <div class="acts">
      {isSure ? (
        <>
          <span>It may connect again at once; its session stays.</span>
          <button type="button" class="danger" disabled={isBusy} onClick={disconnect}>
            Disconnect
          </button>
          <button type="button" class="quiet" onClick={() => setSure(false)}>
            Cancel
          </button>
        </>
      ) : (
        <button type="button" onClick={() => setSure(true)}>
          Disconnect…
        </button>
      )}
      {error !== undefined && <ProblemNote error={error} />}
    </div>
  )
}
