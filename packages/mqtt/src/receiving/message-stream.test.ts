import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { until } from '@jamey/testing'
import { expect, it, onTestFinished } from 'vitest'
import { type Client, connect } from '../index.js'
import { text } from '../test-support/harness.js'

const FILTER = '$share/g/t'

it.each([5, 20])(
  'of %i shared messages, the other member gets what the first left unseen',
  async (messages) => {
    const broker = await createBroker({
      listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
      authenticator: insecureAuthenticator(),
      limits: { sysIntervalSeconds: 0 },
    })
    await broker.listen()
    const [address] = broker.addresses
    const make = async (clientId: string): Promise<Client> => {
      const client = await connect({ url: `mqtt://127.0.0.1:${address?.port}`, clientId })
      onTestFinished(async () => void (await client.close({ drain: false })))
      return client
    }
    onTestFinished(() => broker.close({ graceMs: 100 }))
    const [first, other] = [await make('first'), await make('other')]
    const seen: string[] = []
    const stream = first.messages(FILTER)
    const one = stream.next()
    await until(() => broker.stats().subscriptions === 1)
    for (let i = 1; i <= messages; i++) await other.publish('t', `${i}`, { qos: 1 })
    seen.push(text((await one).value.payload))
    await until(() => first.stats().messagesReceived === messages)
    await other.subscribe(FILTER, (message) => void seen.push(text(message.payload)))
    // What leaving a loop by break comes to.
    await stream.return?.()
    // With many left it has made room by itself.
    if (messages < 8) await first.close()
    await until(() => seen.length >= messages)
    const all = Array.from({ length: messages }, (_, i) => `${i + 1}`)
    expect(seen.sort((a, b) => Number(a) - Number(b))).toEqual(all)
    expect(first.stats().messagesUnhandled).toBe(0)
  },
)
