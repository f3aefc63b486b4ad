import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { until } from '@jamey/testing'
import { Client as ModernClient } from '@modelcontextprotocol/client'
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { ElicitRequestSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { createMcpHandler, fromJsonSchema, McpServer as ModernServer } from '@modelcontextprotocol/server'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { emptyFolder, JAMEY, jamey, removeFolder } from './program.js'

/** Servers of the official SDKs over HTTP, behind the guard, for clients of the official SDKs. */

const POLICY = `version: 1
include: [work]
tools:
  mcp__*__echo: { effects: [read], arguments: { text: text } }
  mcp__*__slow: { effects: [read] }
  mcp__*__choose: { effects: [read] }
  mcp__*__end: { effects: [read] }
rules:
  - { name: short, decision: allow, reason: it is short, when: "tool.endsWith('echo') && size(secrets) > 0", transform: [{ argument: /text, redact: secrets }] }
  - { name: never, decision: deny, reason: nobody may, when: "tool.endsWith('erase')" }
`
const ME = { name: 'test', version: '1.0.0' }
type Result = Awaited<ReturnType<Client['callTool']>>
const textOf = ({ content }: Result) => (content as { text?: string }[])[0]?.text

let folder: string
const cleanups: (() => Promise<unknown>)[] = []

beforeAll(() => {
  folder = emptyFolder()
  writeFileSync(join(folder, 'policy.yaml'), POLICY)
  writeFileSync(join(folder, 'token'), 'a-token-of-the-server\n', { mode: 0o600 })
})
afterAll(() => removeFolder(folder))
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** What came over HTTP, and what the tools were called with. */
interface Seen {
  readonly requests: { method: string; headers: IncomingMessage['headers'] }[]
  readonly called: unknown[]
  readonly sessions: Map<string, StreamableHTTPServerTransport>
}
type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

async function listening(handler: Handler, seen: Seen): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    seen.requests.push({ method: request.method ?? '', headers: request.headers })
    void handler(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, server }
}

const newSeen = (): Seen => ({ requests: [], called: [], sessions: new Map() })

/** A server of the versions with a handshake, with sessions. */
async function olderServer(options: { enableJsonResponse?: boolean } = {}) {
  const seen = newSeen()
  const toolsOf = (): McpServer => {
    const server = new McpServer({ name: 'tickets', version: '1.0.0' })
    server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text }) => {
      seen.called.push(text)
      return { content: [{ type: 'text', text }] }
    })
    server.registerTool('erase', {}, () => {
      seen.called.push('erase')
      return { content: [] }
    })
    server.registerTool('slow', {}, async ({ sendNotification, _meta, signal }) => {
      seen.called.push('slow')
      const progressToken = _meta?.progressToken ?? 'none'
      await sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      seen.called.push('taken back')
      return { content: [] }
    })
    server.registerTool('choose', {}, async () => {
      const { action, content } = await server.server.elicitInput({
        message: 'Which stage?',
        requestedSchema: { type: 'object', properties: { stage: { type: 'string' } } },
      })
      return { content: [{ type: 'text', text: `${action} ${content?.['stage']}` }] }
    })
    server.registerTool('end', {}, () => {
      server.registerTool('another', {}, () => ({ content: [] }))
      return { content: [] }
    })
    return server
  }
  const { url, server } = await listening(async (request, response) => {
    const id = request.headers['mcp-session-id']
    let transport = typeof id === 'string' ? seen.sessions.get(id) : undefined
    if (transport === undefined && typeof id === 'string') return response.writeHead(404).end()
    if (transport === undefined) {
      const made = new StreamableHTTPServerTransport({
        ...options,
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (session) => void seen.sessions.set(session, made),
        onsessionclosed: (session) => void seen.sessions.delete(session),
      })
      transport = made
      await toolsOf().connect(made as Parameters<McpServer['connect']>[0])
    }
    await transport.handleRequest(request, response)
  }, seen)
  return { url, server, seen }
}

