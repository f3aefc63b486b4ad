import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Session } from '../sessions/session.js'
import type { Core } from './core.js'
import { type SessionFacts, sessionFactsOf } from './facts.js'
import { Lowest } from './lowest.js'

/** Sessions that are looked at in one turn of the event loop, in some tenths of a millisecond. */
const PER_TURN = 500

/** The number by which sessions are in order, the highest first; `clientId` has none, and goes by code units. */
export type SessionOrder = 'clientId' | 'queued' | 'inFlight' | 'received' | 'sent' | 'rate' | 'dropped'

/** Where a page ended. */
export interface SessionMark {
  readonly clientId: string
  /** The number that the order goes by; 0 for `clientId`. */
  readonly rank: number
}

export interface SessionPageOptions {
  /** Sessions of a page, at most. */
  readonly limit: number
  readonly order?: SessionOrder | undefined
  /** A part of the client identifier, the user name or the address, in whatever case. */
  readonly search?: string | undefined
  /** Only those that are connected, or that are not. */
  readonly isConnected?: boolean | undefined
  /** The mark of the page before; the first page where there is none. */
  readonly after?: SessionMark | undefined
}

export interface SessionPage {
  readonly sessions: readonly SessionFacts[]
  /** Undefined where there are no more. */
  readonly next: SessionMark | undefined
}

interface Ranked extends SessionMark {
  readonly session: Session
}

const RANKS: Readonly<Record<SessionOrder, (session: Session) => number>> = {
  clientId: () => 0,
  queued: ({ outgoing }) => outgoing.queued,
  inFlight: ({ outgoing }) => outgoing.inFlight,
  received: ({ connection }) => connection?.facts.publishesReceived ?? 0,
  sent: ({ connection }) => connection?.publishesSent ?? 0,
  rate: ({ connection }) => connection?.publishesPerSecond() ?? 0,
  dropped: ({ drops }) => totalOf(drops),
}

/**
 * One page of the sessions that fit. All of them are looked at, some in each turn, and only those of the page are told
 * about, so that nobody waits for it. Ones that come or go meanwhile are among them or not.
 */
export async function sessionPageOf(core: Core, options: SessionPageOptions): Promise<SessionPage> {
  const { limit, order = 'clientId', isConnected, after } = options
  const search = options.search?.toLowerCase()
  const rankOf = RANKS[order]
  // One more than the page has, to know whether there is another.
  const lowest = new Lowest<Ranked>(limit + 1, compare)
  let looked = 0
  for (const session of core.sessions.values()) {
    if (++looked % PER_TURN === 0) await nextTurn()
    if (isConnected !== undefined && (session.connection !== undefined) !== isConnected) continue
    if (search !== undefined && !isFound(session, search)) continue
    const ranked = { clientId: session.clientId, rank: rankOf(session), session }
    if (after === undefined || compare(after, ranked) < 0) lowest.offer(ranked)
  }
  const found = lowest.sorted()
  const page = found.slice(0, limit)
  const last = page.at(-1)
  const next = found.length > limit && last ? { clientId: last.clientId, rank: last.rank } : undefined
  return { sessions: page.map(({ session }) => sessionFactsOf(core, session)), next }
}

function compare(one: SessionMark, other: SessionMark): number {
  if (one.rank !== other.rank) return other.rank - one.rank
  return one.clientId < other.clientId ? -1 : one.clientId > other.clientId ? 1 : 0
}

function isFound({ clientId, username, connection }: Session, search: string): boolean {
  return (
    clientId.toLowerCase().includes(search) ||
    (username !== clientId && username.toLowerCase().includes(search)) ||
    connection?.facts.remoteAddress.includes(search) === true
  )
}

function totalOf(drops: Session['drops']): number {
  let total = 0
  for (const reason in drops) total += drops[reason] ?? 0
  return total
}
