import { describe, expect, it } from 'vitest'
import { factsOf } from '../facts/facts.js'
import { processorMs } from '../facts/processor-time.support.js'

const PLACE = { workspace: '/srv/app', home: '/home/ann' }
const of = (tool: string, given: Record<string, unknown>) => factsOf({ tool, arguments: given }, PLACE)

describe('what is said to a shell beside its script', () => {
  it.each([
    [{ env: { PATH: '../x' } }, { env: { NODE_ENV: 'test' } }],
    [{ environment: ['NODE_OPTIONS=--require ./x'] }, { environment: ['CI=1'] }],
    [{ shell: './evil' }, { shell: '/bin/bash' }],
    [{ user: 'root' }, { timeout: 1 }],
  ])('%j cannot be followed, %j can', (hidden, plain) => {
    expect(of('Bash', { command: 'ls', ...hidden }).unread).not.toEqual([])
    expect(of('Bash', { command: 'ls', ...plain }).unread).toEqual([])
  })

  it.each([
    [{ dangerouslyDisableSandbox: true }, { dangerouslyDisableSandbox: false }],
    [{ with_escalated_permissions: true }, { run_in_background: true }],
    [{ sandbox_permissions: 'require_escalated' }, { sandbox_permissions: 'use_default' }],
  ])('%j lets it go, %j does not', (released, held) => {
    expect(of('Bash', { command: 'ls', ...released }).effects).toContain('admin')
    expect(of('Bash', { command: 'ls', ...held }).effects).toEqual(['read'])
  })
})

describe('what is said beside a statement', () => {
  it.each([
    ['postgres://db.example/x', true],
    ['postgres://localhost/x', false],
  ])('tells the server of %s, elsewhere: %s', (connection_string, isElsewhere) => {
    const { effects } = of('execute_sql', { sql: 'select 1', connection_string })
    expect(effects.includes('outward-read')).toBe(isElsewhere)
  })

  it('may be more than the name of a table', () => {
    expect(of('describe_table', { table_name: 'x; drop table y' }).unread).not.toEqual([])
    expect(of('describe_table', { table_name: 'public.x' }).unread).toEqual([])
  })
})

describe('a file that a tool for looking writes', () => {
  it.each([
    ['download_attachment', { id: 'x', save_to: '../x' }],
    ['browser_take_screenshot', { filename: '../x.png' }],
    ['browser_network_requests', { filename: '../x' }],
  ])('%s %j is written', (tool, given) => {
    expect(of(tool, given).files).toMatchObject([{ access: 'write', isWorkable: false }])
  })
})

describe('addresses and names', () => {
  it('of a page that a tab opens are asked for', () => {
    expect(of('browser_tabs', { action: 'new', url: 'https://x.example/?q=1' }).effects).toContain(
      'outward-read',
    )
    expect(of('browser_tabs', { action: 'list' }).effects).toEqual(['read'])
  })

  it('that are read in two ways are not followed', () => {
    expect(of('WebFetch', { url: 'http://localhost\\@x.example/' }).unread).not.toEqual([])
    expect(of('WebFetch', { url: 'http://localhost/a' }).unread).toEqual([])
  })

  it('that Windows shortens are those of secrets', () => {
    const isSecret = (file_path: string) => of('Read', { file_path }).files[0]?.isSecret
    expect(['.env ', '.env::$DATA', '.env.', 'notes '].map(isSecret)).toEqual([true, true, true, false])
  })

  it('of any length take no time', () => {
    const from = processorMs()
    of('Read', { file_path: `${'.'.repeat(100_000)}x` })
    of('Read', { file_path: `x${'.'.repeat(100_000)}` })
    of('Bash', { command: `echo "\${${'SECRET'.repeat(15_000)}:+x}"` })
    of('read_query', { query: `EXPLAIN ANALYZE${' '.repeat(45_000)}EXECUTE x` })
    of('Bash', { command: `sed "$(${'a|'.repeat(40_000)}" a` })
    of('Bash', { command: `awk '${'print '.repeat(15_000)}' a` })
    of('Bash', { command: `git diff ${'--h '.repeat(20_000)}` })
    expect(processorMs() - from).toBeLessThan(5_000)
  })

  it('of a file in the place of a branch throw away what was changed there', () => {
    const effects = (branch_name: string) => of('git_checkout', { repo_path: '.', branch_name }).effects
    expect(effects('.')).toContain('delete')
    expect(effects('src/a.ts')).toContain('delete')
    expect(['main', 'v1.2', 'feature/a.b-c'].map(effects)).toEqual([['write'], ['write'], ['write']])
  })
})
