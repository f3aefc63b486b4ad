import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { until } from '@jamey/testing'
import { Client as ModernClient } from '@modelcontextprotocol/client'
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyFolder, JAMEY, jamey, REPOSITORY, removeFolder } from './program.js'

/** The reference server of files, behind the guard, as a user of the official SDK has it. */

const SERVER = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-filesystem/dist/index.js')
const POLICY = `version: 1
include: [work, files]
rules:
  - name: only-in-the-workspace
    decision: deny
    reason: it changes a file outside of the workspace
    when: files.exists(f, f.access != 'read' && f.place != 'workspace')
  - name: text-files-alone
    decision: ask
    reason: it writes what is no text file
    when: files.exists(f, f.access == 'write' && f.path.endsWith('.sh'))
`

let folder: string
let workspace: string

beforeAll(() => {
  folder = emptyFolder()
  workspace = join(folder, 'workspace')
  mkdirSync(workspace)
  writeFileSync(join(workspace, 'a.txt'), 'a file of the workspace')
  writeFileSync(join(folder, 'outside.txt'), 'as it was')
  writeFileSync(join(folder, 'policy.yaml'), `${POLICY}workspace: ${workspace}\n`)
})

afterAll(() => removeFolder(folder))

const server = (script = `exec node ${SERVER} ${folder}`) => ['sh', '-c', `echo "process $$" >&2; ${script}`]
const guard = (command = server(), ...options: string[]) => ({
  command: process.execPath,
  args: [
    JAMEY,
    'mcp',
    'guard',
    '--policy',
    'policy.yaml',
    '--name',
    'filesystem',
    ...options,
    '--',
    ...command,
  ],
  cwd: folder,
  stderr: 'pipe' as const,
})

async function connected(client: Client, { args, command, ...how }: ReturnType<typeof guard>) {
  const transport = new StdioClientTransport({ command, args, ...how })
  let log = ''
  transport.stderr?.on('data', (text: Buffer) => {
    log += text.toString('utf8')
  })
  await client.connect(transport)
  return { client, log: () => log, close: () => client.close() }
}

const ME = { name: 'test', version: '1.0.0' }
const newClient = () => new Client(ME, { capabilities: { elicitation: {} } })
type Result = Awaited<ReturnType<Client['callTool']>>
const textOf = ({ content }: Result) => (content as { text?: string }[])[0]?.text
const write = (path: string, content = 'changed') => ({ name: 'write_file', arguments: { path, content } })
const read = (path: string) => ({ name: 'read_text_file', arguments: { path } })

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('the reference server of files behind the guard', () => {
  it('lists its tools as ever, and makes the calls that the policy allows and no others', async () => {
    const alone = await connected(newClient(), { ...guard(), command: 'sh', args: server().slice(1) })
    const guarded = await connected(newClient(), guard())
    expect(await guarded.client.listTools()).toEqual(await alone.client.listTools())
    expect(guarded.client.getServerVersion()).toEqual(alone.client.getServerVersion())
    await alone.close()

    const file = join(workspace, 'a.txt')
    expect(textOf(await guarded.client.callTool(read(file)))).toBe('a file of the workspace')
    const written = await guarded.client.callTool(write(join(workspace, 'b.txt')))
    expect(textOf(written)).toMatch(/^Successfully wrote/)
    expect(readFileSync(join(workspace, 'b.txt'), 'utf8')).toBe('changed')

    const denied = await guarded.client.callTool(write(join(folder, 'outside.txt')))
    expect(denied.isError).toBe(true)
    expect(textOf(denied)).toMatch(
      /the policy denies it \(rule only-in-the-workspace\): it changes a file outside of the workspace/,
    )
    const asked = await guarded.client.callTool(write(join(workspace, 'run.sh')))
    expect(textOf(asked)).toMatch(/nobody can be asked \(rule [\w-]+\): it writes what is no text file/)
    expect(readFileSync(join(folder, 'outside.txt'), 'utf8')).toBe('as it was')

    const results = await Promise.all(Array.from({ length: 200 }, () => guarded.client.callTool(read(file))))
    expect(new Set(results.map(textOf))).toEqual(new Set(['a file of the workspace']))
    const pid = Number(/process (\d+)/.exec(guarded.log())?.[1])
    expect(isAlive(pid)).toBe(true)
    await guarded.close()
    await until(() => !isAlive(pid))
  })

  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])(
    'judges the calls of a client that knows no version later than %s',
    async (version) => {
      const client = new ModernClient(ME, { supportedProtocolVersions: [version] })
      await client.connect(new ModernTransport(guard()))
      expect(client.getNegotiatedProtocolVersion()).toBe(version)
      expect(await client.callTool(read(join(workspace, 'a.txt')))).toMatchObject({
        content: [{ text: 'a file of the workspace' }],
      })
      const denied = await client.callTool(write(join(folder, 'outside.txt')))
      expect(denied).toMatchObject({
        isError: true,
        content: [{ text: expect.stringContaining('the policy denies it') }],
      })
      await client.close()
    },
  )

  it.each([
    [true, 'made'],
    [false, 'not made'],
  ])('asks the user of the client where the deployer says so: %s, and it is %s', async (approve, outcome) => {
    const client = newClient()
    const asked: string[] = []
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      asked.push(params.message)
      return { action: 'accept', content: { approve } }
    })
    const guarded = await connected(client, guard(server(), '--elicit'))
    const path = join(workspace, `elicited-${approve}.sh`)
    const result = await client.callTool(write(path))
    expect(asked).toEqual([expect.stringContaining('it writes what is no text file')])
    if (outcome === 'made') expect(readFileSync(path, 'utf8')).toBe('changed')
    else expect(textOf(result)).toMatch(/user said no/)
    await guarded.close()
  })

  it('that is killed has its calls answered, and the guard ends with a code of its own', async () => {
    // A server that says who it is and then answers nothing.
    const init = {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'x', version: '1' },
    }
    const script = `process.stdin.once('data', (line) => { console.log(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(line).id, result: ${JSON.stringify(init)} })) })`
    const silent = [
      'sh',
      '-c',
      `echo "process $$" >&2; exec node --eval '${script.replaceAll("'", "'\\''")}'`,
    ]
    const guarded = await connected(newClient(), guard(silent))
    const called = guarded.client.callTool(read(join(workspace, 'a.txt')))
    await until(() => /process \d+/.test(guarded.log()))
    process.kill(Number(/process (\d+)/.exec(guarded.log())?.[1]), 'SIGKILL')
    expect(textOf(await called)).toMatch(/what became of it is not known: the server ended: SIGKILL/)
    await guarded.close()

    expect(await jamey(folder, guard(['sh', '-c', 'exit 3']).args.slice(1))).toMatchObject({ code: 5 })
  })
})

