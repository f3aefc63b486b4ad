import { once } from 'node:events'
import { request } from 'node:https'
import { connect } from 'node:net'
import { createAuthority, issueClientCertificate, issueServerCertificate } from '@jamey/auth'
import { describe, expect, it } from 'vitest'
import { BROKER_SECRET, recorded, startTested, TOKEN_SECRET } from '../service/authz.support.js'
import { BODY_LIMIT_BYTES } from './limits.js'

const PATHS = [
  '/emqx/authenticate',
  '/emqx/authorize',
  '/vernemq',
  '/rabbitmq/user',
  '/rabbitmq/vhost',
  '/rabbitmq/resource',
  '/rabbitmq/topic',
]

describe('who asks', () => {
  it.each([
    ['nothing', ''],
    ['another secret', `Bearer ${BROKER_SECRET}x`],
    ['a part of it', `Bearer ${BROKER_SECRET.slice(0, -1)}`],
    ['it without a scheme', BROKER_SECRET],
    ['it by another scheme', `Digest ${BROKER_SECRET}`],
    ['it as a user name', `Basic ${Buffer.from(`${BROKER_SECRET}:`).toString('base64')}`],
    ['an empty one', 'Bearer '],
    ['an empty password', `Basic ${Buffer.from('rabbit:').toString('base64')}`],
  ])('is told nothing with %s', async (_, authorization) => {
    const at = await startTested()
    const body = JSON.stringify(recorded.emqxAuthenticate('eva', await at.token('eva', ['#'])))
    for (const path of PATHS) {
      const { status, text } = await at.send(path, body, { authorization, type: 'application/json' })
      expect([path, status, text]).toEqual([path, 401, ''])
    }
    expect(await at.metrics()).toContain('jamey_authz_rejected_requests_total{reason="unauthenticated"} 7')
  })

  it('may show the secret as the password of a URL, and one that takes its place', async () => {
    const next = 'another-secret-that-will-take-its-place'
    const at = await startTested({ secrets: [BROKER_SECRET, next] })
    const body = recorded.emqxAuthenticate('eva', await at.token('eva', ['#']))
    for (const authorization of [
      `Basic ${Buffer.from(`rabbit:${BROKER_SECRET}`).toString('base64')}`,
      `bearer ${next}`,
    ]) {
      expect(await at.ask('/emqx/authenticate', body, { authorization })).toMatchObject({ result: 'allow' })
    }
    at.authz.use({ secrets: [next], tokens: { secret: TOKEN_SECRET } })
    const former = await at.send('/emqx/authenticate', JSON.stringify(body), { type: 'application/json' })
    expect(former.status).toBe(401)
  })

  it('is nobody where two secrets are shown', async () => {
    const at = await startTested()
    const { port } = new URL(at.authz.url)
    const send = async (lines: string): Promise<string> => {
      const socket = connect({ port: Number(port), host: '127.0.0.1' })
      socket.end(
        `POST /vernemq HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${lines}content-length: 2\r\n\r\n{}`,
      )
      const chunks: Buffer[] = []
      socket.on('data', (chunk: Buffer) => chunks.push(chunk))
      await once(socket, 'close')
      return Buffer.concat(chunks).toString()
    }
    const proof = `authorization: Bearer ${BROKER_SECRET}\r\n`
    expect(await send(proof)).toContain('200 OK')
    expect(await send(`${proof}${proof}`)).toContain('401 Unauthorized')
    expect(await send(`${proof}Authorization: Bearer x\r\n`)).toContain('401 Unauthorized')
    expect(await send('')).toContain('401 Unauthorized')
    // Two lengths, or a length and chunks: whoever is in front could read another request.
    expect(await send(`${proof}content-length: 3\r\n`)).toContain('400 Bad Request')
    expect(await send(`${proof}transfer-encoding: chunked\r\n`)).toContain('400 Bad Request')
  })

  it('is asked for a certificate of a broker, where one is expected', async () => {
    const authority = await createAuthority()
    const server = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
    const tls = { cert: server.certPem, key: server.keyPem, ca: authority.certPem }
    const at = await startTested({ tls, certificateNames: ['emqx-1'] })
    const body = JSON.stringify(recorded.emqxAuthenticate('eva', await at.token('eva', ['#'])))
    const post = async (
      name: string | undefined,
      authorization = `Bearer ${BROKER_SECRET}`,
      by = authority,
    ) => {
      const client = name === undefined ? undefined : await issueClientCertificate(by, { commonName: name })
      const asked = request(`${at.authz.url}/emqx/authenticate`, {
        method: 'POST',
        ca: authority.certPem,
        ...(client === undefined ? {} : { cert: client.certPem, key: client.keyPem }),
        headers: { authorization, 'content-type': 'application/json' },
        agent: false,
      })
      asked.end(body)
      const [response] = await once(asked, 'response')
      response.resume()
      return (response as { statusCode: number }).statusCode
    }
    expect(await post('emqx-1')).toBe(200)
    expect(await post('emqx-1', 'Bearer x')).toBe(401)
    expect(await post('eva')).toBe(401)
    expect(await post(undefined)).toBe(401)
    expect(await post('emqx-1', undefined, await createAuthority())).toBe(401)
  })

  it('cannot ask by TLS 1.2', async () => {
    const authority = await createAuthority()
    const server = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
    const at = await startTested({ tls: { cert: server.certPem, key: server.keyPem, ca: undefined } })
    const asked = request(`${at.authz.url}/healthz`, {
      ca: authority.certPem,
      maxVersion: 'TLSv1.2',
      agent: false,
    })
    asked.end()
    const [error] = await once(asked, 'error')
    expect(String(error)).toMatch(/protocol version/i)
  })
})

