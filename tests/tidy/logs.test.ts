import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type LogLine, logLinesIn } from './log-lines.js'

/** Each line of the log has a name of its own, which operators can rely on, and which is documented. */

const root = resolve(import.meta.dirname, '../..')

/** Files that pass on lines whose callers name them. */
const PASSED_ON = [
  'apps/jamey/src/components/announcer.ts',
  'packages/broker/src/support/log.ts',
  'services/authz/src/http/refusal-log.ts',
  'services/gateway/src/http/rare-log.ts',
]

/** The part of a name, by where the line is written; the command line writes for several parts. */
const PARTS: readonly (readonly [folder: string, ...parts: string[]])[] = [
  ['apps/jamey/', 'authz', 'bridge', 'broker', 'certificate', 'connection', 'log', 'metrics', 'process'],
  ['packages/broker/', 'broker'],
  ['packages/bus/', 'bus'],
  ['services/authz/', 'authz'],
  ['services/conscience/', 'conscience'],
  ['services/gateway/', 'gateway'],
  ['services/memory/', 'memory'],
]

const product = ['packages', 'services', 'apps']
  .flatMap((area) => walk(join(root, area)))
  .filter(
    (file) => /\.tsx?$/.test(file) && !/\.(test|contract|support|fixture)\.ts$|\/test-support\//.test(file),
  )

const written = product.flatMap((file) => logLinesIn(file, relative(root, file)))
const isPassedOn = ({ at, event }: LogLine) =>
  event === undefined && PASSED_ON.some((file) => at.startsWith(`${file}:`))
const lines = [
  ...written.filter((line) => !isPassedOn(line)),
  // The log itself writes it past its levels, where lines could not be written.
  {
    at: 'apps/jamey/src/terminal/log.ts:1',
    level: 'warn',
    event: 'log.lines.dropped',
    message: 'lines of this log were dropped',
  },
]

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (['node_modules', 'dist'].includes(entry.name)) return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? walk(path) : [path]
  })
}

/** The lines of each name, in the order of the names. */
function named(): Map<string, LogLine[]> {
  const byName = new Map<string, LogLine[]>()
  const sorted = lines.toSorted((a, b) => (String(a.event) < String(b.event) ? -1 : 1))
  for (const line of sorted) {
    const name = line.event ?? ''
    byName.set(name, [...(byName.get(name) ?? []), line])
  }
  return byName
}

describe('lines of the log', () => {
  it('have a literal event as the first of their fields', () => {
    expect(lines.length).toBeGreaterThan(100)
    expect(lines.filter(({ event }) => event === undefined).map(({ at }) => at)).toEqual([])
  })

  it('have names by part and thing, of the part that writes them', () => {
    const astray = lines.filter(({ at, event = '' }) => {
      const parts = PARTS.find(([folder]) => at.startsWith(folder))?.slice(1) ?? []
      return !/^[a-z]+(\.[a-z]+(_[a-z]+)*)+$/.test(event) || !parts.includes(event.split('.')[0] as string)
    })
    expect(astray.map(({ at, event }) => `${at}: ${event}`)).toEqual([])
  })

  it('that say something else have another name', () => {
    const shared = [...named()].filter(([, [first, ...others]]) =>
      others.some(({ message }) => message === undefined || message !== first?.message),
    )
    expect(shared).toEqual([])
  })

  it('stand in docs/logs.md (npm run logs writes them)', async () => {
    const page = readFileSync(join(root, 'docs/logs.md'), 'utf8')
    const [before] = page.split('<!-- lines -->')
    const rows = [...named()].map(([name, all]) => {
      const levels = [...new Set(all.map(({ level }) => level))].join(', ')
      const message = all[0]?.message?.replaceAll('|', '\\|').replaceAll('<', '&lt;') ?? '…'
      return `| \`${name}\` | ${levels} | ${message} |`
    })
    const parts = [...new Set(PARTS.flatMap(([, ...names]) => names))].toSorted()
    const tables = parts.map((part) => {
      const ofPart = rows.filter((row) => row.startsWith(`| \`${part}.`))
      return `## ${part}\n| event | level | msg |\n|---|---|---|\n${ofPart.join('\n')}\n`
    })
    const text = `${before}<!-- lines -->\n${tables.join('\n')}`
    await expect(text).toMatchFileSnapshot(join(root, 'docs/logs.md'))
  })
})
