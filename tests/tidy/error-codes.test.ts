import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'

/** Whoever meets a code finds it on docs/errors.md, with what to do; and finds none there that nobody says. */

const root = resolve(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')
const files = execFileSync('git', ['ls-files', 'packages', 'services', 'apps'], { cwd: root })
  .toString()
  .split('\n')
  .filter((file) => /\/src\/.*\.ts$/.test(file))
  .filter((file) => !/\.(test|support|contract|fixture)\.ts$|test-support|^packages\/testing/.test(file))

const CODE = "'([a-z]+(?:-[a-z0-9]+)*)'"
/** The unions of codes, in which each is a text of its own. */
const UNION = new RegExp(`type \\w*ErrorCode\\s*=((?:\\s*\\|?\\s*${CODE})+)`, 'g')
/** A class whose first argument is a code; that of these two is the field at fault, or the topic. */
const THROWN = new RegExp(
  `new (?!MemoryInputError|MessageError)(?:\\w+Error|Problem|\\w+Failure)\\(\\s*${CODE}`,
  'g',
)
const BASE = new RegExp(`super\\(\\s*${CODE}`, 'g')
const OF_COMMANDS = new RegExp(`\\bcode: ${CODE},?\\s*(?:exitCode|hint|cause|\\})`, 'g')

function codesOf(text: string): string[] {
  const unions = [...text.matchAll(UNION)].flatMap(([, union = '']) => [
    ...union.matchAll(new RegExp(CODE, 'g')),
  ])
  const others = [THROWN, BASE, OF_COMMANDS].flatMap((pattern) => [...text.matchAll(pattern)])
  return [...unions, ...others].map(([, code = '']) => code)
}

const said = new Map(
  files.flatMap((file) =>
    codesOf(readFileSync(join(root, file), 'utf8')).map((code) => [code, file] as const),
  ),
)
/** Words in backticks or quotes, and first cells of tables. */
const told = new Set(
  [
    ...page.matchAll(/[`']([a-z]+(?:-[a-z0-9]+)*)['`]/g),
    ...[...page.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = '']) => [
      ...cell.matchAll(/([a-z]+(?:-[a-z0-9]+)*)/g),
    ]),
  ].map(([, code = '']) => code),
)

it('every code of an error is on docs/errors.md', () => {
  expect([...said].filter(([code]) => !told.has(code)).map(([code, file]) => `${code} of ${file}`)).toEqual(
    [],
  )
  expect(said.size).toBeGreaterThan(250)
})

it('docs/errors.md has no code in "Every code" that nobody says', () => {
  const tables = page.slice(page.indexOf('## Every code'))
  const rows = [...tables.matchAll(/^\| ((?:`[a-z-]+`(?: \(\d\))?,? ?)+) \|/gm)].map(([, cell = '']) => cell)
  const codes = rows.flatMap((cell) => [...cell.matchAll(/`([a-z-]+)`/g)].map(([, code = '']) => code))
  const sources = files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n')
  expect(codes.filter((code) => !sources.includes(`'${code}'`))).toEqual([])
  expect(codes.length).toBeGreaterThan(150)
})
