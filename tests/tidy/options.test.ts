import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'

/** What users of a package hand over is read, not changed, and may say that it leaves an option out. */

const root = resolve(import.meta.dirname, '../..')
const files = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', 'packages', 'services'],
  { cwd: root },
)
  .toString()
  .split('\n')
  .filter((file) => /\/src\/.*\.ts$/.test(file) && !/\.(test|contract|support)\.ts$|test-support/.test(file))

const INTERFACE = /^export interface (\w*(?:Options|Config|Settings))\b[^{]*\{\n(.*?)^\}$/gms
/** A property, whose type may go on over indented lines. */
const PROPERTY = /^ {2}(readonly )?(\w+)(\?)?: ?(.*(?:\n {4}.*)*)/gm

it('options are read only, and those that may be left out may be undefined', () => {
  let seen = 0
  const faults = files.flatMap((file) =>
    [...readFileSync(resolve(root, file), 'utf8').matchAll(INTERFACE)].flatMap(([, name, body = '']) =>
      [...body.matchAll(PROPERTY)].flatMap(([, readonly, option, optional, type = '']) => {
        seen++
        const where = `${file}: ${name}.${option}`
        const mayBeUndefined = /\bundefined$|\bunknown$/.test(type.trimEnd())
        return [
          ...(readonly === undefined ? [`${where} is not readonly`] : []),
          ...(optional !== undefined && !mayBeUndefined ? [`${where} may not be undefined`] : []),
        ]
      }),
    ),
  )
  expect(faults).toEqual([])
  expect(seen).toBeGreaterThan(300)
})
