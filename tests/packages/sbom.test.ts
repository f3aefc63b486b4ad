import { expect, it } from 'vitest'
import { root, run } from './tarballs.js'

interface Sbom {
  readonly bomFormat: string
  readonly components: readonly { readonly name: string; readonly scope?: string }[]
}

it('the bill of materials has what a running system has in it, and no tool of those who work on it', async () => {
  const { stdout } = await run('npm', ['run', '--silent', 'sbom'], { cwd: root, maxBuffer: 2 ** 26 })
  const { bomFormat, components } = JSON.parse(stdout) as Sbom
  const names = components.map(({ name }) => name)
  expect(bomFormat).toBe('CycloneDX')
  expect(names).toEqual(expect.arrayContaining(['lmdb', 'libsql', 'jose', 'fastify', 'zod']))
  expect(
    names.filter((name) => /^(vitest|typescript|playwright-core|aedes|ai|langchain|openai)$/.test(name)),
  ).toEqual([])
})
