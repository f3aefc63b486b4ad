import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { type Client, connect } from '@jamey/mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Mosquitto } from './mosquitto.js'

const clients: Client[] = []
let mosquitto: Mosquitto

beforeAll(async () => {
  mosquitto = await Mosquitto.start()
})

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()))
  await mosquitto.stop()
})

async function topicsAt(port: number): Promise<Map<string, string>> {
  const topics = new Map<string, string>()
  const client = await connect({ url: `mqtt://127.0.0.1:${port}` })
  clients.push(client)
  await client.subscribe('$SYS/#', ({ topic, payload }) => {
    topics.set(topic, Buffer.from(payload).toString())
  })
  return topics
}

describe('$SYS', () => {
  it('has every topic that Mosquitto has, with values of the same form', async () => {
    const theirs = await topicsAt(mosquitto.port)
    // Told last, and only once there was something to tell.
    await expect.poll(() => theirs.has('$SYS/broker/load/sockets/15min'), { timeout: 20_000 }).toBe(true)
    await using broker = await createBroker({
      listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
      authenticator: insecureAuthenticator(),
      limits: { sysIntervalSeconds: 1 },
    })
    await broker.listen()
    const ours = await topicsAt(broker.addresses[0]?.port as number)
    const missing = (): string[] => [...theirs.keys()].filter((topic) => !ours.has(topic))
    await expect.poll(missing, { timeout: 20_000 }).toEqual([])
    const form = (value: string | undefined): string | undefined => value?.replace(/\d+/g, '1')
    for (const [topic, value] of theirs) {
      if (!topic.endsWith('/version')) expect([topic, form(ours.get(topic))]).toEqual([topic, form(value)])
    }
  })
})