/** A server of 2026-07-28. */
async function modernServer() {
  const seen = newSeen()
  const handler = createMcpHandler(() => {
    const server = new ModernServer({ name: 'tickets', version: '1.0.0' })
    const inputSchema = fromJsonSchema<{ text: string }>({
      type: 'object',
      properties: { text: { type: 'string', 'x-mcp-header': 'Text' } },
      required: ['text'],
    } as Parameters<typeof fromJsonSchema>[0])
    server.registerTool('echo', { inputSchema }, async ({ text }) => {
      seen.called.push(text)
      return { content: [{ type: 'text', text }] }
    })
    server.registerTool('erase', {}, async () => {
      seen.called.push('erase')
      return { content: [] }
    })
    return server
  })
  const serve = toNodeHandler(handler)
  const { url, server } = await listening(
    (request, response) => serve(request as Parameters<typeof serve>[0], response),
    seen,
  )
  cleanups.push(() => handler.close())
  return { url, server, seen }
}

const guard = (url: string, ...options: string[]) => ({
  command: process.execPath,
  args: [JAMEY, 'mcp', 'guard', '--policy', 'policy.yaml', '--url', url, ...options],
  cwd: folder,
  stderr: 'pipe' as const,
})

async function older(url: string, ...options: string[]) {
  const client = new Client(ME, { capabilities: { elicitation: {} } })
  const transport = new StdioClientTransport(guard(url, ...options))
  let log = ''
  transport.stderr?.on('data', (text: Buffer) => {
    log += text.toString('utf8')
  })
  await client.connect(transport)
  cleanups.push(() => client.close())
  return { client, log: () => log }
}

async function modern(url: string, ...options: string[]) {
  const client = new ModernClient(ME, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
  await client.connect(new ModernTransport(guard(url, ...options)))
  cleanups.push(() => client.close())
  return { client: client as unknown as Client, log: () => '' }
}

describe.each([
  ['2025-11-25, with events', older, () => olderServer()],
  ['2025-11-25, with JSON', older, () => olderServer({ enableJsonResponse: true })],
  ['2026-07-28', modern, modernServer],
] as const)('a server over HTTP of %s behind the guard', (_, connect, start) => {
  it('lists its tools, and makes the calls that the policy allows and no others', async () => {
    const { url, seen } = await start()
    const { client } = await connect(url)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['echo', 'erase']))
    const texts = Array.from({ length: 50 }, (__, i) => `text ${i} with ä, 日本 and \n a line feed`)
    const results = await Promise.all(
      texts.map((text) => client.callTool({ name: 'echo', arguments: { text } })),
    )
    expect(results.map((result) => textOf(result as Result))).toEqual(texts)
    const denied = await client.callTool({ name: 'erase' })
    expect(denied.isError).toBe(true)
    expect(textOf(denied as Result)).toContain('the policy denies it (rule never): nobody may')
    expect(seen.called).not.toContain('erase')
  })

  it('gets the arguments that a rule put in place of the client’s, in the headers as well', async () => {
    const { url, seen } = await start()
    const { client } = await connect(url)
    await client.listTools()
    const result = await client.callTool({ name: 'echo', arguments: { text: 'AKIAIOSFODNN7EXAMPLE' } })
    expect(textOf(result as Result)).toBe('[redacted]')
    expect(seen.called).toEqual(['[redacted]'])
    expect(JSON.stringify(seen.requests)).not.toContain('AKIA')
  })
})

