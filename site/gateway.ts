import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { servedPages } from './served.js'

/** Part of `npm run build`: writes the pages that a gateway serves to programs. */

const root = resolve(import.meta.dirname, '../..')
const folder = join(root, 'services/gateway/pages')
/** A gateway that starts meanwhile finds the pages of before, or the new ones. */
const draft = `${folder}.new`
const { list, pages } = servedPages(root)
rmSync(draft, { recursive: true, force: true })
mkdirSync(draft, { recursive: true })
writeFileSync(join(draft, 'llms.txt'), list)
for (const [name, text] of pages) writeFileSync(join(draft, name), text)
rmSync(folder, { recursive: true, force: true })
renameSync(draft, folder)
