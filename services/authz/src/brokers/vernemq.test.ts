import { beforeEach, describe, expect, it } from 'vitest'
import { recorded, startTested, type Tested } from '../service/authz.support.js'

const OK = { result: 'ok' }
const NOT_ALLOWED = { result: { error: 'not_allowed' } }

describe('VerneMQ', () => {
  let at: Tested
  beforeEach(async () => {
    at = await startTested()
  })

  const hook = (name: string, body: object) => at.ask('/vernemq', body, { hook: name })
  const register = async (clientId: string, permissions: readonly string[]) =>
    hook('auth_on_register', recorded.register(clientId, await at.token(clientId, permissions)))

  it('registers a client by its token, of either version', async () => {
    const token = await at.token('eva', ['app/#'])
    expect(await hook('auth_on_register', recorded.register('eva', token))).toEqual(OK)
    expect(await hook('auth_on_register_m5', recorded.registerM5('eva', token))).toEqual(OK)
    const { p_authentication_method, p_authentication_data } = recorded.authM5('eva', token).properties
    const properties = { p_authentication_method, p_authentication_data }
    expect(await hook('auth_on_register_m5', recorded.registerM5('eva', null, properties))).toEqual(OK)
    const nameless = { ...recorded.registerM5('eva', null, properties), username: null }
    expect(await hook('auth_on_register_m5', nameless)).toEqual(OK)
  })

  it('registers nobody else', async () => {
    const token = await at.token('eva', ['app/#'])
    const body = recorded.registerM5('eva', token)
    for (const change of [
      { client_id: 'bob' },
      { username: 'bob' },
      { client_id: 'bob', username: 'bob' },
      { username: null },
      { password: null },
      { password: '' },
      { password: `${token}x` },
      { client_id: '' },
      { properties: { p_authentication_method: 'SCRAM' } },
      { properties: [] },
      { password: { toString: 'x' } },
    ]) {
      expect(await hook('auth_on_register_m5', { ...body, ...change })).toEqual(NOT_ALLOWED)
    }
  })

  it.each([
    ['', 'publish', 'app/1', true],
    ['_m5', 'publish', 'app/1', true],
    ['', 'publish', 'other', false],
    ['_m5', 'publish', 'jamey/events/status/bob', false],
    ['', 'subscribe', 'app/#', true],
    ['_m5', 'subscribe', 'app/+', true],
    ['', 'subscribe', '#', false],
    ['_m5', 'subscribe', '$share/g/app/x', false],
    ['_m5', 'subscribe', '$share/jobs/lab/x', true],
    ['_m5', 'subscribe', 'lab/x', false],
  ] as const)('asks by auth_on_…%s for %s %s: %s', async (version, action, topic, isAllowed) => {
    await register('eva', ['app/#', 'subscribe:$share/jobs/lab/#'])
    const body =
      action === 'publish'
        ? { ...recorded.publish('eva', topic), ...(version === '' ? {} : { properties: {} }) }
        : version === ''
          ? recorded.subscribe('eva', [topic])
          : recorded.subscribeM5('eva', [topic])
    expect(await hook(`auth_on_${action}${version}`, body)).toEqual(isAllowed ? OK : NOT_ALLOWED)
  })

  it('is refused a SUBSCRIBE as a whole where one filter may not be', async () => {
    await register('eva', ['app/#'])
    const ask = (filters: string[]) => hook('auth_on_subscribe_m5', recorded.subscribeM5('eva', filters))
    expect(await ask(['app/1', 'app/2'])).toEqual(OK)
    expect(await ask(['app/1', 'other', 'app/2'])).toEqual(NOT_ALLOWED)
    expect(await ask([])).toEqual(NOT_ALLOWED)
  })

  it('knows no connection of another mountpoint, broker or client, and none before it registers', async () => {
    const publish = (change: object = {}) =>
      hook('auth_on_publish', { ...recorded.publish('eva', 'app/1'), ...change })
    expect(await publish()).toEqual(NOT_ALLOWED)
    const token = await at.token('eva', ['app/#'])
    await at.ask('/emqx/authenticate', recorded.emqxAuthenticate('eva', token))
    expect(await publish()).toEqual(NOT_ALLOWED)
    await register('eva', ['app/#'])
    expect(await publish()).toEqual(OK)
    expect(await publish({ mountpoint: 'other' })).toEqual(NOT_ALLOWED)
    expect(await publish({ client_id: 'bob' })).toEqual(NOT_ALLOWED)
    expect(await publish({ client_id: 'bob', username: 'bob' })).toEqual(NOT_ALLOWED)
  })

  it('renews by AUTH, and keeps what it had where the new token is none', async () => {
    await register('eva', ['app/#'])
    const publish = () => hook('auth_on_publish_m5', recorded.publish('eva', 'app/1'))
    at.clock.nowMs += 300_000
    const renew = async (sub: string) =>
      hook('on_auth_m5', recorded.authM5('eva', await at.token(sub, ['app/#'])))
    expect(await renew('bob')).toEqual(NOT_ALLOWED)
    expect(await publish()).toEqual(OK)
    expect(await renew('eva')).toEqual({
      result: 'ok',
      modifiers: { reason_code: 0, properties: { p_authentication_method: 'JWT' } },
    })
    at.clock.nowMs += 300_000
    expect(await publish()).toEqual(OK)
    at.clock.nowMs += 30_000
    expect(await publish()).toEqual(NOT_ALLOWED)
    for (const properties of [
      {},
      { p_authentication_method: 'JWT' },
      { p_authentication_method: 'jwt', p_authentication_data: '' },
    ]) {
      expect(await hook('on_auth_m5', { ...recorded.authM5('eva', ''), properties })).toEqual(NOT_ALLOWED)
    }
  })

  it.each([undefined, '', 'auth_on_deliver', 'AUTH_ON_REGISTER', 'auth_on_register, auth_on_publish'])(
    'is refused by a hook that is not known: %s',
    async (name) => {
      const body = recorded.register('eva', await at.token('eva', ['#']))
      const options = name === undefined ? {} : { hook: name }
      expect(await at.ask('/vernemq', body, options)).toEqual(NOT_ALLOWED)
    },
  )

  it('may keep no register, and other answers no longer than the token lives', async () => {
    const cached = await startTested({ cacheSeconds: 60 })
    const send = (name: string, body: object) =>
      cached.send('/vernemq', JSON.stringify(body), { hook: name, type: 'application/json' })
    const token = await cached.token('eva', ['app/#'])
    const kept = async (name: string, body: object) => (await send(name, body)).cacheControl
    expect(await kept('auth_on_register', recorded.register('eva', token))).toBe('no-store')
    expect(await kept('on_auth_m5', recorded.authM5('eva', token))).toBe('no-store')
    const publish = recorded.publish('eva', 'app/1')
    expect(await kept('auth_on_publish', publish)).toBe('max-age=60')
    expect(await kept('auth_on_publish', recorded.publish('eva', 'x'))).toBe('no-store')
    cached.clock.nowMs += 330_000 - 7_500
    expect(await kept('auth_on_publish', publish)).toBe('max-age=7')
    cached.clock.nowMs += 7_000
    expect(await kept('auth_on_publish', publish)).toBe('no-store')
  })
})
