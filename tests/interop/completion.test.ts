import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyFolder, jamey, removeFolder } from '../e2e/program.js'

let folder: string

beforeAll(() => {
  folder = emptyFolder()
})

afterAll(() => removeFolder(folder))

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout } = await jamey(folder, ['completion', shell])
  expect(code).toBe(0)
  const file = join(folder, `_jamey.${shell}`)
  writeFileSync(file, stdout)
  return file
}

describe.skipIf(!existsSync('/usr/bin/fish'))('jamey completion fish', () => {
  it('has fish offer commands, options and their values', async () => {
    const file = await scriptFor('fish')
    const offered = (line: string) =>
      execFileSync('fish', ['-c', `source ${file}; complete -C '${line}'`], { cwd: folder })
        .toString()
        .split('\n')
        .map((each) => each.split('\t')[0])
        .filter((word) => word !== '')
    expect(offered('jamey rem')).toEqual(['remember'])
    expect(offered('jamey remember --layer se')).toEqual(['semantic'])
    expect(offered('jamey broker bac')).toEqual(['backup'])
    expect(offered('jamey memory export --da')).toEqual(['--data-dir'])
  })
})

describe.skipIf(!existsSync('/usr/bin/zsh'))('jamey completion zsh', () => {
  it('has zsh offer commands, options and their values', async () => {
    const file = await scriptFor('zsh')
    // What is offered is printed where zsh would draw it.
    const program = `
      compadd() { shift; print -l -- "$@" }
      _files() { print files }
      _describe() { print -l -- "\${(@P)2}" }
      words=("$@"); CURRENT=$#
      source ${file}`
    const offered = (...words: string[]) =>
      execFileSync('zsh', ['-f', '-c', program, 'zsh', ...words], { cwd: folder })
        .toString()
        .split('\n')
    expect(offered('jamey', '')).toEqual(expect.arrayContaining([expect.stringMatching(/^remember:/)]))
    expect(offered('jamey', 'remember', '--layer', '')).toContain('semantic')
    expect(offered('jamey', 'broker', '')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^backup:/)]),
    )
    expect(offered('jamey', 'broker', '--config', '')).toContain('files')
  })
})
