import { FakeClock, MemoryNetwork, settled } from '@jamey/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Client, createClient } from '../index.js'
import { HeldStore } from '../test-support/held-store.js'
import { ModelServer } from '../test-support/model-server.js'

const RECEIVE_MAXIMUM = 4

type Step =
  | { kind: 'publish' | 'serve'; qos: 1 | 2 }
  | { kind: 'to-server' | 'to-client'; bytes: number }
  | { kind: 'settle'; index: number }
  | { kind: 'cut'; losesSession: boolean }
  | { kind: 'wait' | 'restart' }

const qos = fc.constantFrom(1 as const, 2 as const)
/** A handshake's packets take 4 to 20 bytes: some steps end within one. */
const bytes = fc.oneof(
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 25 }) },
  { weight: 2, arbitrary: fc.constant(1000) },
)

function steps(mayLose: boolean): fc.Arbitrary<Step[]> {
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('publish', 'serve'), qos }) },
    { weight: 10, arbitrary: fc.record({ kind: fc.constantFrom('to-server', 'to-client'), bytes }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('settle' as const), index: fc.nat(5) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('cut' as const),
        losesSession: mayLose ? fc.boolean() : fc.constant(false),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  ) as fc.Arbitrary<Step>
  // Without the size most runs would end before a handshake does.
  return fc.array(step, { minLength: 10, maxLength: 150, size: 'max' })
}

/** A client, the model, the link between them, and what each side's application saw. */
class World {
  readonly network = new MemoryNetwork()
  readonly clock = new FakeClock()
  readonly server = new ModelServer(RECEIVE_MAXIMUM)
  readonly store: HeldStore | undefined
  client: Client
  readonly published: { payload: string; result: Promise<unknown> }[] = []
  readonly served: string[] = []
  readonly seen: string[] = []
  /** Messages whose handlers were at work when the process ended: the next one gets them again. */
  readonly inDoubt: string[] = []
  readonly errors: unknown[] = []
  #working: { payload: string; done: () => void }[] = []

  constructor(hasStore: boolean) {
    this.store = hasStore ? new HeldStore() : undefined
    this.client = this.#start()
  }

  #start(): Client {
    const client = createClient({
      url: 'mqtt://model',
      clientId: 'model',
      transport: this.network.transport,
      clock: this.clock,
      cleanStart: false,
      keepAliveSeconds: 0,
      receiveMaximum: RECEIVE_MAXIMUM,
      waitForConnection: false,
      reconnect: { failuresBeforeOpen: Number.POSITIVE_INFINITY },
      onBackgroundError: (error) => this.errors.push(error),
      store: this.store,
    })
    client
      .subscribe('t', { qos: 2 }, (message) => {
        const payload = Buffer.from(message.payload).toString()
        this.seen.push(payload)
        return new Promise<void>((resolve) => this.#working.push({ payload, done: resolve }))
      })
      .catch(() => {})
    client.connect().catch(() => {})
    return client
  }

  /** The process ends without a word, and another one goes on with its store. */
  async #restart(): Promise<void> {
    if (this.store === undefined) return
    this.network.link?.cut()
    await this.client.close({ drain: false, timeoutMs: 0 })
    this.inDoubt.push(...this.#working.splice(0).map(({ payload }) => payload))
    this.client = this.#start()
  }

  async take(step: Step): Promise<void> {
    const { link } = this.network
    switch (step.kind) {
      case 'publish': {
        const payload = `c${this.published.length}q${step.qos}`
        const result = this.client
          .publish('t', payload, { qos: step.qos })
          .catch((error: { code: string }) => {
            // The store has it, and the next process sends it.
            if (error.code !== 'closed') throw error
          })
        this.published.push({ payload, result })
        break
      }
      case 'serve': {
        const payload = `s${this.served.length}q${step.qos}`
        this.served.push(payload)
        this.server.serve(payload, step.qos)
        break
      }
      case 'to-server':
        if (link?.isOpen) this.server.read(link, step.bytes)
        break
      case 'to-client':
        link?.deliverToClient(step.bytes)
        break
      case 'settle':
        this.#working.splice(step.index % Math.max(1, this.#working.length), 1)[0]?.done()
        break
      case 'cut':
        link?.cut()
        if (step.losesSession) this.server.loseSession()
        break
      case 'wait':
        if (this.client.state === 'reconnecting') await this.clock.advance(this.client.status.delayMs ?? 0)
        break
      case 'restart':
        await this.#restart()
    }
    await settled(1)
  }

