import { createHmac } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { signToken } from '@jamey/auth'
import { createClient } from '@jamey/mqtt'
import { type Publish, ReasonCode } from '@jamey/protocol'
import { RawClient } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { SECRET, TokenMosquitto } from './token-mosquitto.js'

/** What Mosquitto does with our tokens by its plugin, which is built with the sanitizers. */

const { notAuthorized, badAuthenticationMethod } = ReasonCode
const MS_AN_HOUR = 3_600_000

let mosquitto: TokenMosquitto

beforeAll(async () => {
  mosquitto = await TokenMosquitto.start({ persistence: true, options: 'plugin_opt_stamp jamey/#' })
})
afterAll(() => mosquitto?.stop())

const open = (): Promise<RawClient> => RawClient.open(mosquitto.broker.port)
const auth = (token: string, authenticationMethod = 'JWT') => ({
  authenticationMethod,
  authenticationData: Buffer.from(token),
})

/** Connected by the method JWT, as our clients are. */
async function byMethod(clientId: string, permissions: readonly string[], lifetimeSeconds = 60) {
  const token = await mosquitto.token(clientId, permissions, { lifetimeSeconds })
  const client = await RawClient.connect(mosquitto.broker.port, {
    clientId,
    username: clientId,
    password: Buffer.from(token),
    properties: auth(token),
  })
  onTestFinished(() => client.vanish())
  return client
}

function renew(client: RawClient, token: string): void {
  client.send({ type: 'auth', reasonCode: ReasonCode.reAuthenticate, properties: auth(token) })
}

const propertiesOf = (packets: readonly { type: string }[]) =>
  packets
    .filter((packet): packet is Publish => packet.type === 'publish')
    .map(({ topic, properties }) => [topic, properties?.userProperties])

