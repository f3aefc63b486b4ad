import { request as requestPlain } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import {
  type ClientEntry,
  createAuthority,
  issueServerCertificate,
  RemoteTokenSource,
  TokenVerifier,
} from '@jamey/auth'
import { FakeClock } from '@jamey/testing'
import { type Logger, pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { AttemptLimit } from '../callers/attempt-limit.js'
import { call, type RunningFixture, SECRET, startGateway } from '../service/gateway.support.js'
import { TokenIssuer } from './token-issuer.js'

const RIGHT = 'the secret of robot-7'
const ENTRY: ClientEntry = {
  clientId: 'robot-7',
  permissions: ['publish:lab/#', 'subscribe:lab/#'],
  lifetimeSeconds: 60,
  secrets: [],
}
/** The registry has tests of its own. */
const clients = {
  authenticate: async (clientId: string, secret: string) =>
    clientId === 'robot-7' && secret === RIGHT ? ENTRY : undefined,
  certified: async () => undefined,
}

const lines: string[] = []
const log: Logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })

let running: RunningFixture

beforeEach(async () => {
  lines.length = 0
  running = await startGateway({
    clients,
    tokenSecret: SECRET,
    audience: 'hub',
    issuers: ['me'],
    trustProxy: ['127.0.0.1'],
    log,
  })
})

afterEach(() => running.gateway.stop())

const GRANT = { grant_type: 'client_credentials' }
const OWN = { ...GRANT, client_id: 'robot-7', client_secret: RIGHT }

function form(fields: Record<string, string>, headers: Record<string, string> = {}) {
  const body = new URLSearchParams(fields).toString()
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  return call(`${running.url}/v1/token`, { method: 'POST', body, headers: { ...type, ...headers } })
}

function json(value: unknown) {
  const headers = { 'content-type': 'application/json' }
  return call(`${running.url}/v1/token`, { method: 'POST', body: JSON.stringify(value), headers })
}

function basic(clientId: string, secret: string): Record<string, string> {
  const encode = (text: string) => new URLSearchParams({ x: text }).toString().slice(2)
  return { authorization: `Basic ${Buffer.from(`${encode(clientId)}:${encode(secret)}`).toString('base64')}` }
}

