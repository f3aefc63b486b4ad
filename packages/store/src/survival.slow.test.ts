import { type Client, createClient, type MessageHandler } from '@jamey/mqtt'
import type { Packet } from '@jamey/protocol'
import { MqttPeer, RawClient, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Child } from './test-support/child.js'
import { newFolder } from './test-support/folder.js'
import { PUBLISHING_PROCESS } from './test-support/publishing-process.js'
import { SERVING_PROCESS } from './test-support/serving-process.js'

function start(module: string, ...args: string[]): Child {
  const child = new Child(module, args)
  onTestFinished(async () => void (await child.kill()))
  return child
}

/** A client of a broker that may die at any moment; `received` has what came, as `topic=payload`. */
async function connectTo(
  port: number,
  clientId: string,
  isResumed = false,
  onUnhandledMessage?: MessageHandler,
) {
  const received: string[] = []
  const client: Client = createClient({
    url: `mqtt://127.0.0.1:${port}`,
    clientId,
    // Otherwise its close would end the session.
    cleanStart: false,
    reconnect: false,
    onUnhandledMessage:
      onUnhandledMessage ?? (({ topic, payload }) => received.push(`${topic}=${Buffer.from(payload)}`)),
    onBackgroundError: () => {},
  })
  onTestFinished(async () => void (await client.close({ drain: false, timeoutMs: 500 })))
  const { sessionPresent } = await client.connect()
  expect(sessionPresent).toBe(isResumed)
  return { client, received }
}

async function startBroker(path: string): Promise<{ child: Child; port: number }> {
  const child = start(SERVING_PROCESS, path)
  return { child, port: Number(await child.line()) }
}

/** Until its connection has ended. */
async function eachPacket(client: RawClient, handle: (packet: Packet) => void): Promise<void> {
  for (let packet = await client.next(); packet !== undefined; packet = await client.next()) handle(packet)
}

describe('a broker killed with kill -9', () => {
  it('still has sessions, retained messages and every queued message it acknowledged, in order [promise 33]', async () => {
    const path = newFolder()
    const first = await startBroker(path)
    const subscriber = await connectTo(first.port, 's')
    await subscriber.client.subscribe('s/#', { qos: 2 }, () => {})
    await subscriber.client.close()

    const publisher = await connectTo(first.port, 'p')
    await publisher.client.publish('r', 'kept', { qos: 1, retain: true })
    const acknowledged: number[] = []
    const publishing = Array.from({ length: 3000 }, (_, i) =>
      publisher.client.publish('s/t', `${i}`, { qos: i % 2 === 0 ? 1 : 2 }).then(
        () => acknowledged.push(i),
        () => {},
      ),
    )
    await until(() => acknowledged.length > 700)
    await first.child.kill()
    await publisher.client.close({ drain: false })
    await Promise.all(publishing)

    const second = await startBroker(path)
    const { received } = await connectTo(second.port, 's', true)
    const last = await connectTo(second.port, 'last')
    await last.client.publish('s/t', 'last', { qos: 1 })
    await until(() => received.at(-1) === 's/t=last')
    const numbers = received.slice(0, -1).map((text) => Number(text.slice('s/t='.length)))
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
    expect(acknowledged.filter((i) => !numbers.includes(i))).toEqual([])
    let retained = ''
    await last.client.subscribe('r', ({ payload }) => {
      retained = `${Buffer.from(payload)}`
    })
    await until(() => retained === 'kept')
  })

  it('ten times has every request that it acknowledged, or its receiver has acknowledged it [promise 33]', async () => {
    const path = newFolder()
    const stays = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } }
    const properties = { responseTopic: 'inbox' }
    let owed: string[] = []
    for (let life = 0; life < 10; life++) {
      const { child, port } = await startBroker(path)
      const server = await RawClient.connect(port, { ...stays, clientId: 'server' })
      if (life === 0) await server.subscribe('r', 1)
      const again = await server.received()
      expect(owed.filter((name) => !again.includes(`r=${name} q1 dup`))).toEqual([])
      const asker = await RawClient.connect(port, { clientId: 'asker' })
      const settled = new Set<string>()
      const serving = eachPacket(server, (packet) => {
        if (packet.type !== 'publish') return
        // One of three is not acknowledged by whom it is for.
        if (packet.packetIdentifier % 3 === 0) return
        server.acknowledge(packet)
        settled.add(Buffer.from(packet.payload).toString())
      })
      const acknowledged: string[] = []
      const asking = eachPacket(asker, (packet) => {
        if (packet.type !== 'puback') return
        acknowledged.push(`${life}-${packet.packetIdentifier}`)
        if (acknowledged.length < 70 + 20 * life) ask(packet.packetIdentifier + 20)
      })
      const ask = (n: number): void => {
        asker.publish('r', `${life}-${n}`, { qos: 1, packetIdentifier: n, properties })
      }
      for (let n = 1; n <= 20; n++) ask(n)
      await until(() => acknowledged.length >= 50 + 20 * life, 20_000)
      await child.kill()
      await Promise.all([serving, asking])
      // What was brought again is not acknowledged, and owed for ever.
      owed = [...owed, ...acknowledged.filter((name) => !settled.has(name))]
      expect(owed.length).toBeGreaterThan(0)
    }
  })

  it('still tells who published what is queued and retained, and for whom they act [promise 33] [promise 40]', async () => {
    const path = newFolder()
    const first = await startBroker(path)
    const subscriber = await connectTo(first.port, 's')
    await subscriber.client.subscribe('s/queued', { qos: 1 }, () => {})
    await subscriber.client.close()
    const userProperties = [['jamey-sender', 'victim'] as const]
    for (const clientId of ['p', 'gateway']) {
      const { client } = await connectTo(first.port, clientId)
      for (const name of ['queued', 'retained']) {
        const retain = name === 'retained'
        await client.publish(`s/${name}`, clientId, { qos: 1, retain, properties: { userProperties } })
      }
    }
    await first.child.kill()

    const second = await startBroker(path)
    const told: string[] = []
    const { client } = await connectTo(second.port, 's', true, ({ topic, properties }) =>
      told.push(`${topic} ${properties?.userProperties?.join(' ')}`),
    )
    await client.subscribe('s/retained', { qos: 1 }, ({ topic, properties }) => {
      told.push(`${topic} ${properties?.userProperties?.join(' ')}`)
    })
    await until(() => told.length === 3)
    expect(told).toEqual([
      's/queued jamey-sender,p',
      's/queued jamey-sender,gateway jamey-act-for,agent-7',
      's/retained jamey-sender,gateway jamey-act-for,agent-7',
    ])
  })

  it('does not deliver again what was acknowledged before [promise 33]', async () => {
    const path = newFolder()
    const first = await startBroker(path)
    const subscriber = await connectTo(first.port, 's')
    let handled = 0
    await subscriber.client.subscribe('t', { qos: 2 }, () => handled++)
    const publisher = await connectTo(first.port, 'p')
    for (const qos of [1, 2] as const) await publisher.client.publish('t', `qos ${qos}`, { qos })
    await until(() => handled === 2)
    // The packets of a connection are handled in order: what is answered now was asked after the acknowledgements.
    await subscriber.client.subscribe('other', () => {})
    await first.child.kill()

    const second = await startBroker(path)
    const { received } = await connectTo(second.port, 's', true)
    const last = await connectTo(second.port, 'last')
    await last.client.publish('t', 'last', { qos: 1 })
    await until(() => received.includes('t=last'))
    expect(received).toEqual(['t=last'])
  })
})

