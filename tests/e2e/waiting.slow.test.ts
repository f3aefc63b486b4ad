import { type Broker, createBroker, insecureAuthenticator } from '@jamey/broker'
import { connect } from '@jamey/mqtt'
import { freePort } from '@jamey/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyFolder, Program, removeFolder, runScript } from './program.js'

/** Who only waits for messages has nothing else to live by: the process must not end with the connection. */

let port: number
let broker: Broker

beforeEach(async () => {
  port = await freePort()
  broker = await startBroker()
})

afterEach(() => broker.close())

async function startBroker(): Promise<Broker> {
  const started = await createBroker({
    listeners: [{ host: '127.0.0.1', port, insecure: true }],
    authenticator: insecureAuthenticator(),
  })
  await started.listen()
  return started
}

async function leaveNews(): Promise<void> {
  const client = await connect({ url: `mqtt://127.0.0.1:${port}`, clientId: 'reporter' })
  await client.publish('jamey/events/news', 'it rains', { qos: 1, retain: true })
  await client.close()
}

const HOW = `reconnect: { baseDelayMs: 1, maxDelayMs: 1, failuresBeforeOpen: 2 }`

const WITH_CLIENT = `
import { connect } from '@jamey/mqtt'
const client = await connect({ url: process.argv[1], clientId: 'waiter', ${HOW} })
process.on('SIGUSR2', () => client.reset())
await client.subscribe('jamey/events/news', ({ payload }) => {
  console.log('got', Buffer.from(payload).toString())
  client.close()
})
console.log('subscribed')`

const WITH_STREAM = `
import { connect } from '@jamey/mqtt'
const client = await connect({ url: process.argv[1], clientId: 'waiter', ${HOW} })
process.on('SIGUSR2', () => client.reset())
const messages = client.messages('jamey/events/news')
const first = messages.next()
await client.subscribe('jamey/events/other', () => {})
console.log('subscribed')
console.log('got', Buffer.from((await first).value.payload).toString())
await messages.return()
await client.close()`

const WITH_BUS = `
import { connectBus } from '@jamey/bus'
const bus = await connectBus({
  url: process.argv[1], insecure: true, clientId: 'waiter', permissions: ['jamey/#'], failuresBeforeOpen: 1,
})
process.on('SIGUSR2', () => bus.mqtt.reset())
await bus.mqtt.subscribe('jamey/events/news', ({ payload }) => {
  console.log('got', Buffer.from(payload).toString())
  bus.close()
})
console.log('subscribed')`

describe('a program of its own that only waits for messages', () => {
  it.each([
    ['with a handler of the client', WITH_CLIENT],
    ['with a stream of the client', WITH_STREAM],
    ['with a bus', WITH_BUS],
  ])('lives on when the breaker opens, and says so where nobody looks: %s', async (_, script) => {
    const program = runScript(script, `mqtt://127.0.0.1:${port}`)
    await program.prints(/subscribed/)
    await broker.close()
    await program.prints(/Warning: waiter stays without a connection: gave up after \d failures/)
    broker = await startBroker()
    await leaveNews()
    program.signal('SIGUSR2')
    const { code, stdout } = await program.ended()
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'subscribed\ngot it rains\n' })
  })

  it('ends by itself once it was told that there is no connection', async () => {
    await broker.close()
    const program = runScript(
      `
      import { createClient } from '@jamey/mqtt'
      const client = createClient({ url: process.argv[1], clientId: 'waiter' })
      await client.connect().catch((error) => console.log(error.name))`,
      `mqtt://127.0.0.1:${port}`,
    )
    expect(await program.ended()).toEqual({ code: 0, stdout: 'ConnectionError\n', stderr: '' })
  })
})

describe('jamey sub', () => {
  it('ends with an error and its code when the connection ends for good', async () => {
    const folder = emptyFolder()
    const program = new Program(folder, ['sub', 'jamey/events/#'], {
      MQTT_BROKER_URL: `mqtt://127.0.0.1:${port}`,
      MQTT_INSECURE: '1',
      MQTT_BREAKER_FAILURES: '1',
    })
    await program.prints(/subscribed/)
    await broker.close()
    const { code, stderr } = await program.ended()
    expect(code).toBe(5)
    expect(stderr).toContain('error: the connection ended for good: gave up after')
    removeFolder(folder)
  })
})

describe('a command that nothing can bring to its end', () => {
  it("ends with an error and a code of ours, never with Node's 13", async () => {
    const program = runScript(`
      import { Readable } from 'node:stream'
      import { main } from './apps/jamey/dist/program/command-line.js'
      // An input that never ends, and that nothing of the system stands behind.
      Object.defineProperty(process, 'stdin', { value: new Readable({ read() {} }) })
      process.argv = ['node', 'jamey', 'pub', 'a', '-']
      process.exit(await main(process))`)
    const { code, stderr } = await program.ended()
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'error: the command ended before it was done, which is a fault of its own\n',
    })
  })
})