describe('POST /v1/token', () => {
  it.each([
    ['a form', () => form(OWN)],
    ['JSON', () => json(OWN)],
    ['Authorization: Basic', () => form(GRANT, basic('robot-7', RIGHT))],
  ])('issues a token for a client id and its secret in %s [promise 22]', async (_, ask) => {
    const answer = await ask()
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' })
    const { access_token: token, ...others } = answer.body as Record<string, unknown>
    expect(others).toEqual({ token_type: 'Bearer', expires_in: 60, scope: 'publish:lab/# subscribe:lab/#' })
    const claims = await new TokenVerifier({ secret: SECRET, audience: 'hub', issuers: ['me'] }).verify(
      String(token),
    )
    expect(claims).toMatchObject({ sub: 'robot-7', permissions: ENTRY.permissions, aud: 'hub', iss: 'me' })
    expect(claims.exp - claims.iat).toBe(60)
    const audit = lines.map((line) => JSON.parse(line)).filter(({ outcome }) => outcome !== undefined)
    expect(audit).toMatchObject([
      { client_id: 'robot-7', outcome: 'issued', jti: claims.jti, address: '127.0.0.1' },
    ])
    expect(lines.join()).not.toContain(RIGHT)
    expect(lines.join()).not.toContain(String(token).split('.')[2])
  })

  it('gives fewer permissions where fewer are asked for, and none that the client has not', async () => {
    const less = await form({ ...OWN, scope: 'subscribe:lab/#' })
    const claims = await new TokenVerifier({ secret: SECRET, audience: 'hub' }).verify(
      String(less.body['access_token']),
    )
    expect(claims.permissions).toEqual(['subscribe:lab/#'])
    const more = await form({ ...OWN, scope: 'subscribe:lab/# #' })
    expect(more).toMatchObject({ status: 400, body: { error: 'invalid_scope', field: 'scope' } })
  })

  it.each<[string, () => ReturnType<typeof form>, number, string]>([
    ['a wrong secret', () => form({ ...OWN, client_secret: 'x' }), 401, 'invalid_client'],
    ['a name that is none', () => form({ ...OWN, client_id: 'nobody' }), 401, 'invalid_client'],
    ['no secret', () => form({ ...GRANT, client_id: 'robot-7' }), 401, 'invalid_client'],
    ['a wrong Basic', () => form(GRANT, basic('robot-7', 'x')), 401, 'invalid_client'],
    ['a bearer token', () => form(OWN, { authorization: 'Bearer a.b.c' }), 400, 'invalid_request'],
    ['both ways at once', () => form(OWN, basic('robot-7', RIGHT)), 400, 'invalid_request'],
    ['no grant_type', () => form({ ...OWN, grant_type: '' }), 400, 'invalid_request'],
    ['another grant', () => form({ ...OWN, grant_type: 'password' }), 400, 'unsupported_grant_type'],
    ['a list', () => json([OWN]), 400, 'invalid_request'],
    ['a number as secret', () => json({ ...OWN, client_secret: 7 }), 400, 'invalid_request'],
    [
      'no JSON',
      () =>
        call(`${running.url}/v1/token`, {
          method: 'POST',
          body: '{',
          headers: { 'content-type': 'application/json' },
        }),
      400,
      'invalid_request',
    ],
    [
      'another type',
      () =>
        call(`${running.url}/v1/token`, {
          method: 'POST',
          body: 'x',
          headers: { 'content-type': 'text/plain' },
        }),
      415,
      'invalid_request',
    ],
    ['a body that is too large', () => form({ ...OWN, x: 'x'.repeat(20_000) }), 413, 'invalid_request'],
  ])('refuses %s, and shows no secret [RFC 6749, section 5.2]', async (_, ask, status, error) => {
    const answer = await ask()
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(answer.body).toMatchObject({ error, error_description: expect.any(String) })
    if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Basic realm=/)
    expect(answer.text + lines.join()).not.toContain(RIGHT)
  })

  it('tells nobody which names there are', async () => {
    const [known, unknown] = [
      await form({ ...OWN, client_secret: 'x' }),
      await form({ ...OWN, client_id: 'nobody' }),
    ]
    expect(known.body).toEqual(unknown.body)
    const audit = lines.map((line) => JSON.parse(line)).filter(({ outcome }) => outcome === 'refused')
    expect(audit.map(({ client_id, reason }) => [client_id, reason])).toEqual([
      ['robot-7', 'invalid_client'],
      ['nobody', 'invalid_client'],
    ])
  })

  it('lets nobody guess on, while the client itself and others are served', async () => {
    const from = (address: string) => ({ 'x-forwarded-for': address, 'x-forwarded-proto': 'https' })
    const guess = (address: string, clientId = 'robot-7') =>
      form({ ...OWN, client_id: clientId, client_secret: 'x' }, from(address))
    for (let i = 0; i < 10; i++) expect((await guess('203.0.113.1')).status).toBe(401)
    const beyond = await guess('203.0.113.1')
    expect(beyond.status).toBe(429)
    expect(Number(beyond.headers['retry-after'])).toBeGreaterThan(50)
    // Not even with the right secret, from there: whoever guesses must not find out.
    expect((await form(OWN, from('203.0.113.1'))).status).toBe(429)
    expect((await form(OWN, from('203.0.113.2'))).status).toBe(200)
    for (let i = 0; i < 50; i++) await guess('203.0.113.1', `name-${i}`)
    expect((await guess('203.0.113.1', 'yet-another')).status).toBe(429)
    expect((await form(OWN, from('203.0.113.2'))).status).toBe(200)
  })

  it('is served over TLS, or on the machine itself, alone', async () => {
    const remote = { 'x-forwarded-for': '203.0.113.1' }
    // The proxy is on this machine, so only what it says of itself could tell; it says that it is not TLS.
    expect((await form(OWN, { ...remote, 'x-forwarded-proto': 'https' })).status).toBe(200)
    const open = await startGateway({ clients, tokenSecret: SECRET, host: '0.0.0.0' })
    onTestFinished(() => open.gateway.stop())
    const { networkInterfaces } = await import('node:os')
    const own = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4')?.address
    if (own === undefined) return
    const port = new URL(open.url).port
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = new URLSearchParams(OWN).toString()
    const answer = await call(`http://${own}:${port}/v1/token`, { method: 'POST', body, headers })
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    expect(answer.body['error_description']).toContain('over TLS alone')
  })

  it('takes forms nowhere else, for pages of anybody may post them', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await call(`${running.url}/v1/memories`, { method: 'POST', body: 'content=x', headers })
    expect(answer.status).toBe(415)
  })

  it('is not there where no clients are', async () => {
    const without = await startGateway({ tokenSecret: SECRET })
    onTestFinished(() => without.gateway.stop())
    const answer = await call(`${without.url}/v1/token`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    })
    expect(answer).toMatchObject({ status: 404, body: { type: 'urn:jamey:problem:not-found' } })
    await expect(startGateway({ clients })).rejects.toThrow('no secret to sign them with')
  })

  it('stands in the OpenAPI document and in the list', async () => {
    const { body } = await call(`${running.url}/v1/openapi.json`)
    const { post } =
      (body['paths'] as Record<string, Record<string, { operationId: string }>>)['/v1/token'] ?? {}
    expect(post).toMatchObject({ operationId: 'token', security: [{ client: [] }, {}] })
    expect((await call(`${running.url}/`)).text).toContain('POST    /v1/token')
  })
})

