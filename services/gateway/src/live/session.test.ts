import { signToken } from '@jamey/auth'
import { topics } from '@jamey/contracts'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MAXIMUM_SESSIONS_OF_NAME } from '../callers/sessions.js'
import {
  call,
  memoryOf,
  post,
  type RawAnswer,
  type RunningFixture,
  SECRET,
  startGateway,
} from '../service/gateway.support.js'
import type { GatewayOptions } from '../service/options.js'
import { bearer, openStream, startLive } from './live.support.js'

const STORE = 'publish:jamey/memory/store'

async function start(options: Partial<GatewayOptions> = {}): Promise<RunningFixture> {
  const running = await startGateway({ tokenSecret: SECRET, ...options })
  onTestFinished(() => running.gateway.stop())
  running.bus.answer(topics.memory.store, () => ({ memory: memoryOf('m', 'a'), created: true }))
  running.bus.answer(topics.memory.query, () => ({ memories: [], total: 0 }))
  return running
}

const tokenOf = (sub = 'eva', more: { lifetimeSeconds?: number; now?: () => number } = {}) =>
  signToken({ sub, permissions: [STORE, 'publish:jamey/memory/query', 'subscribe:home/#'], ...more }, SECRET)

const cookieOf = ({ headers }: RawAnswer) => headers['set-cookie']?.[0]?.split(';')[0] ?? ''

async function signIn(url: string, headers: Record<string, string> = {}, sub = 'eva') {
  const answer = await post(`${url}/v1/session`, { token: await tokenOf(sub) }, headers)
  return { answer, cookie: cookieOf(answer), csrf: String(answer.body['csrf_token']) }
}

describe('a session', () => {
  it('takes the place of a token by a cookie that no page can read', async () => {
    const { url } = await start()
    const { answer, cookie, csrf } = await signIn(url)
    expect(answer).toMatchObject({
      status: 200,
      body: { name: 'eva', permissions: expect.arrayContaining([STORE]) },
    })
    expect(Date.parse(String(answer.body['expires_at']))).toBeGreaterThan(Date.now())
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      /^jamey-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
    )
    expect(await call(`${url}/v1/session`, { headers: { cookie } })).toMatchObject({
      status: 200,
      body: { name: 'eva', csrf_token: csrf },
    })
    expect((await call(`${url}/v1/memories`, { headers: { cookie } })).status).toBe(200)
    const stored = await post(`${url}/v1/memories`, { content: 'a' }, { cookie, 'jamey-csrf': csrf })
    expect(stored.status).toBe(201)
  })

  it('has the permissions of its token alone, also on this machine', async () => {
    const { url } = await start()
    const { cookie, csrf } = await signIn(url)
    const headers = { cookie, 'jamey-csrf': csrf }
    expect((await post(`${url}/v1/conscience/evaluate`, { action: 'a' }, headers)).status).toBe(403)
  })

  it('tells a caller of this machine without a token that it is local', async () => {
    const { url } = await start()
    const answer = await call(`${url}/v1/session`)
    expect(answer).toMatchObject({ status: 200, body: { name: 'local', permissions: ['jamey/#'] } })
    expect(answer.body).not.toHaveProperty('csrf_token')
    const strict = await start({ requireToken: true })
    expect((await call(`${strict.url}/v1/session`)).status).toBe(401)
    const rebound = await call(`${url}/v1/session`, { headers: { host: 'evil.example:8080' } })
    expect(rebound.status).toBe(401)
  })

  it('does not begin for a token that is none, nor for more than a token', async () => {
    const { url } = await start()
    expect(await post(`${url}/v1/session`, { token: 'x.y.z' })).toMatchObject({ status: 401 })
    const token = await tokenOf()
    for (const body of [{}, { token: 3 }, { token, name: 'root' }, [], 'a']) {
      const answer = await post(`${url}/v1/session`, body)
      expect(answer).toMatchObject({ status: 400, body: { field: 'token' } })
      expect(answer.text).not.toContain(token)
    }
  })

  it('ends by its own word, and its cookie is worth nothing then', async () => {
    const { url } = await start()
    const { cookie, csrf } = await signIn(url)
    expect((await call(`${url}/v1/session`, { method: 'DELETE', headers: { cookie } })).status).toBe(403)
    const headers = { cookie, 'jamey-csrf': csrf }
    const ended = await call(`${url}/v1/session`, { method: 'DELETE', headers })
    expect(ended.status).toBe(204)
    expect(ended.headers['set-cookie']?.[0]).toContain('Max-Age=0')
    const after = await call(`${url}/v1/memories`, { headers: { cookie } })
    expect(after).toMatchObject({ status: 401, body: { type: 'urn:jamey:problem:session-over' } })
    expect(after.headers['set-cookie']?.[0]).toContain('Max-Age=0')
  })

  it('ends with its token, and when that is denied', async () => {
    let nowMs = Date.now()
    let denied = ''
    const objectionTo = ({ sub }: { sub: string }) =>
      sub === denied ? 'denied by the administrator' : undefined
    const { url } = await start({ now: () => nowMs, denied: { objectionTo } })
    const eva = await signIn(url)
    const bob = await signIn(url, {}, 'bob')
    const statusOf = async ({ cookie }: { cookie: string }) =>
      (await call(`${url}/v1/session`, { headers: { cookie } })).status
    denied = 'bob'
    expect([await statusOf(eva), await statusOf(bob)]).toEqual([200, 401])
    nowMs = Date.parse(String(eva.answer.body['expires_at'])) - 1
    expect(await statusOf(eva)).toBe(200)
    nowMs += 1
    expect(await statusOf(eva)).toBe(401)
  })

  it('is one of so many: the oldest of a name makes room', async () => {
    const { url } = await start()
    const first = await signIn(url)
    const other = await signIn(url, {}, 'bob')
    for (let i = 0; i < MAXIMUM_SESSIONS_OF_NAME; i++) await signIn(url)
    expect((await call(`${url}/v1/session`, { headers: { cookie: first.cookie } })).status).toBe(401)
    expect((await call(`${url}/v1/session`, { headers: { cookie: other.cookie } })).status).toBe(200)
  })
})

