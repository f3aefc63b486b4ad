import type { MemoryPath } from './memory-path.js'

/** A file of a folder that is shown, its path as of there. */
export interface ListedFile {
  readonly path: MemoryPath
  readonly bytes: number
  readonly isTrusted: boolean
}

interface Entry {
  bytes: number
  isTrusted: boolean
  readonly isFolder: boolean
}

const DEPTH = 2

/** A folder as `view` shows it: two levels deep, what is hidden left out; the size of a folder is that of its files. */
export function folderListing(shownAs: string, files: readonly ListedFile[]): string {
  const seen = files.filter(
    ({ path }) => !path.some((name) => name.startsWith('.') || name === 'node_modules'),
  )
  const entries = new Map<string, Entry>()
  let total = 0
  for (const { path, bytes, isTrusted } of seen) {
    total += bytes
    for (let depth = 1; depth <= Math.min(DEPTH, path.length); depth++) {
      const name = path.slice(0, depth).join('/')
      const isFolder = depth < path.length
      const entry = entries.get(name) ?? { bytes: 0, isTrusted: true, isFolder }
      entry.bytes += bytes
      entry.isTrusted &&= isTrusted
      entries.set(name, entry)
    }
  }
  const lines = [...entries]
    .sort(([one], [other]) => (inOrder(one) < inOrder(other) ? -1 : 1))
    .map(([name, { bytes, isTrusted, isFolder }]) => {
      const mark = isTrusted ? '' : '\t[untrusted]'
      return `${fileSize(bytes)}\t${shownAs}/${name}${isFolder ? '/' : ''}${mark}`
    })
  const header = `Here're the files and directories up to 2 levels deep in ${shownAs}, excluding hidden items and node_modules:`
  return [header, `${fileSize(total)}\t${shownAs}`, ...lines].join('\n')
}

/** A folder stands before what is in it, whatever characters names have. */
function inOrder(name: string): string {
  return name.replaceAll('/', '\0')
}

function fileSize(bytes: number): string {
  if (bytes === 0) return '0B'
  const power = Math.min(3, Math.floor(Math.log2(bytes) / 10))
  const size = bytes / 1024 ** power
  return `${Number.isInteger(size) ? size : size.toFixed(1)}${'BKMG'[power]}`
}

const MAXIMUM_LINES = 999_999
const NUMBER_WIDTH = String(MAXIMUM_LINES).length

/** Lines with their numbers, as `view` and `str_replace` show them. */
export function numberedLines(lines: readonly string[], first: number): string {
  return lines.map((line, i) => `${String(first + i).padStart(NUMBER_WIDTH)}\t${line}`).join('\n')
}