describe('a session of the guard with a server over HTTP', () => {
  it('has its version and its identifier, and is ended when the client leaves', async () => {
    const { url, seen } = await olderServer()
    const { client } = await older(url)
    await client.listTools()
    expect(seen.sessions.size).toBe(1)
    const [session] = [...seen.sessions.keys()]
    const later = seen.requests.slice(1).map(({ headers }) => headers)
    expect(new Set(later.map((headers) => headers['mcp-session-id']))).toEqual(new Set([session]))
    expect(new Set(later.map((headers) => headers['mcp-protocol-version']))).toEqual(new Set(['2025-11-25']))
    await client.close()
    await until(() => seen.sessions.size === 0)
    expect(seen.requests.at(-1)?.method).toBe('DELETE')
  })

  it('brings progress, questions of the server and what it says by itself', async () => {
    const { url, seen } = await olderServer()
    const { client } = await older(url)
    client.setRequestHandler(ElicitRequestSchema, async () => ({
      action: 'accept',
      content: { stage: 'test' },
    }))
    const changed = new Promise<void>((resolve) =>
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve()),
    )
    expect(textOf((await client.callTool({ name: 'choose' })) as Result)).toBe('accept test')
    await until(() => seen.requests.some(({ method }) => method === 'GET'))
    await client.callTool({ name: 'end' })
    await changed
    const taking = new AbortController()
    const call = client.callTool({ name: 'slow' }, undefined, {
      signal: taking.signal,
      onprogress: () => taking.abort(),
    })
    await expect(call).rejects.toThrow()
    await until(() => seen.called.includes('taken back'))
  })

  it('that the server has forgotten ends the guard, which says so', async () => {
    const { url, seen } = await olderServer()
    const { client, log } = await older(url)
    const closed = new Promise<void>((resolve) => {
      client.onclose = resolve
    })
    await client.listTools()
    seen.sessions.clear()
    await expect(client.listTools()).rejects.toThrow(/forgotten the session/)
    await closed
    expect(log()).toContain('the server ended: the server has forgotten the session (HTTP 404)')
  })

  it('tells each call that the server is gone, and goes on when it is back', async () => {
    const { url, server } = await olderServer()
    const { client } = await older(url)
    const { port } = new URL(url)
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    const call = { name: 'echo', arguments: { text: 'x' } }
    await expect(client.callTool(call)).rejects.toThrow(/cannot be reached, or left \(ECONNREFUSED\)/)
    await new Promise<void>((resolve) => server.listen(Number(port), '127.0.0.1', resolve))
    expect(textOf((await client.callTool(call)) as Result)).toBe('x')
  })
})

describe('jamey mcp guard --url', () => {
  it('brings the token of its file, and says what is wanted where the server takes none', async () => {
    const seen = newSeen()
    const { url } = await listening((_, response) => response.writeHead(401).end('who are you?'), seen)
    await expect(older(url, '--token-file', 'token')).rejects.toThrow(/HTTP 401: it wants a token/)
    expect(seen.requests[0]?.headers.authorization).toBe('Bearer a-token-of-the-server')
    await expect(older(url)).rejects.toThrow(/HTTP 401/)
    expect(seen.requests.at(-1)?.headers.authorization).toBeUndefined()
  })

  it('follows nowhere, for a token would go along', async () => {
    const elsewhere = newSeen()
    const { url: other } = await listening((_, response) => response.end(), elsewhere)
    const { url } = await listening(
      (_, response) => response.writeHead(307, { location: other }).end(),
      newSeen(),
    )
    await expect(older(url, '--token-file', 'token')).rejects.toThrow(/HTTP 307/)
    expect(elsewhere.requests).toEqual([])
  })

  it.each([
    [['--url', 'ftp://x'], /expected an http: or https: URL/],
    [['--url', 'https://ann:secret@tickets.example/mcp'], /without user/],
    [['--url', 'http://tickets.example/mcp', '--token-file', 'token'], /a token goes to https: alone/],
    [['--url', 'https://tickets.example/mcp', '--', 'cat'], /two servers/],
    [['--token-file', 'token', '--', 'cat'], /goes with --url/],
    [['--url', 'https://tickets.example/mcp', '--token-file', 'none'], /none cannot be read/],
    [[], /say which server/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await jamey(folder, ['mcp', 'guard', '--policy', 'policy.yaml', ...args])
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })
})