/** A token with claims as they stand, signed with the secret. */
function forged(claims: string, header = '{"alg":"HS256","typ":"JWT"}', secret = SECRET): string {
  const content = [header, claims].map((part) => Buffer.from(part).toString('base64url')).join('.')
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`
}

describe('who is let in', () => {
  const seconds = Math.floor(Date.now() / 1000)
  const claims = (extra: object = {}) =>
    JSON.stringify({ sub: 'eva', iat: seconds, exp: seconds + 300, permissions: ['a'], ...extra })
  const without = (name: string) => claims({ [name]: undefined })
  const refused: [string, string | Promise<string>][] = [
    ['of another client', forged(claims({ sub: 'bob' }))],
    ['of a name that only begins like it', forged(claims({ sub: 'eva\0' }))],
    ['signed with another secret', forged(claims(), undefined, `${SECRET}x`)],
    [
      'with a changed payload',
      forged(claims()).replace(/\.[^.]+\./, `.${Buffer.from(claims()).toString('base64url')}A.`),
    ],
    ['of no algorithm', forged(claims(), '{"alg":"none"}')],
    ['of another algorithm', forged(claims(), '{"alg":"RS256"}')],
    ['of two algorithms', forged(claims(), '{"alg":"HS256","alg":"none"}')],
    ['of another type', forged(claims(), '{"alg":"HS256","typ":"logout+jwt"}')],
    ['that needs an extension', forged(claims(), '{"alg":"HS256","crit":["b64"],"b64":false}')],
    [
      'that has expired',
      signToken({ sub: 'eva', permissions: [], now: () => Date.now() - MS_AN_HOUR }, SECRET),
    ],
    ['of the future', forged(claims({ iat: seconds + 200 }))],
    ['that is not valid yet', forged(claims({ nbf: seconds + 200 }))],
    ['that lives too long', forged(claims({ exp: seconds + 7200 }))],
    ['that says its end twice', forged(claims().replace('"exp"', '"exp":1,"exp"'))],
    ['without an end', forged(without('exp'))],
    ['without a beginning', forged(without('iat'))],
    ['without permissions', forged(without('permissions'))],
    ['with a permission that cannot be read', forged(claims({ permissions: ['a', 'b/#/c'] }))],
    ['with a permission that is no text', forged(claims({ permissions: [1] }))],
    ['with a NUL in a permission', forged(claims({ permissions: ['a/#\0/b'] }))],
    ['for another audience', forged(claims({ aud: 'somebody' }))],
    ['that is no JSON', forged('{"sub":"eva"')],
    ['that is a list', forged('[]')],
    ['that is no token', 'not-a-token'],
    ['of two parts', forged(claims()).replace(/\.[^.]+$/, '')],
    ['of four parts', `${forged(claims())}.x`],
    ['with padding', `${forged(claims())}=`],
    ['that is too long', forged(claims({ permissions: ['x'.repeat(20_000)] }))],
    ['that is empty', ''],
  ]

  it('by a token of its own, as password or by the method', async () => {
    expect(
      (
        await (
          await open()
        ).handshake({ clientId: 'eva', username: 'eva', password: Buffer.from(forged(claims())) })
      ).reasonCode,
    ).toBe(0)
    expect(
      (await (await open()).handshake({ clientId: 'eva', properties: auth(forged(claims())) })).reasonCode,
    ).toBe(0)
  })

  it.each(refused)('nobody by a token %s', async (_, made) => {
    const token = await made
    const password = Buffer.from(token)
    const asPassword = await (await open()).handshake({ clientId: 'eva', username: 'eva', password })
    expect(asPassword.reasonCode).toBe(notAuthorized)
    const asData = await (await open()).handshake({ clientId: 'eva', properties: auth(token) })
    expect(asData.reasonCode).toBe(notAuthorized)
  })

  it('nobody with another user name, without one, without a token, or by another method', async () => {
    const token = forged(claims())
    const password = Buffer.from(token)
    const attempts = [
      { clientId: 'eva', username: 'bob', password },
      { clientId: 'eva', username: 'eva' },
      { clientId: 'eva' },
      { clientId: '', username: 'eva', password },
      { clientId: 'eva', username: 'bob', properties: auth(token) },
    ]
    for (const attempt of attempts) {
      expect((await (await open()).handshake(attempt)).reasonCode).toBe(notAuthorized)
    }
    const otherMethod = { clientId: 'eva', username: 'eva', password, properties: auth(token, 'SCRAM-SHA-1') }
    expect((await (await open()).handshake(otherMethod)).reasonCode).toBe(badAuthenticationMethod)
  })
})

describe('the life of a token', () => {
  it('ends the connection with it, at once for what is asked and within seconds in any case', async () => {
    const client = await byMethod('eva', ['jamey/#'], 2)
    expect((await client.subscribe('jamey/x')).reasonCodes).toEqual([0])
    expect(await client.next()).toMatchObject({ type: 'disconnect', reasonCode: 0x98 })
    await client.closed
  })

  it('is renewed by AUTH within the connection, with what the new one says', async () => {
    const client = await byMethod('eva', ['subscribe:a'], 3)
    expect((await client.subscribe('b')).reasonCodes).toEqual([notAuthorized])
    const renewed = await mosquitto.token('eva', ['b'], { lifetimeSeconds: 60 })
    renew(client, renewed)
    expect(await client.next()).toMatchObject({ type: 'auth', reasonCode: 0 })
    expect((await client.subscribe('b')).reasonCodes).toEqual([0])
    expect((await client.subscribe('a')).reasonCodes).toEqual([notAuthorized])
    // Another one whose token ends later than the first would have.
    const later = await byMethod('bob', [], 4)
    expect(await later.next()).toMatchObject({ type: 'disconnect' })
    expect(await client.settle()).toEqual([])
  })

  it.each([
    ['of another client', () => mosquitto.token('bob', ['#'])],
    ['that has expired', () => mosquitto.token('eva', ['#'], { now: () => Date.now() - MS_AN_HOUR })],
    ['that somebody else signed', () => mosquitto.token('eva', ['#'], { secret: SECRET.toUpperCase() })],
    ['that is empty', async () => ''],
  ])('ends with a renewal by a token %s, and nothing of it counts', async (_, make) => {
    const client = await byMethod('eva', ['a'])
    renew(client, await make())
    client.send({ type: 'pingreq' })
    const said = await client.next()
    expect(said === undefined || said.type === 'disconnect').toBe(true)
    await client.closed
  })

  it('outlives SIGHUP, after which tokens of a new secret are taken', async () => {
    const before = readFileSync(mosquitto.secretFile)
    onTestFinished(async () => {
      writeFileSync(mosquitto.secretFile, before)
      mosquitto.broker.reload()
    })
    const [byData, byPassword] = [await byMethod('eva', ['a'], 1), await mosquitto.connect('bob', ['a'])]
    onTestFinished(() => byPassword.vanish())
    renew(byData, await mosquitto.token('eva', ['a']))
    expect(await byData.next()).toMatchObject({ type: 'auth', reasonCode: 0 })
    // What it connected with has ended, too, when this one's token has.
    expect(await (await byMethod('dora', [], 1)).next()).toMatchObject({ type: 'disconnect' })
    const secret = `another-${SECRET}`
    writeFileSync(mosquitto.secretFile, `${secret}\n${SECRET}\n`)
    mosquitto.broker.reload()
    await expect
      .poll(async () => {
        const login = await mosquitto.login('carl', [], { secret })
        return (await (await open()).handshake(login)).reasonCode
      })
      .toBe(0)
    expect(await byData.settle()).toEqual([])
    expect(await byPassword.settle()).toEqual([])
  })
})

const statusWill = {
  topic: 'jamey/events/status/eva',
  payload: Buffer.from('gone'),
  qos: 0 as const,
  retain: false,
}

describe('the sender of a message', () => {
  const forgery = [
    ['jamey-sender', 'victim'],
    ['own', ''],
    ['jamey-act-for', '+'],
    ['own', 'two'],
    ['', 'nameless'],
  ] as const

  it('is told by a stamp, and by nothing that a client wrote', async () => {
    const witness = await mosquitto.connect('witness', ['subscribe:#'])
    const client = await mosquitto.connect('eva', ['publish:#', 'act-for:bob'])
    onTestFinished(() => Promise.all([witness.vanish(), client.vanish()]).then(() => {}))
    await witness.subscribe('#')
    const properties = {
      contentType: 'text/plain',
      responseTopic: 'answers',
      correlationData: Buffer.from([0, 1, 255]),
      payloadFormatIndicator: 1,
      userProperties: forgery,
    } as const
    for (const qos of [0, 1, 2] as const) {
      client.publish('jamey/x', 'm', { qos, packetIdentifier: qos, properties })
      if (qos === 2) {
        await client.settle()
        client.send({ type: 'pubrel', packetIdentifier: 2, reasonCode: 0, properties: undefined })
      }
    }
    client.publish('jamey/x', 'm')
    client.publish('elsewhere', 'm', { properties: { userProperties: forgery } })
    await client.settle()
    const stamp = [
      ['jamey-sender', 'eva'],
      ['jamey-act-for', 'bob'],
    ]
    const own = [
      ['own', ''],
      ['own', 'two'],
      ['', 'nameless'],
    ]
    const seen = await witness.settle()
    expect(propertiesOf(seen)).toEqual([
      ['jamey/x', [...own, ...stamp]],
      ['jamey/x', [...own, ...stamp]],
      ['jamey/x', [...own, ...stamp]],
      ['jamey/x', stamp],
      ['elsewhere', forgery],
    ])
    const expected = { ...properties, correlationData: new Uint8Array([0, 1, 255]) }
    expect(seen[0]).toMatchObject({ properties: { ...expected, userProperties: [...own, ...stamp] } })
  })

  it('is told of a will, too, whatever the will says', async () => {
    const witness = await mosquitto.connect('witness', ['subscribe:#'])
    onTestFinished(() => witness.vanish())
    await witness.subscribe('#')
    const will = (topic: string) => ({ ...statusWill, topic, properties: { userProperties: forgery } })
    const login = await mosquitto.login('eva', ['publish:jamey/x', 'publish:elsewhere'])
    for (const topic of ['jamey/denied', 'jamey/x', 'elsewhere']) {
      const client = await RawClient.connect(mosquitto.broker.port, { ...login, will: will(topic) })
      await client.vanish()
    }
    const seen: unknown[] = []
    await expect
      .poll(async () => {
        seen.push(...propertiesOf(await witness.settle()))
        return seen.length
      })
      .toBe(2)
    expect(seen).toContainEqual(['jamey/x', [['jamey-sender', 'eva']]])
    expect(seen).toContainEqual(['elsewhere', forgery])
  })

  it('is told of a will of one whose token ends with the connection', async () => {
    const witness = await mosquitto.connect('witness', ['subscribe:#'])
    onTestFinished(() => witness.vanish())
    await witness.subscribe('jamey/events/status/#')
    const login = await mosquitto.login('eva', [], { lifetimeSeconds: 1 })
    const will = { ...statusWill, properties: { userProperties: forgery } }
    await RawClient.connect(mosquitto.broker.port, { ...login, will })
    const said = await witness.next()
    expect(propertiesOf(said === undefined ? [] : [said])).toEqual([
      ['jamey/events/status/eva', [['jamey-sender', 'eva']]],
    ])
  })

  it('is not told by wills that a stopping server sends, and so these are left out', async () => {
    const login = await mosquitto.login('eva', ['jamey/x', 'elsewhere'])
    const bob = await mosquitto.login('bob', ['elsewhere'])
    const properties = { userProperties: forgery }
    const will = { ...statusWill, retain: true, properties }
    await RawClient.connect(mosquitto.broker.port, { ...login, will: { ...will, topic: 'jamey/x' } })
    await RawClient.connect(mosquitto.broker.port, { ...bob, will: { ...will, topic: 'elsewhere' } })
    await mosquitto.broker.restart()
    const witness = await mosquitto.connect('witness', ['subscribe:#'])
    onTestFinished(() => witness.vanish())
    await witness.subscribe('#')
    expect(propertiesOf(await witness.settle())).toEqual([['elsewhere', forgery]])
  })
})

describe('a WebSocket', () => {
  it('is let in, ended and renewed like any other connection', async () => {
    const clientId = 'eva'
    const url = `ws://127.0.0.1:${mosquitto.broker.webSocketPort}`
    const connect = async (lifetimeSeconds: number, name = clientId) => {
      const token = await mosquitto.token(name, ['a'], { lifetimeSeconds })
      const client = createClient({
        url,
        clientId,
        credentials: { username: clientId, password: token, ...auth(token) },
      })
      onTestFinished(() => client.close({ drain: false }).then(() => {}))
      return client
    }
    const [kicked, refused] = [await connect(2), await connect(60, 'bob')]
    await kicked.connect()
    await expect(kicked.publish('b', 'm', { qos: 1 })).rejects.toMatchObject({ reasonCode: notAuthorized })
    const ends: unknown[] = []
    kicked.onState(({ cause }) => cause && ends.push(cause))
    await expect.poll(() => ends.length).toBeGreaterThan(0)
    expect(String(ends[0])).toContain('0x98')
    await expect(refused.connect()).rejects.toMatchObject({ reasonCode: notAuthorized })
  })
})

