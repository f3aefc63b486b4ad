import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'

/** docs/defaults.md says what the docstrings of the options say, and knows all that they call a default. */

const root = resolve(import.meta.dirname, '../..')
const page = readFileSync(resolve(root, 'docs/defaults.md'), 'utf8')
const PACKAGES = ['mqtt', 'bus', 'broker']
const ROW = /^\| (\w+) \| `(\w+)` \| `(\w+)` \| `?([^|`]+)`? \|$/gm
const INTERFACE = /^export interface (\w+)\b[^{]*\{\n(.*?)^\}$/gms
/** A docstring and the option behind it. */
const OPTION = /^ {2}\/\*\*((?:(?!\*\/).)*)\*\/\n {2}readonly (\w+)\?:/gms

/** By `package Options.option`. */
const told = new Map(
  PACKAGES.flatMap((name) =>
    execFileSync('git', ['ls-files', `packages/${name}/src`], { cwd: root })
      .toString()
      .split('\n')
      .filter((file) => /(?<!\.test)\.ts$/.test(file))
      .flatMap((file) =>
        [...readFileSync(resolve(root, file), 'utf8').matchAll(INTERFACE)].flatMap(([, type, body = '']) =>
          [...body.matchAll(OPTION)].map(([, text = '', option]) => [
            `${name} ${type}.${option}`,
            text.replace(/\s*\n\s*\* ?/g, ' ').replace(/(\d) (?=\d{3}\b)/g, '$1'),
          ]),
        ),
      ),
  ) as [string, string][],
)

it('the table of defaults says what the types say', () => {
  const wrong = [...page.matchAll(ROW)].flatMap(([, name, type, option, value = '']) => {
    const text = told.get(`${name} ${type}.${option}`)
    if (text === undefined) return [`${name}: ${type}.${option} is no documented option`]
    const isSaid = new RegExp(`(?<![\\w.])${value.trim().replace('.', '\\.')}(?![\\w])`, 'i').test(text)
    return isSaid ? [] : [`${name}: ${type}.${option} is ${value} in the table, and there: ${text}`]
  })
  expect(wrong).toEqual([])
})

it('the table of defaults has every number that is called a default of client or bus', () => {
  const listed = new Set([...page.matchAll(ROW)].map(([, name, type, option]) => `${name} ${type}.${option}`))
  const missing = [...told]
    .filter(([option]) => /^(mqtt|bus) \w*(Options|Config)\./.test(option))
    .filter(([, text]) => /\b\d[^.;,]*\bby default\b/.test(text))
    .map(([option]) => option)
    .filter((option) => !listed.has(option))
  expect(missing).toEqual([])
})
