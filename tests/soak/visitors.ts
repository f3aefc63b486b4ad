import { randomBytes } from 'node:crypto'
import type { Client, Message } from '@jamey/mqtt'
import { Ledger, Stream, type Tally } from './ledger.js'
import { readPayload, writePayload } from './payload.js'
import { chance, comesWithin, Loop, pause, type Role, type World } from './world.js'

const AT_ONCE = 3
const MESSAGES = 6

/** Clients that come, talk to themselves over the broker, and go in good order; each under a name never used again. */
export class Visitors implements Role {
  readonly name = 'visitors'
  readonly counts = { visits: 0 }
  readonly #world: World
  readonly #tally: Tally
  readonly #loops: Loop[] = []

  constructor(world: World) {
    this.#world = world
    this.#tally = world.tally('visitors')
  }

  async start(): Promise<void> {
    for (let i = 0; i < AT_ONCE; i++) {
      this.#loops.push(
        new Loop(this.#world, 'visit', async () => {
          await this.#visit()
          await pause(chance(100, 900))
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

  async finish(): Promise<void> {}

  async #visit(): Promise<void> {
    const clientId = `visitor-${randomBytes(8).toString('hex')}`
    const protocolVersion = chance(0, 2) === 0 ? 4 : 5
    const client = this.#world.client(clientId, 'direct', { protocolVersion })
    try {
      await client.connect({ timeoutMs: 60_000 })
      await this.#talk(client, `soak/visit/${clientId}`)
    } finally {
      const { unacknowledgedMessages, runningHandlers } = await client.close()
      if (unacknowledgedMessages + runningHandlers > 0) {
        this.#world.errors.note('visit', new Error('something was left behind'))
      }
    }
    this.counts.visits++
  }

  async #talk(client: Client, topic: string): Promise<void> {
    const qos = chance(1, 2) as 1 | 2
    const stream = new Stream(chance(0, 1000), qos)
    const ledger = new Ledger(stream, qos, this.#tally)
    let heard = 0
    let onAll = (): void => {}
    const all = new Promise<void>((resolve) => {
      onAll = resolve
    })
    const subscription = await client.subscribe(`${topic}/#`, { qos }, ({ payload }: Message) => {
      const content = readPayload(payload)
      if (content === undefined || content.stream !== stream.id) this.#tally.damaged++
      else ledger.note(content.number)
      if (++heard === MESSAGES) onAll()
    })
    for (let i = 0; i < MESSAGES; i++) {
      const number = stream.next++
      const payload = writePayload(stream.id, number, performance.now())
      await client.publish(`${topic}/${number}`, payload, { qos, timeoutMs: 60_000 })
    }
    await comesWithin(60_000, all)
    ledger.close()
    if (chance(0, 1) === 0) await subscription.unsubscribe({ timeoutMs: 60_000 })
  }
}