describe('a token issuer', () => {
  const from = '192.0.2.1'
  const asked = { clientId: 'robot-7', secret: RIGHT, scope: undefined }

  it('bounds the tokens of one client, which others cannot use up', async () => {
    const clock = new FakeClock()
    const issuer = new TokenIssuer({ clients, secret: SECRET, log, monotonicNow: () => clock.now() })
    for (let i = 0; i < 60; i++) await issuer.issue(asked, `192.0.2.${i}`)
    await expect(issuer.issue(asked, from)).rejects.toMatchObject({ status: 429 })
    await clock.advance(60_000)
    expect(await issuer.issue(asked, from)).toMatchObject({ token_type: 'Bearer' })
    for (let i = 0; i < 100; i++) {
      await issuer.issue({ ...asked, secret: 'x' }, `198.51.100.${i}`).catch(() => {})
    }
    expect(await issuer.issue(asked, from)).toMatchObject({ token_type: 'Bearer' })
  })

  it('issues none to a client that is denied, and says no more of it than of one that is unknown', async () => {
    const denied = { objectionTo: ({ sub }: { sub: string }) => (sub === 'robot-7' ? 'denied' : undefined) }
    const issuer = new TokenIssuer({ clients, secret: SECRET, log, denied })
    const errors = [asked, { ...asked, clientId: 'nobody' }].map((one) =>
      issuer.issue(one, from).catch((e) => e.body),
    )
    const [one, other] = await Promise.all(errors)
    expect(one).toEqual(other)
  })

  it('shows at most a line of what a stranger calls himself', async () => {
    const issuer = new TokenIssuer({ clients, secret: SECRET, log })
    lines.length = 0
    await issuer.issue({ ...asked, clientId: 'x'.repeat(1_000) }, from).catch(() => {})
    expect(JSON.parse(lines[0] ?? '{}').client_id).toHaveLength(128)
  })
})

