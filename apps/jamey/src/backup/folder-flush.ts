import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** New files survive a power cut only once the folders that name them do, too: those in it, itself, and the one around it. */
export function flushFolder(folder: string): void {
  // Windows flushes no folders, and has no need to.
  if (process.platform === 'win32') return
  for (const one of [...foldersIn(folder), dirname(folder)]) {
    const descriptor = openSync(one, 'r')
    try {
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }
}

function foldersIn(folder: string): string[] {
  const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return [...inner.flatMap(({ name }) => foldersIn(join(folder, name))), folder]
}
