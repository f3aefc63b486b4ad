import type { BrokerStore } from '@jamey/broker'
import { LmdbEnvironment } from '../lmdb/lmdb-environment.js'
import { LmdbBrokerStore } from './lmdb-broker-store.js'
import { BROKER_SCHEMA } from './schema.js'

export interface BrokerStoreOptions {
  /** A folder of the store's own; made with mode 0700 where there is none. Only one process may have it open. */
  readonly path: string
}

/**
 * The state of a broker on disk: what was committed survives the process and, once `commit` has resolved, a power cut
 * (LMDB, flushed with every commit). Throws `StoreError`.
 *
 * After a rejected `commit` everything staged stays staged and goes with the next one: it describes changes of a
 * state that the broker holds already.
 */
export async function openBrokerStore({ path }: BrokerStoreOptions): Promise<BrokerStore> {
  return new LmdbBrokerStore(await LmdbEnvironment.open(path, BROKER_SCHEMA))
}
