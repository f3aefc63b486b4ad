import { beforeEach, describe, expect, it } from 'vitest'
import { recorded, startTested, type Tested } from '../service/authz.support.js'

const AUTHENTICATE = '/emqx/authenticate'
const AUTHORIZE = '/emqx/authorize'
const DENY = { result: 'deny' }
const ALLOW = { result: 'allow' }

describe('EMQX', () => {
  let at: Tested
  beforeEach(async () => {
    at = await startTested()
  })

  const connect = async (clientId: string, permissions: readonly string[]) =>
    (await at.ask(
      AUTHENTICATE,
      recorded.emqxAuthenticate(clientId, await at.token(clientId, permissions)),
    )) as {
      client_attrs: { grant: string }
    }

  it('is told when the token ends, in seconds, and carries what it allows', async () => {
    const answer = await connect('eva', ['app/#'])
    expect(answer).toEqual({
      result: 'allow',
      is_superuser: false,
      client_attrs: { sub: 'eva', grant: expect.stringMatching(/^[\w-]+\.[\w-]+$/) },
      // 300 seconds, and 30 by which clocks may differ.
      expire_at: at.clock.nowMs / 1000 + 330,
    })
  })

  it.each([
    ['publish', 'app/1', ALLOW],
    ['publish', 'other/1', DENY],
    ['subscribe', 'app/#', ALLOW],
    ['subscribe', 'app/+/x', ALLOW],
    ['subscribe', '#', DENY],
    ['subscribe', '+/1', DENY],
    ['subscribe', '$share/g/app/#', DENY],
    ['publish', 'jamey/events/status/eva', ALLOW],
    ['publish', 'jamey/events/status/bob', DENY],
    ['subscribe', 'jamey/api/responses/eva/#', ALLOW],
    ['subscribe', 'jamey/api/responses/bob/#', DENY],
  ] as const)('asks for each action: %s %s', async (action, topic, expected) => {
    const { client_attrs } = await connect('eva', ['app/#'])
    const body = recorded.emqxAuthorize('eva', action, topic)
    expect(await at.ask(AUTHORIZE, { ...body, grant: client_attrs.grant })).toEqual(expected)
    // A template without the attribute, as it was recorded: the service knows the connection itself.
    expect(await at.ask(AUTHORIZE, body)).toEqual(expected)
    expect(await at.ask(AUTHORIZE, { ...body, grant: 'undefined' })).toEqual(expected)
  })

  it('carries a grant over a restart of the service, and to another instance', async () => {
    const { client_attrs } = await connect('eva', ['app/#'])
    const other = await startTested()
    const body = recorded.emqxAuthorize('eva', 'publish', 'app/1')
    expect(await other.ask(AUTHORIZE, body)).toEqual(DENY)
    expect(await other.ask(AUTHORIZE, { ...body, grant: client_attrs.grant })).toEqual(ALLOW)
  })

  it('carries no grant of another client, and none that was changed', async () => {
    const { client_attrs } = await connect('eva', ['app/#'])
    await connect('bob', [])
    const ofBob = recorded.emqxAuthorize('bob', 'publish', 'app/1')
    expect(await at.ask(AUTHORIZE, { ...ofBob, grant: client_attrs.grant })).toEqual(DENY)
    const [content = '', seal = ''] = client_attrs.grant.split('.')
    const changed = Buffer.from(content, 'base64url').toString().replace('app/#', '##########'.slice(0, 5))
    const body = recorded.emqxAuthorize('eva', 'publish', 'app/1')
    for (const grant of [
      `${Buffer.from(changed).toString('base64url')}.${seal}`,
      `${content}.`,
      content,
      `${content}.${seal}x`,
      `${content}.${seal}.${seal}`,
      'x',
    ]) {
      expect(await at.ask(AUTHORIZE, { ...body, grant })).toEqual(DENY)
    }
  })

  it('is refused what a token said once it has expired', async () => {
    const { client_attrs } = await connect('eva', ['app/#'])
    const body = { ...recorded.emqxAuthorize('eva', 'publish', 'app/1'), grant: client_attrs.grant }
    at.clock.nowMs += 329_999
    expect(await at.ask(AUTHORIZE, body)).toEqual(ALLOW)
    at.clock.nowMs += 1
    expect(await at.ask(AUTHORIZE, body)).toEqual(DENY)
  })

  it('is refused a connection under another identifier or user name, as it was recorded with both', async () => {
    const password = await at.token('dev1', ['app/#'])
    const body = recorded.emqxAuthenticate('dev1', password)
    expect(await at.ask(AUTHENTICATE, body)).toMatchObject(ALLOW)
    for (const change of [
      { clientid: 'h1' },
      { username: 'h1' },
      { username: '' },
      { clientid: '' },
      { clientid: 'h1', username: 'h1' },
      { cn: 'h1' },
      { password: '' },
      { password: 'undefined' },
      { clientid: 'a/b', username: 'a/b' },
    ]) {
      expect(await at.ask(AUTHENTICATE, { ...body, ...change })).toEqual(DENY)
    }
    // dev1 under the identifier h2: the recording itself.
    const asked = { ...recorded.emqxAuthorize('dev1', 'publish', 'app/1'), clientid: 'h2' }
    expect(await at.ask(AUTHORIZE, asked)).toEqual(DENY)
  })

  it.each([
    {},
    { action: 'delete' },
    { action: 'publish' },
    { topic: 7, action: 'publish' },
    { topic: ['a'], action: 'publish' },
    { topic: 'app/1', action: ['publish'] },
    { clientid: { eva: 1 }, topic: 'app/1', action: 'publish' },
  ])('is refused what it does not ask: %j', async (body) => {
    await connect('eva', ['app/#'])
    expect(await at.ask(AUTHORIZE, { clientid: 'eva', username: 'eva', ...body })).toEqual(DENY)
    expect(await at.ask(AUTHENTICATE, body)).toEqual(DENY)
  })
})
