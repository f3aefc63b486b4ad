import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/threat-model.md'), 'utf8')

/** `file`: name; name; `file`: name. */
const named = [...page.matchAll(/`((?:packages|services|apps|tests)\/[^`]+\.test\.ts)`(?:: ([^|`]+))?/g)].map(
  ([, file = '', names = '']) => ({
    file,
    names: names
      .split(';')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  }),
)

it('docs/threat-model.md names tests that are there', () => {
  expect(named.length).toBeGreaterThan(15)
  const missing = named.flatMap(({ file, names }) => {
    const path = join(root, file)
    if (!existsSync(path)) return [file]
    const text = readFileSync(path, 'utf8')
    return names.filter((name) => !text.includes(name)).map((name) => `${file}: ${name}`)
  })
  expect(missing).toEqual([])
})
