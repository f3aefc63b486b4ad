import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommand } from './run-command.support.js'

const folder = mkdtempSync(join(tmpdir(), 'jamey-completion-'))

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await runCommand(folder, ['completion', shell])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const file = join(folder, `jamey.${shell}`)
  writeFileSync(file, stdout)
  return file
}

/** The words that bash would offer behind `line`. */
async function offered(...words: string[]): Promise<string[]> {
  const file = await scriptFor('bash')
  const program = `source ${file}
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _jamey; printf '%s\\n' "\${COMPREPLY[@]}"`
  const output = execFileSync('bash', ['-c', program, 'bash', ...words], { cwd: folder }).toString()
  return output.split('\n').filter((word) => word !== '')
}

describe('jamey completion', () => {
  it('has bash offer commands, their commands, options and the values of options', async () => {
    expect(await offered('jamey', 'rem')).toEqual(['remember'])
    expect(await offered('jamey', 'broker', 'b')).toEqual(expect.arrayContaining(['backup']))
    expect(await offered('jamey', 'memory', '--no-such', 'export', '--da')).toEqual(['--data-dir'])
    expect(await offered('jamey', 'remember', '--layer', 'se')).toEqual(['semantic'])
    expect(await offered('jamey', 'up', '--log-level', '')).toEqual(expect.arrayContaining(['debug', 'warn']))
  })

  it('has files offered where an option takes any value', async () => {
    writeFileSync(join(folder, 'permissions.yaml'), '')
    expect(await offered('jamey', 'broker', '--manifest', 'perm')).toEqual(['permissions.yaml'])
  })

  it('knows every command that there is', async () => {
    const { stdout } = await runCommand(folder, ['help'])
    const commands = [...stdout.matchAll(/^ {2}([a-z][\w-]+) (?:\[|<| )/gm)].map(([, name]) => name as string)
    expect(commands.length).toBeGreaterThan(15)
    const all = await offered('jamey', '')
    expect(commands.filter((name) => !all.includes(name))).toEqual([])
  })

  it('refuses a shell that it does not know, with those that it does', async () => {
    const { code, stderr } = await runCommand(folder, ['completion', 'tcsh'])
    expect(code).toBe(2)
    expect(stderr).toContain('bash, zsh, fish')
  })
})