describe('a page of another origin', () => {
  it.each([
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:9999' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('has no way by the cookie, nor to sign somebody in: %o', async (foreign) => {
    const { url } = await start()
    const { cookie, csrf } = await signIn(url)
    const headers = { cookie, 'jamey-csrf': csrf, ...foreign }
    for (const answer of [
      await post(`${url}/v1/memories`, { content: 'a' }, headers),
      await call(`${url}/v1/memories`, { headers }),
      await call(`${url}/v1/events?filter=home/%23`, { headers }),
      await call(`${url}/v1/session`, { method: 'DELETE', headers }),
      await post(`${url}/v1/session`, { token: await tokenOf() }, foreign),
    ]) {
      expect(answer).toMatchObject({ status: 403, body: { type: 'urn:jamey:problem:cross-site' } })
    }
  })

  it('gets no further with the cookie alone', async () => {
    const { url, port } = await start()
    const { cookie } = await signIn(url)
    const own = { origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' }
    for (const more of [{}, { 'jamey-csrf': '' }, { 'jamey-csrf': 'x'.repeat(43) }]) {
      const answer = await post(`${url}/v1/memories`, { content: 'a' }, { cookie, ...own, ...more })
      expect(answer).toMatchObject({
        status: 403,
        body: { type: 'urn:jamey:problem:csrf-token-missing', field: 'jamey-csrf' },
      })
    }
  })

  it('cannot post a form to begin a session', async () => {
    const { url } = await start()
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await call(`${url}/v1/session`, { body: `token=${await tokenOf()}`, headers: form })
    expect(answer.status).toBe(415)
    const plain = { 'content-type': 'text/plain' }
    const text = JSON.stringify({ token: await tokenOf() })
    expect((await call(`${url}/v1/session`, { body: text, headers: plain })).status).toBe(415)
  })
})

describe('a cookie', () => {
  it('that somebody else chose never becomes that of a session', async () => {
    const { url } = await start()
    const chosen = `jamey-session=${'a'.repeat(43)}`
    const { cookie } = await signIn(url, { cookie: chosen })
    expect(cookie).not.toBe(chosen)
    expect((await call(`${url}/v1/session`, { headers: { cookie: chosen } })).status).toBe(401)
  })

  it('of the session before is over with a new one', async () => {
    const { url } = await start()
    const before = await signIn(url)
    const after = await signIn(url, { cookie: before.cookie })
    const statusOf = async (cookie: string) =>
      (await call(`${url}/v1/session`, { headers: { cookie } })).status
    expect([await statusOf(before.cookie), await statusOf(after.cookie)]).toEqual([401, 200])
  })

  it('beside another one of its name is not taken: one of them is from elsewhere on this host', async () => {
    const { url } = await start()
    const { cookie } = await signIn(url)
    const both = `${cookie}; jamey-session=${'a'.repeat(43)}`
    expect((await call(`${url}/v1/session`, { headers: { cookie: both } })).status).toBe(401)
  })

  it('is for TLS alone where a trusted proxy speaks it, and has the name that only this host can set', async () => {
    const { url } = await start({ trustProxy: ['127.0.0.1'], requireToken: true })
    const proxied = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'hub.example' }
    const { answer, cookie } = await signIn(url, { ...proxied, origin: 'https://hub.example' })
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      /^__Host-jamey-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    )
    expect((await call(`${url}/v1/session`, { headers: { ...proxied, cookie } })).status).toBe(200)
    const plain = cookie.replace('__Host-', '')
    expect((await call(`${url}/v1/session`, { headers: { ...proxied, cookie: plain } })).status).toBe(401)
  })
})

