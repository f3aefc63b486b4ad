import type { Message } from '@jamey/mqtt'
import { Ledger, type Tally } from './ledger.js'
import { readPayload } from './payload.js'
import { chance, Loop, pause, type Role, WANDERING_GROUPS, type World } from './world.js'

const AT_ONCE = 4

/** A client whose subscriptions come and go all the time: plain, with wildcards, and shared by groups seldom seen again. */
export class Wanderers implements Role {
  readonly name = 'wanderers'
  readonly counts = { subscriptions: 0, received: 0 }
  readonly #world: World
  readonly #tally: Tally
  readonly #loops: Loop[] = []
  #groups = 0

  constructor(world: World) {
    this.#world = world
    this.#tally = world.tally('wanderers')
  }

  async start(): Promise<void> {
    const client = await this.#world.steadyClient('wanderer', 'direct')
    for (let i = 0; i < AT_ONCE; i++) {
      this.#loops.push(
        new Loop(this.#world, 'wanderer', async () => {
          const ledgers = new Map<number, Ledger>()
          const qos = chance(0, 2) as 0 | 1 | 2
          const subscription = await client.subscribe(this.#filter(i), { qos }, (message) =>
            this.#onMessage(message, qos, ledgers),
          )
          this.counts.subscriptions++
          await pause(chance(100, 1500))
          await subscription.unsubscribe()
          await pause(chance(0, 500))
        }),
      )
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()))
  }

  isComplete(): boolean {
    return true
  }

  async finish(): Promise<void> {
    await this.#world.steady.get('wanderer')?.close()
  }

  /** Each loop has filters of its own, since those of one client are one subscription. */
  #filter(loop: number): string {
    const filters = [
      ['soak/steady/old-one/0', 'soak/steady/two/0'],
      ['soak/steady/old-one/+', 'soak/steady/+/1'],
      ['soak/+/cut-two/#', 'soak/steady/durable-one/#'],
      [`$share/wanderers-${this.#groups++ % WANDERING_GROUPS}/soak/steady/durable-two/#`],
    ]
    const own = filters[loop] as string[]
    return own[chance(0, own.length - 1)] as string
  }

  /**
   * A resubscription may find what the last one left; so only what is damaged or out of order counts. A message of
   * another QoS came for another subscription: for one that is over and was of QoS 2, say, and waited in the queue that
   * messages of QoS 0 do not stand in.
   */
  #onMessage({ payload, topic, qos: sentAs }: Message, qos: 0 | 1 | 2, ledgers: Map<number, Ledger>): void {
    const content = readPayload(payload)
    const stream = content && this.#world.streams[content.stream]
    if (content === undefined || stream === undefined || Number(topic.at(-1)) !== content.number % 4) {
      this.#tally.damaged++
      return
    }
    this.counts.received++
    if (sentAs !== Math.min(qos, stream.qos)) return
    let ledger = ledgers.get(content.stream)
    if (ledger === undefined) {
      ledger = new Ledger(stream, qos, this.#tally, true)
      ledgers.set(content.stream, ledger)
    }
    ledger.note(content.number)
  }
}
