import type { CallEntry, Entry, ResultEntry } from './session-entry.js'

/** Where a shell may be, beside the workspace. Null: where nobody knows. */
export type Folders = readonly (string | null)[]

/** So many are looked at; beyond, it may be anywhere. */
const MAXIMUM_FOLDERS = 8

export function bounded(folders: Folders): (string | null)[] {
  const known = folders.map((folder) => (folder !== null && folder.length > 4_096 ? null : folder))
  return known.length <= MAXIMUM_FOLDERS ? known : [...known.slice(0, MAXIMUM_FOLDERS - 1), null]
}

/** Where the calls of a tool may have left its shell. Where `isLost`, some of them were forgotten. */
export function foldersLeft(
  entries: readonly Entry[],
  outcomes: WeakMap<CallEntry, ResultEntry['outcome']>,
  tool: string,
  isLost: boolean,
): Folders {
  const found = new Set<string | null>()
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i] as Entry
    if (entry.kind !== 'call' || entry.folders === undefined || entry.tool !== tool) continue
    const outcome = outcomes.get(entry)
    if (entry.decision === 'deny') continue
    for (const folder of entry.folders) found.add(folder)
    // Of what was asked about, or is said to be skipped by who may make it, it is not known whether it was made.
    const isMade = outcome === undefined ? entry.decision === 'allow' : outcome !== 'skipped'
    if (isMade) return bounded([...found])
  }
  if (isLost) found.add(null)
  return bounded([...found])
}