/** A server of the official SDK that asks its own question, too, as versions without handshake have it. */
const DEPLOYER = `
import { appendFileSync } from 'node:fs'
import { acceptedContent, inputRequired, McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'
serveStdio(() => {
  const server = new McpServer({ name: 'deployer', version: '1.0.0' }, { capabilities: { tools: {} } })
  const answer = z.object({ stage: z.string() })
  server.registerTool('deploy_all', { inputSchema: z.object({ name: z.string() }) }, async ({ name }, { mcpReq }) => {
    const given = acceptedContent(mcpReq.inputResponses, 'stage', answer)
    const asked = inputRequired.elicit({ message: 'Which stage?', requestedSchema: answer })
    if (given === undefined) return inputRequired({ inputRequests: { stage: asked }, requestState: 'its own' })
    return { content: [{ type: 'text', text: name + ' is on ' + given.stage }] }
  })
  return server
})`

it('a client of 2026-07-28 is asked by the results of its call, by the guard and by the server once each', async () => {
  const client = new ModernClient(ME, {
    capabilities: { elicitation: { form: {} } },
    versionNegotiation: { mode: 'auto' },
  })
  const asked: string[] = []
  client.setRequestHandler('elicitation/create', async ({ params: { message } }) => {
    asked.push(message)
    return { action: 'accept', content: message === 'Which stage?' ? { stage: 'test' } : { approve: true } }
  })
  const { command, args } = guard(
    [process.execPath, '--input-type=module', '--eval', DEPLOYER],
    '--elicit',
    '--policy',
    join(folder, 'policy.yaml'),
  )
  await client.connect(new ModernTransport({ command, args, cwd: REPOSITORY, stderr: 'ignore' }))
  const result = await client.callTool({ name: 'deploy_all', arguments: { name: 'shop' } })
  expect(result.content).toEqual([{ type: 'text', text: 'shop is on test' }])
  expect(asked).toEqual([expect.stringContaining('wants to call deploy_all'), 'Which stage?'])
  await client.close()
})

describe('jamey mcp guard', () => {
  const run = (args: string[], input = '') => jamey(folder, ['mcp', 'guard', ...args], input)

  it.each([
    [['--policy', 'policy.yaml'], 2, /say which server/],
    [['--policy', 'none.yaml', '--', 'node'], 2, /none.yaml/],
    [['--policy', 'policy.yaml', '--', 'no-such-server'], 5, /no-such-server could not be started/],
    [['--policy', 'policy.yaml', '--', 'cat'], 0, /judged as mcp__cat__\*/],
  ])('%j ends with %i', async (args, code, text) => {
    const outcome = await run(args)
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).toMatch(text)
  })
})
