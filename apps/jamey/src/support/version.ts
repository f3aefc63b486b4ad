import { existsSync, readFileSync } from 'node:fs'

/** The version in this package's package.json, which stands above `src` and `dist`, and beside the files of `bundle`. */
export const VERSION = (
  JSON.parse(readFileSync(manifestAbove(new URL('.', import.meta.url)), 'utf8')) as { version: string }
).version

function manifestAbove(folder: URL): URL {
  const manifest = new URL('package.json', folder)
  return existsSync(manifest) ? manifest : manifestAbove(new URL('..', folder))
}
