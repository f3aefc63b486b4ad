import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { until } from '@jamey/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../guard/clock.js'
import type { ServerLink } from '../guard/server-link.js'
import { connectHttpServer } from './http-server.js'

interface Asked {
  readonly request: IncomingMessage
  readonly body: string
  readonly response: ServerResponse
}

const MAXIMUM_BYTES = 100_000
let server: Server
let url: URL
let asked: Asked[]
let answer: (asked: Asked) => unknown
let link: ServerLink
let lines: string[]
let notes: string[]

/** Time that passes at once wherever it is waited for. */
const hurried: Clock = {
  setTimeout: (callback, delayMs) => setTimeout(callback, Math.min(delayMs, 5)),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
}

beforeEach(async () => {
  ;[asked, lines, notes] = [[], [], []]
  server = createServer(async (request, response) => {
    const one = { request, body: await textOf(request), response }
    asked.push(one)
    await answer(one)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`)
  connect()
})

function connect(clock?: Clock): void {
  const note = (line: string): void => void notes.push(line)
  link = connectHttpServer({ url, maximumBytes: MAXIMUM_BYTES, note, ...(clock && { clock }) })
  let text = ''
  link.output.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
    lines.push(...text.split('\n').slice(0, -1))
    text = text.slice(text.lastIndexOf('\n') + 1)
  })
}

afterEach(async () => {
  const closing = link.close()
  server.closeAllConnections()
  await closing
  await new Promise((resolve) => server.close(resolve))
})

const send = (...messages: object[]) => {
  for (const message of messages) link.input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
}
const call = (id: number) => ({ id, method: 'tools/call', params: { name: 'x' } })
const modernCall = (id: number) => ({
  id,
  method: 'tools/call',
  params: { name: 'größe', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
})
const result = (id: number, value: unknown = {}) => JSON.stringify({ jsonrpc: '2.0', id, result: value })
const said = async (count: number): Promise<unknown[]> => {
  await until(() => lines.length >= count)
  return lines.map((line) => JSON.parse(line))
}
const events = (response: ServerResponse, text: string): ServerResponse => {
  response.setHeader('content-type', 'text/event-stream; charset=utf-8')
  response.write(text)
  return response
}

describe('a server over HTTP', () => {
  it('answers with JSON of several lines, which becomes one, number for number', async () => {
    const number = '12345678901234567890.10'
    answer = ({ response }) => {
      response.setHeader('content-type', 'application/json')
      response.end(`{\r\n "jsonrpc": "2.0",\n "id": 1,\n "result": {"n": ${number}}\n}\n`)
    }
    send(call(1))
    await until(() => lines.length === 1)
    expect(lines[0]?.replaceAll(/\s+/g, '')).toBe(`{"jsonrpc":"2.0","id":1,"result":{"n":${number}}}`)
    expect(asked[0]?.request.headers.accept).toBe('application/json, text/event-stream')
  })

  it('answers with events, of which each is a line, and comments and others none', async () => {
    answer = ({ response }) => {
      const one = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: {} })
      const split = result(1).replace(',', ',\ndata: ')
      const text = `: hello\n\nevent: other\ndata: {}\n\ndata:${one}\r\n\r\nevent: message\ndata: ${split}\n\n`
      const [first, second] = [text.slice(0, 50), text.slice(50)]
      events(response, first)
      setImmediate(() => response.end(second))
    }
    send(call(1))
    expect(await said(2)).toMatchObject([{ method: 'notifications/message' }, { id: 1, result: {} }])
  })

  it('is told the method and the name in headers where requests say their version, others are not', async () => {
    answer = ({ response, body }) => response.end(result(JSON.parse(body).id))
    send(modernCall(1), call(2))
    await said(2)
    const headers = asked.find(({ body }) => body.includes('größe'))?.request.headers ?? {}
    expect(headers).toMatchObject({ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' })
    const encoded = `=?base64?${Buffer.from('größe').toString('base64')}?=`
    expect(headers['mcp-name']).toBe(encoded)
    const other = asked.find(({ body }) => !body.includes('größe'))?.request.headers ?? {}
    expect(Object.keys(other).filter((name) => name.startsWith('mcp-'))).toEqual([])
  })

  it('goes on behind the last event where a stream broke, and is asked no more than five times in vain', async () => {
    await link.close()
    connect(hurried)
    answer = ({ request, response }) => {
      if (request.method === 'POST') return events(response, 'id: a7\nretry: 20\n\n').end()
      if (asked.length < 4) return events(response, '').end()
      return events(response, `data: ${result(1, 'at last')}\n\n`).end()
    }
    send(call(1))
    expect(await said(1)).toMatchObject([{ id: 1, result: 'at last' }])
    expect(asked.map(({ request }) => request.headers['last-event-id'])).toEqual([
      undefined,
      'a7',
      'a7',
      'a7',
    ])
    asked = []
    answer = ({ request, response }) => events(response, request.method === 'POST' ? 'id: b\n\n' : '').end()
    send(call(2))
    const { 1: given } = await said(2)
    expect(given).toMatchObject({ id: 2, error: { message: 'the server ended its answer without one' } })
    expect(asked).toHaveLength(6)
  })

  it.each([
    ['an error without words', (response: ServerResponse) => response.writeHead(503).end(), /HTTP 503/],
    ['an error in HTML', (response: ServerResponse) => response.writeHead(500).end('<h1>'), /HTTP 500/],
    ['nothing', (response: ServerResponse) => response.end(), /without one/],
    ['an answer to another', (response: ServerResponse) => response.end(result(77)), /without one/],
    [
      'half of an answer',
      (response: ServerResponse) => void response.write('{"id', () => response.destroy()),
      /left/,
    ],
    [
      'too much',
      (response: ServerResponse) => response.end(' '.repeat(MAXIMUM_BYTES + 1)),
      /more than 100000/,
    ],
    [
      'an event without end',
      (response: ServerResponse) => events(response, `data: ${' '.repeat(MAXIMUM_BYTES)}`),
      /more than 100000/,
    ],
  ])('that answers with %s has the call told so', async (_, answers, message) => {
    answer = ({ response }) => answers(response)
    send(call(1))
    await until(() => lines.some((line) => JSON.parse(line).id === 1))
    const failed = lines.map((line) => JSON.parse(line)).find(({ id }) => id === 1)
    expect(failed.error).toMatchObject({ code: -32603, message: expect.stringMatching(message) })
  })

  it('says in the body of an error what the protocol has to say', async () => {
    const error = { code: -32022, message: 'unsupported protocol version' }
    answer = ({ response }) => response.writeHead(400).end(JSON.stringify({ jsonrpc: '2.0', id: 1, error }))
    send(modernCall(1))
    expect(await said(1)).toMatchObject([{ id: 1, error }])
  })

  it('loses the exchange of a call that is taken back, where calls say their version', async () => {
    let left = false
    answer = ({ response }) => void response.on('close', () => (left = true))
    send(modernCall(1))
    await until(() => asked.length === 1)
    send({ method: 'notifications/cancelled', params: { requestId: 1 } })
    await until(() => left)
    expect([asked.length, lines]).toEqual([1, []])
  })

  it('is told of a call that is taken back by a message, where there is a handshake', async () => {
    answer = ({ response, body }) => (body.includes('cancelled') ? response.writeHead(202).end() : undefined)
    send(call(1))
    await until(() => asked.length === 1)
    send({ method: 'notifications/cancelled', params: { requestId: 1 } })
    await until(() => asked.length === 2)
    expect(JSON.parse(asked[1]?.body ?? '')).toMatchObject({ params: { requestId: 1 } })
  })

  it('has taken a notification before it gets what comes behind it', async () => {
    const taken: string[] = []
    answer = async ({ response, body }) => {
      await new Promise(setImmediate)
      taken.push(JSON.parse(body).method)
      response.writeHead(202).end()
    }
    send({ method: 'notifications/a' }, { method: 'notifications/b' }, call(1))
    await until(() => taken.length === 3)
    expect(taken).toEqual(['notifications/a', 'notifications/b', 'tools/call'])
  })

  it('gives no message that could be read in two ways to the client as an answer', async () => {
    answer = ({ response }) => response.end('{"jsonrpc":"2.0","id":1,"id":2,"result":{}}')
    send(call(1))
    await until(() => lines.some((line) => line.includes('without one')))
    expect(lines).toContain('{"jsonrpc":"2.0","id":1,"id":2,"result":{}}')
  })
})
