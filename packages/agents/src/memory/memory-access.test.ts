import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import type { RequestContract } from '@jamey/contracts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MemoryAccessError } from '../model/errors.js'
import { busMemory, type MemoryBus } from './bus-memory.js'
import { httpMemory } from './http-memory.js'

const MEMORY = {
  id: 'm/1',
  content: 'text',
  layer: 'episodic',
  tags: [],
  importance: 0.5,
  created_at: '2026-11-30T12:00:00.000Z',
  occurred_at: '2026-11-30T12:00:00.000Z',
  expires_at: null,
  owner: 'agent-1',
  scope: 'private',
  source: 'agent-1',
  metadata: {},
  trusted: true,
  version: 1,
  updated_at: '2026-11-30T12:00:00.000Z',
  count: 1,
  last_stored_at: '2026-11-30T12:00:00.000Z',
  content_hash: 'ab',
  provenance: { stored_by: 'agent-1' },
}

const failure = async (promise: Promise<unknown>): Promise<MemoryAccessError> => {
  const error = await promise.then(
    () => expect.fail('it was answered'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(MemoryAccessError)
  return error as MemoryAccessError
}

describe('a memory on the bus', () => {
  const asked: unknown[] = []
  let answer: () => unknown
  const bus = {
    request: async (
      { topic, action }: RequestContract,
      data: unknown,
      { timeoutMs }: { timeoutMs: number },
    ) => {
      asked.push([topic, action, data, timeoutMs])
      return answer()
    },
  } as unknown as MemoryBus
  const memory = busMemory(bus, { timeoutMs: 1000 })
  const fails = (name: string, facts: object) => {
    answer = () => {
      throw Object.assign(new Error('so it is'), { name, ...facts })
    }
  }

  it('is asked at the topic of each operation', async () => {
    answer = () => ({ memory: MEMORY })
    expect(await memory.get('m/1')).toEqual({ memory: MEMORY })
    await memory.update({ id: 'm/1', content: 'new' })
    expect(asked).toEqual([
      ['jamey/memory/query', 'get', { id: 'm/1' }, 1000],
      ['jamey/memory/update', 'update', { id: 'm/1', content: 'new' }, 1000],
    ])
  })

  it('refuses with its own word, and is otherwise unreachable', async () => {
    fails('RemoteError', { kind: 'memory-version', retryable: false })
    expect(await failure(memory.get('m'))).toMatchObject({
      code: 'memory-refused',
      reason: 'memory-version',
      retryable: false,
      message: 'The memory could not get: so it is',
    })
    fails('NoResponderError', { retryable: true })
    expect(await failure(memory.get('m'))).toMatchObject({
      code: 'memory-unreachable',
      reason: undefined,
      retryable: true,
    })
  })
})

describe('a memory over HTTP', () => {
  let server: Server
  let url: string
  let seen: unknown[]
  let answer: (response: ServerResponse) => void

  beforeAll(async () => {
    server = createServer(async (request: IncomingMessage, response) => {
      const text = await textOf(request)
      const { method, url: path, headers } = request
      seen.push([`${method} ${path}`, headers.authorization, text === '' ? undefined : JSON.parse(text)])
      answer(response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  beforeEach(() => {
    seen = []
  })
  const json = (value: unknown, status = 200) => {
    answer = (response) => response.writeHead(status).end(JSON.stringify(value))
  }
  const problem = (status: number, kind: string, more: object = {}) =>
    json({ type: `urn:jamey:problem:${kind}`, title: 't', status, detail: 'so it is', ...more }, status)

  it('is asked where the gateway has each operation, with its token', async () => {
    const memory = httpMemory({ url, token: async () => 'secret' })
    json({ memory: MEMORY, created: true })
    await memory.store({ content: 'text' })
    json({ results: [] })
    await memory.storeBatch([{ content: 'text' }])
    json({ memories: [], total: 0 })
    await memory.query({ query: 'words', where: { a: 1 } })
    json({ memory: MEMORY })
    await memory.get('m/1')
    json({ memory: MEMORY, previous_version: 1 })
    await memory.update({ id: 'm/1', content: 'new', if_version: 1 })
    json({ forgotten: 1 })
    await memory.forget({ ids: ['m/1'] })
    expect(seen).toEqual([
      ['POST /v1/memories', 'Bearer secret', { content: 'text' }],
      ['POST /v1/memories/batch', 'Bearer secret', { memories: [{ content: 'text' }] }],
      ['POST /v1/memories/query', 'Bearer secret', { query: 'words', where: { a: 1 } }],
      ['GET /v1/memories/m%2F1', 'Bearer secret', undefined],
      ['PATCH /v1/memories/m%2F1', 'Bearer secret', { content: 'new', if_version: 1 }],
      ['POST /v1/memories/forget', 'Bearer secret', { ids: ['m/1'] }],
    ])
  })

  it('has none where the gateway says so, and not where somebody else does', async () => {
    const memory = httpMemory({ url })
    problem(404, 'not-found')
    expect(await memory.get('m')).toEqual({ memory: null })
    json({ message: 'not here' }, 404)
    expect(await failure(memory.get('m'))).toMatchObject({ code: 'memory-refused', status: 404 })
    problem(404, 'not-found')
    expect(await failure(memory.query({}))).toMatchObject({ code: 'memory-refused' })
  })

  it('refuses with the memory’s own word', async () => {
    problem(412, 'version-changed', { code: 'memory-version' })
    expect(await failure(httpMemory({ url }).update({ id: 'm', content: 'x', if_version: 1 }))).toMatchObject(
      {
        code: 'memory-refused',
        reason: 'memory-version',
        status: 412,
        retryable: false,
      },
    )
    problem(503, 'no-responder')
    expect(await failure(httpMemory({ url }).get('m'))).toMatchObject({
      reason: 'no-responder',
      retryable: true,
    })
  })

  it('is unreachable where nobody listens, no answer comes in time, or there is no token', async () => {
    expect(await failure(httpMemory({ url: 'http://127.0.0.1:1' }).get('m'))).toMatchObject({
      code: 'memory-unreachable',
      retryable: true,
    })
    answer = () => {}
    const late = await failure(httpMemory({ url, timeoutMs: 30 }).get('m'))
    expect(late.message).toContain('no answer within 30 ms')
    const token = () => Promise.reject(new Error('no secret'))
    expect(await failure(httpMemory({ url, token }).get('m'))).toMatchObject({ code: 'memory-unreachable' })
  })

  it.each([
    ['no JSON', '<html>'],
    ['another object', '{}'],
    ['half a memory', '{"memory": {"id": "m"}}'],
  ])('does not pass on %s', async (_, text) => {
    answer = (response) => response.end(text)
    expect(await failure(httpMemory({ url }).get('m'))).toMatchObject({ code: 'memory-answer-invalid' })
  })

  it('takes no address without TLS beyond this machine', () => {
    expect(() => httpMemory({ url: 'http://jamey.example' })).toThrow(TypeError)
  })
})
