import { BROKER_SCHEMA, fromVersion1 } from '../broker/schema.js'
import { LmdbEnvironment } from '../lmdb/lmdb-environment.js'
import type { MigrationRecords } from '../lmdb/schema.js'
import { report } from './report.js'

/** This module, for `Child`. */
export const MIGRATING_PROCESS = 'migrating-process.ts'

export type Moment =
  | 'before the first change'
  | 'after the first change'
  | 'after the last change'
  | 'when done'

/** Migrates the broker store in `path`, and kills itself at a moment that it prints. */
export async function run(path: string, moment: Moment): Promise<void> {
  const reach = (reached: Moment): void => {
    if (reached !== moment) return
    report(reached)
    process.kill(process.pid, 'SIGKILL')
  }
  const migrate = (records: MigrationRecords): void => {
    reach('before the first change')
    fromVersion1({
      ...records,
      put: (key, value) => {
        records.put(key, value)
        reach('after the first change')
      },
    })
    reach('after the last change')
  }
  const migrations = new Map(BROKER_SCHEMA.migrations).set(1, migrate)
  await LmdbEnvironment.open(path, { ...BROKER_SCHEMA, migrations })
  reach('when done')
}
