import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { freePort } from '@jamey/testing'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernHttpTransport,
} from '@modelcontextprotocol/client'
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { JAMEY, jamey, Program, removeFolder, type System, startSystem } from './program.js'

/** `jamey mcp` beside a running system, used by both of the official SDKs. */

let system: System

beforeAll(async () => {
  system = await startSystem()
})

afterAll(async () => {
  await system?.program.stop()
  if (system !== undefined) removeFolder(system.folder)
})

const server = (clientId: string, ...options: string[]) => ({
  command: process.execPath,
  args: [JAMEY, 'mcp', '--client-id', clientId, ...options],
  cwd: system.folder,
  stderr: 'ignore' as const,
})
const ME = { name: 'test', version: '1.0.0' }

/** What both SDKs have in common. */
interface Tools {
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>
  listTools(): Promise<{ tools: { name: string; outputSchema?: unknown; annotations?: unknown }[] }>
  close(): Promise<void>
}

interface Result {
  readonly isError?: boolean
  readonly content: readonly { readonly text: string }[]
  readonly structuredContent?: { readonly [name: string]: unknown }
}

const use = async (tools: Tools, name: string, given: Record<string, unknown>) =>
  (await tools.callTool({ name, arguments: given })) as Result

/** A client of 2025-11-25, with its handshake. */
async function older(clientId: string, ...options: string[]): Promise<Tools> {
  const client = new Client(ME)
  await client.connect(new StdioClientTransport(server(clientId, ...options)))
  return client as unknown as Tools
}

