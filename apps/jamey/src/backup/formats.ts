import { MEMORY_FILE_VERSION } from '@jamey/memory'
import { STORE_FORMATS } from '@jamey/store'
import { type BackupManifest, newer } from './manifest.js'
import { MEMORY_KIND } from './moment.js'

/** Rejects with `CommandFailure` where a store of the backup is of a later version than this one reads. */
export async function expectKnownFormats(folder: string, { stores, made_by }: BackupManifest): Promise<void> {
  const known = await knownFormats()
  for (const { path, kind, format } of stores) {
    const newest = known.get(kind)
    if (newest !== undefined && format <= newest) continue
    const reads = newest === undefined ? 'knows no such thing' : `reads up to ${newest}`
    throw newer(folder, `${path} ('${kind}') has format ${format}, and this version ${reads}`, made_by)
  }
}

/** The newest format of each kind of store that this version reads. */
async function knownFormats(): Promise<ReadonlyMap<string, number>> {
  // A large package, which whoever makes a backup does not need.
  const { RECORD_FORMATS } = await import('@jamey/conscience')
  const records = [...Object.entries(STORE_FORMATS), ...Object.entries(RECORD_FORMATS)]
  return new Map([...records, [MEMORY_KIND, MEMORY_FILE_VERSION]])
}
