import { type Client, type ConnectOptions, connect, type Message, type MqttError } from '@jamey/mqtt'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Mosquitto } from './mosquitto.js'

let broker: Mosquitto

beforeAll(async () => {
  broker = await Mosquitto.start({ settings: 'max_packet_size 1024' })
})

afterAll(() => broker?.stop())

async function open(options: ConnectOptions): Promise<Client> {
  const client = await connect({
    url: `mqtt://127.0.0.1:${broker.port}`,
    reconnect: { baseDelayMs: 5, jitter: 0 },
    ...options,
  })
  onTestFinished(async () => {
    await client.close({ drain: false })
  })
  return client
}

/** Publishes all at once: what came of each. */
function fates(
  client: Client,
  sent: readonly (readonly [topic: string, payload: string])[],
): Promise<unknown[]> {
  return Promise.all(
    sent.map(([topic, payload]) =>
      client.publish(topic, payload, { qos: 1 }).then(
        () => 'taken',
        ({ code }: MqttError) => code,
      ),
    ),
  )
}

describe.each([4, 5] as const)(
  'our client with a Mosquitto that hangs up on one packet, version %i',
  (protocolVersion) => {
    it('has a topic with a control character refused, and everything else taken in order', async () => {
      const topic = `good/v${protocolVersion}`
      const receiver = await open({ protocolVersion })
      const seen: string[] = []
      await receiver.subscribe(topic, (message: Message) => {
        seen.push(Buffer.from(message.payload).toString())
      })
      const client = await open({ protocolVersion })
      const sent = [
        [topic, '1'],
        ['junk/blah\t', 'x'],
        [topic, '2'],
        [topic, '3'],
      ] as const
      expect(await fates(client, sent)).toEqual(['taken', 'refused', 'taken', 'taken'])
      await expect.poll(() => [...new Set(seen)]).toEqual(['1', '2', '3'])
      expect(client.state).toBe('connected')
    })

    it('has a message refused that is longer than the server takes', async () => {
      const client = await open({ protocolVersion })
      const sent = [
        ['a', 'x'.repeat(5000)],
        ['a', 'short'],
      ] as const
      const expected = protocolVersion === 5 ? 'packet-too-large' : 'refused'
      expect(await fates(client, sent)).toEqual([expected, 'taken'])
    })

    it('has a subscription refused that is longer than the server takes, and keeps the others', async () => {
      const client = await open({ protocolVersion })
      const seen: string[] = []
      const subscribed = await Promise.allSettled([
        client.subscribe('x/'.repeat(1000), () => {}),
        client.subscribe(`kept/v${protocolVersion}`, (message) => {
          seen.push(Buffer.from(message.payload).toString())
        }),
      ])
      expect(subscribed.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
      const code = protocolVersion === 5 ? 'packet-too-large' : 'refused'
      expect(subscribed[0]).toMatchObject({ reason: { name: 'SubscriptionError', code } })
      // MQTT 5.0 says how much the server takes, so no connection has to end for it.
      if (protocolVersion === 5) expect(client.stats().connects).toBe(1)
      expect(await fates(client, [[`kept/v${protocolVersion}`, 'x']])).toEqual(['taken'])
      await expect.poll(() => seen).toEqual(['x'])
    })
  },
)

describe('our client with a Mosquitto that keeps a message larger than it takes, version 3.1.1', () => {
  it('passes over it, says so, and gets what else there is', async () => {
    const other = await Mosquitto.start()
    onTestFinished(() => other.stop())
    const url = `mqtt://127.0.0.1:${other.port}`
    const sender = await open({ url, protocolVersion: 4 })
    await sender.publish('cam/large', Buffer.alloc(17 * 1_048_576), { qos: 1, retain: true })
    await sender.publish('cam/small', 'x', { qos: 1, retain: true })
    const errors: string[] = []
    const client = await open({
      url,
      protocolVersion: 4,
      onBackgroundError: ({ message }) => errors.push(message),
    })
    const seen: string[] = []
    await client.subscribe('cam/#', (message) => {
      seen.push(message.topic)
    })
    await expect.poll(() => errors.length).toBe(1)
    expect(errors[0]).toContain("message on 'cam/large' was passed over: it takes 17825")
    await expect.poll(() => seen).toEqual(['cam/small'])
    expect(client.stats()).toMatchObject({ connects: 1, messagesDroppedOnReceipt: 1 })
  })
})
