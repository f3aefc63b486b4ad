import { once } from 'node:events'
import { connectPacket, publishPacket, type RawClient, settled, until } from '@jamey/testing'
import { type Abuse, bytes, bytesOf, hex, lastWord, nextWord, untroubled } from './abuse.js'
import { noise } from './abuse-unauthenticated-table.js'
import type { Stage } from './stage.js'

const MEGABYTE = 1_048_576

/** Sends `packet` so often that its answers come to 14 MiB, reads none, and says what became of it once it reads. */
async function unread(stage: Stage, version: 4 | 5, packet: Buffer, answerBytes: number): Promise<string> {
  const socket = await stage.socket()
  socket.write(bytesOf(version, [connectPacket({ protocolVersion: version, clientId: 'deaf' })]))
  const [connack] = (await once(socket, 'data')) as [Buffer]
  socket.pause()
  const { bytesReceived, bytesSent } = stage.broker.stats()
  const batch = Buffer.concat(Array.from({ length: MEGABYTE / 8 }, () => packet))
  const batches = Math.ceil((14 * MEGABYTE) / ((batch.length / packet.length) * answerBytes))
  // The same bytes each time, so that here they are held once.
  for (let n = 0; n < batches; n++) socket.write(batch)
  await stage.quiet()
  const taken = stage.broker.stats().bytesReceived - bytesReceived
  if (taken > 0.8 * batches * batch.length) return `read on for ${taken} bytes`
  await stage.assertServed()
  const wanted = ((batches * batch.length) / packet.length) * answerBytes
  let got = 0
  socket.on('data', (chunk: Buffer) => {
    got += chunk.length
  })
  socket.resume()
  await until(() => got === wanted, 30_000)
  return connack.length + stage.broker.stats().bytesSent - bytesSent >= wanted
    ? 'not read until it reads'
    : 'lost'
}

/** `count` clients at once; resolves when all were let in. */
function crowd(stage: Stage, count: number, connect: (n: number) => Parameters<Stage['client']>[0]) {
  return Promise.all(Array.from({ length: count }, (_, n) => stage.client(connect(n))))
}

/** Publishes at QoS 1, one at a time; where no answer comes, time passes. */
async function publishWhile(stage: Stage, payload: string, isOn: () => boolean): Promise<void> {
  const publisher = await stage.client()
  while (isOn()) {
    let isAnswered = false
    const answer = publisher.publishOnce('t', payload).then(() => {
      isAnswered = true
    })
    await Promise.race([answer, settled(20)])
    if (!isAnswered) await stage.quiet()
    if (!isAnswered) await stage.clock.advance(10_000)
    await answer
  }
}

function will(topic: string, bytesOfPayload: number, retain = false) {
  const payload = Buffer.alloc(bytesOfPayload, 'x')
  return { topic, payload, qos: 1, retain, properties: undefined } as const
}