describe('a client killed with kill -9', () => {
  it('sends again what it had published and nobody had acknowledged, as it was [promise 3]', async () => {
    const path = newFolder()
    const peer = await MqttPeer.listen()
    onTestFinished(() => peer.close())
    peer.follow({ publish: () => {} })
    const first = start(PUBLISHING_PROCESS, path, peer.url, '1', 'one,two')
    const before = await peer.connection(0)
    await before.packet('publish', 1)
    await first.kill()

    peer.follow({ connect: (_, server) => server.accept({ sessionPresent: true }) })
    const second = start(PUBLISHING_PROCESS, path, peer.url, '1', 'three')
    expect([await second.line(), await second.line()]).toEqual(['stored', 'drained'])
    const after = await peer.connection(1)
    const shown = after
      .all('publish')
      .map(({ payload, dup, packetIdentifier }) => [`${Buffer.from(payload)}`, dup, packetIdentifier])
    const identifiers = before.all('publish').map(({ packetIdentifier }) => packetIdentifier)
    expect(shown).toEqual([
      ['one', true, identifiers[0]],
      ['two', true, identifiers[1]],
      ['three', false, 3],
    ])
    const third = start(PUBLISHING_PROCESS, path, peer.url, '1', '')
    expect([await third.line(), await third.line()]).toEqual(['stored', 'drained'])
    expect((await peer.connection(2)).all('publish')).toEqual([])
  })

  it('sends what it only stored, when it never was connected [promise 3]', async () => {
    const path = newFolder()
    const peer = await MqttPeer.listen()
    onTestFinished(() => peer.close())
    peer.follow({ connect: () => {} })
    const first = start(PUBLISHING_PROCESS, path, peer.url, '1', 'offline')
    expect(await first.line()).toBe('stored')
    await first.kill()

    peer.follow({ connect: (_, server) => server.accept({ sessionPresent: true }) })
    const second = start(PUBLISHING_PROCESS, path, peer.url, '1', '')
    expect([await second.line(), await second.line()]).toEqual(['stored', 'drained'])
    const sent = (await peer.connection(1)).all('publish').map(({ payload }) => `${Buffer.from(payload)}`)
    expect(sent).toEqual(['offline'])
  })

  it('goes on with PUBREL where PUBREC had come [MQTT-4.3.3-6] [promise 3]', async () => {
    const path = newFolder()
    const peer = await MqttPeer.listen()
    onTestFinished(() => peer.close())
    peer.follow({ pubrel: () => {} })
    const first = start(PUBLISHING_PROCESS, path, peer.url, '2', 'exactly once')
    const { packetIdentifier } = await (await peer.connection(0)).packet('pubrel')
    await first.kill()

    peer.follow({ connect: (_, server) => server.accept({ sessionPresent: true }) })
    const second = start(PUBLISHING_PROCESS, path, peer.url, '2', '')
    expect([await second.line(), await second.line()]).toEqual(['stored', 'drained'])
    const after = await peer.connection(1)
    expect(after.all('pubrel').map((packet) => packet.packetIdentifier)).toEqual([packetIdentifier])
    expect(after.all('publish')).toEqual([])
  })
})
