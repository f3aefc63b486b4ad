import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Connect, ProtocolVersion } from '@jamey/protocol'
import { FakeClock, RawClient, settled, text, until } from '@jamey/testing'
import { expect } from 'vitest'
import {
  type Broker,
  type BrokerOptions,
  createBroker,
  insecureAuthenticator,
  type Limits,
} from '../index.js'

/** Small enough that every limit can be run into within a test. */
const LIMITS: Partial<Limits> = {
  connections: 40,
  connectionsPerAddress: 30,
  pendingConnections: 20,
  pendingPerAddress: 10,
  waitingConnections: 10,
  connectionsPerSecond: 1_000,
  connectionsPerSecondPerAddress: 600,
  connectTimeoutMs: 10_000,
  connectPacketBytes: 20_000,
  packetBytes: 100_000,
  controlPacketBytes: 20_000,
  receiveMaximum: 10,
  topicAliases: 5,
  topicLevels: 16,
  subscriptionsPerClient: 50,
  filtersPerPacket: 40,
  queuedMessages: 100,
  queuedBytes: 1_000_000,
  retainedMessages: 100,
  retainedBytes: 2_000_000,
  retainedMessagesPerClient: 20,
  retainedBytesPerClient: 500_000,
  sessions: 45,
  sessionExpirySeconds: 100,
  routedTopics: 1_000,
  sysIntervalSeconds: 0,
}

/** Those who misbehave have an address of their own, so that what is counted by address is not counted for all. */
const ATTACKER = '127.0.0.2'
const plain = { host: '127.0.0.1', port: 0, insecure: true } as const

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** A broker with one well-behaved client, and whoever comes to misuse it. */
export class Stage {
  readonly broker: Broker
  readonly clock: FakeClock
  readonly port: number
  readonly webSocketPort: number
  readonly #sockets: Socket[] = []
  readonly #bystander: RawClient
  #bytesAtStart = 0

  private constructor(broker: Broker, clock: FakeClock, bystander: RawClient) {
    const [first, second] = broker.addresses
    this.broker = broker
    this.clock = clock
    this.port = first?.port ?? 0
    this.webSocketPort = second?.port ?? 0
    this.#bystander = bystander
  }

  static async open(options: Partial<BrokerOptions> = {}): Promise<Stage> {
    const clock = new FakeClock()
    const broker = await createBroker({
      listeners: [plain, { ...plain, webSocket: true }],
      authenticator: insecureAuthenticator(),
      clock,
      ...options,
      limits: { ...LIMITS, ...options.limits },
    })
    await broker.listen()
    const bystander = await RawClient.connect(broker.addresses[0]?.port ?? 0, { clientId: 'bystander' })
    await bystander.subscribe('alive', 1)
    const stage = new Stage(broker, clock, bystander)
    await stage.assertServed()
    stage.#bytesAtStart = await bytesInUse()
    return stage
  }

  /** A socket of an attacker, connected. */
  async socket(port = this.port): Promise<Socket> {
    const socket = connectPlain({ port, host: '127.0.0.1', localAddress: ATTACKER })
    socket.on('error', () => {})
    this.#sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }

  /** An attacker that has not said anything yet. */
  async unauthenticated(version: ProtocolVersion = 5): Promise<RawClient> {
    return new RawClient(await this.socket(), version)
  }

  /** An attacker that was let in. */
  async client(connect: Partial<Connect> = {}): Promise<RawClient> {
    const client = await this.unauthenticated(connect.protocolVersion ?? 5)
    const { reasonCode } = await client.handshake(connect)
    if (reasonCode !== 0) throw new Error(`CONNACK ${reasonCode}`)
    return client
  }

  /** Resolves when the broker has stopped taking, or making, anything new. */
  async quiet(): Promise<void> {
    let before = -1
    let calm = 0
    while (calm < 20) {
      const { bytesReceived, bytesSent } = this.broker.stats()
      calm = bytesReceived + bytesSent === before ? calm + 1 : 0
      before = bytesReceived + bytesSent
      await settled(20)
    }
  }

  /** The bystander gets a message, and so does somebody who comes only now. */
  async assertServed(isFull = false): Promise<void> {
    const guest = isFull ? this.#bystander : await RawClient.connect(this.port, { clientId: 'guest' })
    guest.publish('alive', 'yes', { qos: 1, packetIdentifier: 1 })
    const seen: string[] = []
    while (seen.at(-1) !== 'alive=yes q1') {
      const packet = await this.#bystander.next()
      if (packet === undefined) throw new Error('the bystander was cut')
      if (packet.type !== 'publish') continue
      seen.push(text(packet))
      this.#bystander.acknowledge(packet)
    }
    await this.#bystander.settle()
    if (!isFull) await guest.leave()
  }

  /** The attackers are gone, and with them everything the broker held for them. */
  async assertMemoryIsBack(): Promise<void> {
    const { broker, clock } = this
    for (const socket of this.#sockets.splice(0)) socket.destroy()
    await until(() => broker.stats().connections === 1)
    // The longest that a session may stay, and after it whatever waits for its end.
    await clock.advance(101_000)
    await until(() => broker.stats().sessions === 1)
    expect(broker.stats()).toMatchObject({ subscriptions: 1, queuedMessages: 0, inFlightMessages: 0 })
    expect(clock.pendingTimers).toBe(0)
    // What is retained stays, within its limits; the rest is the noise of compiled code and pools.
    const grown = (await bytesInUse()) - this.#bytesAtStart - broker.stats().retainedBytes
    expect(grown).toBeLessThan(3_000_000)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#bystander.socket.destroy()
    await this.broker.close({ graceMs: 0 })
  }
}

async function bytesInUse(): Promise<number> {
  // What the first round frees may hold buffers that the second one lets go.
  for (let n = 0; n < 2; n++) {
    await settled()
    collectGarbage()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
