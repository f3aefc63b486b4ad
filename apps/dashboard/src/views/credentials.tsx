import type { BrokerStatus, ClientSummary } from '@jamey/contracts'
import { formatCount } from '../format/numbers.js'
import { fileName } from '../format/words.js'
import { useRemote } from '../parts/async.js'
import { ClientLink } from '../parts/client-link.js'
import { scanClients } from '../parts/client-scan.js'
import { Empty, Loaded, NeedsPermission } from '../parts/notice.js'
import { Pages } from '../parts/pages.js'
import { type Column, Table } from '../parts/table.js'
import { Text } from '../parts/text.js'
import { Age, Left, Time } from '../parts/time.js'
import { CERTIFICATE_DAYS } from '../state/attention.js'
import { now } from '../state/now.js'
import { BROKER_QUERY } from '../state/permissions.js'
import { rights, sessionState } from '../state/session.js'
import { status } from '../state/system.js'

const SHOWN = 100
const DAY_MS = 86_400_000

/** Certificates and tokens, what ends first on top. */
export function Credentials() {
  return (
    <>
      <h1>Certificates and tokens</h1>
      <OwnToken />
      {rights.value.mayPublish(BROKER_QUERY) ? (
        <>
          <Certificates />
          <Tokens />
        </>
      ) : (
        <NeedsPermission
          permission={`publish:${BROKER_QUERY}`}
          what="Seeing the broker's certificates and tokens"
        />
      )}
    </>
  )
}

function OwnToken() {
  const state = sessionState.value
  if (state.kind !== 'signed-in') return null
  const { name, expires_at, permissions } = state.session
  return (
    <section aria-labelledby="own">
      <h2 id="own">This page</h2>
      <p>
        Signed in as{' '}
        <b>
          <Text>{name}</Text>
        </b>
        {expires_at === undefined ? (
          ', without a token, from this machine.'
        ) : (
          <>
            ; the session ends <Age at={expires_at} />, at <Time at={expires_at} />.
          </>
        )}
      </p>
      <details>
        <summary>
          {permissions.length} {permissions.length === 1 ? 'permission' : 'permissions'}
        </summary>
        <ul class="plain permissions">
          {permissions.map((permission) => (
            <li key={permission}>
              <code>
                <Text>{permission}</Text>
              </code>
            </li>
          ))}
        </ul>
      </details>
    </section>
  )
}

function Certificates() {
  return (
    <section aria-labelledby="certificates">
      <h2 id="certificates">Certificates of the broker</h2>
      <Loaded remote={status.remote.value} what="certificates">
        {({ certificates }) =>
          certificates.length === 0 ? (
            <Empty>None: no listener speaks TLS.</Empty>
          ) : (
            <Table
              caption="Certificates"
              columns={CERTIFICATES}
              rows={byEnd(certificates, ({ not_after }) => not_after)}
              keyOf={({ name, subject }) => `${name} ${subject}`}
              toneOf={({ not_after }) => toneOf(not_after, CERTIFICATE_DAYS * DAY_MS)}
            />
          )
        }
      </Loaded>
    </section>
  )
}

const CERTIFICATES: readonly Column<BrokerStatus['certificates'][number]>[] = [
  { head: 'Name', cell: ({ name }) => <span title={name}>{fileName(name)}</span> },
  { head: 'Subject', cell: ({ subject }) => <Text>{subject}</Text> },
  { head: 'Ends', cell: ({ not_after }) => <Time at={not_after} /> },
  { head: 'Left', cell: ({ not_after }) => <Left until={not_after} /> },
]

function Tokens() {
  const [remote, again] = useRemote('tokens', scanClients)
  return (
    <section aria-labelledby="tokens">
      <h2 id="tokens">Tokens of clients</h2>
      <Loaded remote={remote} what="tokens">
        {({ clients, isComplete }) => {
          const ending = clients.filter(({ token_expires_at }) => token_expires_at !== undefined)
          return (
            <>
              {!isComplete && (
                <p class="muted small">Of the first {formatCount(clients.length)} clients; there are more.</p>
              )}
              {ending.length === 0 ? (
                <Empty>No client is here by a token that ends.</Empty>
              ) : (
                <Table
                  caption="Tokens, what ends first on top"
                  columns={TOKENS}
                  rows={byEnd(ending, ({ token_expires_at = '' }) => token_expires_at).slice(0, SHOWN)}
                  keyOf={({ client_id }) => client_id}
                />
              )}
            </>
          )
        }}
      </Loaded>
      <Pages label="tokens" at={remote.at} onAgain={again} />
    </section>
  )
}

const TOKENS: readonly Column<ClientSummary>[] = [
  {
    head: 'Client',
    cell: ({ client_id }) => <ClientLink client_id={client_id} />,
  },
  { head: 'Identity', isMinor: true, cell: ({ username }) => <Text>{username}</Text> },
  { head: 'Ends', cell: ({ token_expires_at }) => <Time at={token_expires_at} /> },
  { head: 'Left', cell: ({ token_expires_at }) => <Left until={token_expires_at} /> },
]

function byEnd<T>(rows: readonly T[], end: (row: T) => string): T[] {
  return [...rows].sort((a, b) => Date.parse(end(a)) - Date.parse(end(b)))
}

function toneOf(end: string, soonMs: number): string | undefined {
  const left = Date.parse(end) - now.value
  if (left <= 0) return 'bad'
  return left < soonMs ? 'warn' : undefined
}
