import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const folder = resolve(import.meta.dirname, '../../examples')
/** `receipts` and `agents` take a running system: tests/attacks and agents.slow.test.ts run them. */
const examples = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.js') && !/^(receipts|agents)/.test(name),
)

/** The comment at the end of an example says what it prints. */
function promised(text: string): string {
  const lines = text
    .slice(text.indexOf('// prints:\n') + '// prints:\n'.length)
    .trimEnd()
    .split('\n')
  return lines.map((line) => line.replace(/^\/\/ ?/, '')).join('\n')
}

describe.each(examples)('%s', (name) => {
  const text = readFileSync(join(folder, name), 'utf8')

  it('prints what it says it prints', async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(folder, name)], {
      timeout: 30_000,
    })
    expect(stdout.trimEnd()).toBe(promised(text))
    // A plaintext connection is warned about; nothing else is.
    expect(
      stderr.split('\n').filter((line) => line !== '' && !/encryption|trace-warnings/.test(line)),
    ).toEqual([])
  })

  it('is short and uses public names only', () => {
    expect(text.split('\n').length).toBeLessThanOrEqual(45)
    const imports = [...text.matchAll(/from '([^']+)'/g)].map((match) => match[1] as string)
    expect(imports.filter((from) => !/^@jamey\/[a-z]+$|^node:/.test(from))).toEqual([])
  })
})