describe('a stream of events', () => {
  it('ends with the session it rests on, with its token, and when that is denied', async () => {
    let nowMs = Date.now()
    let denied = ''
    const objectionTo = ({ sub }: { sub: string }) =>
      sub === denied ? 'denied by the administrator' : undefined
    const live = await startLive({ gateway: { now: () => nowMs, denied: { objectionTo } } })
    onTestFinished(() => live.stop())
    const { url } = live
    const { cookie, csrf } = await signIn(url)
    const bySession = await openStream(url, ['home/#'], { cookie })
    const byToken = await openStream(
      url,
      ['home/#'],
      await bearer('eva', ['home/#'], { lifetimeSeconds: 60 }),
    )
    const ofBob = await openStream(url, ['home/#'], await bearer('bob', ['home/#']))
    const local = await openStream(url, ['jamey/events/#'])
    await call(`${url}/v1/session`, { method: 'DELETE', headers: { cookie, 'jamey-csrf': csrf } })
    await expect.poll(() => bySession.isOver).toBe(true)
    expect(bySession.of('end')).toEqual([{ reason: 'session-over' }])
    denied = 'bob'
    nowMs += 120_000
    await expect.poll(() => byToken.isOver && ofBob.isOver, { timeout: 5_000 }).toBe(true)
    expect(byToken.of('end')).toEqual([{ reason: 'token-expired' }])
    expect(ofBob.of('end')).toEqual([{ reason: 'token-denied' }])
    expect(local.isOver).toBe(false)
    local.close()
  })

  it('ends at once, and with a word, when the gateway stops', async () => {
    const live = await startLive()
    onTestFinished(() => live.stop())
    const headers = await bearer('eva', ['home/#'])
    const streams = await Promise.all([1, 2, 3].map(() => openStream(live.url, ['home/#'], headers)))
    const beganMs = performance.now()
    await live.gateway.stop({ graceMs: 10_000 })
    expect(performance.now() - beganMs).toBeLessThan(2_000)
    await expect.poll(() => streams.every(({ isOver }) => isOver)).toBe(true)
    for (const one of streams) expect(one.of('end')).toEqual([{ reason: 'draining' }])
  })

  it('is one of so many of a caller', async () => {
    const live = await startLive()
    onTestFinished(() => live.stop())
    const headers = await bearer('eva', ['home/#'])
    const streams = await Promise.all(
      Array.from({ length: 64 }, () => openStream(live.url, ['home/#'], headers)),
    )
    await expect(openStream(live.url, ['home/#'], headers)).rejects.toMatchObject({ status: 429 })
    const other = await openStream(live.url, ['home/#'], await bearer('bob', ['home/#']))
    streams[0]?.close()
    await expect.poll(async () => (await openStream(live.url, ['home/#'], headers)).isOver).toBe(false)
    for (const one of [...streams, other]) one.close()
  })
})
