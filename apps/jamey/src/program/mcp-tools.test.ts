import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from './run-command.support.js'

let folder: string

/** Lists three tools, and ends on its own as soon as it is called instead. */
const SERVER = `
const tools = [
  { name: 'get_ticket', annotations: { readOnlyHint: true } },
  { name: 'delete_ticket', annotations: { destructiveHint: true } },
  { name: 'frobnicate' },
]
let read = ''
process.stdin.on('data', (bytes) => {
  read += bytes
  for (let end = read.indexOf('\\n'); end >= 0; end = read.indexOf('\\n')) {
    const { id, method } = JSON.parse(read.slice(0, end))
    read = read.slice(end + 1)
    if (method === 'tools/call') process.exit(1)
    if (id === undefined) continue
    console.log(JSON.stringify({ jsonrpc: '2.0', id, result: method === 'tools/list' ? { tools } : {} }))
  }
})
`

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-mcp-tools-'))
  writeFileSync(join(folder, 'tickets.cjs'), SERVER)
  const lines = (tools: string) => `version: 1\ninclude: [work]\n${tools}`
  writeFileSync(join(folder, 'plain.yaml'), lines(''))
  writeFileSync(
    join(folder, 'believed.yaml'),
    lines('tools: { "mcp__tickets__*": { annotations: believed } }\n'),
  )
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SERVED = ['--', process.execPath, 'tickets.cjs']
const tools = (...args: string[]) => runCommand(folder, ['mcp', 'tools', ...args])

describe('mcp tools', () => {
  it('tells what each tool is taken to do, and what to write into the policy', async () => {
    const { code, stdout } = await tools('--policy', 'plain.yaml', ...SERVED)
    expect(code).toBe(0)
    expect(stdout.split('\n')).toEqual([
      'ask    read?      get_ticket     nobody said what this tool does',
      'ask    delete?    delete_ticket  nobody said what this tool does',
      'ask    not known  frobnicate     nobody said what this tool does',
      '0 of 3 tools of mcp__tickets__* would be allowed; what stands in arguments may change that',
      'A ? marks a guess by the words of a name. A policy may say what a tool does:',
      '',
      'tools:',
      '  "mcp__tickets__*": { annotations: believed }  # what only reads by its server\'s word',
      '  mcp__tickets__delete_ticket: { effects: [write] }',
      '',
    ])
  })

  it('goes by the policy', async () => {
    const { stdout } = await tools('--policy', 'believed.yaml', '--json', ...SERVED)
    expect(JSON.parse(stdout)).toMatchObject({
      server: 'tickets',
      tools: [
        { tool: 'mcp__tickets__get_ticket', decision: 'allow', effects: ['read'], known: true },
        { tool: 'mcp__tickets__delete_ticket', decision: 'ask', effects: ['delete'], known: true },
        { tool: 'mcp__tickets__frobnicate', decision: 'ask', effects: [], known: false },
      ],
    })
  })

  it('says that a server ended, or that none was named', async () => {
    const ended = await tools('--', process.execPath, '--eval', '0')
    expect(ended).toMatchObject({ code: 5 })
    expect(ended.stderr).toContain('the server ended before it had listed its tools')
    expect((await tools()).code).toBe(2)
  })
})
