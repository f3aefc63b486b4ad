import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Client, createClient, type StateName, TRANSITIONS } from '@jamey/mqtt'
import { Decoder, encode, type Packet, Writer } from '@jamey/protocol'
import { FakeClock, type MemoryLink, MemoryNetwork, settled } from '@jamey/testing'
import { expect, it, onTestFinished } from 'vitest'
import { Random, serverBytes } from './server-bytes.js'

const seconds = Number(process.env.FUZZ_SECONDS ?? 20)
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 0xffff_ffff))
/** Lives of the client between two looks at the memory. */
const ROUND = 500
/** What the heap may grow by over the whole run: a leak of one small object per connection is more. */
const MAXIMUM_GROWTH_BYTES = 8_388_608

setFlagsFromString('--expose_gc')
const collectGarbage = runInNewContext('gc') as () => void

function makeClient(
  network: MemoryNetwork,
  clock: FakeClock,
  random: Random,
  protocolVersion: 4 | 5,
): Client {
  return createClient({
    url: 'mqtt://fuzz',
    clientId: 'fuzz',
    protocolVersion,
    transport: network.transport,
    clock,
    waitForConnection: false,
    maximumPacketBytes: 65_536,
    receiveMaximum: 1 + random.integer(20),
    reconnect: { failuresBeforeOpen: Number.POSITIVE_INFINITY },
    credentials: () => ({
      username: 'u',
      // Now and then none, or another one.
      authenticationMethod: random.pick(['M', 'M', 'M', 'N', undefined]),
      authenticationData: 'd',
    }),
    onBackgroundError: () => {},
  })
}

/** Some of what an application does, whatever comes of it. */
function use(client: Client, random: Random): void {
  const filter = random.pick(['#', 't', 'a/+', '$share/g/t'])
  const subscribing = client.subscribe(filter, { qos: 2, timeoutMs: 1000 }, () => undefined)
  subscribing.catch(() => {})
  if (random.integer(3) === 0) subscribing.then((one) => one.unsubscribe({ timeoutMs: 1000 })).catch(() => {})
  if (random.integer(3) === 0) client.unsubscribe(filter, { timeoutMs: 1000 }).catch(() => {})
  if (random.integer(3) === 0) client.reauthenticate({ timeoutMs: 1000 }).catch(() => {})
  if (random.integer(3) === 0) void consume(client)
  const qos = random.pick([0, 1, 2] as const)
  client.publish('t', 'x'.repeat(random.integer(100)), { qos, timeoutMs: 5000 }).catch(() => {})
}

/** Pulls a message or two, if they come. */
async function consume(client: Client): Promise<void> {
  try {
    let left = 2
    for await (const _ of client.messages('t', { timeoutMs: 1000 })) if (--left === 0) return
  } catch {
    // It was refused, or not answered.
  }
}

/** Accepts and acknowledges everything on a link. */
class Obliging {
  readonly #decoder = new Decoder({ from: 'client' })
  readonly #link: MemoryLink
  readonly #version: 4 | 5

  constructor(link: MemoryLink, version: 4 | 5) {
    this.#link = link
    this.#version = version
  }

