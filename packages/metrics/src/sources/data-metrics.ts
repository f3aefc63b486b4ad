import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { MetricDefinition, Sample } from '../model/metrics.js'

/** More files below one entry are not counted; a data directory has some dozens. */
const MAXIMUM_FILES = 10_000

/** How large what lies in a data directory is, and what room its disk has left. */
export function dataMetrics(folder: string): MetricDefinition[] {
  return [
    {
      name: 'jamey_data_bytes',
      type: 'gauge',
      help: 'Bytes of files in the data directory, by its entries: stores, memories, audit, outboxes.',
      read: () => sizesIn(folder),
    },
    {
      name: 'jamey_data_free_bytes',
      type: 'gauge',
      help: 'Bytes that are free on the disk of the data directory.',
      read: async () => {
        const { bavail, bsize } = await statfs(folder)
        return [{ value: bavail * bsize }]
      },
    },
  ]
}

async function sizesIn(folder: string): Promise<Sample[]> {
  const entries = await readdir(folder)
  return Promise.all(
    entries.map(async (entry) => ({ labels: { entry }, value: await sizeOf(join(folder, entry)) })),
  )
}

/** What is deleted meanwhile counts for nothing. */
async function sizeOf(path: string): Promise<number> {
  try {
    if (!(await stat(path)).isDirectory()) return (await stat(path)).size
    const below = await readdir(path, { recursive: true, withFileTypes: true })
    const files = below.filter((entry) => entry.isFile()).slice(0, MAXIMUM_FILES)
    const sizes = await Promise.all(files.map(({ parentPath, name }) => fileSize(join(parentPath, name))))
    return sizes.reduce((sum, size) => sum + size, 0)
  } catch {
    return 0
  }
}

async function fileSize(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch {
    return 0
  }
}