describe('a body', () => {
  const deny = '{"result":"deny"}'

  it.each([
    ['of a megabyte and more', JSON.stringify({ password: 'x'.repeat(BODY_LIMIT_BYTES) })],
    ['that is nested deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['with objects in objects', `${'{"a":'.repeat(9)}1${'}'.repeat(9)}`],
    ['that is cut off', '{"username":"eva"'],
    ['of nothing', ''],
    ['that is no object', '["eva"]'],
    ['that is null', 'null'],
    ['with bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['with a prototype', '{"__proto__":{"username":"eva"}}'],
  ])('%s is refused', async (_, body) => {
    const at = await startTested()
    const reply = await at.send('/emqx/authenticate', body, { type: 'application/json' })
    expect(reply).toEqual({ status: 200, text: deny, cacheControl: 'no-store' })
    expect(await at.metrics()).toMatch(/reason="(malformed|client-id)"} 1/)
  })

  it('that names a member twice is refused, wherever it stands and however it is written', async () => {
    const at = await startTested()
    const token = await at.token('eva', ['#'])
    const text = JSON.stringify(recorded.emqxAuthenticate('eva', token))
    const send = async (body: string) =>
      (await at.send('/emqx/authenticate', body, { type: 'application/json' })).text
    expect(await send(text)).toContain('"allow"')
    expect(await send(text.replace('{', '{"x":[{"clientid":1},"clientid"],'))).toContain('"allow"')
    expect(await send(text.replace('{', '{"clientid":"bob",'))).toBe(deny)
    expect(await send(text.replace('}', ',"client\\u0069d":"bob"}'))).toBe(deny)
    expect(await send(text.replace('{', '{"x":{"a":1,"a":2},'))).toBe(deny)
    expect(await send(text.replace('{', '{"x\\"":"{","x\\"":"",'))).toBe(deny)
  })

  it('of another kind than the path takes is refused', async () => {
    const at = await startTested()
    const token = await at.token('eva', ['#'])
    const json = JSON.stringify(recorded.emqxAuthenticate('eva', token))
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', ' ']) {
      expect((await at.send('/emqx/authenticate', json, { type })).text).toBe(deny)
    }
    expect(
      (await at.send('/emqx/authenticate', json, { type: 'Application/JSON; charset=utf-8' })).text,
    ).toContain('allow')
    const form = String(new URLSearchParams(recorded.rabbitUser('eva', token)))
    const formType = 'application/x-www-form-urlencoded'
    const user = async (body: string, type = formType) =>
      (await at.send('/rabbitmq/user', body, { type })).text
    expect(await user(form)).toBe('allow')
    expect(await user(form, 'application/json')).toBe('deny')
    expect(await user(`${form}&client_id=bob`)).toBe('deny')
    expect(await user(`${form}&x=%zz`)).toBe('deny')
    expect(await user(`${form}&x=%ff`)).toBe('deny')
    expect(await user(`${form}&${'a=&'.repeat(100)}`)).toBe('deny')
    expect(await user(`client_id=${'x'.repeat(BODY_LIMIT_BYTES)}`)).toBe('deny')
  })

  it('is looked for in no query, where a token would be written into logs', async () => {
    const at = await startTested()
    const query = new URLSearchParams(recorded.rabbitUser('eva', await at.token('eva', ['#'])))
    const authorization = `Bearer ${BROKER_SECRET}`
    const response = await fetch(`${at.authz.url}/rabbitmq/user?${query}`, { headers: { authorization } })
    expect(response.status).toBe(404)
    expect(
      (await at.send(`/rabbitmq/user?${query}`, '', { type: 'application/x-www-form-urlencoded' })).text,
    ).toBe('deny')
  })
})

