import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/security.md'), 'utf8')

/** `file`: name; name; `file`: name. */
const named = [
  ...page.matchAll(/`((?:packages|services|apps|tests)\/[^`]+\.test\.ts)`(?:: ([^|`\n]+))?/g),
].map(([, file = '', names = '']) => ({
  file,
  names: names
    .split(';')
    .map((name) => name.trim())
    .filter((name) => name !== ''),
}))

/** A scene begins with `it('...'`, or its name is alone on the line after `it.each(`. */
const SCENE = /(?:\bit|\]|\))\(\s*'([^'\n]+)',\s*(?:async )?\(/g

describe('docs/security.md', () => {
  it('names tests that are there', () => {
    expect(named.length).toBeGreaterThan(15)
    const missing = named.flatMap(({ file, names }) => {
      const path = join(root, file)
      if (!existsSync(path)) return [file]
      const text = readFileSync(path, 'utf8')
      return names.filter((name) => !text.includes(name)).map((name) => `${file}: ${name}`)
    })
    expect(missing).toEqual([])
  })

  it('lists every scene of tests/attacks', () => {
    const files = readdirSync(join(root, 'tests/attacks')).filter((file) => file.endsWith('.test.ts'))
    const scenes = files.flatMap((file) => {
      const text = readFileSync(join(root, 'tests/attacks', file), 'utf8').replace(/\bdescribe\b.*/g, '')
      return [...text.matchAll(SCENE)].map(([, name = '']) => {
        return `\`tests/attacks/${file}\`: ${name.replace(/ \[promise \d+\]$/, '')} |`
      })
    })
    expect(scenes.length).toBeGreaterThan(40)
    expect(scenes.filter((scene) => !page.includes(scene))).toEqual([])
  })
})
