import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pendingApproval } from './pending-approval.js'
import { emptyFolder, JAMEY, jamey, removeFolder, type System, startSystem } from './program.js'

/** The guard with a running system: its conscience judges, and people are asked. */

const SERVER = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-filesystem/dist/index.js')

let system: System
let workspace: string

beforeAll(async () => {
  const folder = emptyFolder()
  workspace = join(folder, 'workspace')
  mkdirSync(workspace)
  writeFileSync(join(workspace, 'a.txt'), 'a file of the workspace')
  writeFileSync(
    join(folder, 'policy.yaml'),
    `version: 1
workspace: ${workspace}
include: [work, files]
rules:
  - name: scripts
    decision: ask
    reason: it writes what is no text file
    when: files.exists(f, f.access == 'write' && f.path.endsWith('.sh'))
`,
  )
  writeFileSync(join(folder, '.env'), 'JAMEY_POLICY_FILE=policy.yaml\n')
  system = await startSystem(folder)
})

afterAll(async () => {
  await system?.program.stop()
  if (system !== undefined) removeFolder(system.folder)
})

async function connected(...options: string[]) {
  const capabilities = options.includes('--elicit') ? { elicitation: {} } : {}
  const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities })
  const args = [
    JAMEY,
    'mcp',
    'guard',
    '--client-id',
    'agent',
    ...options,
    '--',
    process.execPath,
    SERVER,
    workspace,
  ]
  const transport = new StdioClientTransport({
    command: process.execPath,
    args,
    cwd: system.folder,
    stderr: 'ignore',
  })
  await client.connect(transport)
  return client
}

type Result = Awaited<ReturnType<Client['callTool']>>
const textOf = ({ content }: Result) => (content as { text?: string }[])[0]?.text
const write = (name: string) => ({
  name: 'write_file',
  arguments: { path: join(workspace, name), content: 'changed' },
})

describe('the guard of a running system', () => {
  it('makes what its conscience allows', async () => {
    const client = await connected()
    const read = { name: 'read_text_file', arguments: { path: join(workspace, 'a.txt') } }
    expect(textOf(await client.callTool(read))).toBe('a file of the workspace')
    await client.close()
  })

  it.each([
    ['approve', 'made'],
    ['deny', 'not made'],
  ])('asks people, who %s, and then the call is %s', async (answer, outcome) => {
    const client = await connected()
    const called = client.callTool(write(`${answer}.sh`))
    const { approval_id: id, tool } = await pendingApproval(system)
    expect(tool).toBe('mcp__server-filesystem__write_file')
    expect(await jamey(system.folder, ['approvals', answer, id])).toMatchObject({ code: 0 })
    const result = await called
    if (outcome === 'made') expect(readFileSync(join(workspace, `${answer}.sh`), 'utf8')).toBe('changed')
    else expect(textOf(result)).toMatch(/a person said no/)
    expect(existsSync(join(workspace, `${answer}.sh`))).toBe(outcome === 'made')
    await client.close()
  })

  it('answers a call that nobody approves in time, which is made when it comes again after that', async () => {
    const client = await connected('--wait', '0.2')
    expect(textOf(await client.callTool(write('late.sh')))).toMatch(/it waits for approval/)
    const { approval_id: id } = await pendingApproval(system)
    expect(await jamey(system.folder, ['approvals', 'approve', id])).toMatchObject({ code: 0 })
    expect(await client.callTool(write('late.sh'))).not.toHaveProperty('isError')
    expect(readFileSync(join(workspace, 'late.sh'), 'utf8')).toBe('changed')
    await client.close()
  })

  it.each([
    [true, 'made', 'yes'],
    [false, 'not made', 'no'],
  ])(
    "closes what stands in the queue once the client's user says %s, and the call is %s",
    async (approve, outcome, said) => {
      const client = await connected('--elicit')
      let answer: () => void = () => {}
      client.setRequestHandler(ElicitRequestSchema, async () => {
        await new Promise<void>((resolve) => {
          answer = resolve
        })
        return { action: 'accept', content: { approve } }
      })
      const name = `elicited-${said}.sh`
      const called = client.callTool(write(name))
      const { approval_id: id } = await pendingApproval(system)
      answer()
      await called
      expect(existsSync(join(workspace, name))).toBe(outcome === 'made')
      const { stdout } = await jamey(system.folder, ['approvals', 'show', id])
      expect(stdout).toMatch(/^[^ ]+ {2}revoked/)
      expect(stdout).toContain(`revoked by  agent: the client's user said ${said}`)
      expect(await jamey(system.folder, ['approvals', 'approve', id])).toMatchObject({ code: 3 })
      await client.close()
    },
  )

  it("takes the question to the client's user back once somebody answers in the queue", async () => {
    const client = await connected('--elicit')
    let takenBack = false
    client.setRequestHandler(ElicitRequestSchema, async (_, { signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      takenBack = true
      return { action: 'decline' }
    })
    const called = client.callTool(write('queued.sh'))
    const { approval_id: id } = await pendingApproval(system)
    expect(await jamey(system.folder, ['approvals', 'approve', id])).toMatchObject({ code: 0 })
    expect(await called).not.toHaveProperty('isError')
    expect([existsSync(join(workspace, 'queued.sh')), takenBack]).toEqual([true, true])
    await client.close()
  })

  it('makes nothing while there is no conscience', async () => {
    const client = await connected()
    expect(await client.callTool(write('before.txt'))).not.toHaveProperty('isError')
    await system.program.stop()
    const result = await client.callTool(write('after.txt'))
    expect(result.isError).toBe(true)
    expect(textOf(result)).toMatch(/no verdict could be had/)
    expect(existsSync(join(workspace, 'after.txt'))).toBe(false)
    await client.close()
    // Without a broker it does not even start.
    await expect(connected()).rejects.toThrow(/closed/)
  })
})
