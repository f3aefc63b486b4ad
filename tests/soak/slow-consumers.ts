import type { Client } from '@jamey/mqtt'
import { Ledger, type Stream, type Tally } from './ledger.js'
import { readPayload, writePayload } from './payload.js'
import { chance, Loop, pause, type Role, type World } from './world.js'

const EVERY_MS = 30

/** Consumers that take their time: a handler that awaits, and a loop that pulls. The broker has to wait for them. */
export class SlowConsumers implements Role {
  readonly name = 'slow consumers'
  readonly counts = { published: 0, handled: 0, pulled: 0 }
  readonly #world: World
  readonly #streams: readonly [Stream, Stream]
  readonly #tally: Tally
  readonly #ledgers: readonly [Ledger, Ledger]
  #producer: Loop | undefined
  #pulling: Promise<void> | undefined

  constructor(world: World) {
    this.#world = world
    this.#tally = world.tally('slow consumers')
    this.#streams = [world.stream(1), world.stream(2)]
    this.#ledgers = [
      new Ledger(this.#streams[0], 1, this.#tally),
      // The loop does not tell when it has subscribed.
      new Ledger(this.#streams[1], 2, this.#tally, true),
    ]
  }

  async start(): Promise<void> {
    const [handling, pulling, producer] = await Promise.all([
      this.#world.steadyClient('slow-handler', 'direct', { receiveMaximum: 8 }),
      this.#world.steadyClient('slow-puller', 'direct', { receiveMaximum: 8 }),
      this.#world.steadyClient('slow-producer', 'direct'),
    ])
    await handling.subscribe('soak/slow/handler', { qos: 1 }, async ({ payload }) => {
      this.#note(0, payload)
      this.counts.handled++
      await pause(chance(50, 250))
    })
    this.#pulling = this.#pull(pulling)
    this.#producer = new Loop(this.#world, 'slow producer', async () => {
      const topics = ['soak/slow/handler', 'soak/slow/puller']
      await Promise.all(
        this.#streams.map((stream, i) => this.#publish(producer, stream, topics[i] as string)),
      )
      await pause(EVERY_MS)
    })
  }

  async stop(): Promise<void> {
    await this.#producer?.stop()
  }

  isComplete(): boolean {
    return this.#ledgers.every((ledger) => ledger.isComplete)
  }

  async finish(): Promise<void> {
    for (const ledger of this.#ledgers) ledger.close()
    await Promise.all(
      ['slow-handler', 'slow-puller', 'slow-producer'].map((name) => this.#world.steady.get(name)?.close()),
    )
    await this.#pulling
  }

  async #pull(client: Client): Promise<void> {
    for await (const { payload } of client.messages('soak/slow/puller', { qos: 2 })) {
      this.#note(1, payload)
      this.counts.pulled++
      await pause(chance(0, 20))
    }
  }

  async #publish(producer: Client, stream: Stream, topic: string): Promise<void> {
    const number = stream.next++
    this.counts.published++
    await producer.publish(topic, writePayload(stream.id, number, performance.now()), { qos: stream.qos })
  }

  #note(which: 0 | 1, payload: Uint8Array): void {
    const content = readPayload(payload)
    if (content === undefined || content.stream !== this.#streams[which].id) this.#tally.damaged++
    else this.#ledgers[which].note(content.number)
  }
}
