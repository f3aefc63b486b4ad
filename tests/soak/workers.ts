import type { Client } from '@jamey/mqtt'
import { GroupLedger, type Stream, type Tally } from './ledger.js'
import { readPayload, writePayload } from './payload.js'
import { chance, Loop, pause, type Role, type World } from './world.js'

const FILTER = '$share/workers/soak/jobs/#'
const EVERY_MS = 10

/** A group that shares its work, whose members come, go, unsubscribe and lose their links: nothing is left undone. */
export class Workers implements Role {
  readonly name = 'workers'
  readonly counts = { work: 0, guests: 0, leaves: 0 }
  readonly #world: World
  readonly #stream: Stream
  readonly #tally: Tally
  readonly #ledger: GroupLedger
  #producer: Loop | undefined
  readonly #loops: Loop[] = []

  constructor(world: World) {
    this.#world = world
    this.#tally = world.tally('workers')
    this.#stream = world.stream(1)
    this.#ledger = new GroupLedger(this.#stream, this.#tally)
  }

  async start(): Promise<void> {
    const [steady, cut, leaving, producer] = await Promise.all([
      this.#world.steadyClient('worker-steady', 'direct'),
      this.#world.steadyClient('worker-cut', 'cut'),
      this.#world.steadyClient('worker-leaving', 'direct'),
      this.#world.steadyClient('work-producer', 'direct'),
    ])
    for (const client of [steady, cut]) await this.#work(client)
    this.#producer = new Loop(this.#world, 'work', async () => {
      const number = this.#stream.next++
      this.counts.work++
      const payload = writePayload(this.#stream.id, number, performance.now())
      await producer.publish(`soak/jobs/${number % 10}`, payload, { qos: 1 })
      await pause(EVERY_MS)
    })
    this.#loops.push(
      new Loop(this.#world, 'a worker that unsubscribes', () => this.#leave(leaving)),
      new Loop(this.#world, 'a guest worker', () => this.#visit()),
    )
  }

  async stop(): Promise<void> {
    await this.#producer?.stop()
    await Promise.all(this.#loops.map((loop) => loop.stop()))
  }

  isComplete(): boolean {
    return this.#ledger.isComplete
  }

  async finish(): Promise<void> {
    this.#ledger.close()
    const names = ['worker-steady', 'worker-cut', 'worker-leaving', 'work-producer']
    await Promise.all(names.map((name) => this.#world.steady.get(name)?.close()))
  }

  #work(client: Client) {
    return client.subscribe(FILTER, { qos: 1 }, async ({ payload }) => {
      const content = readPayload(payload)
      await pause(chance(1, 20))
      if (content === undefined) this.#tally.damaged++
      else this.#ledger.note(content.number)
    })
  }

  async #leave(client: Client): Promise<void> {
    const subscription = await this.#work(client)
    await pause(chance(300, 2000))
    await subscription.unsubscribe()
    this.counts.leaves++
    await pause(chance(100, 1000))
  }

  async #visit(): Promise<void> {
    const client = this.#world.client('worker-guest', 'direct')
    await client.connect({ timeoutMs: 60_000 })
    await this.#work(client)
    await pause(chance(500, 3000))
    await client.close({ drain: chance(0, 1) === 0 })
    this.counts.guests++
    await pause(chance(100, 1000))
  }
}
