import { randomBytes } from 'node:crypto'
import type { Client, Message } from '@jamey/mqtt'
import type { Tally } from './ledger.js'
import { readPayload, writePayload } from './payload.js'
import { chance, comesWithin, Loop, pause, type Role, type World } from './world.js'

const TOPICS = 200
const STREAM = 1_000_000
const EMPTY = new Uint8Array(0)

/** What one topic holds: the last state that was sent, and the last one that was acknowledged. */
interface Slot {
  /** Numbers of states go up, those of deletions included. */
  sent: number
  acknowledged: number
  /** Which of the states since the acknowledged one are deletions; the acknowledged one included. */
  deletions: number[]
}

/** Retained messages that change all the time, and newcomers who must find them as they are. */
export class Retained implements Role {
  readonly name = 'retained'
  readonly counts = { changes: 0, looks: 0, found: 0 }
  readonly #world: World
  readonly #tally: Tally
  readonly #slots: Slot[] = Array.from({ length: TOPICS }, () => ({
    sent: 0,
    acknowledged: 0,
    deletions: [0],
  }))
  readonly #loops: Loop[] = []

  constructor(world: World) {
    this.#world = world
    this.#tally = world.tally('retained')
  }

  async start(): Promise<void> {
    const publisher = await this.#world.steadyClient('retained-publisher', 'direct')
    this.#loops.push(
      new Loop(this.#world, 'retained', async () => {
        await Promise.all([this.#change(publisher), this.#change(publisher)])
        await pause(20)
      }),
      new Loop(this.#world, 'a look at what is retained', async () => {
        await pause(chance(1000, 4000))
        await this.#look()
      }),
    )
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()))
  }

  isComplete(): boolean {
    return true
  }

  /** Takes everything back, so that nothing of it is left at the broker. */
  async finish(): Promise<void> {
    const publisher = this.#world.steady.get('retained-publisher')
    await Promise.all(
      this.#slots.map((_, i) => publisher?.publish(`soak/retained/${i}`, EMPTY, { qos: 1, retain: true })),
    )
    await publisher?.close()
  }

  async #change(publisher: Client): Promise<void> {
    const at = chance(0, TOPICS - 1)
    const slot = this.#slots[at] as Slot
    const state = ++slot.sent
    const isDeletion = chance(0, 9) === 0
    if (isDeletion) slot.deletions.push(state)
    const payload = isDeletion ? EMPTY : writePayload(STREAM + at, state, performance.now())
    await publisher.publish(`soak/retained/${at}`, payload, { qos: 1, retain: true })
    this.counts.changes++
    if (state <= slot.acknowledged) return
    slot.acknowledged = state
    slot.deletions = slot.deletions.filter((deletion) => deletion >= state)
  }

  /** Subscribes anew and compares with what was acknowledged before, and sent by the time everything was there. */
  async #look(): Promise<void> {
    const clientId = `looker-${randomBytes(8).toString('hex')}`
    const client = this.#world.client(clientId, 'direct')
    const found = new Map<number, number>()
    const before = this.#slots.map(({ acknowledged }) => acknowledged)
    try {
      await client.connect({ timeoutMs: 60_000 })
      let onEnd = (): void => {}
      const ended = new Promise<void>((resolve) => {
        onEnd = resolve
      })
      await client.subscribe(`soak/visit/${clientId}`, { qos: 1 }, () => onEnd())
      await client.subscribe('soak/retained/+', { qos: 1 }, (message) => this.#note(message, found))
      // It comes after all that was retained, because that comes with the subscription.
      await client.publish(`soak/visit/${clientId}`, 'end', { qos: 1, timeoutMs: 60_000 })
      if (!(await comesWithin(60_000, ended))) throw new Error('no end came')
    } finally {
      await client.close()
    }
    this.counts.looks++
    this.#compare(before, found)
  }

  #note({ topic, payload, retain }: Message, found: Map<number, number>): void {
    if (!retain) return
    const at = Number(topic.slice('soak/retained/'.length))
    const content = readPayload(payload)
    if (content?.stream === STREAM + at) found.set(at, content.number)
    else this.#tally.damaged++
  }

  #compare(before: readonly number[], found: ReadonlyMap<number, number>): void {
    for (const [at, slot] of this.#slots.entries()) {
      const least = before[at] as number
      const state = found.get(at)
      if (state !== undefined) {
        this.counts.found++
        this.#tally.received++
        if (state < least) this.#tally.outOfOrder++
        continue
      }
      // Nothing there: right if it was deleted then, or has been since.
      const wasDeleted = slot.deletions.some((deletion) => deletion >= least) || slot.acknowledged > least
      if (!wasDeleted && least > 0) this.#tally.lost++
    }
  }
}