/** Those who want much, and often. */
export const FLOODS: Abuse[] = [
  {
    what: 'a flood of PINGREQ whose answers are not read',
    answer: 'not read until it reads',
    act: (stage) => unread(stage, 5, hex('c0 00'), 2),
  },
  {
    what: 'a flood of QoS 1 whose PUBACKs are not read',
    answer: 'not read until it reads',
    act: (stage) => unread(stage, 4, hex('32 05 0001 74 0001'), 4),
  },
  {
    what: 'a flood of PUBREL whose PUBCOMPs are not read',
    answer: 'not read until it reads',
    act: (stage) => unread(stage, 5, hex('62 02 00 63'), 5),
  },
  {
    what: 'a subscriber that does not read, under a flood of QoS 0',
    answer: 'dropped and counted',
    act: async (stage) => {
      const deaf = await stage.client()
      await deaf.subscribe('t')
      deaf.socket.pause()
      const publisher = await stage.client()
      while (stage.broker.stats().droppedSlow < 50) {
        for (let n = 0; n < 20; n++) publisher.publish('t', 'x'.repeat(90_000))
        await publisher.settle()
      }
      return 'dropped and counted'
    },
  },
  {
    what: 'a subscriber that does not read, under a flood of QoS 1',
    answer: 'waited for, then dropped and counted',
    act: async (stage) => {
      const deaf = await stage.client()
      await deaf.subscribe('t', 1)
      deaf.socket.pause()
      await publishWhile(stage, 'x'.repeat(90_000), () => stage.broker.stats().droppedOverflow < 50)
      return stage.broker.stats().subscribersGivenUp === 1 ? 'waited for, then dropped and counted' : 'lost'
    },
  },
  {
    what: 'a subscriber that reads and never acknowledges',
    answer: 'waited for, then dropped and counted',
    act: async (stage) => {
      const mute = await stage.client()
      await mute.subscribe('t', 2)
      await publishWhile(stage, 'x'.repeat(100), () => stage.broker.stats().droppedOverflow === 0)
      return stage.broker.stats().subscribersGivenUp === 1 ? 'waited for, then dropped and counted' : 'lost'
    },
  },
  {
    what: 'a session that is away, and whose queue is filled',
    answer: 'dropped and counted',
    act: async (stage) => {
      const away = await stage.client({ clientId: 'away', properties: { sessionExpiryInterval: 90 } })
      await away.subscribe('t', 1)
      await away.vanish()
      const publisher = await stage.client()
      for (let n = 0; n < 150; n++) publisher.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
      await publisher.settle()
      const { queuedMessages, droppedOverflow } = stage.broker.stats()
      return queuedMessages === 100 && droppedOverflow === 50 ? 'dropped and counted' : 'not bounded'
    },
  },
  {
    what: 'a full queue, where the policy is to disconnect',
    answer: 'disconnect 0x97',
    options: { overflow: 'disconnect' },
    act: async (stage) => {
      const mute = await stage.client({ properties: { receiveMaximum: 1 } })
      await mute.subscribe('t', 1)
      await publishWhile(stage, 'm', () => stage.broker.stats().droppedOverflow === 0)
      return lastWord(mute)
    },
  },
  {
    what: 'two hundred take-overs of one client identifier [MQTT-3.1.4-3]',
    answer: 'disconnect 0x8e',
    act: async (stage) => {
      const words = new Set<string>()
      let former = await stage.client({ clientId: 'contested' })
      for (let n = 0; n < 200; n++) {
        const next = await stage.client({ clientId: 'contested' })
        words.add(await lastWord(former))
        former = next
      }
      return [...words].join()
    },
  },
  {
    what: 'twenty clients with one identifier at once [MQTT-3.1.4-3]',
    answer: 'one is left',
    act: async (stage) => {
      const handshakes = []
      // At most ten may wait for CONNECT at a time.
      for (let n = 0; n < 20; n++) {
        const client = await stage.unauthenticated()
        handshakes.push(client.handshake({ clientId: 'contested', properties: { sessionExpiryInterval: 9 } }))
        if (n % 10 === 9) await Promise.all(handshakes)
      }
      await until(() => stage.broker.stats().connections === 2)
      return stage.broker.stats().sessions === 2 ? 'one is left' : 'more are left'
    },
  },
  {
    what: 'five hundred times CONNECT and DISCONNECT',
    answer: 'served',
    act: async (stage) => {
      for (let n = 0; n < 500; n++) await (await stage.client({ clientId: `c${n}` })).leave()
      return untroubled(await stage.client())
    },
  },
  {
    what: 'five hundred connections that are reset',
    answer: 'served',
    act: async (stage) => {
      for (let n = 0; n < 500; n++) {
        const client = await stage.client({ clientId: `c${n}` })
        client.socket.resetAndDestroy()
        await client.closed
      }
      await until(() => stage.broker.stats().connections === 1)
      return untroubled(await stage.client())
    },
  },
  {
    what: 'more connects within a second than an address may have, and more than may wait',
    answer: 'closed',
    act: async (stage) => {
      for (let n = 0; n < 600; n++) {
        const client = await stage.client()
        client.socket.resetAndDestroy()
        await client.closed
      }
      for (let n = 0; n < 5; n++) await stage.unauthenticated()
      return lastWord(await stage.unauthenticated())
    },
  },
  {
    what: 'more sockets without CONNECT than an address may have, and more than may wait',
    answer: 'closed',
    act: async (stage) => {
      for (let n = 0; n < 15; n++) await stage.unauthenticated()
      return lastWord(await stage.unauthenticated())
    },
  },
  {
    what: 'more connections than an address may have',
    answer: 'closed',
    act: async (stage) => {
      for (let n = 0; n < 30; n++) await stage.client()
      return lastWord(await stage.unauthenticated())
    },
  },
  {
    what: 'more connections than there may be',
    answer: 'connack 0x89',
    isFull: true,
    options: { limits: { connections: 12 } },
    act: async (stage) => {
      for (let n = 0; n < 11; n++) await stage.client()
      const client = await stage.unauthenticated()
      return `connack 0x${(await client.handshake()).reasonCode.toString(16)}`
    },
  },
  {
    what: 'more sessions than there may be',
    answer: 'connack 0x97',
    isFull: true,
    act: async (stage) => {
      for (let n = 0; n < 44; n++) {
        await (await stage.client({ clientId: `s${n}`, properties: { sessionExpiryInterval: 90 } })).vanish()
      }
      const client = await stage.unauthenticated()
      return `connack 0x${(await client.handshake()).reasonCode.toString(16)}`
    },
  },
  {
    what: 'giant retained wills of many clients',
    answer: 'bounded',
    options: { limits: { connectPacketBytes: 100_000 } },
    act: async (stage) => {
      const clients = await crowd(stage, 10, (n) => ({
        clientId: `w${n}`,
        will: will(`w/${n}`, 65_000, true),
      }))
      for (let round = 0; round < 4; round++) {
        for (const client of clients.splice(0)) client.socket.resetAndDestroy()
        await until(() => stage.broker.stats().connections === 1)
        const connect = (n: number) => ({ clientId: `w${n}`, will: will(`w/${round}/${n}`, 65_000, true) })
        clients.push(...(await crowd(stage, 10, connect)))
      }
      return stage.broker.stats().retainedBytes <= 2_000_000 ? 'bounded' : 'not bounded'
    },
  },
  {
    what: 'wills of a crowd that dies at once',
    answer: 'all published',
    act: async (stage) => {
      const watcher = await stage.client()
      await watcher.subscribe('w/+', 1)
      const clients: RawClient[] = []
      for (let n = 0; n < 20; n++) clients.push(await stage.client({ will: will(`w/${n}`, 10_000) }))
      for (const client of clients) client.socket.resetAndDestroy()
      const topics = new Set<string>()
      while (topics.size < 20) {
        const publish = await watcher.expect('publish')
        topics.add(publish.topic)
        watcher.acknowledge(publish)
      }
      return 'all published'
    },
  },
  {
    what: 'every mix of + and a letter in five levels, each with an identifier [MQTT-3.3.4-4]',
    answer: 'one copy with 32 identifiers',
    act: async (stage) => {
      const client = await stage.client()
      for (let mix = 0; mix < 32; mix++) {
        const levels = [0, 1, 2, 3, 4].map((level) => ((mix >> level) & 1 ? '+' : 'a'))
        await client.subscribe(levels.join('/'), 0, mix + 1)
      }
      client.publish('a/a/a/a/a', 'm')
      const [publish, ...more] = await client.settle()
      const count = publish?.type === 'publish' ? publish.properties?.subscriptionIdentifiers?.length : 0
      return more.length === 0 ? `one copy with ${count} identifiers` : 'several copies'
    },
  },
  {
    what: 'forty ways to subscribe to everything, and everything retained',
    answer: 'served',
    act: async (stage) => {
      const client = await stage.client()
      for (let n = 0; n < 20; n++)
        client.publish(`${'r/'.repeat(n % 15)}${n}`, 'x'.repeat(100), { retain: true })
      const filters = Array.from({ length: 13 }, (_, n) => `${'+/'.repeat(n)}#`)
      for (let n = 0; n < 20; n++) {
        await client.settle()
        await client.subscribe(filters.map((filter) => ({ filter })))
      }
      await client.settle()
      return untroubled(client)
    },
  },
  {
    what: 'forty shares of everything',
    answer: 'forty copies',
    act: async (stage) => {
      const client = await stage.client()
      await client.subscribe(Array.from({ length: 40 }, (_, n) => ({ filter: `$share/g${n}/t/#` })))
      client.publish('t/x', 'm')
      return (await client.settle()).length === 40 ? 'forty copies' : 'others'
    },
  },
  {
    what: 'three thousand filters subscribed and left again',
    answer: 'served',
    act: async (stage) => {
      const client = await stage.client()
      for (let n = 0; n < 75; n++) {
        const filters = Array.from({ length: 40 }, (_, m) => `a/${n}/+/${m}/#`)
        await client.subscribe(filters.map((filter) => ({ filter })))
        client.send({ type: 'unsubscribe', packetIdentifier: 1, filters, properties: undefined })
        await client.expect('unsuback')
      }
      return untroubled(client)
    },
  },
  {
    what: 'thirty thousand topics, one after the other',
    answer: 'served',
    act: async (stage) => {
      const client = await stage.client()
      for (let n = 0; n < 30; n++) {
        const publishes = Array.from({ length: 1000 }, (_, m) =>
          publishPacket(`t/${n}/${m}/${'x'.repeat(200)}`, ''),
        )
        client.send(...publishes)
        await client.settle()
      }
      return untroubled(client)
    },
  },
  {
    what: 'retained messages on the deepest topics there may be',
    answer: 'puback 0x97',
    options: { limits: { retainedBytesPerClient: 50_000 } },
    act: async (stage) => {
      const client = await stage.client()
      for (let n = 0; n < 10; n++) client.publish(`${n}${'/x'.repeat(15)}`, 'm', { retain: true })
      client.publish(`10${'/x'.repeat(15)}`, 'm', { retain: true, qos: 1, packetIdentifier: 1 })
      return nextWord(client)
    },
  },
  {
    what: 'retained messages set and cleared ten thousand times',
    answer: 'served',
    act: async (stage) => {
      const client = await stage.client()
      const pairs = Array.from({ length: 500 }, (_, n) => [
        publishPacket(`r/${n}`, 'm', { retain: true }),
        publishPacket(`r/${n}`, '', { retain: true }),
      ]).flat()
      for (let n = 0; n < 20; n++) {
        client.send(...pairs)
        await client.settle()
      }
      return stage.broker.stats().retainedMessages === 0 ? untroubled(client) : 'not cleared'
    },
  },
  {
    what: 'random bytes of two hundred clients that were let in [MQTT-4.13.1-1]',
    answer: 'cut, each of them',
    act: async (stage) => {
      for (let seed = 1; seed <= 200; seed++) {
        const client = await stage.client()
        client.sendBytes(noise(seed, 1_000, seed))
        client.socket.end()
        await lastWord(client)
      }
      return stage.broker.stats().connections === 1 ? 'cut, each of them' : 'not cut'
    },
  },
  {
    what: 'the largest message there may be, a hundred times',
    answer: 'served',
    act: async (stage) => {
      const client = await stage.client()
      await client.subscribe('t')
      const largest = bytes(publishPacket('t', 'x'.repeat(99_992)))
      for (let n = 0; n < 100; n++) {
        client.sendBytes(largest)
        await client.expect('publish')
      }
      return untroubled(client)
    },
  },
]
