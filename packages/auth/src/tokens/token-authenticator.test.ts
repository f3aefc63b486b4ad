import { ReasonCode } from '@jamey/protocol'
import { PERMISSION_CASES } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import {
  AuthenticationRefused,
  type AuthenticationRequest,
  signToken,
  TokenError,
  type TokenIdentity,
  tokenAuthenticator,
} from '../index.js'

const secret = 'a secret that is long enough: 0123456789'
const NOW_MS = 1_700_000_000_000
const now = () => NOW_MS
const authenticator = tokenAuthenticator({ secret, now })
const token = Buffer.from(await signToken({ sub: 'eva', permissions: ['jamey/events/#'], now }, secret))
const byPassword = { clientId: 'eva', username: 'eva', password: token }
const byMethod = { clientId: 'eva', authenticationMethod: 'JWT', authenticationData: token }

async function refusal(request: AuthenticationRequest, by = authenticator): Promise<AuthenticationRefused> {
  const error = await by.authenticate(request).catch((thrown: unknown) => thrown)
  if (error instanceof AuthenticationRefused) return error
  throw new Error('the client was let in')
}

describe('tokenAuthenticator', () => {
  it.each<[string, AuthenticationRequest]>([
    ['as password', byPassword],
    ['by the authentication method JWT', byMethod],
    ['by the authentication method JWT with its user name', { ...byMethod, username: 'eva' }],
    ['with a client certificate of its name', { ...byPassword, certificate: { commonName: 'eva' } }],
    ['to renew', { ...byMethod, isRenewal: true }],
  ])('lets in a client that brings its token %s [promise 25]', async (_, request) => {
    const identity = await authenticator.authenticate(request)
    expect(identity).toMatchObject({ username: 'eva', expiresAtMs: NOW_MS + 330_000 })
    expect(identity.permissions.list).toEqual(['jamey/events/#'])
  })

  it.each<[string, AuthenticationRequest, number, string]>([
    ['no identifier', { ...byPassword, clientId: '' }, 0x85, 'a client identifier is needed'],
    [
      'no user name',
      { clientId: 'eva', password: token },
      0x86,
      'the user name is missing; expected the client identifier "eva"',
    ],
    ['another user name', { ...byPassword, username: 'bob' }, 0x86, 'the user name is "bob"'],
    ['another user name beside its method', { ...byMethod, username: 'bob' }, 0x86, 'the user name is "bob"'],
    [
      'no password',
      { clientId: 'eva', username: 'eva' },
      0x86,
      'no token was sent; expected one as password',
    ],
    ['an empty password', { ...byPassword, password: new Uint8Array() }, 0x86, 'no token was sent'],
    ['nothing at all', { clientId: 'eva' }, 0x86, 'the user name is missing'],
    [
      'its method without data',
      { ...byPassword, authenticationMethod: 'JWT' },
      0x86,
      'expected one as authentication data',
    ],
    [
      'an unknown method',
      { ...byPassword, authenticationMethod: 'SCRAM-SHA-1' },
      0x8c,
      '"SCRAM-SHA-1" is not known; expected "JWT"',
    ],
    [
      'another identifier than sub',
      { clientId: 'bob', username: 'bob', password: token },
      0x87,
      'was issued to "eva"',
    ],
    [
      'a certificate of another',
      { ...byPassword, certificate: { commonName: 'bob' } },
      0x87,
      'certificate is of "bob", the client identifier is "eva"',
    ],
    [
      'a nameless certificate',
      { ...byPassword, certificate: { commonName: '' } },
      0x87,
      'certificate is of ""',
    ],
    [
      'a token that is none',
      { ...byPassword, password: Buffer.from([0xff, 0, 0x41]) },
      0x86,
      'expected three parts with dots between, found one part',
    ],
  ])('refuses a client with %s [promise 25]', async (_, request, reasonCode, message) => {
    const error = await refusal(request)
    expect(error.message).toContain(message)
    expect(error).toMatchObject({ name: 'AuthenticationRefused', reasonCode })
    expect(error.message).not.toContain(token.toString())
  })

  it('refuses a token of another secret, and says by its cause why', async () => {
    const foreign = await signToken({ sub: 'eva', permissions: [], now }, `${secret}!`)
    const error = await refusal({ ...byPassword, password: Buffer.from(foreign) })
    expect(error.reasonCode).toBe(ReasonCode.badUserNameOrPassword)
    expect(error.cause).toBeInstanceOf(TokenError)
    expect(error.cause).toMatchObject({ code: 'token-signature' })
  })

  it('refuses a renewal with codes that a DISCONNECT can carry [MQTT 5.0 table 3-10]', async () => {
    const renewal = { ...byMethod, isRenewal: true }
    expect((await refusal({ ...renewal, authenticationData: Buffer.from('x') })).reasonCode).toBe(0x87)
    expect((await refusal({ ...renewal, authenticationMethod: 'x' })).reasonCode).toBe(0x8c)
  })

  it('can insist on a client certificate [promise 25]', async () => {
    const strict = tokenAuthenticator({ secret, now, requireCertificate: true })
    expect((await refusal(byPassword, strict)).message).toBe(
      'a client certificate is required of "eva" and none was presented',
    )
    const identity = await strict.authenticate({ ...byPassword, certificate: { commonName: 'eva' } })
    expect(identity.username).toBe('eva')
  })

  it('can insist on a certificate of some alone: a token of theirs is not enough [promise 25]', async () => {
    const strict = tokenAuthenticator({ secret, now, requireCertificate: (name) => name === 'eva' })
    for (const request of [byPassword, byMethod, { ...byMethod, isRenewal: true }]) {
      expect((await refusal(request, strict)).reasonCode).toBe(0x87)
    }
    await strict.authenticate({ ...byPassword, certificate: { commonName: 'eva' } })
    const bob = Buffer.from(await signToken({ sub: 'bob', permissions: [], now }, secret))
    expect(await strict.authenticate({ clientId: 'bob', username: 'bob', password: bob })).toMatchObject({
      username: 'bob',
    })
  })

  it('reads a token that lies inside a larger buffer', async () => {
    const packet = Buffer.concat([Buffer.from('before'), token, Buffer.from('after')])
    const password = new Uint8Array(packet.buffer, packet.byteOffset + 6, token.length)
    expect((await authenticator.authenticate({ ...byPassword, password })).username).toBe('eva')
  })

  it('decides like Permissions in every case of the table [promise 24]', async () => {
    const identities = new Map<string, Promise<TokenIdentity>>()
    for (const { clientId, permissions, action, topic, isAllowed, name } of PERMISSION_CASES) {
      const key = JSON.stringify([clientId, permissions])
      const entering = identities.get(key) ?? enter(clientId, permissions)
      identities.set(key, entering)
      const identity = await entering
      const may = {
        publish: identity.mayPublish,
        subscribe: identity.maySubscribe,
        receive: identity.mayReceive,
        'act-for': (whom: string) => identity.permissions.mayActFor(whom),
      }
      expect(may[action](topic), name).toBe(isAllowed)
      expect(identity.actsFor).toEqual(identity.permissions.actsFor())
    }
  })

  async function enter(clientId: string, permissions: readonly string[]): Promise<TokenIdentity> {
    const password = Buffer.from(await signToken({ sub: clientId, permissions, now }, secret))
    return authenticator.authenticate({ clientId, username: clientId, password })
  }
})