describe('what the service tells of itself', () => {
  it('is health, and numbers without names', async () => {
    const at = await startTested()
    expect(await (await fetch(`${at.authz.url}/healthz`)).json()).toEqual({ status: 'alive' })
    expect(await (await fetch(`${at.authz.url}/readyz`)).json()).toEqual({ status: 'ready' })
    const token = await at.token('eva-the-secretive', ['app/#'])
    await at.ask('/emqx/authenticate', recorded.emqxAuthenticate('eva-the-secretive', token))
    await at.ask('/emqx/authorize', recorded.emqxAuthorize('eva-the-secretive', 'publish', 'hidden'))
    const text = await at.metrics()
    expect(text).toContain(
      'jamey_authz_decisions_total{broker="emqx",hook="authenticate",outcome="allow",reason="granted"} 1',
    )
    expect(text).toContain(
      'jamey_authz_decisions_total{broker="emqx",hook="authorize",outcome="deny",reason="topic"} 1',
    )
    expect(text).toContain('jamey_authz_decision_duration_seconds_count{broker="emqx",hook="authorize"} 1')
    expect(text).toMatch(
      /jamey_authz_decision_duration_seconds_bucket\{broker="emqx",hook="authorize",le="\+Inf"\} 1\n/,
    )
    expect(text).toMatch(/\njamey_authz_grants 1\n/)
    expect(text).not.toMatch(/secretive|hidden/)
    const passedOn = await fetch(`${at.authz.url}/metrics`, { headers: { 'x-forwarded-for': '192.0.2.1' } })
    expect(passedOn.status).toBe(401)
  })

  it('is that it is not ready while nobody can verify tokens', async () => {
    let isAway = true
    const keys = {
      keysFor: async () => {
        const { TokenError } = await import('@jamey/auth')
        if (isAway) throw new TokenError('token-keys-unavailable', 'the issuer is away')
        return []
      },
    }
    const at = await startTested({ tokens: { secret: TOKEN_SECRET, keys } })
    const header = Buffer.from('{"alg":"EdDSA"}').toString('base64url')
    const token = `${header}.${Buffer.from('{}').toString('base64url')}.AAAA`
    const body = recorded.emqxAuthenticate('eva', token)
    expect(await at.ask('/emqx/authenticate', body)).toEqual({ result: 'deny' })
    expect((await fetch(`${at.authz.url}/readyz`)).status).toBe(503)
    isAway = false
    expect(await at.ask('/emqx/authenticate', body)).toEqual({ result: 'deny' })
    expect((await fetch(`${at.authz.url}/readyz`)).status).toBe(200)
  })

  it('is that it refuses what is more than it can do at once', async () => {
    let release: (keys: never[]) => void = () => {}
    const looked = new Promise<never[]>((resolve) => {
      release = resolve
    })
    const keys = { keysFor: () => looked }
    const at = await startTested({ tokens: { secret: TOKEN_SECRET, keys }, maximumInFlight: 2 })
    const header = Buffer.from('{"alg":"EdDSA"}').toString('base64url')
    const slow = recorded.emqxAuthenticate('eva', `${header}.${Buffer.from('{}').toString('base64url')}.AAAA`)
    const waiting = [at.ask('/emqx/authenticate', slow), at.ask('/emqx/authenticate', slow)]
    await expect.poll(() => at.metrics()).toMatch(/\njamey_authz_in_flight 2\n/)
    const good = recorded.emqxAuthenticate('eva', await at.token('eva', ['app/#']))
    expect(await at.ask('/emqx/authenticate', good)).toEqual({ result: 'deny' })
    expect(await at.metrics()).toContain('reason="overloaded"} 1')
    release([])
    expect(await Promise.all(waiting)).toEqual([{ result: 'deny' }, { result: 'deny' }])
    await expect.poll(() => at.metrics()).toMatch(/\njamey_authz_in_flight 0\n/)
    expect(await at.ask('/emqx/authenticate', good)).toMatchObject({ result: 'allow' })
  })

  it('is written to the log without a token, a secret or a line too many', async () => {
    const lines: string[] = []
    const { pino } = await import('pino')
    const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
    const at = await startTested({ log })
    const token = await at.token('bob', ['#'])
    for (let i = 0; i < 30; i++) {
      await at.ask('/emqx/authenticate', recorded.emqxAuthenticate('eva', i % 2 === 0 ? token : `${token}x`))
    }
    await at.send('/vernemq', '{}', { authorization: 'Bearer guessed-guessed', type: 'application/json' })
    const refusals = lines.filter((line) => line.includes('client_id'))
    expect(refusals.length).toBeGreaterThanOrEqual(10)
    expect(refusals.length).toBeLessThanOrEqual(20)
    expect(JSON.parse(refusals[0] ?? '')).toMatchObject({
      broker: 'emqx',
      hook: 'authenticate',
      client_id: 'eva',
      reason: 'token-of-another',
    })
    for (const secret of [token, token.split('.')[2], BROKER_SECRET, TOKEN_SECRET, 'guessed']) {
      expect(lines.join('')).not.toContain(secret)
    }
  })
})