  serve(): void {
    const writer = new Writer()
    const send = (packet: Packet): void => encode(writer, packet, this.#version)
    this.#decoder.push(this.#link.readAsServer())
    for (let packet = this.#decoder.next(); packet !== undefined; packet = this.#decoder.next()) {
      const properties = undefined
      const reasonCode = 0
      if (packet.type === 'connect') send({ type: 'connack', sessionPresent: false, reasonCode, properties })
      else if (packet.type === 'publish' && packet.qos > 0) {
        const { packetIdentifier, qos } = packet
        send({ type: qos === 1 ? 'puback' : 'pubrec', packetIdentifier, reasonCode, properties })
      } else if (packet.type === 'pubrel') send({ ...packet, type: 'pubcomp', reasonCode, properties })
      else if (packet.type === 'subscribe') {
        const reasonCodes = packet.subscriptions.map(({ qos }) => qos)
        send({ type: 'suback', packetIdentifier: packet.packetIdentifier, reasonCodes, properties })
      } else if (packet.type === 'unsubscribe') {
        const reasonCodes = packet.filters.map(() => 0)
        send({ type: 'unsuback', packetIdentifier: packet.packetIdentifier, reasonCodes, properties })
      } else if (packet.type === 'pingreq') send({ type: 'pingresp' })
      else if (packet.type === 'auth') send({ type: 'auth', reasonCode, properties: packet.properties })
    }
    this.#link.writeAsServer(writer.take())
    this.#link.deliverToClient()
  }
}

/** One client against a few connections of hostile bytes; then it has to work with a server that behaves. */
async function live(random: Random): Promise<void> {
  const network = new MemoryNetwork()
  const clock = new FakeClock()
  const version = random.pick([4, 5] as const)
  const client = makeClient(network, clock, random, version)
  const moves: StateName[] = [client.state]
  client.onState(({ state }) => moves.push(state))
  client.connect().catch(() => {})
  for (let connection = 0; connection < 3; connection++) {
    await settled()
    use(client, random)
    const { link } = network
    link?.writeAsServer([serverBytes(random, version)])
    while (link !== undefined && link.bytesToClient > 0) link.deliverToClient(1 + random.integer(50))
    await settled(1)
    expect(client.explain().socket.bufferedBytes).toBeLessThan(1_048_576)
    if (random.integer(2) === 0) link?.cut()
    await clock.advance(70_000)
    if (client.state === 'error') client.reset()
  }
  await healed(client, network, clock, version)
  for (const [i, to] of moves.slice(1).entries()) expect(TRANSITIONS[moves[i] as StateName]).toContain(to)
  const closing = client.close({ timeoutMs: 100 })
  await clock.advance(2000)
  await closing
  expect(clock.pendingTimers).toBe(0)
}

async function healed(
  client: Client,
  network: MemoryNetwork,
  clock: FakeClock,
  version: 4 | 5,
): Promise<void> {
  let isDone = false
  let server: { link: MemoryLink; obliging: Obliging } | undefined
  network.link?.cut()
  if (client.state === 'error') client.reset()
  const published = client.publish('t', 'still here', { qos: 2 }).then(() => {
    isDone = true
  })
  published.catch(() => {})
  for (let turn = 0; turn < 200 && !isDone; turn++) {
    const { link } = network
    if (link !== undefined && link !== server?.link) server = { link, obliging: new Obliging(link, version) }
    if (link?.isOpen) server?.obliging.serve()
    else await clock.advance(60_000)
    await settled(1)
  }
  if (!isDone) throw new Error(`the client is of no use any more: ${client.explain().because}`)
  await published
}

it(`the client survives whatever a server sends, for ${seconds} s, seed ${seed}`, {
  timeout: (seconds + 60) * 1000,
}, async () => {
  process.stdout.write(`fuzz: FUZZ_SEED=${seed}\n`)
  const uncaught: unknown[] = []
  const onUncaught = (error: unknown): void => void uncaught.push(error)
  process.on('uncaughtException', onUncaught).on('unhandledRejection', onUncaught)
  onTestFinished(() => {
    process.off('uncaughtException', onUncaught).off('unhandledRejection', onUncaught)
  })
  const endsAtMs = performance.now() + seconds * 1000
  let lives = 0
  let first = 0
  let heapBytes = 0
  while (performance.now() < endsAtMs || lives < ROUND) {
    const own = (seed + lives) >>> 0
    await live(new Random(own)).catch((error: Error) => {
      throw new Error(`FUZZ_SEED=${own}: ${error.message}`, { cause: error })
    })
    expect(uncaught, `FUZZ_SEED=${own}`).toEqual([])
    if (++lives % ROUND !== 0) continue
    collectGarbage()
    heapBytes = process.memoryUsage().heapUsed
    if (first === 0) first = heapBytes
    expect(heapBytes - first).toBeLessThan(MAXIMUM_GROWTH_BYTES)
  }
  process.stdout.write(`fuzz: ${lives} clients, heap grew by ${Math.round((heapBytes - first) / 1024)} KiB\n`)
})
