import { fromVersion1 } from './broker-migration.js'
import type { Layout, MigrationRecords } from './layout.js'

export const BROKER_LAYOUT: Layout = {
  kind: 'jamey broker store',
  version: 3,
  migrations: new Map([
    [1, (records: MigrationRecords) => fromVersion1(records)],
    // A message may say for whom its publisher acts, which those before it do not.
    [2, () => {}],
  ]),
}
