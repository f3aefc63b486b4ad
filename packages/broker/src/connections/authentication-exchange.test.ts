import { once } from 'node:events'
import type { Connect } from '@jamey/protocol'
import { connectPacket, FakeClock, RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import {
  AuthenticationRefused,
  type AuthenticationRequest,
  type Challenge,
  DEFAULT_LIMITS,
  type Identity,
  type Limits,
} from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const METHOD = 'COUNT'
const bytes = (data: string): Uint8Array => new TextEncoder().encode(data)
const read = (data: Uint8Array | undefined): string => Buffer.from(data ?? []).toString()

function identity(username: string): Identity {
  return {
    username,
    authenticationData: bytes('welcome'),
    mayPublish: () => true,
    maySubscribe: () => true,
    mayReceive: () => true,
  }
}

/** The client says a number, is asked that often for the next smaller one, and is let in at 0. */
function count(request: AuthenticationRequest): Identity | Challenge {
  const { authenticationMethod, authenticationData, clientId } = request
  if (authenticationMethod !== undefined && authenticationMethod !== METHOD) {
    throw new AuthenticationRefused('no such method', 0x8c)
  }
  const left = Number(read(authenticationData))
  if (Number.isNaN(left)) throw new AuthenticationRefused('not a number')
  if (left === 0) return identity(clientId)
  return {
    authenticationData: bytes(`after ${left}?`),
    answer: async (answered) => {
      const isNext = answered.clientId === clientId && read(answered.authenticationData) !== String(left)
      if (!isNext) throw new AuthenticationRefused('said twice')
      return count(answered)
    },
  }
}

async function start(limits: Partial<Limits> = {}) {
  const clock = new FakeClock()
  const authenticator = { authenticate: async (request: AuthenticationRequest) => count(request) }
  const { broker, port } = await startBroker({ clock, limits, authenticator })
  return { broker, port, clock }
}

function saying(data: string, authenticationMethod = METHOD) {
  return { authenticationMethod, authenticationData: bytes(data) }
}

function connecting(data: string): Partial<Connect> {
  return { clientId: 'a', properties: saying(data) }
}

/** CONNECT was sent, and asked about. */
async function asked(port: number, data: string): Promise<RawClient> {
  const client = await RawClient.open(port)
  client.send(connectPacket(connecting(data)))
  const auth = await client.expect('auth')
  expect(auth).toEqual({
    type: 'auth',
    reasonCode: 0x18,
    properties: expect.objectContaining(saying(`after ${data}?`)),
  })
  return client
}

function answer(client: RawClient, data: string, reasonCode = 0x18, method = METHOD): void {
  client.send({ type: 'auth', reasonCode, properties: saying(data, method) })
}

describe('enhanced authentication at CONNECT', () => {
  it('goes back and forth until there is an identity [MQTT-4.12.0-2] [MQTT-4.12.0-3]', async () => {
    const { port } = await start()
    const a = await asked(port, '2')
    answer(a, '1')
    expect(read((await a.expect('auth')).properties?.authenticationData)).toBe('after 1?')
    // Together with what follows at once: nothing is handled before the identity is known.
    answer(a, '0')
    a.send({ type: 'pingreq' })
    const connack = await a.expect('connack')
    expect(connack.reasonCode).toBe(0)
    await a.expect('pingresp')
  })

  it('refuses a method that the authenticator does not know with 0x8C [MQTT-4.12.0-1]', async () => {
    const { port } = await start()
    const a = await RawClient.open(port)
    expect((await a.handshake({ properties: saying('0', 'GUESS') })).reasonCode).toBe(0x8c)
    await a.closed
  })

  it.each([0x19, 0x00])('takes no AUTH 0x%s for an answer [MQTT-4.12.0-3]', async (reasonCode) => {
    const { broker, port } = await start()
    const a = await asked(port, '1')
    answer(a, '0', reasonCode)
    expect((await a.expect('connack')).reasonCode).toBe(0x82)
    await a.closed
    expect(broker.stats().sessions).toBe(0)
  })

  it('can be refused at any step, and then closes [MQTT-4.12.0-4]', async () => {
    const { broker, port } = await start()
    const a = await asked(port, '2')
    answer(a, '2')
    const connack = await a.expect('connack')
    expect(connack).toMatchObject({ reasonCode: 0x87, properties: { reasonString: 'said twice' } })
    await a.closed
    expect(broker.stats()).toMatchObject({ authenticationsRefused: 1, sessions: 0 })
  })

  it('names the method of CONNECT in AUTH and CONNACK, and takes no other [MQTT-4.12.0-5]', async () => {
    const { port } = await start()
    const a = await asked(port, '1')
    answer(a, '0')
    expect((await a.expect('connack')).properties).toMatchObject(saying('welcome'))
    const b = await asked(port, '1')
    answer(b, '0', 0x18, 'GUESS')
    expect((await b.expect('connack')).reasonCode).toBe(0x82)
    await b.closed
  })

  it('asks nothing of clients that named no method, and names none to them [MQTT-4.12.0-6]', async () => {
    const { port } = await start()
    const a = await RawClient.open(port)
    const connack = await a.handshake()
    expect(connack.reasonCode).toBe(0)
    expect(connack.properties?.authenticationMethod).toBeUndefined()
    expect(connack.properties?.authenticationData).toBeUndefined()
    const always = { answer: async () => identity('u') }
    const other = await startBroker({ authenticator: { authenticate: async () => always } })
    for (const protocolVersion of [5, 4] as const) {
      const b = await RawClient.open(other.port, protocolVersion)
      expect((await b.handshake({ clientId: 'b' })).reasonCode).toBe(protocolVersion === 5 ? 0x8c : 0x88)
      await b.closed
    }
  })

  it('takes no AUTH from clients that named no method [MQTT-4.12.0-7]', async () => {
    const { port } = await start()
    for (const reasonCode of [0x18, 0x19]) {
      const a = await RawClient.connect(port)
      answer(a, '0', reasonCode)
      expect((await a.expect('disconnect')).reasonCode).toBe(0x82)
      await a.closed
    }
  })

  it('takes nothing but AUTH and DISCONNECT before CONNACK [MQTT-3.1.2-30]', async () => {
    const { broker, port } = await start()
    const a = await asked(port, '1')
    a.publish('t', 'early')
    expect((await a.expect('connack')).reasonCode).toBe(0x82)
    await a.closed
    const b = await asked(port, '1')
    await b.leave()
    expect(await b.next()).toBeUndefined()
    expect(broker.stats().connections).toBe(0)
  })

  it('is bounded in steps [promise 34]', async () => {
    const { port } = await start({ authenticationSteps: 2 })
    const a = await asked(port, '3')
    answer(a, '2')
    await a.expect('auth')
    answer(a, '1')
    expect((await a.expect('connack')).reasonCode).toBe(0x87)
    await a.closed
  })

  it('is bounded in time, however many steps are made in it [promise 34]', async () => {
    const { port, clock } = await start()
    const a = await asked(port, '5')
    await clock.advance(DEFAULT_LIMITS.connectTimeoutMs - 1)
    answer(a, '4')
    await a.expect('auth')
    await clock.advance(1)
    expect((await a.expect('connack')).reasonCode).toBe(0x80)
    await a.closed
  })
})

describe('re-authentication', () => {
  it('goes back and forth while everything else goes on [MQTT-4.12.1-1]', async () => {
    const { port, clock } = await start()
    const a = await RawClient.connect(port, connecting('0'))
    await a.subscribe('t')
    for (let round = 0; round < 2; round++) {
      answer(a, '2', 0x19)
      expect((await a.expect('auth')).reasonCode).toBe(0x18)
      expect(await a.publishOnce('u', 'm')).toBe(0x10)
      a.publish('t', 'm')
      expect(text(await a.expect('publish'))).toBe('t=m')
      answer(a, '1')
      expect((await a.expect('auth')).reasonCode).toBe(0x18)
      answer(a, '0')
      const auth = await a.expect('auth')
      expect(auth).toMatchObject({ reasonCode: 0, properties: saying('welcome') })
    }
    await clock.advance(DEFAULT_LIMITS.connectTimeoutMs)
    expect(await a.received()).toEqual([])
  })

  it('keeps to the method of CONNECT [MQTT-4.12.1-1]', async () => {
    const { port } = await start()
    const a = await RawClient.connect(port, connecting('0'))
    answer(a, '0', 0x19, 'GUESS')
    expect((await a.expect('disconnect')).reasonCode).toBe(0x82)
    await a.closed
  })

  it('ends the connection when it fails, at any step [MQTT-4.12.1-2]', async () => {
    const { broker, port } = await start()
    for (const failing of [['x'], ['2', '2'], ['2', '1', 'x']]) {
      const a = await RawClient.connect(port, connecting('0'))
      for (const [at, data] of failing.entries()) {
        answer(a, data, at === 0 ? 0x19 : 0x18)
        if (at < failing.length - 1) await a.expect('auth')
      }
      expect((await a.expect('disconnect')).reasonCode).toBe(0x87)
      await a.closed
    }
    await until(() => broker.stats().connections === 0)
  })

  it.each([
    ['begins before the last has ended', 0x19, '1'],
    ['continues nothing', 0x18, undefined],
  ])('that %s is a protocol error', async (_name, reasonCode, before) => {
    const { port } = await start()
    const a = await RawClient.connect(port, connecting('0'))
    if (before !== undefined) {
      answer(a, before, 0x19)
      await a.expect('auth')
    }
    answer(a, '0', reasonCode)
    expect((await a.expect('disconnect')).reasonCode).toBe(0x82)
    await a.closed
  })

  it('is bounded in time and steps [promise 34]', async () => {
    const { port, clock } = await start({ authenticationSteps: 1 })
    const slow = await RawClient.connect(port, connecting('0'))
    answer(slow, '1', 0x19)
    await slow.expect('auth')
    await clock.advance(DEFAULT_LIMITS.connectTimeoutMs)
    expect((await slow.expect('disconnect')).reasonCode).toBe(0x87)
    const long = await RawClient.connect(port, connecting('0'))
    answer(long, '2', 0x19)
    await long.expect('auth')
    answer(long, '1')
    expect((await long.expect('disconnect')).reasonCode).toBe(0x87)
  })

  it('leaves no timer behind when the connection ends in the middle', async () => {
    const { broker, port, clock } = await start()
    const a = await RawClient.connect(port, connecting('0'))
    answer(a, '1', 0x19)
    await a.expect('auth')
    expect(clock.pendingTimers).toBe(1)
    await a.vanish()
    await until(() => broker.stats().connections === 0 && clock.pendingTimers === 0)
  })
})

it('a broker for tests has no authentication method, and says no more than that [MQTT-4.12.0-1]', async () => {
  const { port } = await startBroker()
  const client = await RawClient.open(port)
  const answer = once(client.socket, 'data')
  client.sendBytes(
    Buffer.from('102300044d5154540502000a1515000b756e737570706f7274656416000474657374000170', 'hex'),
  )
  const [bytes] = await answer
  expect((bytes as Buffer).toString('hex')).toBe('2003008c00')
})
