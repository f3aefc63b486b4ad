import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AuditLog } from '@jamey/conscience'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from './run-command.support.js'

let folder: string
let head: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-verdicts-'))
  const hourMs = 3_600_000
  let nowMs = Date.now() - 3 * hourMs
  const audit = await AuditLog.open(join(folder, 'audit'), {
    clientId: 'conscience',
    clock: { timeOfDay: () => nowMs },
  })
  const rules = [{ name: 'run-as-another', decision: 'ask', reason: 'it runs as another user' }]
  for (const [requested_by, decision, command] of [
    ['ann', 'allow', 'ls'],
    ['bob', 'deny', 'rm -rf /'],
    ['bob', 'ask', 'sudo \u001b[2Jls'],
  ] as const) {
    nowMs += hourMs - 60_000
    await audit.append({
      kind: 'verdict',
      evaluation_id: command,
      decision,
      requested_by,
      tool: 'Bash',
      arguments: { command },
      rules,
    })
  }
  await audit.append({ kind: 'outcome', outcome: 'succeeded', reported_by: 'ann' })
  await audit.close()
  head = `${audit.head.file}:${audit.head.hash}`
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const verdicts = (...args: string[]) => {
  return runCommand(folder, ['verdicts', ...args], { JAMEY_DATA_DIR: folder })
}

describe('verdicts', () => {
  it('shows what was decided, for whom, about what and why, and nothing that a terminal obeys', async () => {
    const { code, stdout } = await verdicts()
    expect(code).toBe(0)
    expect(stdout.split('\n')).toHaveLength(7)
    expect(stdout).toMatch(/^\S+Z {2}allow {2}ann {2}Bash {"command":"ls"}\n {2}run-as-another\n/)
    expect(stdout).not.toContain('\u001b')
  })

  it.each([
    [['--decision', 'deny'], ['rm -rf /']],
    [['--sender', 'ann'], ['ls']],
    [['--since', '30m'], ['sudo \u001b[2Jls']],
    [['--limit', '1'], ['sudo \u001b[2Jls']],
    [['--tool', 'none'], []],
  ])('%j finds %j', async (args, commands) => {
    const { stdout } = await verdicts('list', ...args, '--json')
    const lines = stdout.split('\n').filter((line) => line !== '')
    expect(lines.map((line) => JSON.parse(line).arguments.command)).toEqual(commands)
  })

  it('shows nothing for a decision that there is not, and says which there are', async () => {
    const { code, stderr } = await verdicts('--decision', 'maybe')
    expect(code).toBe(2)
    expect(stderr).toContain('Allowed choices are allow, ask, deny')
  })
})

describe('verdicts verify', () => {
  it('says that nothing was changed, and where the audit ends', async () => {
    const { code, stdout } = await verdicts('verify', '--head', head)
    expect(code).toBe(0)
    expect(stdout).toBe(`The audit is as it was written: 5 records in 1 file.\nIt ends at ${head}\n`)
  })

  it('finds a record that was changed, and exits 3', async () => {
    const [file = ''] = readdirSync(join(folder, 'audit'))
    const path = join(folder, 'audit', file)
    const before = readFileSync(path, 'utf8')
    try {
      writeFileSync(path, before.replace('"deny"', '"allow"'))
      const { code, stdout } = await verdicts('verify')
      expect(code).toBe(3)
      expect(stdout).toContain(`${file}:3: its hash is `)
      const listed = await verdicts('--json')
      expect(listed.stderr).toContain(`warning: ${file}:3: its hash is `)
      expect(listed.stdout.split('\n').filter((line) => line !== '')).toHaveLength(2)
    } finally {
      writeFileSync(path, before)
    }
  })

  it('says that there is none, and exits 3', async () => {
    const path = join(folder, 'audit')
    renameSync(path, `${path}.aside`)
    try {
      const { code, stdout } = await verdicts('verify')
      expect(code).toBe(3)
      expect(stdout).toBe('There is no audit: nothing was recorded, or all of it is gone.\n')
    } finally {
      renameSync(`${path}.aside`, path)
    }
  })

  it('says what is expected of a head', async () => {
    const { code, stderr } = await verdicts('verify', '--head', 'x')
    expect(code).toBe(2)
    expect(stderr).toContain('--head: expected FILE:HASH as the log has it, found "x"')
  })
})
