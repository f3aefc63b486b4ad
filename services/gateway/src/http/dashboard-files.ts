import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { GatewayError } from '../problems/errors.js'

/** Far more than a page has, so that a wrong folder is told and not read. */
const MAXIMUM_FILES = 500
const MAXIMUM_BYTES = 16 * 1024 * 1024
/** A name that changes with what is in it, as Vite writes it: `index-B3xZ01aQ.js`. A word of eight letters is none. */
const HASHED = /-(?=[\w-]*[A-Z\d_])[\w-]{8}\.\w+$/

/** What else there is in the folder is not served. */
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
}

/** A shorter one fits into a packet as it is. */
const WORTH_COMPRESSING_BYTES = 1400
/** Images and fonts are compressed already. */
const COMPRESSIBLE = /^(?:text\/|application\/json|image\/svg)/

export interface DashboardFile {
  readonly bytes: Buffer
  /** By gzip, where that makes it smaller; nothing of a caller's is in it, so its length tells nobody anything. */
  readonly compressed: Buffer | undefined
  readonly type: string
  readonly etag: string
  /** True where another content would have another name. */
  readonly isHashed: boolean
}

/**
 * The files of a built page by their paths: `/` for `index.html`, `/assets/...` for what is in `assets`. They are read
 * once, so that no path of a request ever reaches the disk. Throws a `GatewayError` 'dashboard-unusable'.
 */
export function readDashboard(folder: string): ReadonlyMap<string, DashboardFile> {
  const files = new Map<string, DashboardFile>()
  let bytes = 0
  try {
    const assets = readdirSync(join(folder, 'assets'), { recursive: true, encoding: 'utf8' })
    for (const name of ['index.html', ...assets.map((each) => join('assets', each))]) {
      const type = TYPES[extname(name).toLowerCase()]
      const path = join(folder, name)
      if (type === undefined || !statSync(path).isFile()) continue
      const content = readFileSync(path)
      bytes += content.length
      if (files.size >= MAXIMUM_FILES || bytes > MAXIMUM_BYTES) throw new Error('it is larger than any page')
      const url = name === 'index.html' ? '/' : `/${name.replaceAll('\\', '/')}`
      files.set(url, fileOf(content, type, HASHED.test(name)))
    }
  } catch (cause) {
    const { message } = cause as Error
    throw new GatewayError('dashboard-unusable', `The page in ${folder} cannot be served: ${message}.`, {
      cause,
    })
  }
  return files
}

function fileOf(bytes: Buffer, type: string, isHashed: boolean): DashboardFile {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  const isWorthIt = bytes.length >= WORTH_COMPRESSING_BYTES && COMPRESSIBLE.test(type)
  const compressed = isWorthIt ? gzipSync(bytes, { level: 9 }) : undefined
  return { bytes, compressed, type, etag, isHashed }
}
