import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/errors.md'), 'utf8')
const source = readFileSync(resolve(import.meta.dirname, 'model/errors.ts'), 'utf8')

it('docs/errors.md has every code of these errors', () => {
  const [section = ''] = page
    .split('\n## Agents\n')
    .slice(1)
    .map((rest) => rest.split('\n## ')[0])
  const rows = [...section.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1])
  const [refused = ''] = source.split('export type CallRefusedCode =')[1]?.split('\n\n') ?? []
  expect(rows).toEqual([...refused.matchAll(/'([a-z-]+)'/g)].map((match) => match[1]))
  for (const [, code] of source.matchAll(/'((?:judge|result|memory)-[a-z-]+)'/g))
    expect(section).toContain(`\`${code}\``)
})
