import { randomBytes } from 'node:crypto'
import type { Connect, Publish } from '@jamey/protocol'
import { connectRaw } from './raw-client.js'
import { chance, Loop, pause, type Role, type World } from './world.js'

/** A will takes no longer than this to arrive. */
const WILL_WITHIN_MS = 30_000
/** So long the broker keeps what they leave. */
const SESSION_EXPIRY_SECONDS = 15

/**
 * Connections that end without DISCONNECT, half way through everything: messages not acknowledged, QoS 2 not released,
 * a socket that was not read. What is left of each is its will, which has to come once, and a session that expires.
 */
export class Vanishers implements Role {
  readonly name = 'vanishers'
  readonly counts = { vanished: 0, wills: 0 }
  readonly #world: World
  /** Who vanished when, and no will yet. */
  readonly #awaited = new Map<string, number>()
  #loop: Loop | undefined

  constructor(world: World) {
    this.#world = world
  }

  async start(): Promise<void> {
    const undertaker = await this.#world.steadyClient('undertaker', 'direct')
    await undertaker.subscribe('soak/will/+', { qos: 2 }, ({ topic }) => this.#onWill(topic))
    this.#loop = new Loop(this.#world, 'vanisher', async () => {
      await this.#vanish()
      this.#look()
      await pause(chance(200, 1000))
    })
  }

  async stop(): Promise<void> {
    await this.#loop?.stop()
  }

  isComplete(): boolean {
    return this.#awaited.size === 0
  }

  async finish(): Promise<void> {
    for (const [clientId] of this.#awaited) {
      this.#world.errors.note('will', new Error(`of a vanished client was lost (${kindOf(clientId)})`))
    }
    await this.#world.steady.get('undertaker')?.close()
  }

  async #vanish(): Promise<void> {
    const { ports, ca } = this.#world.options
    const clientId = `vanisher-${randomBytes(8).toString('hex')}`
    const client = await connectRaw(ports.direct, ca, await this.#connectOf(clientId))
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    client.send({
      type: 'subscribe',
      packetIdentifier: 1,
      subscriptions: [{ filter: 'soak/steady/cut-two/#', qos: 2, ...options }],
      properties: undefined,
    })
    await client.seek('suback')
    client.send(publishOf(clientId, 1, 2))
    await client.seek('pubrec')
    if (chance(0, 1) === 0) client.stopReading()
    await pause(chance(0, 300))
    this.#awaited.set(clientId, performance.now())
    await client.vanish()
    this.counts.vanished++
  }

  async #connectOf(clientId: string): Promise<Connect> {
    const { secret } = this.#world.options
    const credentials =
      secret === undefined
        ? undefined
        : await this.#world.credentials(
            clientId,
            false,
          )({ reason: 'connect', attempt: 1, reasonCode: undefined, challenge: undefined })
    return {
      type: 'connect',
      protocolVersion: 5,
      cleanStart: true,
      keepAlive: 5,
      clientId,
      will: {
        topic: `soak/will/${clientId}`,
        payload: Buffer.from('gone'),
        qos: 1,
        retain: false,
        properties: undefined,
      },
      username: credentials?.username,
      password: credentials && Buffer.from(credentials.password as string),
      properties: { sessionExpiryInterval: SESSION_EXPIRY_SECONDS, receiveMaximum: 20 },
    }
  }

  #onWill(topic: string): void {
    this.counts.wills++
    const clientId = topic.slice('soak/will/'.length)
    if (!this.#awaited.delete(clientId)) {
      this.#world.errors.note('will', new Error('came of somebody who had not vanished, or came twice'))
    }
  }

  #look(): void {
    const now = performance.now()
    for (const [clientId, atMs] of this.#awaited) {
      if (now - atMs < WILL_WITHIN_MS) continue
      this.#awaited.delete(clientId)
      this.#world.errors.note('will', new Error('of a vanished client did not come in time'))
    }
  }
}

function publishOf(clientId: string, packetIdentifier: number, qos: 1 | 2): Publish {
  return {
    type: 'publish',
    topic: `soak/visit/${clientId}`,
    payload: Buffer.alloc(100, 'x'),
    qos,
    retain: false,
    dup: false,
    packetIdentifier,
    properties: undefined,
  }
}

function kindOf(clientId: string): string {
  return clientId.split('-')[0] ?? clientId
}
