import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Builds the page into the package of the command line, unless it is newer than all that it is made of. */

const here = fileURLToPath(new URL('.', import.meta.url))
const page = join(here, '../jamey/dashboard/index.html')
const sources = [
  here,
  join(here, '../../packages/contracts/dist'),
  join(here, '../../packages/protocol/dist'),
  join(here, '../../package-lock.json'),
]

if (changedAt(page) < Math.max(...sources.map(newestIn))) {
  const { build } = await import('vite')
  await build({ root: here, logLevel: 'error' })
}

/** @param {string} path */
function newestIn(path) {
  const { mtimeMs } = statSync(path)
  if (!statSync(path).isDirectory()) return mtimeMs
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Math.max(
    0,
    ...files
      .filter(({ name }) => !name.endsWith('.tsbuildinfo'))
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  )
}

/** @param {string} file */
function changedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