/** A client of 2026-07-28. */
async function modern(clientId: string, ...options: string[]): Promise<Tools> {
  const client = new ModernClient(ME, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
  await client.connect(new ModernTransport(server(clientId, ...options)))
  return client as unknown as Tools
}

/** Each does what it says; nothing stays of it. */
async function useEachTool(tools: Tools, me: string): Promise<void> {
  const listed = await tools.listTools()
  expect(listed.tools.map(({ name }) => name)).toEqual([
    'evaluate',
    'recall',
    'memory_get',
    'memory_history',
    'remember',
    'memory_update',
    'forget',
    'publish',
    'subscribe',
  ])
  for (const tool of listed.tools) {
    expect(tool).toMatchObject({
      inputSchema: { type: 'object' },
      outputSchema: { type: 'object' },
      annotations: { readOnlyHint: expect.any(Boolean) },
    })
  }

  const verdict = await use(tools, 'evaluate', { tool: 'Bash', arguments: { command: 'rm -rf /' } })
  expect(verdict.structuredContent).toMatchObject({ approved: false, requested_by: me })
  expect(JSON.parse(verdict.content[0]?.text ?? '')).toEqual(verdict.structuredContent)
  await useMemories(tools, me)
  await useMessages(tools)
}

async function useMemories(tools: Tools, me: string): Promise<void> {
  const stored = await use(tools, 'remember', {
    content: 'We met in Lisbon',
    tags: ['travel'],
    session_id: 'trip',
    turn: 4,
    origin: 'https://example.net/diary',
    trusted: false,
    metadata: { with: 'Ann' },
  })
  const { memory } = stored.structuredContent as { memory: { id: string } }
  expect(memory).toMatchObject({ owner: me, scope: 'private', session_id: 'trip', trusted: false })
  const recalled = await use(tools, 'recall', { query: 'lisbon', where: { with: 'Ann' } })
  expect(recalled.structuredContent).toMatchObject({
    total: 1,
    memories: [{ id: memory.id }],
  })
  expect((await use(tools, 'recall', { session_id: 'other' })).structuredContent).toMatchObject({
    total: 0,
  })
  const { id } = memory
  const updated = await use(tools, 'memory_update', { id, content: 'We met in Porto', if_version: 1 })
  expect(updated.structuredContent).toMatchObject({ memory: { version: 2 }, previous_version: 1 })
  const late = await use(tools, 'memory_update', { id, content: 'no', if_version: 1 })
  expect(late).toMatchObject({
    isError: true,
    content: [{ text: expect.stringMatching(/^memory-version: /) }],
  })
  expect((await use(tools, 'memory_get', { id })).structuredContent).toMatchObject({
    memory: { content: 'We met in Porto' },
  })
  expect((await use(tools, 'memory_get', { id: 'none' })).structuredContent).toEqual({ memory: null })
  expect((await use(tools, 'memory_history', { id })).structuredContent).toMatchObject({
    versions: [{ version: 2 }, { version: 1, content: 'We met in Lisbon' }],
  })
  const dry = await use(tools, 'forget', { session_id: 'trip', dry_run: true })
  expect(dry.structuredContent).toEqual({ forgotten: 0, would_forget: 1 })
  const forgotten = await use(tools, 'forget', { id: memory.id })
  expect(forgotten.structuredContent).toEqual({ forgotten: 1 })
}

async function useMessages(tools: Tools): Promise<void> {
  const sent = await use(tools, 'publish', { topic: 'lab/heat', payload: '{"celsius": 21}', retain: true })
  expect(sent.structuredContent).toMatchObject({ bytes: 15, unheard: true })
  const heard = await use(tools, 'subscribe', { filters: ['lab/+'], count: 1 })
  expect(heard.structuredContent).toMatchObject({
    ended_by: 'count',
    messages: [{ topic: 'lab/heat', retain: true, payload: { celsius: 21 } }],
  })
  const silent = await use(tools, 'subscribe', { filters: ['lab/none'], timeout_seconds: 0.1 })
  expect(silent.structuredContent).toEqual({ ended_by: 'time', messages: [] })
}

describe.each([
  ['2025-11-25', older],
  ['2026-07-28', modern],
])('jamey mcp, for a client of %s', (version, connect) => {
  it('has nine tools, each with what it takes and gives, and each does what it says', async () => {
    const me = `agent-${version}`
    const tools = await connect(me, '--permission', 'lab/#')
    await useEachTool(tools, me)
    await tools.close()
  })

  it('tells what it may not and what is asked wrongly as errors of the tool', async () => {
    const tools = await connect(`other-${version}`)
    const refused = await use(tools, 'publish', { topic: 'jamey/memory/updates', payload: '{}' })
    expect(refused.isError).toBe(true)
    const foreign = await use(tools, 'subscribe', { filters: ['jamey/#'] })
    expect(foreign.content[0]?.text).toMatch(/^permission-missing: .*subscribe:jamey\/#/)
    const both = await use(tools, 'evaluate', { tool: 'x', action: 'y' })
    expect(both.isError).toBe(true)
    expect(both.content[0]?.text).toBe('invalid: action is not valid: expected without tool; found "y"')
    const filter = await use(tools, 'subscribe', { filters: ['a/#/b'] })
    expect(filter.content[0]?.text).toMatch(/^topic-invalid: /)
    await tools.close()
  })
})

describe('jamey mcp, for a client of the official SDK that knows no version later than', () => {
  it.each(['2024-11-05', '2025-03-26', '2025-06-18'])('%s', async (version) => {
    const client = new ModernClient(ME, { supportedProtocolVersions: [version] })
    await client.connect(new ModernTransport(server(`client-${version}`)))
    expect(client.getNegotiatedProtocolVersion()).toBe(version)
    const call = { tool: 'Bash', arguments: { command: 'rm -rf /' } }
    const verdict = await use(client as unknown as Tools, 'evaluate', call)
    expect(JSON.parse(verdict.content[0]?.text ?? '')).toMatchObject({ decision: 'deny' })
    await client.close()
  })
})

describe('jamey mcp --http', () => {
  const token = 'a'.repeat(32)
  let program: Program
  let url: URL

  beforeAll(async () => {
    writeFileSync(join(system.folder, 'token'), `${token}\n`, { mode: 0o600 })
    const port = await freePort()
    const options = ['--client-id', 'over-http', '--permission', 'lab/#', '--token-file', 'token']
    program = new Program(system.folder, ['mcp', ...options, '--http', String(port)])
    await program.prints(/MCP at http/)
    url = new URL(`http://127.0.0.1:${port}/mcp`)
  })

  afterAll(async () => {
    expect(await program?.stop()).toMatchObject({ code: 0, stdout: '' })
  })

  const withToken = { requestInit: { headers: { authorization: `Bearer ${token}` } } }
  const olderHttp = async () => {
    const client = new Client(ME)
    const transport = new StreamableHTTPClientTransport(url, withToken)
    await client.connect(transport as Parameters<Client['connect']>[0])
    return client as unknown as Tools
  }
  const modernHttp = async () => {
    const client = new ModernClient(ME, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
    await client.connect(new ModernHttpTransport(url, withToken))
    return client as unknown as Tools
  }

  it.each([
    ['2025-11-25', olderHttp],
    ['2026-07-28', modernHttp],
  ])('serves every tool to a client of %s that knows the token', async (_, connect) => {
    const tools = await connect()
    await useEachTool(tools, 'over-http')
    await tools.close()
  })

  it('serves all who know the token as one client', async () => {
    const [one, other] = [await modernHttp(), await olderHttp()]
    const stored = await use(one, 'remember', { content: 'over HTTP' })
    expect(stored.structuredContent).toMatchObject({ memory: { owner: 'over-http' } })
    const recalled = await use(other, 'recall', { query: 'HTTP' })
    expect(recalled.structuredContent).toMatchObject({ total: 1 })
    await Promise.all([one.close(), other.close()])
  })

  it.each([
    ['without a token', {}, '/mcp', 401],
    ['with another one', { authorization: 'Bearer nothing' }, '/mcp', 401],
    ['by another name', { authorization: `Bearer ${token}`, host: 'evil.example' }, '/mcp', 403],
    [
      'from a page of another site',
      { authorization: `Bearer ${token}`, origin: 'https://evil.example' },
      '/mcp',
      403,
    ],
    ['at another path', { authorization: `Bearer ${token}` }, '/', 404],
    ['with more than it takes', { authorization: `Bearer ${token}` }, '/mcp', 413, 'x'.repeat(2_000_000)],
  ])('refuses %s', async (_, headers, path, expected, body = '{}') => {
    const status = await new Promise((resolve, reject) => {
      const how = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } }
      const sent = request(new URL(path, url), how, (response) => resolve(response.resume().statusCode))
      sent.on('error', reject).end(body)
    })
    expect(status).toBe(expected)
  })
})

describe('jamey mcp', () => {
  it.each([
    [[], 'client-id-missing', /--client-id/],
    [['--client-id', 'x', '--http', '0'], 'token-file', /--token-file/],
  ])('%j is told what is missing', async (options, code, text) => {
    const { code: exit, stderr } = await jamey(system.folder, ['mcp', ...options, '--json'])
    expect(exit).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code, message: expect.stringMatching(text) } })
  })

  it('ends with its client, and leaves no connection', async () => {
    expect(await jamey(system.folder, ['mcp', '--client-id', 'brief'], '')).toMatchObject({
      code: 0,
      stdout: '',
    })
  })
})
