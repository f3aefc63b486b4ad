import { topics } from '@jamey/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, post, type RunningFixture, startGateway } from '../service/gateway.support.js'
import { excerpt } from './invalid-input.js'

let running: RunningFixture

beforeAll(async () => {
  running = await startGateway()
})

afterAll(() => running.gateway.stop())

const evaluate = () => `${running.url}/v1/conscience/evaluate`
const memories = () => `${running.url}/v1/memories`

describe('bad input', () => {
  it.each([
    ['evaluate', { context: {} }, 'action', 'action is missing'],
    ['evaluate', { action: 7 }, 'action', 'expected string; found 7'],
    ['evaluate', { action: '' }, 'action', 'expected string to have at least 1 characters; found ""'],
    ['evaluate', { action: 'a'.repeat(10_001) }, 'action', '10000'],
    ['evaluate', { action: 'a', context: [] }, 'context', 'expected object; found []'],
    ['evaluate', { action: 'a', contxt: {} }, 'contxt', 'There is no field contxt'],
    ['evaluate', [], 'body', 'expected object; found []'],
    ['evaluate', null, 'body', 'expected object; found null'],
    [
      'store',
      { content: 'a', layer: 'eternal' },
      'layer',
      'working, short_term, episodic, semantic, long_term',
    ],
    ['store', { content: 'a', tags: ['x', 3] }, 'tags.1', 'expected string; found 3'],
    ['store', { content: 'a', importance: 2 }, 'importance', 'at most 1; found 2'],
    ['store', { content: 'a', occurred_at: 'yesterday' }, 'occurred_at', '2024-11-14T20:00:00Z'],
  ])(
    'in the body of %s is answered 400 with the field [promise 37]: %j',
    async (what, body, field, detail) => {
      const answer = await post(what === 'store' ? memories() : evaluate(), body)
      expect(answer.status).toBe(400)
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
      expect(answer.body).toMatchObject({ type: 'urn:jamey:problem:invalid-input', status: 400, field })
      expect(answer.body['detail']).toContain(detail)
    },
  )

  it.each([
    ['layer=eternal', 'layer', 'found "eternal"'],
    ['from=2024-02-30T00:00:00Z', 'from', 'ISO 8601'],
    ['to=May', 'to', 'found "May"'],
    ['limit=0', 'limit', 'found 0'],
    ['limit=101', 'limit', 'found 101'],
    ['limit=ten', 'limit', 'found "ten"'],
    ['limit=1.5', 'limit', 'found "1.5"'],
    ['offset=-1', 'offset', 'found -1'],
    ['q=a&q=b', 'q', 'expected string'],
    ['limit=1&limit=2', 'limit', 'expected number'],
    ['layers=episodic', 'layers', 'There is no query parameter "layers"'],
    ['__proto__=1', '__proto__', 'There is no query parameter'],
  ])('in the query %s is answered 400 with the parameter', async (query, field, detail) => {
    const answer = await call(`${memories()}?${query}`)
    expect(answer).toMatchObject({ status: 400, body: { field } })
    expect(answer.body['detail']).toContain(detail)
  })

  it.each([
    ['x-timeout-ms', '99', 'X-Timeout-Ms'],
    ['x-timeout-ms', '60001', 'X-Timeout-Ms'],
    ['x-timeout-ms', '1e3', 'X-Timeout-Ms'],
    ['x-timeout-ms', '', 'X-Timeout-Ms'],
    ['idempotency-key', '', 'Idempotency-Key'],
    ['idempotency-key', 'x'.repeat(256), 'Idempotency-Key'],
    ['idempotency-key', 'tea\tfor two', 'Idempotency-Key'],
  ])('in the header %s: %j is answered 400 with the header', async (header, value, field) => {
    const answer = await post(memories(), { content: 'a' }, { [header]: value })
    expect(answer).toMatchObject({ status: 400, body: { field } })
  })

  it.each([
    ['text that is not JSON', '{"action": ', 'not JSON'],
    ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'not UTF-8'],
    [
      '100000 nested arrays',
      `{"action":"a","context":{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`,
      '64 levels',
    ],
    ['no bytes at all', '', 'body is'],
  ])('as %s is answered 400', async (_what, body, detail) => {
    const answer = await call(evaluate(), {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    })
    expect(answer).toMatchObject({ status: 400, body: { field: 'body' } })
    expect(answer.body['detail']).toContain(detail)
  })

  it.each([
    [
      '{"action":"a","context":{"__proto__":{"isAdmin":true}}}',
      'context.__proto__',
      'no member of that name',
    ],
    ['{"tool":"sh","arguments":{"command":"echo \\ud800"}}', 'arguments.command', 'text that is Unicode'],
    ['{"tool":"sh","arguments":{"\\udc00":1}}', 'arguments.\ufffd', 'text that is Unicode'],
    ['{"tool":"sh","arguments":{"n":1,"n":2}}', 'arguments.n', 'must not be there twice'],
    ['{ "tool": "a", "tool": "b" }', 'tool', 'must not be there twice'],
    ['{"tool":"sh","arguments":{"n":[1e400]}}', 'arguments.n.0', 'a number that a double holds'],
    ['{"tool":"sh","arguments":{"n":9007199254740993}}', 'arguments.n', 'a number that a double holds'],
  ])('in the text of %s is answered 400 with the field', async (body, field, detail) => {
    const answer = await call(evaluate(), { body, headers: { 'content-type': 'application/json' } })
    expect(answer).toMatchObject({ status: 400, body: { type: 'urn:jamey:problem:invalid-input', field } })
    expect(answer.body['detail']).toContain(detail)
  })

  it('without a body is answered 400', async () => {
    const answer = await call(evaluate(), { method: 'POST' })
    expect(answer).toMatchObject({
      status: 400,
      body: { field: 'body', detail: 'body is missing: expected object.' },
    })
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'of content type %s is answered 415',
    async (contentType) => {
      const answer = await call(evaluate(), {
        body: '{"action":"a"}',
        headers: { 'content-type': contentType },
      })
      expect(answer).toMatchObject({ status: 415, body: { field: 'Content-Type' } })
    },
  )

  it('of more than 1 MiB is answered 413', async () => {
    const answer = await post(memories(), { content: 'a'.repeat(1024 * 1024) })
    expect(answer).toMatchObject({ status: 413, body: { field: 'body' } })
  })

  it('in the percent-encoding of the path is answered 400', async () => {
    const answer = await call(`${memories()}/%zz`, { method: 'DELETE' })
    expect(answer).toMatchObject({ status: 400, body: { field: 'path' } })
  })

  it('of an overlong id is answered 404', async () => {
    const answer = await call(`${memories()}/${'a'.repeat(300)}`, { method: 'DELETE' })
    expect(answer.status).toBe(404)
  })

  it('reaches nobody on the bus', () => {
    expect(running.bus.requests).toEqual([])
    expect(running.bus.serves(topics.api.requests)).toBe(true)
  })
})

describe('excerpt', () => {
  it('keeps a message to a line', () => {
    expect(excerpt('a\nb')).toBe('"a\\nb"')
    expect(excerpt('x'.repeat(1000))).toHaveLength(60)
    expect(excerpt(undefined)).toBe('undefined')
  })
})
