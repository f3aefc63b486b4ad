import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { JudgeError } from '../model/errors.js'
import { httpJudge } from './http-judge.js'

const VERDICT = { decision: 'allow', approved: true, reasons: [], rules: [], evaluation_id: 'e' }
const call = { tool: 'Bash', arguments: { command: 'ls' } }

interface Seen {
  readonly line: string
  readonly token: string | undefined
  readonly body: unknown
  readonly port: number | undefined
}

let server: Server
let url: string
let seen: Seen[]
let answer: (response: ServerResponse, request: IncomingMessage) => void

const json = (value: unknown, status = 200) => {
  answer = (response) => response.writeHead(status).end(JSON.stringify(value))
}

beforeEach(async () => {
  seen = []
  server = createServer(async (request, response) => {
    const text = await textOf(request)
    seen.push({
      line: `${request.method} ${request.url}`,
      token: request.headers.authorization,
      body: text === '' ? undefined : JSON.parse(text),
      port: request.socket.remotePort,
    })
    answer(response, request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const failure = async (promise: Promise<unknown>): Promise<JudgeError> => {
  const error = await promise.then(
    () => expect.fail('it was answered'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(JudgeError)
  return error as JudgeError
}

describe('a judge over HTTP', () => {
  it('asks about each call with the token of whoever makes it, also in one turn and a session of one name', async () => {
    const user = new AsyncLocalStorage<string>()
    const judge = httpJudge({ url, token: async () => user.getStore() as string })
    answer = (response) => {
      const { body } = seen.at(-1) as Seen
      const { calls } = body as { calls?: unknown[] }
      response.end(
        JSON.stringify(calls === undefined ? VERDICT : { results: calls.map(() => ({ verdict: VERDICT })) }),
      )
    }
    const made = [
      ['ann', 's', 'a'],
      ['bob', 't', 'b'],
      ['bob', 's', 'c'],
      ['ann', 's', 'd'],
    ] as const
    await Promise.all(
      made.map(([name, session_id, tool]) =>
        user.run(name, () => judge.evaluate({ tool, arguments: {}, session_id })),
      ),
    )
    const asked = seen.map(({ token, body }) => {
      const { calls = [body] } = body as { calls?: unknown[] }
      return [token, ...calls.map((one) => (one as { tool: string }).tool)]
    })
    expect(asked.sort()).toEqual([
      ['Bearer ann', 'a', 'd'],
      ['Bearer bob', 'b'],
      ['Bearer bob', 'c'],
    ])
  })

  it('asks with its token, which may be another one each time', async () => {
    json(VERDICT)
    let count = 0
    const judge = httpJudge({ url, token: async () => `token-${++count}` })
    expect(await judge.evaluate(call)).toEqual({
      decision: 'allow',
      approved: true,
      reasons: [],
      rules: [],
      evaluation_id: 'e',
    })
    await judge.report({ session_id: 's', kind: 'request', text: 'list my files' })
    expect(seen).toMatchObject([
      { line: 'POST /v1/conscience/evaluate', token: 'Bearer token-1', body: call },
      {
        line: 'POST /v1/conscience/reports',
        token: 'Bearer token-2',
        body: { session_id: 's', kind: 'request', text: 'list my files' },
      },
    ])
  })

  it('asks over connections that are kept', async () => {
    json(VERDICT)
    const judge = httpJudge({ url })
    for (let i = 0; i < 20; i++) await judge.evaluate(call)
    // The next request may come before the connection of the last one is free.
    expect(new Set(seen.map(({ port }) => port)).size).toBeLessThanOrEqual(2)
  })

  it('waits for an approval until it is answered', async () => {
    const statuses = ['pending', 'pending', 'approved']
    answer = (response) => response.end(JSON.stringify({ approval: { status: statuses.shift() } }))
    const judge = httpJudge({ url: `${url}/jamey` })
    expect(await judge.waitForApproval('a/b', { timeoutMs: 60_000 })).toBe('approved')
    expect(seen.map(({ line }) => line)).toEqual(Array(3).fill('GET /jamey/v1/approvals/a%2Fb?wait_ms=10000'))
  })

  it.each([
    ['denied', 'denied'],
    ['revoked', 'denied'],
    ['used', 'expired'],
    ['expired', 'expired'],
    ['of a later version', 'expired'],
    ['pending', 'expired'],
  ])('takes an approval that is %s at the end for %s', async (status, expected) => {
    json({ approval: { status } })
    expect(await httpJudge({ url }).waitForApproval('a', { timeoutMs: 0 })).toBe(expected)
  })
})

describe('several calls of one turn, over HTTP', () => {
  const mine = { ...call, session_id: 's' }

  it('are asked about at once, and each is answered for itself', async () => {
    const error = { kind: 'invalid-request', message: 'calls.1.tool: it is empty.', retryable: false }
    json({ results: [{ verdict: VERDICT }, { error }, { verdict: { ...VERDICT, approved: false } }, {}] })
    const judge = httpJudge({ url, token: 't' })
    const settled = await Promise.allSettled([1, 2, 3, 4].map(() => judge.evaluate(mine)))
    expect(seen).toMatchObject([
      { line: 'POST /v1/conscience/evaluate/batch', token: 'Bearer t', body: { calls: Array(4).fill(mine) } },
    ])
    expect(settled).toMatchObject([
      { status: 'fulfilled', value: VERDICT },
      {
        reason: { code: 'judge-refused', message: expect.stringContaining('it is empty'), retryable: false },
      },
      { reason: { code: 'judge-answer-invalid', message: expect.stringContaining('approved') } },
      { reason: { code: 'judge-answer-invalid' } },
    ])
  })

  it.each([
    ['too few', { results: [{ verdict: VERDICT }] }],
    ['too many', { results: Array(3).fill({ verdict: VERDICT }) }],
    ['none', {}],
  ])('have no verdict where %s are answered', async (_, answered) => {
    json(answered)
    const both = await httpJudge({ url }).evaluateAll([mine, mine])
    expect(both.map((one) => one.status === 'rejected' && one.reason.code)).toEqual(
      Array(2).fill('judge-answer-invalid'),
    )
    expect(seen).toHaveLength(1)
  })
})

describe('an approval that is withdrawn over HTTP', () => {
  it.each([
    [{ status: 'revoked', requested_by: 'ada', revoked_by: 'ada' }, 'withdrawn'],
    [{ status: 'revoked', requested_by: 'ada', revoked_by: 'ann' }, 'denied'],
    [{ status: 'approved', requested_by: 'ada' }, 'approved'],
    [{ status: 'denied', requested_by: 'ada' }, 'denied'],
    [{ status: 'expired', requested_by: 'ada' }, 'expired'],
  ])('and then is %j, was %s', async (approval, outcome) => {
    json({ approval })
    const judge = httpJudge({ url: `${url}/jamey`, token: 't' })
    expect(await judge.withdraw('a/b', { because: 'the user left' })).toBe(outcome)
    const body = { because: 'the user left' }
    expect(seen).toMatchObject([{ line: 'POST /jamey/v1/approvals/a%2Fb/withdraw', token: 'Bearer t', body }])
  })

  it('rejects where the conscience knows of none', async () => {
    json({ code: 'approval-unknown', detail: 'There is no such approval.' }, 404)
    expect(await failure(httpJudge({ url }).withdraw('a', { because: 'x' }))).toMatchObject({
      code: 'judge-refused',
      status: 404,
    })
  })
})

describe('a judge over HTTP rejects', () => {
  it('where nobody listens', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const { port } = closed.address() as AddressInfo
    await new Promise((resolve) => closed.close(resolve))
    const error = await failure(httpJudge({ url: `http://127.0.0.1:${port}` }).evaluate(call))
    expect(error).toMatchObject({ code: 'judge-unreachable', retryable: true })
    expect(error.message).toMatch(/^POST http:.*evaluate failed: .*ECONNREFUSED/)
  })

  it('where no answer comes in time', async () => {
    answer = () => {}
    const error = await failure(httpJudge({ url, timeoutMs: 50 }).evaluate(call))
    expect(error.message).toContain('no answer within 50 ms')
  })

  it('where half an answer comes in time', async () => {
    answer = (response) => response.write('{"decision": "allow"')
    expect(await failure(httpJudge({ url, timeoutMs: 50 }).evaluate(call))).toMatchObject({
      code: 'judge-unreachable',
    })
  })

  it('where there is no token', async () => {
    const token = () => Promise.reject(new Error('no secret'))
    await failure(httpJudge({ url, token }).evaluate(call))
    expect(seen).toEqual([])
  })

  it.each([
    [401, false],
    [429, true],
    [503, true],
  ])('what is answered with %i, and tells why', async (status, retryable) => {
    json({ detail: 'ask somebody else' }, status)
    const error = await failure(httpJudge({ url, token: 'secret' }).evaluate(call))
    expect(error).toMatchObject({ code: 'judge-refused', status, retryable })
    expect(error.message).toContain(`${status}: ask somebody else`)
    expect(error.message).not.toContain('secret')
  })

  it('what would lead elsewhere, so that its token goes nowhere', async () => {
    answer = (response, { url: path }) =>
      path === '/elsewhere' ? response.end('{}') : response.writeHead(307, { location: '/elsewhere' }).end()
    expect(await failure(httpJudge({ url }).evaluate(call))).toMatchObject({ code: 'judge-unreachable' })
    expect(seen).toHaveLength(1)
  })

  it.each([
    ['no JSON', '<html>'],
    ['nothing', ''],
    ['another object', '{}'],
    ['an old verdict', JSON.stringify({ ...VERDICT, decision: 'approved' })],
    ['a verdict that contradicts itself', JSON.stringify({ ...VERDICT, decision: 'deny' })],
    ['more than any verdict has', `"${'x'.repeat(5_000_000)}"`],
  ])('%s', async (_, text) => {
    answer = (response) => response.end(text)
    expect(await failure(httpJudge({ url }).evaluate(call))).toMatchObject({ code: 'judge-answer-invalid' })
  })

  it('what its caller takes back', async () => {
    const controller = new AbortController()
    answer = () => controller.abort()
    await failure(httpJudge({ url }).evaluate(call, { signal: controller.signal }))
  })
})

describe('options of a judge over HTTP', () => {
  it.each([
    ['no URL', { url: 'somewhere' }],
    ['another scheme', { url: 'ftp://localhost' }],
    ['a password in the URL', { url: 'https://a:b@localhost' }],
    ['plain HTTP beyond this machine', { url: 'http://jamey.example' }],
    ['a name that only begins like this machine', { url: 'http://127.0.0.1.example' }],
    ['no time', { url: 'https://jamey.example', timeoutMs: 0 }],
    ['all time', { url: 'https://jamey.example', timeoutMs: Number.POSITIVE_INFINITY }],
  ])('are refused with %s', (_, options) => {
    expect(() => httpJudge(options)).toThrow(TypeError)
  })

  it('may say that plain HTTP will do', () => {
    expect(() => httpJudge({ url: 'http://jamey.example', insecure: true })).not.toThrow()
  })
})
