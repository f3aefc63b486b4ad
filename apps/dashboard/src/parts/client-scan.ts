import type { ClientSummary } from '@jamey/contracts'
import { broker } from '../api/endpoints.js'

const PAGE = 200
const MAXIMUM_PAGES = 5

export interface Scan {
  readonly clients: readonly ClientSummary[]
  /** False where there are more clients than were looked at. */
  readonly isComplete: boolean
}

/** The first thousand clients, for lists that are ordered by what a page of clients is not. */
export async function scanClients(signal: AbortSignal): Promise<Scan> {
  const clients: ClientSummary[] = []
  let cursor: string | undefined
  for (let page = 0; page < MAXIMUM_PAGES; page++) {
    const found = await broker.clients({ limit: PAGE, cursor }, signal)
    clients.push(...found.clients)
    cursor = found.next_cursor
    if (cursor === undefined) return { clients, isComplete: true }
  }
  return { clients, isComplete: false }
}
