import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildSite } from './build.js'
import { deadLinks } from './check.js'

/** `npm run site`: writes the site, `--out FOLDER` says where, and exits with 1 where a link in it leads nowhere. */

const root = resolve(import.meta.dirname, '../..')
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'site/out') } } })
const { pages, bytes } = buildSite(root, values.out)
console.log(`${pages} pages, ${Math.round(bytes / 1000)} kB in ${values.out}`)
const dead = deadLinks(values.out)
for (const link of dead) console.error(`leads nowhere: ${link}`)
process.exitCode = dead.length === 0 ? 0 : 1
