import { FakeClock } from '@jamey/testing'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { describeAsOf } from '../search/as-of.contract.js'
import { describeRecall } from '../search/recall.contract.js'
import { describeServedRequests } from '../service/served-requests.contract.js'
import { describeAnnouncements } from '../store/announcements.contract.js'
import { describeArchives } from '../store/archives.contract.js'
import { describeConsolidation } from '../store/consolidation.contract.js'
import { describeMemoryStorage } from '../store/memory-storage.contract.js'
import type { OpenStorage } from '../store/opened-storage.support.js'
import { describeRecords } from '../store/records.contract.js'
import { type DatabaseAddress, readDatabaseUrl } from './database-address.js'
import { PostgresMemory, type PostgresMemoryOptions } from './postgres-memory.js'
import { PostgresServer } from './postgres-server.support.js'

let server: PostgresServer

beforeAll(async () => {
  // Nothing here asks what a crash leaves behind.
  server = await PostgresServer.start({ settings: ['fsync=off'] })
})
afterAll(() => server.stop(), 180_000)

const open: OpenStorage = async (options = {}) => {
  const clock = new FakeClock(Date.parse('2026-05-01T12:00:00.000Z'))
  const url = await server.newDatabase()
  // The last to be called: those that were opened beside it are closed before.
  onTestFinished(() => server.recycle(url))
  const address = readDatabaseUrl(url) as DatabaseAddress
  const openBeside = async (more: Partial<PostgresMemoryOptions> = options) => {
    const store = await PostgresMemory.open({ address, now: clock.now, ...more })
    onTestFinished(() => store.close())
    return store
  }
  return { store: await openBeside(), clock, openBeside }
}

describeMemoryStorage('memories in PostgreSQL', open)
describeAnnouncements('announcements of memories in PostgreSQL', open)
describeRecords('records in PostgreSQL', open)
describeArchives('memories of an archive, in PostgreSQL', open)
describeConsolidation('memories in PostgreSQL that are consolidated', open)
describeRecall('recall from PostgreSQL', open)
describeAsOf('a question as of a time, to PostgreSQL', open)
describeServedRequests('requests to memories in PostgreSQL', open)
