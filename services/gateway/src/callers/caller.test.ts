import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { KeySet, LiveKeySet, signToken } from '@jamey/auth'
import { COMPONENTS, pingOf, topics } from '@jamey/contracts'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  call,
  memoryOf,
  post,
  type RunningFixture,
  SECRET,
  startGateway,
  VERDICT,
} from '../service/gateway.support.js'
import { identifyCaller } from './caller.js'

const peerUser = async () => process.geteuid?.()
const asked = { method: 'POST', ownOrigin: 'http://localhost' }
const EVALUATE = 'publish:jamey/conscience/evaluate'

function tokenFor(
  permissions: string[],
  options: { sub?: string; lifetimeSeconds?: number; now?: () => number } = {},
) {
  return signToken({ sub: 'agent-1', permissions, ...options }, SECRET)
}

function unsigned(header: object): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = { sub: 'agent-1', iat: now, exp: now + 60, permissions: ['jamey/#'] }
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${encode(header)}.${encode(claims)}`
}

describe('callers with a token of public keys', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const keys = new KeySet(JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] }))

  function edDsa(more: object = {}): string {
    const now = Math.floor(Date.now() / 1000)
    const claims = { sub: 'agent-1', iat: now, exp: now + 60, permissions: [EVALUATE], aud: 'hub', ...more }
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const content = `${encode({ alg: 'EdDSA' })}.${encode(claims)}`
    return `${content}.${sign(null, Buffer.from(content), privateKey).toString('base64url')}`
  }

  it('may do what it permits, where it is for this gateway; it has no secret [promise 20]', async () => {
    const running = await startGateway({ keys, audience: 'hub', requireToken: true })
    onTestFinished(() => running.gateway.stop())
    running.bus.answer(topics.conscience.evaluate, () => VERDICT)
    const evaluate = (token: string) =>
      post(`${running.url}/v1/conscience/evaluate`, { action: 'a' }, { authorization: `Bearer ${token}` })
    expect((await evaluate(edDsa())).status).toBe(200)
    const foreign = await evaluate(edDsa({ aud: 'other' }))
    expect(foreign.status).toBe(401)
    expect(foreign.headers['www-authenticate']).toContain('error_description="token-audience"')
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const forged = await evaluate(
      await signToken({ sub: 'agent-1', permissions: [EVALUATE], aud: 'hub' }, pem),
    )
    expect(forged.headers['www-authenticate']).toContain('error_description="token-algorithm"')
  })

  it('are refused as soon as they are denied, and others are not', async () => {
    let denied: string | undefined
    const objectionTo = ({ jti }: { jti?: string | undefined }) =>
      jti === denied ? 'denied by the administrator (jti)' : undefined
    const running = await startGateway({
      keys,
      audience: 'hub',
      requireToken: true,
      denied: { objectionTo },
    })
    onTestFinished(() => running.gateway.stop())
    running.bus.answer(topics.conscience.evaluate, () => VERDICT)
    const evaluate = (jti: string) =>
      post(
        `${running.url}/v1/conscience/evaluate`,
        { action: 'a' },
        { authorization: `Bearer ${edDsa({ jti })}` },
      )
    expect((await evaluate('stolen')).status).toBe(200)
    denied = 'stolen'
    const refused = await evaluate('stolen')
    expect(refused.status).toBe(401)
    expect(refused.headers['www-authenticate']).toContain('error_description="token-denied"')
    expect((await evaluate('other')).status).toBe(200)
  })

  it('are told to come back where its issuer cannot be reached', async () => {
    const away = new LiveKeySet({ path: '/absent/jwks.json' })
    const running = await startGateway({ keys: away, requireToken: true })
    onTestFinished(() => running.gateway.stop())
    const headers = { authorization: `Bearer ${edDsa()}` }
    const answer = await post(`${running.url}/v1/conscience/evaluate`, { action: 'a' }, headers)
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('5')
    expect(answer.text).not.toContain('/absent')
  })
})

describe('callers with a token', () => {
  let running: RunningFixture

  beforeAll(async () => {
    running = await startGateway({ tokenSecret: SECRET, requireToken: true })
    running.bus.answer(topics.conscience.evaluate, () => VERDICT)
    running.bus.answer(pingOf(topics.conscience.evaluate.topic, 'conscience'), () => ({
      client_id: 'jamey-conscience',
    }))
    running.bus.answer(topics.memory.query, () => ({ memories: [], total: 0 }))
  })

  afterAll(() => running.gateway.stop())

  const evaluate = (authorization?: string) =>
    post(
      `${running.url}/v1/conscience/evaluate`,
      { action: 'a' },
      authorization === undefined ? {} : { authorization },
    )

  it('may do what its permissions say', async () => {
    expect((await evaluate(`Bearer ${await tokenFor([EVALUATE])}`)).status).toBe(200)
    expect((await evaluate(`bearer ${await tokenFor(['jamey/#'])}`)).status).toBe(200)
  })

  it('are called for in their own name, with the permissions of their token', async () => {
    expect((await evaluate(`Bearer ${await tokenFor([EVALUATE])}`)).status).toBe(200)
    const onBehalfOf = { clientId: 'agent-1', permissions: [EVALUATE] }
    expect(running.bus.requests.slice(-2)).toMatchObject([
      { topic: 'jamey/api/requests', options: { onBehalfOf } },
      { topic: 'jamey/conscience/evaluate', options: { onBehalfOf } },
    ])
  })

  it('have Idempotency-Keys of their own', async () => {
    const ids: string[] = []
    running.bus.answer(topics.memory.store, ({ envelope }) => {
      ids.push(envelope.message_id)
      return { memory: memoryOf(envelope.message_id, 'hello'), created: true }
    })
    for (const sub of ['agent-1', 'agent-2', 'agent-1']) {
      const secret = { authorization: `Bearer ${await tokenFor(['publish:jamey/memory/store'], { sub })}` }
      const headers = { ...secret, 'idempotency-key': 'first' }
      await post(`${running.url}/v1/memories`, { content: 'hello' }, headers)
    }
    expect(ids[2]).toBe(ids[0])
    expect(ids[1]).not.toBe(ids[0])
  })

  it.each([
    ['evaluating', 'POST', '/v1/conscience/evaluate', 'publish:jamey/conscience/evaluate'],
    ['storing', 'POST', '/v1/memories', 'publish:jamey/memory/store'],
    ['forgetting', 'DELETE', '/v1/memories/1', 'publish:jamey/memory/forget'],
    ['storing for others', 'POST', '/v1/others/memories', 'publish:jamey/memory/others/store'],
    ['forgetting of others', 'DELETE', '/v1/others/memories/1', 'publish:jamey/memory/others/forget'],
    ['recalling of others', 'GET', '/v1/others/memories', 'publish:jamey/memory/others/query'],
    ['reading one of others', 'GET', '/v1/others/memories/1', 'publish:jamey/memory/others/query'],
    ['recalling', 'GET', '/v1/memories', 'publish:jamey/memory/query'],
    ['reading one', 'GET', '/v1/memories/1', 'publish:jamey/memory/query'],
  ])('is told with 403 which permission %s needs [promise 23]', async (_what, method, path, permission) => {
    const token = await tokenFor(['publish:jamey/events/errors', 'subscribe:jamey/#'])
    const answer = await call(`${running.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
    })
    expect(answer).toMatchObject({
      status: 403,
      body: { type: 'urn:jamey:problem:permission-missing', permission },
    })
    expect(answer.body['detail']).toContain(permission)
    expect(answer.headers['www-authenticate']).toContain(`scope="${permission}"`)
  })

  it.each([
    ['no token', async () => undefined, undefined],
    ['another scheme', async () => 'Basic YTpi', 'malformed'],
    ['no JWT', async () => 'Bearer abc', 'token-malformed'],
    [
      'an expired token',
      async () => tokenFor([EVALUATE], { now: () => Date.now() - 3_600_000 }),
      'token-expired',
    ],
    [
      'a token of another secret',
      async () => signToken({ sub: 'agent-1', permissions: [EVALUATE] }, 'x'.repeat(40)),
      'token-signature',
    ],
    ['alg none', async () => `${unsigned({ alg: 'none' })}.`, 'token-algorithm'],
    [
      'another algorithm under the same secret',
      async () => {
        const content = unsigned({ alg: 'HS512' })
        return `${content}.${createHmac('sha512', SECRET).update(content).digest('base64url')}`
      },
      'token-algorithm',
    ],
  ])('is refused with 401 for %s [promise 20]', async (_what, make, reason) => {
    const made = await make()
    const answer = await evaluate(made === undefined || made.includes(' ') ? made : `Bearer ${made}`)
    expect(answer.status).toBe(401)
    const challenge = answer.headers['www-authenticate']
    expect(challenge).toMatch(/^Bearer realm="jamey"/)
    if (reason === undefined) expect(challenge).not.toContain('error')
    else expect(challenge).toContain(`error="invalid_token", error_description="${reason}"`)
    if (made !== undefined) expect(answer.text).not.toContain(made.split(' ').at(-1))
  })

  it('is refused before its body is read', async () => {
    const answer = await call(`${running.url}/v1/memories`, {
      body: 'not json',
      headers: { 'content-type': 'application/json' },
    })
    expect(answer.status).toBe(401)
  })

  it('is not needed to see that the gateway lives', async () => {
    expect((await call(`${running.url}/healthz`)).status).toBe(200)
    expect((await call(`${running.url}/readyz`)).status).toBe(200)
  })
})

