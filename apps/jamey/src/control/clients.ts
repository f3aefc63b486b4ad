import type { Broker, SessionFacts, SessionMark, SessionOrder } from '@jamey/broker'
import { RequestError } from '@jamey/bus'
import { type broker as contracts, PAGE_ENTRIES } from '@jamey/contracts'
import type { z } from 'zod'
import { givenPermissions } from './given-permissions.js'

type Listing = z.output<typeof contracts.clients.schema>
type Listed = z.output<typeof contracts.clients.responseSchema>
type Found = z.output<typeof contracts.client.responseSchema>

const ORDERS: Readonly<Record<Listing['sort'], SessionOrder>> = {
  client_id: 'clientId',
  queued: 'queued',
  in_flight: 'inFlight',
  received: 'received',
  sent: 'sent',
  messages_per_second: 'rate',
  dropped: 'dropped',
}
const VERSIONS = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const

/** A page of clients. Throws `RequestError` for a cursor that is none. */
export async function clientsOf(broker: Pick<Broker, 'sessionPage'>, listing: Listing): Promise<Listed> {
  const { search, sort, is_connected: isConnected, cursor, limit } = listing
  const after = cursor === undefined ? undefined : markOf(cursor)
  const page = await broker.sessionPage({ limit, order: ORDERS[sort], search, isConnected, after })
  return {
    clients: page.sessions.map((session) => ({
      ...summaryOf(session),
      subscriptions: session.subscriptions.length,
    })),
    ...(page.next === undefined ? {} : { next_cursor: cursorOf(page.next) }),
  }
}

/** Everything about one client; null where there is no session of that name. */
export function clientOf(broker: Pick<Broker, 'session'>, clientId: string): Found {
  const session = broker.session(clientId)
  if (session === undefined) return { client: null }
  const { subscriptions, permissions, drops, waitingSinceMs } = session
  return {
    client: {
      ...summaryOf(session),
      subscriptions: subscriptions.slice(0, PAGE_ENTRIES).map(subscriptionOf),
      ...(permissions === undefined ? {} : { permissions: [...givenPermissions(permissions)] }),
      drops: countsOf(drops),
      ...timeOf('waiting_since', waitingSinceMs),
      is_complete: subscriptions.length <= PAGE_ENTRIES,
    },
  }
}

/** `$share/<group>/<filter>` in two parts. */
export function subscriptionOf<Q>({ filter, qos }: { readonly filter: string; readonly qos: Q }): {
  filter: string
  qos: Q
  share_group?: string
} {
  const [, group, path] = /^\$share\/([^/]+)\/(.*)$/s.exec(filter) ?? []
  return group === undefined || path === undefined
    ? { filter, qos }
    : { filter: path, qos, share_group: group }
}

/** Drops by reason, as plain data. */
export function countsOf(drops: SessionFacts['drops']): Record<string, number> {
  return Object.fromEntries(Object.entries(drops).map(([reason, count = 0]) => [reason, count]))
}

function summaryOf(session: SessionFacts) {
  const { clientId, username, connection, protocolVersion, isConnected } = session
  const { inFlight, queued, queuedBytes, drops } = session
  return {
    client_id: clientId,
    username,
    ...(connection === undefined
      ? {}
      : { address: connection.remoteAddress, keep_alive: connection.keepAliveSeconds }),
    protocol: VERSIONS[protocolVersion],
    is_connected: isConnected,
    ...timeOf('connected_at', connection?.connectedAtMs),
    ...timeOf('disconnected_at', session.disconnectedAtMs),
    in_flight: inFlight,
    queued,
    queued_bytes: queuedBytes,
    received: connection?.publishesReceived ?? 0,
    sent: connection?.publishesSent ?? 0,
    messages_per_second: Math.round((connection?.publishesPerSecond ?? 0) * 10) / 10,
    dropped: Object.values(drops).reduce<number>((sum, count = 0) => sum + count, 0),
    ...timeOf('token_expires_at', session.expiresAtMs),
  }
}

/** A moment under its name, where there is one. */
export function timeOf<Name extends string>(
  name: Name,
  atMs: number | undefined,
): Partial<Record<Name, string>> {
  if (atMs === undefined) return {}
  return { [name]: new Date(atMs).toISOString() } as Record<Name, string>
}

function cursorOf({ rank, clientId }: SessionMark): string {
  return Buffer.from(JSON.stringify([rank, clientId])).toString('base64url')
}

function markOf(cursor: string): SessionMark {
  try {
    const [rank, clientId] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    if (typeof rank === 'number' && typeof clientId === 'string') return { rank, clientId }
  } catch {
    // It is told below.
  }
  throw new RequestError(
    'invalid-request',
    'cursor: expected the next_cursor of a page, found something else',
  )
}
