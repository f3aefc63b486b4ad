import type { Client } from '@jamey/mqtt'
import { Ledger, type Stream, type Tally } from './ledger.js'
import { readPayload, writePayload } from './payload.js'
import { chance, Loop, pause, type Role, type World } from './world.js'

const RETURNERS = 6
const FEED_EVERY_MS = 25

/** One client that goes and comes back to its session, and what was published for it meanwhile. */
class Returner {
  readonly stream: Stream
  readonly clientId: string
  readonly topic: string
  readonly #world: World
  readonly #ledger: Ledger
  readonly #tally: Tally
  readonly #protocolVersion: 4 | 5
  #client: Client | undefined

  constructor(world: World, index: number, tally: Tally) {
    this.#world = world
    this.#tally = tally
    this.stream = world.stream(index % 2 === 0 ? 1 : 2)
    this.#protocolVersion = index % 3 === 2 ? 4 : 5
    this.clientId = `returner-${'x'.repeat(index)}`
    this.topic = `soak/return/${index}`
    this.#ledger = new Ledger(this.stream, 2, tally)
  }

  get isComplete(): boolean {
    return this.#ledger.isComplete
  }

  /** Handlers stand before the connection: what waits comes first. */
  async come(isFirst = false): Promise<void> {
    const client = this.#world.client(this.clientId, 'direct', {
      cleanStart: false,
      protocolVersion: this.#protocolVersion,
    })
    this.#client = client
    const subscribed = client.subscribe(this.topic, { qos: 2 }, ({ payload }) => {
      const content = readPayload(payload)
      if (content === undefined || content.stream !== this.stream.id) this.#tally.damaged++
      else this.#ledger.note(content.number)
    })
    // It is awaited below, unless the connection fails first.
    subscribed.catch(() => {})
    const { sessionPresent } = await client.connect({ timeoutMs: 60_000 })
    await subscribed
    if (sessionPresent === isFirst) throw new Error(`session present: ${sessionPresent}`)
  }

  async go(): Promise<void> {
    await this.#client?.close()
    this.#client = undefined
  }

  async finish(): Promise<void> {
    this.#ledger.close()
    await this.go()
  }
}

/** Clients that come and go in good order and resume their sessions: nothing is lost in between. */
export class Returners implements Role {
  readonly name = 'returners'
  readonly counts = { returns: 0, fed: 0 }
  readonly #world: World
  readonly #returners: readonly Returner[]
  readonly #loops: Loop[] = []

  constructor(world: World) {
    this.#world = world
    const tally = world.tally('returners')
    this.#returners = Array.from({ length: RETURNERS }, (_, index) => new Returner(world, index, tally))
  }

  async start(): Promise<void> {
    const feeder = await this.#world.steadyClient('returners-feeder', 'direct')
    for (const returner of this.#returners) await returner.come(true)
    this.#loops.push(
      new Loop(this.#world, 'feeding the returners', async () => {
        await Promise.all(this.#returners.map(({ stream, topic }) => this.#feed(feeder, stream, topic)))
        await pause(FEED_EVERY_MS)
      }),
    )
    for (const returner of this.#returners) {
      this.#loops.push(
        new Loop(this.#world, 'return', async () => {
          await pause(chance(500, 3000))
          await returner.go()
          await pause(chance(0, 2000))
          await returner.come()
          this.counts.returns++
        }),
      )
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()))
  }

  isComplete(): boolean {
    return this.#returners.every((returner) => returner.isComplete)
  }

  async finish(): Promise<void> {
    await Promise.all(this.#returners.map((returner) => returner.finish()))
    await this.#world.steady.get('returners-feeder')?.close()
  }

  async #feed(feeder: Client, stream: Stream, topic: string): Promise<void> {
    const number = stream.next++
    this.counts.fed++
    await feeder.publish(topic, writePayload(stream.id, number, performance.now()), { qos: stream.qos })
  }
}