describe('a session that waits', () => {
  it('gets what came after its token ended and after a restart, as far as its next token allows', async () => {
    const session = { cleanStart: false, properties: { sessionExpiryInterval: 3600 } }
    const login = await mosquitto.login('sleeper', ['subscribe:a/#'], { lifetimeSeconds: 2 })
    const sleeper = await RawClient.connect(mosquitto.broker.port, { ...login, ...session })
    expect((await sleeper.subscribe('a/#', 1)).reasonCodes).toEqual([1])
    // Its token ends.
    expect(await sleeper.next()).toMatchObject({ type: 'disconnect' })
    await sleeper.closed
    const say = async (topic: string): Promise<void> => {
      const writer = await mosquitto.connect('writer', ['publish:a/#'])
      expect(await writer.publishOnce(topic, 'm')).toBe(0)
      await writer.leave()
    }
    await say('a/1')
    await say('a/2')
    await mosquitto.broker.restart()
    await say('a/3')
    await say('a/4')
    const again = await mosquitto.login('sleeper', ['subscribe:a/1', 'subscribe:a/3'])
    const awake = await RawClient.connect(mosquitto.broker.port, { ...again, ...session })
    onTestFinished(() => awake.vanish())
    expect(await awake.received()).toEqual(['a/1=m q1', 'a/3=m q1'])
  })
})
