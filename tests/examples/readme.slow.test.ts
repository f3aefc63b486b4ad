import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { examplesOf, readmeFolders, root, runProgram } from './readme-examples.js'

/** Of these nobody writes programs against. */
const WITHOUT_EXAMPLE = ['apps/jamey']

describe.each(readmeFolders)('%s/README.md', (folder) => {
  it('is there, with an example', () => {
    expect(existsSync(join(root, folder, 'README.md'))).toBe(true)
    if (!WITHOUT_EXAMPLE.includes(folder)) expect(examplesOf(folder).length).toBeGreaterThan(0)
  })

  for (const { number, program, prints } of examplesOf(folder)) {
    it.concurrent(`has an example ${number} that imports public names and prints what it says it prints`, async () => {
      const imports = [...program.matchAll(/from '([^']+)'/g)].map((match) => match[1] as string)
      expect(imports.filter((from) => !/^@jamey\/[a-z]+$|^node:|^zod$/.test(from))).toEqual([])
      const { stdout, stderr } = await runProgram(program, root)
      expect(stdout).toBe(prints)
      // A plaintext connection is warned about; nothing else is.
      expect(
        stderr.split('\n').filter((line) => line !== '' && !/encryption|trace-warnings/.test(line)),
      ).toEqual([])
    })
  }
})
