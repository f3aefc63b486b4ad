import type { ClientSummary } from '@jamey/contracts'
import { hrefOf } from '../state/address.js'
import type { Column } from './table.js'
import { Text } from './text.js'

/** Leads to all that is known of a client. */
export function ClientLink({ client_id }: Pick<ClientSummary, 'client_id'>) {
  return (
    <a href={hrefOf('clients', client_id)}>
      <Text>{client_id}</Text>
    </a>
  )
}

/** The first column of tables of clients. */
export const CLIENT: Column<Pick<ClientSummary, 'client_id'>> = { head: 'Client', cell: ClientLink }