describe('an attempt limit', () => {
  it('remembers a bounded number of names, and begins anew after its window', () => {
    let nowMs = 0
    const limit = new AttemptLimit(2, 1_000, () => nowMs)
    expect([limit.take('a'), limit.take('a'), limit.take('a')]).toEqual([undefined, undefined, 1_000])
    expect(limit.take('b')).toBeUndefined()
    limit.giveBack('a')
    expect([limit.take('a'), limit.take('a')]).toEqual([undefined, 1_000])
    nowMs = 1_000
    expect(limit.take('a')).toBeUndefined()
    for (let i = 0; i < 20_000; i++) limit.take(`name ${i}`)
    expect([limit.take('name 19999'), limit.take('name 19999')]).toEqual([undefined, 1_000])
    expect([limit.take('name 1'), limit.take('name 1')]).toEqual([undefined, undefined])
  })
})

describe('a client that gets its tokens there', () => {
  let proxy: Server | undefined

  afterEach(() => proxy?.close())

  /** What ends TLS in front of the gateway. */
  async function startProxy(): Promise<{ url: string; ca: string }> {
    const authority = await createAuthority()
    const { certPem: cert, keyPem: key } = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
    proxy = createServer({ cert, key, minVersion: 'TLSv1.3' }, (request, response) => {
      const headers = { ...request.headers, 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' }
      const { method, url } = request
      const passed = requestPlain(`${running.url}${url}`, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      })
      request.pipe(passed)
    })
    await new Promise<void>((resolve) => proxy?.listen(0, '127.0.0.1', resolve))
    return {
      url: `https://127.0.0.1:${(proxy.address() as AddressInfo).port}/v1/token`,
      ca: authority.certPem,
    }
  }

  it('has one over TLS, uses it until it is to be replaced, and shares it [promise 22]', async () => {
    const { url, ca } = await startProxy()
    let nowMs = Date.now()
    const source = new RemoteTokenSource({ url, ca, subject: 'robot-7', secret: RIGHT, now: () => nowMs })
    const [one, two] = await Promise.all([source.current(), source.current()])
    expect(one).toBe(two)
    expect(source.lifetimeSeconds).toBe(60)
    expect(source.refreshAtMs).toBe(nowMs + 30_000)
    expect(await new TokenVerifier({ secret: SECRET, audience: 'hub' }).verify(one.token)).toMatchObject({
      sub: 'robot-7',
    })
    nowMs += 29_999
    expect(await source.current()).toBe(one)
    nowMs += 1
    const next = await source.current()
    expect(next.token).not.toBe(one.token)
    // The issuer is away: the token is used as long as it lives.
    await new Promise((resolve) => proxy?.close(resolve))
    nowMs += 59_000
    expect(await source.current()).toBe(next)
    nowMs += 1_000
    await expect(source.current()).rejects.toMatchObject({ code: 'token-issuer-unreachable' })
    expect(lines.join()).toContain('203.0.113.9')
  })

  it('is told what is wrong, and its secret goes to nobody else', async () => {
    const { url, ca } = await startProxy()
    const sourceOf = (options: object) =>
      new RemoteTokenSource({ url, ca, subject: 'robot-7', secret: RIGHT, ...options })
    const refused = await sourceOf({ secret: 'hunter2' })
      .current()
      .catch((error) => error)
    expect(refused).toMatchObject({ name: 'TokenRequestError', code: 'token-issuer-refused' })
    expect(refused.message).toContain('issues no token to "robot-7": invalid_client; compare')
    expect(refused.message).not.toContain('hunter2')
    const foreign = (await createAuthority()).certPem
    await expect(sourceOf({ ca: foreign }).current()).rejects.toMatchObject({
      code: 'token-issuer-unreachable',
    })
    for (const other of [
      'http://hub.example.org/v1/token',
      'ftp://127.0.0.1',
      'https://a:b@hub.example.org',
    ]) {
      expect(() => sourceOf({ url: other })).toThrow('the URL of the token issuer')
    }
    await expect(sourceOf({ url: url.replace('/v1/token', '/healthz') }).current()).rejects.toThrow(
      /HTTP status|answered/,
    )
  })
})
