import { publishPacket, settled, until } from '@jamey/testing'
import { type Abuse, bytes, lastWord, untroubled } from './abuse.js'
import type { Stage } from './stage.js'

const CONNECT_TIMEOUT_MS = 10_000

/** Sends `sent` piece by piece, letting `everyMs` pass after each. */
async function trickle(
  stage: Stage,
  socket: { write(chunk: Uint8Array): unknown; destroyed: boolean },
  sent: Buffer,
  pieceBytes: number,
  everyMs: number,
): Promise<void> {
  for (let at = 0; at < sent.length && !socket.destroyed; at += pieceBytes) {
    const expected = stage.broker.stats().bytesReceived + Math.min(pieceBytes, sent.length - at)
    const connections = stage.broker.stats().connections
    socket.write(sent.subarray(at, at + pieceBytes))
    const isOver = () => stage.broker.stats().connections < connections || socket.destroyed
    await until(() => stage.broker.stats().bytesReceived >= expected || isOver())
    await stage.clock.advance(everyMs)
    await settled(5)
  }
}

/** Those who take their time. It passes by the fake clock. */
export const SLOW: Abuse[] = [
  {
    what: 'a socket that says nothing',
    answer: 'closed',
    act: async (stage) => {
      const client = await stage.unauthenticated()
      await until(() => stage.broker.stats().connectionsAccepted >= 3)
      await stage.clock.advance(CONNECT_TIMEOUT_MS)
      return lastWord(client)
    },
  },
  {
    what: 'a CONNECT that comes a byte a second, for ever',
    answer: 'closed',
    act: async (stage) => {
      const client = await stage.unauthenticated()
      const endless = Buffer.concat([Buffer.from('10ff7f00044d51545405020000', 'hex'), Buffer.alloc(100)])
      await trickle(stage, client.socket, endless, 1, 1_000)
      return lastWord(client)
    },
  },
  {
    what: 'an authenticator that never answers',
    answer: 'connack 0x80',
    options: {
      authenticator: {
        authenticate: ({ clientId }) =>
          clientId === 'slow'
            ? new Promise(() => {})
            : Promise.resolve({
                username: '',
                mayPublish: () => true,
                maySubscribe: () => true,
                mayReceive: () => true,
              }),
      },
    },
    act: async (stage) => {
      const client = await stage.unauthenticated()
      const answer = client.handshake({ clientId: 'slow' })
      await stage.quiet()
      await stage.clock.advance(CONNECT_TIMEOUT_MS)
      const { reasonCode } = await answer
      await client.closed
      return `connack 0x${reasonCode.toString(16)}`
    },
  },
  {
    what: 'silence for one and a half keep alive intervals [MQTT-3.1.2-22]',
    answer: 'disconnect 0x8d',
    act: async (stage) => {
      const client = await stage.client({ keepAlive: 10 })
      await stage.clock.advance(15_000)
      return lastWord(client)
    },
  },
  {
    what: 'a packet dragged out byte by byte, which is no packet [MQTT-3.1.2-22]',
    answer: 'disconnect 0x8d',
    act: async (stage) => {
      const client = await stage.client({ keepAlive: 10 })
      await trickle(stage, client.socket, bytes(publishPacket('t', 'x'.repeat(200))), 1, 5_000)
      return lastWord(client)
    },
  },
  {
    what: 'a large message over a slow line, which is one in the end [MQTT-3.1.2-22]',
    answer: 'puback 0x10',
    act: async (stage) => {
      const client = await stage.client({ keepAlive: 10 })
      const message = publishPacket('t', 'x'.repeat(20_000), { qos: 1, packetIdentifier: 1 })
      await trickle(stage, client.socket, bytes(message), 1_000, 10_000)
      return `puback 0x${(await client.expect('puback')).reasonCode.toString(16)}`
    },
  },
  {
    what: 'a peer that is told goodbye and does not hang up',
    answer: 'destroyed',
    act: async (stage) => {
      const { broker, clock } = stage
      const client = await stage.client({ keepAlive: 10 })
      client.socket.allowHalfOpen = true
      client.socket.pause()
      await clock.advance(15_000)
      await until(() => broker.stats().connections === 1)
      const timers = clock.pendingTimers
      await clock.advance(2_000)
      return clock.pendingTimers < timers ? 'destroyed' : 'still there'
    },
  },
  {
    what: 'unauthenticated clients that are refused and do not hang up',
    answer: 'destroyed',
    act: async (stage) => {
      const { broker, clock } = stage
      const before = broker.stats().connectionsRefused
      const timers = clock.pendingTimers
      for (let n = 0; n < 10; n++) {
        const client = await stage.unauthenticated()
        client.socket.allowHalfOpen = true
        client.socket.pause()
        client.sendBytes(Buffer.from('GET'))
      }
      await until(() => broker.stats().connectionsRefused === before + 10)
      await clock.advance(250)
      const left = clock.pendingTimers
      // Their places among those who wait for CONNECT are free again, so the eleventh gets in.
      await stage.client()
      return left <= timers ? 'destroyed' : 'still there'
    },
  },
  {
    what: 'wishes to be kept for 136 years: a session, a will, a message',
    answer: 'served',
    act: async (stage) => {
      const ages = 0xffff_ffff
      const will = {
        topic: 'w',
        payload: Buffer.from('m'),
        qos: 1,
        retain: false,
        properties: { willDelayInterval: ages },
      } as const
      const client = await stage.client({
        clientId: 'old',
        properties: { sessionExpiryInterval: ages },
        will,
      })
      await client.subscribe('t', 1)
      await client.vanish()
      const publisher = await stage.client()
      const properties = { messageExpiryInterval: ages }
      for (let n = 0; n < 50; n++) publisher.publish('t', 'm', { properties, qos: 1, packetIdentifier: 1 })
      await publisher.settle()
      return untroubled(publisher)
    },
  },
  {
    what: 'a thousand messages that expire at once, for somebody away [MQTT-3.3.2-5]',
    answer: 'served',
    act: async (stage) => {
      const away = await stage.client({ clientId: 'away', properties: { sessionExpiryInterval: 90 } })
      await away.subscribe('t', 1)
      await away.vanish()
      const publisher = await stage.client()
      const message = publishPacket('t', 'x'.repeat(500), {
        qos: 1,
        packetIdentifier: 1,
        properties: { messageExpiryInterval: 0 },
      })
      publisher.send(...Array.from({ length: 1000 }, () => message))
      await publisher.settle()
      const back = await stage.client({ clientId: 'away', cleanStart: false })
      return untroubled(back)
    },
  },
]
