/** Counts of the parts of a file by what became of them. */
export interface FileTally {
  unchanged: number
  updated: number
  new: number
  /** No longer in the file, and kept. */
  gone: number
  /** No longer in the file, and forgotten. */
  pruned: number
}

/** `NOTES.md: 12 unchanged, 3 updated, 1 new, 2 gone (kept; --prune forgets them) in 0.3 s` */
export function formatFileTally(file: string, tally: FileTally, elapsedMs: number): string {
  const parts = [
    ...counted(tally.unchanged, 'unchanged'),
    ...counted(tally.updated, 'updated'),
    `${tally.new.toLocaleString('en-US')} new`,
    ...counted(tally.gone, 'gone (kept; --prune forgets them)'),
    ...counted(tally.pruned, 'gone and forgotten'),
  ]
  return `${file}: ${parts.join(', ')} in ${(elapsedMs / 1000).toFixed(1)} s`
}

function counted(count: number, word: string): string[] {
  return count === 0 ? [] : [`${count.toLocaleString('en-US')} ${word}`]
}