  get isIdle(): boolean {
    const { queuedMessages, inFlightMessages, handlersRunning } = this.client.stats()
    const { link } = this.network
    const isQuiet = link?.bytesToClient === 0 && link.bytesToServer === 0
    return isQuiet && queuedMessages + inFlightMessages + handlersRunning === 0 && this.server.isIdle
  }

  /** From now on nothing goes wrong. */
  async heal(): Promise<void> {
    for (let round = 0; round < 500; round++) {
      await this.take({ kind: 'wait' })
      await this.take({ kind: 'to-server', bytes: Number.POSITIVE_INFINITY })
      await this.take({ kind: 'to-client', bytes: Number.POSITIVE_INFINITY })
      for (const { done } of this.#working.splice(0)) done()
      await settled(1)
      if (this.client.state === 'connected' && this.isIdle) return
    }
    throw new Error(`not idle: ${this.client.explain().because}`)
  }
}

const times = (list: readonly string[], one: string): number => list.filter((other) => other === one).length
const firsts = (list: readonly string[]): string[] => [...new Set(list)]

/** Compares what one application sent with what the other saw. */
function compare(
  sent: readonly string[],
  seen: readonly string[],
  inDoubt: readonly string[],
  lost: readonly string[],
) {
  expect(firsts(seen)).toEqual(sent.filter((one) => seen.includes(one)))
  for (const one of sent) {
    const count = times(seen, one)
    if (!lost.includes(one)) expect(count, one).toBeGreaterThanOrEqual(1)
    if (one.endsWith('q2')) expect(count, one).toBeLessThanOrEqual(1 + times(inDoubt, one))
  }
}

async function run(taken: readonly Step[], hasStore: boolean): Promise<void> {
  const world = new World(hasStore)
  try {
    for (const step of taken) await world.take(step)
    await world.heal()
    const lostBefore = world.server.lost.length
    // Whatever identifiers were in use: all of them serve again.
    for (let i = 0; i < 2 * RECEIVE_MAXIMUM; i++) {
      await world.take({ kind: 'serve', qos: 2 })
      await world.take({ kind: 'publish', qos: 2 })
    }
    await world.heal()
    const { server, published, served, seen, client } = world
    const settledPublishes = await Promise.allSettled(published.map(({ result }) => result))
    expect(settledPublishes.filter(({ status }) => status !== 'fulfilled')).toEqual([])
    compare(
      published.map(({ payload }) => payload),
      server.arrived,
      server.inDoubt,
      [],
    )
    compare(served, seen, world.inDoubt, server.lost)
    // Now that nothing goes wrong any more, the subscription is where it belongs.
    expect(server.lost.slice(lostBefore)).toEqual([])
    expect(world.errors).toEqual([])
    expect(client.stats()).toMatchObject({ inFlightMessages: 0, queuedMessages: 0, handlersRunning: 0 })
  } finally {
    await world.client.close({ drain: false, timeoutMs: 0 })
  }
}

describe('QoS 1 and 2 against a model of the standard, the link cut anywhere', () => {
  it('are exactly once and at least once, both ways and in order, over restarts, where the session is kept [promise 3] [MQTT-4.3.3-1]', async () => {
    await fc.assert(
      fc.asyncProperty(steps(false), fc.boolean(), (taken, hasStore) => run(taken, hasStore)),
      { numRuns: 250 },
    )
  })

  it('lose and double no more than the server forgot, where it loses the session [promise 3] [promise 11]', async () => {
    await fc.assert(
      fc.asyncProperty(steps(true), fc.boolean(), (taken, hasStore) => run(taken, hasStore)),
      { numRuns: 250 },
    )
  })
})
