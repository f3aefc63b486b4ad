import { signToken } from '@jamey/auth'
import type { AuthenticationRequest, Identity } from '@jamey/broker'
import { describe, expect, it } from 'vitest'
import { type Access, accessOf } from './access.js'
import type { PermissionEntry } from './settings.js'

const secret = 'a secret of at least thirty-two bytes, for tests'
const token = { method: 'token', secrets: [secret] } as const

async function enter(access: Access, clientId: string, shown: Partial<AuthenticationRequest> = {}) {
  const request = { clientId, remoteAddress: '', protocolVersion: 5, ...shown } as const
  return (await access.authenticator.authenticate(request)) as Identity
}

async function bearing(permissions: string[], sub = 'eva') {
  return { username: sub, password: Buffer.from(await signToken({ sub, permissions }, secret)) }
}

const may = (identity: Identity, topic: string) =>
  [identity.mayPublish(topic), identity.maySubscribe(topic), identity.mayReceive(topic)].map(Number).join('')

describe('permissions of the broker', () => {
  it('bound what a token grants, and grant nothing that it does not [promise 24]', async () => {
    const access = accessOf({
      authentication: token,
      permissions: [{ clients: ['eva'], allow: ['lab/#', 'subscribe:news'] }],
    })
    const eva = await enter(access, 'eva', await bearing(['lab/a', 'news', 'elsewhere']))
    expect(['lab/a', 'lab/b', 'news', 'elsewhere'].map((topic) => may(eva, topic))).toEqual([
      '111',
      '000',
      '011',
      '000',
    ])
    expect(eva.maySubscribe('lab/#')).toBe(false)
    expect(may(eva, 'jamey/api/responses/eva/1')).toBe('011')
    expect(eva.expiresAtMs).toBeGreaterThan(Date.now())
  })

  it('bound the groups and those for whom a client acts in the same way', async () => {
    const access = accessOf({
      authentication: token,
      permissions: [
        { clients: ['eva'], allow: ['#', 'subscribe:$share/lab/#', 'act-for:bob', 'act-for:carl'] },
      ],
    })
    const listed = ['lab/#', 'subscribe:$share/lab/lab/a', 'subscribe:$share/other/lab/a']
    const groups = ['lab', 'other'].map((group) => `$share/${group}/lab/a`)
    const eva = await enter(access, 'eva', await bearing([...listed, 'act-for:+']))
    expect(groups.map((filter) => eva.maySubscribe(filter))).toEqual([true, false])
    expect(eva.actsFor).toEqual(['bob', 'carl'])
    const narrow = await enter(access, 'eva', await bearing([...listed, 'act-for:carl', 'act-for:dora']))
    expect(narrow.actsFor).toEqual(['carl'])
    const nobody = await enter(access, 'eva', await bearing(['lab/#']))
    expect([nobody.actsFor, groups.map((filter) => nobody.maySubscribe(filter))]).toEqual([
      [],
      [false, false],
    ])
  })

  it.each<[string, PermissionEntry[], string, string]>([
    [
      'the entries that name it together',
      [
        { clients: ['a'], allow: ['x'] },
        { clients: ['*'], allow: ['y'] },
      ],
      'a',
      'xy',
    ],
    ['a pattern', [{ clients: ['sensor-*-b'], allow: ['x'] }], 'sensor-1-b', 'x'],
    ['a pattern, whole', [{ clients: ['sensor-*'], allow: ['x'] }], 'my-sensor-1', 'refused'],
    ['a name with signs of patterns', [{ clients: ['a.c'], allow: ['x'] }], 'abc', 'refused'],
    ['no entry', [], 'a', 'refused'],
  ])('go by %s', async (_, permissions, clientId, expected) => {
    const access = accessOf({ authentication: { method: 'none' }, permissions })
    const identity = await enter(access, clientId).catch((error: { reasonCode: number }) => error.reasonCode)
    const found =
      typeof identity === 'number'
        ? 'refused'
        : ['x', 'y', 'z'].filter((topic) => identity.mayPublish(topic)).join('')
    expect(found).toBe(expected)
    if (typeof identity === 'number') expect(identity).toBe(0x87)
  })

  it('refuse an identifier that can have none', async () => {
    const permissions = [{ clients: ['*'], allow: ['#'] }]
    const access = accessOf({ authentication: { method: 'none' }, permissions })
    await expect(enter(access, 'a/b')).rejects.toMatchObject({ reasonCode: 0x85 })
  })

  it('let in all but those that are refused by name, those who are there already among them [promise 36]', async () => {
    const before = accessOf({ authentication: token, permissions: undefined })
    const eva = await enter(before, 'eva', await bearing(['#']))
    const after = accessOf({ authentication: token, refused: ['eva', 'old-*'], permissions: undefined })
    expect(after.revise(eva, 'eva')).toMatchObject({
      refuse: 0x87,
      reason: expect.stringContaining('by its name'),
    })
    await expect(enter(after, 'eva', await bearing(['#']))).rejects.toMatchObject({ reasonCode: 0x87 })
    await expect(enter(after, 'old-1', await bearing(['#'], 'old-1'))).rejects.toMatchObject({
      reasonCode: 0x87,
    })
    expect(may(await enter(after, 'evan', await bearing(['x'], 'evan')), 'x')).toBe('111')
  })

  it('are replaced, not narrowed once more, for who is there already [promise 36]', async () => {
    const before = accessOf({ authentication: token, permissions: [{ clients: ['*'], allow: ['a', 'b'] }] })
    const eva = await enter(before, 'eva', await bearing(['a', 'b', 'c']))
    const after = accessOf({
      authentication: token,
      permissions: [{ clients: ['*'], allow: ['b', 'c', 'd'] }],
    })
    const later = after.revise(eva, 'eva') as Identity
    expect(['a', 'b', 'c', 'd'].map((topic) => may(later, topic))).toEqual(['000', '111', '111', '000'])
    const free = accessOf({ authentication: token, permissions: undefined }).revise(later, 'eva') as Identity
    expect(['a', 'b', 'c', 'd'].map((topic) => may(free, topic))).toEqual(['111', '111', '111', '000'])
    const none = accessOf({ authentication: token, permissions: [] })
    expect(none.revise(free, 'eva')).toMatchObject({ refuse: 0x87 })
  })
})

describe('authentication by certificate', () => {
  const access = accessOf({
    authentication: { method: 'certificate' },
    permissions: [{ clients: ['eva'], allow: ['lab/#'] }],
  })

  it('knows a client by the name in it, which its permissions go by [promise 25]', async () => {
    const eva = await enter(access, 'eva', { certificate: { commonName: 'eva' } })
    expect(eva.username).toBe('eva')
    expect(['lab/a', 'x'].map((topic) => may(eva, topic))).toEqual(['111', '000'])
  })

  it.each<[string, Partial<AuthenticationRequest>, number]>([
    ['no certificate', {}, 0x87],
    ['another name in it', { certificate: { commonName: 'bob' } }, 0x87],
    ['another user name', { certificate: { commonName: 'eva' }, username: 'bob' }, 0x87],
    ['an authentication method', { certificate: { commonName: 'eva' }, authenticationMethod: 'JWT' }, 0x8c],
  ])('refuses a client with %s [promise 25]', async (_, shown, reasonCode) => {
    await expect(enter(access, 'eva', shown)).rejects.toMatchObject({ reasonCode })
  })
})