describe('callers without a token', () => {
  let running: RunningFixture

  beforeAll(async () => {
    running = await startGateway()
    running.bus.answer(topics.conscience.evaluate, () => VERDICT)
  })

  afterAll(() => running.gateway.stop())

  const evaluate = (headers: Record<string, string>) =>
    post(`${running.url}/v1/conscience/evaluate`, { action: 'a' }, headers)

  it('are let in from this machine under each of its names', async () => {
    for (const host of ['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]']) {
      expect((await evaluate({ host: `${host}:${running.port}` })).status, host).toBe(200)
    }
  })

  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example:8080',
    '127.0.0.1@evil',
  ])('are refused under the host name %s, which DNS may have rebound to this machine', async (host) => {
    const answer = await evaluate({ host })
    expect(answer).toMatchObject({ status: 401, body: { type: 'urn:jamey:problem:token-required' } })
    expect(answer.body['detail']).toContain('Host')
  })

  it('are called for as the operator, who runs the system', async () => {
    await evaluate({ host: `localhost:${running.port}` })
    const { clientId, permissions } = COMPONENTS.operator
    expect(running.bus.requests.at(-1)?.options.onBehalfOf).toEqual({ clientId, permissions })
  })

  it('are let in from a page of the same origin', async () => {
    const host = `localhost:${running.port}`
    expect((await evaluate({ host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })).status).toBe(
      200,
    )
  })

  it.each([
    [{ origin: 'http://evil.example' }],
    [{ origin: 'null' }],
    [{ origin: 'http://localhost:1' }],
    [{ origin: 'https://localhost' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
  ])('are refused from pages of other origins: %j', async (headers) => {
    const answer = await evaluate({
      host: `localhost:${running.port}`,
      ...(headers as Record<string, string>),
    })
    expect(answer).toMatchObject({ status: 401, body: { detail: expect.stringContaining('other origins') } })
  })

  it.each(['x-forwarded-for', 'forwarded', 'via', 'x-real-ip'])(
    'are refused where %s shows that a proxy asks for somebody else',
    async (header) => {
      expect((await evaluate({ [header]: '203.0.113.7' })).status).toBe(401)
    },
  )

  it('are refused from other machines, and wherever the gateway can be reached from those', async () => {
    const headers = { host: 'localhost' }
    const local = { verifier: undefined, trustsLoopback: true }
    await expect(
      identifyCaller({ ...asked, headers, httpVersion: '1.1', peerAddress: '192.0.2.1', peerUser }, local),
    ).rejects.toMatchObject({
      status: 401,
    })
    await expect(
      identifyCaller({ ...asked, headers, httpVersion: '1.1', peerAddress: undefined, peerUser }, local),
    ).rejects.toMatchObject({
      status: 401,
    })
    await expect(
      identifyCaller(
        { ...asked, headers, httpVersion: '1.1', peerAddress: '127.0.0.1', peerUser },
        { verifier: undefined, trustsLoopback: false },
      ),
    ).rejects.toMatchObject({ status: 401 })
    await expect(
      identifyCaller(
        { ...asked, headers, httpVersion: '1.1', peerAddress: '::ffff:127.0.0.1', peerUser },
        local,
      ),
    ).resolves.toMatchObject({
      name: 'local',
    })
  })

  it('are refused where they are of another user of this machine, or nobody can tell of whom', async () => {
    const local = { verifier: undefined, trustsLoopback: true }
    const headers = { host: 'localhost' }
    const of = (user: number | undefined) =>
      identifyCaller(
        { ...asked, headers, httpVersion: '1.1', peerAddress: '127.0.0.1', peerUser: async () => user },
        local,
      )
    const stranger = (process.geteuid?.() ?? 0) + 1
    await expect(of(stranger)).rejects.toMatchObject({ status: 401 })
    await expect(of(stranger)).rejects.toThrow(`this is one of uid ${stranger}`)
    await expect(of(undefined)).rejects.toMatchObject({ status: 401 })
    await expect(of(0)).resolves.toMatchObject({ name: 'local' })
    await expect(peerUser().then(of)).resolves.toMatchObject({ name: 'local' })
  })

  it('are refused by HTTP/1.0, which is how a proxy asks that says nothing of itself', async () => {
    const facts = {
      ...asked,
      headers: { host: 'localhost' },
      httpVersion: '1.0',
      peerAddress: '127.0.0.1',
      peerUser,
    }
    await expect(identifyCaller(facts, { verifier: undefined, trustsLoopback: true })).rejects.toMatchObject({
      status: 401,
    })
  })

  it('learn that a gateway without a secret can verify no token', async () => {
    const answer = await evaluate({ authorization: `Bearer ${await tokenFor([EVALUATE])}` })
    expect(answer).toMatchObject({
      status: 401,
      body: { detail: expect.stringContaining('MQTT_JWT_SECRET') },
    })
  })
})

describe('call limits', () => {
  it('count by caller, answer 429 with Retry-After, and count guessed tokens too', async () => {
    const running = await startGateway({
      tokenSecret: SECRET,
      requireToken: true,
      callLimit: { calls: 2, windowMs: 60_000 },
    })
    running.bus.answer(topics.conscience.evaluate, () => VERDICT)
    const evaluate = (token: string) =>
      post(`${running.url}/v1/conscience/evaluate`, { action: 'a' }, { authorization: `Bearer ${token}` })
    const one = await tokenFor(['jamey/#'])
    const two = await signToken({ sub: 'agent-2', permissions: ['jamey/#'] }, SECRET)
    const statuses = []
    for (const token of [one, one, one, two, 'guess', 'guess', 'guess'])
      statuses.push((await evaluate(token)).status)
    const limited = await evaluate(one)
    await running.gateway.stop()
    expect(statuses).toEqual([200, 200, 429, 200, 401, 401, 429])
    expect(limited).toMatchObject({ status: 429, body: { type: 'urn:jamey:problem:rate-limited' } })
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0)
  })
})
