import { inspect } from 'node:util'
import { FaultProxy, MemoryNetwork, MqttPeer, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ConnectOptions, connect, type MqttError } from '../index.js'
import { collectErrors, makeHarness, rejection } from '../test-support/harness.js'

const { connectTo, makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

const SECRET = 'hunter2-is-the-password'

/** Every way something finds its way into a log. */
function shown(value: unknown): string {
  const texts = [inspect(value, { depth: 20, showHidden: true, getters: true }), String(value)]
  if (value instanceof Error)
    texts.push(value.message, String(value.stack), inspect(value.cause, { depth: 20 }))
  try {
    texts.push(JSON.stringify(value) ?? '')
  } catch {
    // Whoever logs it as JSON gets nothing.
  }
  return texts.join('\n')
}

const secretive = (options: ConnectOptions = {}): ConnectOptions => ({
  credentials: {
    username: 'me',
    password: SECRET,
    authenticationMethod: 'JWT',
    authenticationData: SECRET,
  },
  will: { topic: 'will', payload: SECRET },
  ...options,
})

describe('a secret [promise 19]', () => {
  it('is in no public object', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer, secretive())
    const stream = client.messages('t')
    const subscription = await client.subscribe('u', () => {})
    const states = client.states()
    const objects: unknown[] = [
      client,
      subscription,
      stream,
      states,
      await states.next(),
      client.status,
      client.serverInformation,
      client.stats(),
      client.explain(),
      client.deadLetters,
      await client.publish('t', 'x', { qos: 1 }),
      await client.close(),
    ]
    for (const object of objects) expect(shown(object)).not.toContain(SECRET)
  })

  it.each([
    ['refused', (): number => 0x86],
    ['refused for good', (): number => 0x8a],
    ['refused for now', (): number => 0x88],
  ])('is in no error when the connection is %s', async (_, reasonCode) => {
    const peer = await startPeer()
    peer.follow({ connect: (_packet, server) => server.accept({ reasonCode: reasonCode() }) })
    const error = await rejection(connect({ url: peer.url, clientId: 'test', ...secretive() }))
    expect(shown(error)).not.toContain(SECRET)
  })

  it('is in no error of a URL, of options, of credentials or of TLS material', async () => {
    const faults: ConnectOptions[] = [
      { url: `mqtt://me:${SECRET}@` },
      { url: `mqtt://me:${SECRET}@host:99999` },
      { url: `gopher://me:${SECRET}@host` },
      { url: `mqtt://me:${SECRET}@host`, keepAliveSeconds: -1 },
      secretive({ url: 'mqtt://127.0.0.1:1' }),
      { url: `mqtt://me:${SECRET}@127.0.0.1:1` },
      {
        url: 'mqtts://127.0.0.1:1',
        tls: { key: `-----BEGIN PRIVATE KEY-----\n${SECRET}\n`, passphrase: SECRET },
      },
      { url: 'mqtts://127.0.0.1:1', tls: { key: `${SECRET}\n${SECRET}` } },
      secretive({ url: 'mqtt://127.0.0.1:1', will: { topic: 'a/#', payload: SECRET } }),
    ]
    for (const options of faults) {
      const error = await rejection(connect({ clientId: 'test', ...options }))
      expect(shown(error)).not.toContain(SECRET)
    }
  })

  it('is in no error of a connection that breaks at any point, nor in what is told of it', async () => {
    const told: unknown[] = []
    const { errors, onBackgroundError } = collectErrors()
    const network = new MemoryNetwork()
    const client = makeClient({
      url: 'mqtt://h',
      transport: network.transport,
      onBackgroundError,
      waitForConnection: false,
      reconnect: { failuresBeforeOpen: 3, baseDelayMs: 1 },
      ...secretive(),
    })
    client.onState((change) => told.push(change))
    const connecting = client.connect().catch((error: MqttError) => told.push(error))
    const answers = [
      Buffer.from([0x20, 0x03, 0x00, 0x00, 0x00, 0xf0, 0x00]),
      Buffer.from('garbage'),
      undefined,
    ]
    for (const [i, answer] of answers.entries()) {
      await until(() => (network.links[i]?.bytesToServer ?? 0) > 0)
      if (answer !== undefined) network.links[i]?.writeAsServer([answer])
      network.links[i]?.deliverToClient()
      network.links[i]?.cut()
    }
    await connecting
    await until(() => client.state === 'error')
    told.push(client, client.explain(), ...errors)
    for (const one of told) expect(shown(one)).not.toContain(SECRET)
    expect(told.length).toBeGreaterThan(5)
  })
})
