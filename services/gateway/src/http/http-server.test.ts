import { createHash } from 'node:crypto'
import { Writable } from 'node:stream'
import { signToken } from '@jamey/auth'
import { OPERATIONS, topics } from '@jamey/contracts'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ENDPOINTS, methodsAt, OWN_ENDPOINTS, TOKEN_ENDPOINT } from '../api/endpoints.js'
import {
  call,
  memoryOf,
  post,
  type RunningFixture,
  SECRET,
  startGateway,
  VERDICT,
} from '../service/gateway.support.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

let running: RunningFixture
let logged = ''

beforeEach(async () => {
  logged = ''
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged += chunk.toString()
      done()
    },
  })
  running = await startGateway({ log: pino(sink) })
})

afterEach(() => running.gateway.stop())

describe('the calls of the HTTP server', () => {
  it('judges an action by a request on jamey/api/requests that the router passes to the conscience', async () => {
    const { bus, url } = running
    bus.answer(topics.conscience.evaluate, () => VERDICT)
    const answer = await post(`${url}/v1/conscience/evaluate`, { action: 'water the plants' })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual(VERDICT)
    expect(bus.requests.map(({ topic, data }) => ({ topic, data }))).toEqual([
      {
        topic: 'jamey/api/requests',
        data: { operation: 'conscience.evaluate', input: { action: 'water the plants', context: {} } },
      },
      { topic: 'jamey/conscience/evaluate', data: { action: 'water the plants', context: {} } },
    ])
  })

  it('stores a memory under the Idempotency-Key, and says 200 where it had been stored before', async () => {
    const { bus, url } = running
    const stored = new Set<string>()
    bus.answer(topics.memory.store, ({ envelope }) => {
      const created = !stored.has(envelope.message_id)
      stored.add(envelope.message_id)
      return { memory: memoryOf(envelope.message_id, 'hello'), created }
    })
    const headers = { 'idempotency-key': '0F8FAD5B-D9CB-469F-A165-70867728950E' }
    const first = await post(`${url}/v1/memories`, { content: 'hello' }, headers)
    const second = await post(`${url}/v1/memories`, { content: 'hello' }, headers)
    expect([first.status, second.status]).toEqual([201, 200])
    expect([...stored]).toEqual(['0f8fad5b-d9cb-469f-a165-70867728950e'])
  })

  it('stores once under any Idempotency-Key, in quotes or not', async () => {
    const { bus, url } = running
    const ids: string[] = []
    bus.answer(topics.memory.store, ({ envelope }) => {
      ids.push(envelope.message_id)
      return { memory: memoryOf(envelope.message_id, 'hello'), created: true }
    })
    for (const key of ['order 17/a', '"order 17/a"', 'order 17/b']) {
      await post(`${url}/v1/memories`, { content: 'hello' }, { 'idempotency-key': key })
    }
    expect(ids[1]).toBe(ids[0])
    expect(ids[2]).not.toBe(ids[0])
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('stores a memory under the request identifier where there is no Idempotency-Key', async () => {
    const { bus, url } = running
    bus.answer(topics.memory.store, ({ envelope }) => ({
      memory: memoryOf(envelope.message_id, 'hello'),
      created: true,
    }))
    const answer = await post(`${url}/v1/memories`, { content: 'hello' })
    expect(answer.status).toBe(201)
    expect(answer.body['memory']).toMatchObject({ id: answer.headers['x-request-id'] })
  })

  it('recalls with the query parameters as the fields of the query contract', async () => {
    const { bus, url } = running
    bus.answer(topics.memory.query, () => ({
      memories: [{ ...memoryOf('1', 'Lisbon'), score: 1 }],
      total: 1,
    }))
    const answer = await call(
      `${url}/v1/memories?q=lisbon&layer=episodic&layer=semantic&tag=travel` +
        '&from=2024-01-01T00:00:00+01:00&to=2024-12-31T00:00:00Z&limit=5&offset=10',
    )
    expect(answer.status).toBe(200)
    expect(answer.body['total']).toBe(1)
    expect(bus.requests.at(-1)?.data).toEqual({
      query: 'lisbon',
      layers: ['episodic', 'semantic'],
      tags: ['travel'],
      from: '2024-01-01T00:00:00+01:00',
      to: '2024-12-31T00:00:00Z',
      limit: 5,
      offset: 10,
    })
  })

  it('gives one memory by its id, and says 404 where there is none', async () => {
    const { bus, url } = running
    bus.answer(topics.memory.get, ({ data: payload }) => {
      const { id } = payload as { id: string }
      return { memory: id === 'a/b' ? memoryOf(id, 'Lisbon') : null }
    })
    const known = await call(`${url}/v1/memories/a%2Fb`)
    expect(known).toMatchObject({ status: 200, body: { memory: { id: 'a/b', content: 'Lisbon' } } })
    const unknown = await call(`${url}/v1/memories/unknown`)
    expect(unknown).toMatchObject({ status: 404, body: { type: 'urn:jamey:problem:not-found' } })
  })

  it('forgets a memory by its id, and says 404 where there is none', async () => {
    const { bus, url } = running
    bus.answer(topics.memory.forget, ({ data: payload }) => ({
      forgotten: (payload as { id: string }).id === 'known' ? 1 : 0,
    }))
    const known = await call(`${url}/v1/memories/known`, { method: 'DELETE' })
    const unknown = await call(`${url}/v1/memories/unknown`, { method: 'DELETE' })
    expect(known).toMatchObject({ status: 200, body: { forgotten: 1 } })
    expect(unknown).toMatchObject({ status: 404, body: { type: 'urn:jamey:problem:not-found' } })
  })

  it('passes trace, correlation and deadline on to the component [promise 31]', async () => {
    const { bus, url } = running
    bus.answer(topics.conscience.evaluate, () => VERDICT)
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const answer = await post(
      `${url}/v1/conscience/evaluate`,
      { action: 'a' },
      { traceparent, 'x-timeout-ms': '5000' },
    )
    const requestId = answer.headers['x-request-id']
    expect(requestId).toMatch(UUID)
    for (const { options } of bus.requests) {
      expect(options).toMatchObject({ traceparent, correlationId: requestId })
      expect(options.timeoutMs).toBeLessThanOrEqual(5000)
      expect(options.timeoutMs).toBeGreaterThan(4000)
    }
    expect(bus.requests).toHaveLength(2)
  })

  it('ignores a malformed traceparent', async () => {
    const { bus, url } = running
    bus.answer(topics.conscience.evaluate, () => VERDICT)
    const answer = await post(`${url}/v1/conscience/evaluate`, { action: 'a' }, { traceparent: '00-xyz' })
    expect(answer.status).toBe(200)
    expect(bus.requests[0]?.options.traceparent).toBeUndefined()
  })

  it('waits 30 seconds unless told otherwise [promise 27]', async () => {
    const { bus, url } = running
    bus.answer(topics.conscience.evaluate, () => VERDICT)
    await post(`${url}/v1/conscience/evaluate`, { action: 'a' })
    expect(bus.requests[0]?.options.timeoutMs).toBe(30_000)
  })
})

describe('what the HTTP server says about itself', () => {
  it('lists its endpoints in plain text', async () => {
    const { text, headers } = await call(running.url)
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    for (const path of ['/v1/conscience/evaluate', '/v1/memories/:id', '/readyz', '/v1/openapi.json']) {
      expect(text).toContain(path)
    }
  })

  it('documents every operation with the shapes of its contract', async () => {
    const { body } = await call(`${running.url}/v1/openapi.json`)
    const paths = body['paths'] as Record<string, Record<string, { operationId?: string }>>
    const operations = Object.values(paths).flatMap((path) => Object.values(path))
    const documented = operations.flatMap(({ operationId = '' }) =>
      /^gateway\./.test(operationId) ? [] : operationId,
    )
    const twice = ['memory.search', 'memory.forget-many', 'memory.others.search', 'memory.others.forget-many']
    const own = [
      'token',
      'session.begin',
      'session.get',
      'session.end',
      'events',
      'messages.publish',
      'requests.ask',
    ]
    expect(documented.sort()).toEqual([...Object.keys(OPERATIONS), ...twice, ...own].sort())
    expect(body['openapi']).toBe('3.1.0')
    expect(paths['/v1/memories']?.['post']).toMatchObject({
      requestBody: {
        content: { 'application/json': { schema: { properties: { layer: { default: 'short_term' } } } } },
      },
      responses: { 201: {}, 400: {}, 413: {}, 415: {}, 503: {} },
    })
    expect(paths['/v1/memories']?.['get']).toMatchObject({
      parameters: expect.arrayContaining([
        expect.objectContaining({ name: 'limit', schema: expect.objectContaining({ maximum: 100 }) }),
      ]),
    })
  })

  it('serves the API as a page that may run nothing and load nothing', async () => {
    const { text, headers } = await call(`${running.url}/v1/docs`)
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    const policy = String(headers['content-security-policy'])
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]+='; /)
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(text) ?? []
    expect(policy).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`)
    const asyncapi = await call(`${running.url}/v1/asyncapi.json`)
    expect(asyncapi.body).toMatchObject({ asyncapi: '3.0.0', info: { title: 'Jamey' } })
  })

  it('lists its documents for programs, and serves each as Markdown', async () => {
    const { text, headers } = await call(`${running.url}/llms.txt`)
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(text).toMatch(/^# Jamey\n\n> /)
    const links = [...text.matchAll(/^- \[[^\]]+\]\((\/[^)]+)\): .+$/gm)].map(([, link = '']) => link)
    expect(links.length).toBeGreaterThan(40)
    const answers = await Promise.all(links.map((link) => call(`${running.url}${link}`)))
    expect(answers.map(({ status }) => status)).toEqual(links.map(() => 200))
    // Each page links to others that are there.
    const pages = answers.filter((answer) =>
      String(answer.headers['content-type']).startsWith('text/markdown'),
    )
    const inner = pages.flatMap((page) =>
      [...page.text.matchAll(/\]\((\/docs\/[^)#]+)/g)].map(([, link]) => link),
    )
    expect(inner.filter((link) => !links.includes(link ?? ''))).toEqual([])
  })

  it.each(['nothing.md', '..%2Fpackage.json', '%2Fetc%2Fpasswd'])(
    'serves no other file as one: %s',
    async (name) => {
      expect((await call(`${running.url}/docs/${name}`)).status).toBe(404)
    },
  )

  it('says 404 where nothing is, and 405 with Allow where the method is wrong', async () => {
    const nothing = await call(`${running.url}/v2/memories`)
    const wrongMethod = await call(`${running.url}/v1/memories/1`, { method: 'PUT' })
    expect(nothing).toMatchObject({ status: 404, body: { type: 'urn:jamey:problem:not-found' } })
    expect(wrongMethod.status).toBe(405)
    expect(wrongMethod.headers['allow']).toBe('GET, HEAD, PATCH, DELETE')
  })

  it('says 405 with Allow for every method that no route has at a path, whatever body comes with it', async () => {
    const routes = [...ENDPOINTS, TOKEN_ENDPOINT, ...OWN_ENDPOINTS]
    const bodies = [
      {},
      { body: '{' },
      { body: '{}' },
      { body: '' },
      { body: 'x', type: 'text/plain' },
      { body: 'a=b', type: 'application/x-www-form-urlencoded' },
    ]
    for (const path of new Set(routes.map((route) => route.path))) {
      const known = methodsAt(path.replace(/:\w+/, '1'))
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
        if (known.includes(method)) continue
        for (const { body, type = 'application/json' } of bodies) {
          // Node's client gives no length of its own to what DELETE and OPTIONS carry.
          const headers = { 'content-type': type, 'content-length': String(body?.length) }
          const given = body === undefined ? {} : { body, headers }
          const answer = await call(`${running.url}${path.replace(/:\w+/, '1')}`, { method, ...given })
          expect(answer.status, `${method} ${path} with ${body} as ${type}`).toBe(405)
          expect(answer.headers['allow']).toBe(known.join(', '))
          expect(answer.body).toMatchObject({ type: 'urn:jamey:problem:method-not-allowed' })
        }
      }
    }
  })

  it('answers problems as application/problem+json and marks every answer with safe headers', async () => {
    const { headers, body } = await call(`${running.url}/nothing`)
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(Object.keys(body).sort()).toEqual(['detail', 'status', 'title', 'type'])
  })

  it('logs each call without query, headers and bodies [promise 19]', async () => {
    const { bus, url } = running
    bus.answer(topics.memory.query, () => ({ memories: [], total: 0 }))
    await call(`${url}/v1/memories?q=something-private`, {
      headers: { authorization: 'Bearer secret-thing' },
    })
    await running.gateway.stop()
    const line = logged.split('\n').find((text) => text.includes('"request"')) ?? ''
    expect(JSON.parse(line)).toMatchObject({ method: 'GET', route: '/v1/memories', status: 401 })
    expect(logged).not.toContain('something-private')
    expect(logged).not.toContain('secret-thing')
  })
})

describe('metrics', () => {
  const metrics = {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    text: async () => 'a_metric 1\n',
  }

  it('are shown to who may publish to jamey/metrics, and to nobody else', async () => {
    const { gateway, url } = await startGateway({ metrics, requireToken: true, tokenSecret: SECRET })
    const tokenOf = async (permission: string) =>
      `Bearer ${await signToken({ sub: 'agent-7', permissions: [permission] }, SECRET)}`
    const get = (headers: Record<string, string>) => call(`${url}/metrics`, { headers })
    expect((await get({})).status).toBe(401)
    expect((await get({ authorization: await tokenOf('publish:jamey/memory/query') })).status).toBe(403)
    const shown = await get({ authorization: await tokenOf('publish:jamey/metrics') })
    expect([shown.status, shown.headers['content-type']]).toEqual([200, metrics.contentType])
    expect(shown.text).toBe('a_metric 1\n')
    await gateway.stop()
  })

  it('are nowhere where a gateway has none', async () => {
    expect((await call(`${running.url}/metrics`)).status).toBe(404)
  })
})
