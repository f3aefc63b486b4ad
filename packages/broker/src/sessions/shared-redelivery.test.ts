import { FakeClock, RawClient, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { MemoryBrokerStore } from '../index.js'
import type { StoredDelivery } from '../ports/broker-store.js'
import type { BrokerOptions } from '../server/broker.js'
import { startBroker } from '../test-support/start-broker.js'
import { REDELIVERED_PER_TURN } from './shared-redelivery.js'

const FILTER = '$share/g/t'
const SESSION_SECONDS = 1000
const stays = (clientId: string, receiveMaximum = 65_535) =>
  ({
    clientId,
    cleanStart: false,
    properties: { sessionExpiryInterval: SESSION_SECONDS, receiveMaximum },
  }) as const

/** Counts what each commit moves, and can hold commits back or fail them. */
class PagedStore extends MemoryBrokerStore {
  readonly moved: number[] = []
  readonly held: (() => void)[] = []
  isHeld = false
  failure: Error | undefined
  isUnreadable = false
  #removed = 0

  override readDeliveries(clientId: string, after: number, maximum: number): StoredDelivery[] {
    if (this.isUnreadable) throw new Error('the disk is gone')
    return super.readDeliveries(clientId, after, maximum)
  }

  override removeDelivery(clientId: string, sequence: number, messageId: number): void {
    this.#removed++
    super.removeDelivery(clientId, sequence, messageId)
  }

  override async commit(): Promise<void> {
    if (this.#removed > 0) this.moved.push(this.#removed)
    this.#removed = 0
    if (this.failure !== undefined) throw this.failure
    const committed = super.commit()
    if (this.isHeld) await new Promise<void>((resolve) => this.held.push(resolve))
    return committed
  }

  /** Lets every commit be over. */
  letAllGo(): void {
    this.isHeld = false
    for (const open of this.held.splice(0)) open()
  }

  /** Lets one commit be over. */
  async letGo(): Promise<void> {
    await until(() => this.held.length > 0)
    this.held.shift()?.()
  }
}

async function start(options: Partial<BrokerOptions> = {}) {
  const store = new PagedStore()
  return { store, ...(await startBroker({ store, ...options })) }
}

async function leaveBehind(port: number, clientId: string): Promise<void> {
  const client = await RawClient.connect(port, stays(clientId))
  await client.subscribe(FILTER, 1)
  await client.leave()
}

/** The payloads are numbers, from `from` up to before `to`. */
async function publishAll(port: number, from: number, to: number): Promise<void> {
  const publisher = await RawClient.connect(port)
  for (let n = from; n < to; n += 1000) {
    const count = Math.min(1000, to - n)
    for (let i = 0; i < count; i++) publisher.publish('t', `${n + i}`, { qos: 1, packetIdentifier: 1 + i })
    for (let i = 0; i < count; i++) await publisher.expect('puback')
  }
  await publisher.leave()
}

/** The heir is a member, and the commit of the first page is held back. */
async function holdFirstPage(store: PagedStore, heir: RawClient): Promise<void> {
  store.isHeld = true
  const subscribed = heir.subscribe(FILTER, 1)
  await store.letGo()
  await subscribed
  await until(() => store.held.length > 0)
}

const numbersUpTo = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i)

/** Takes so many messages, whose payloads are numbers. */
async function take(client: RawClient, count: number): Promise<number[]> {
  return (await client.take(count)).map(Number)
}

/** As `take`, until nothing more comes; without what is no number. */
async function takeAll(client: RawClient): Promise<number[]> {
  const numbers: number[] = []
  for (let got = await client.settle(); got.length > 0; got = await client.settle()) {
    for (const packet of got) {
      if (packet.type !== 'publish') throw new Error(`got ${packet.type}`)
      numbers.push(Number(Buffer.from(packet.payload).toString()))
      client.acknowledge(packet)
    }
  }
  return numbers.filter((n) => !Number.isNaN(n))
}

describe('the redelivery of a queue in the store', () => {
  it('takes pages, each in a commit of its own, and keeps the order [MQTT-4.8.2-4] [promise 34]', async () => {
    const { store, broker, port } = await start()
    await leaveBehind(port, 'away')
    await publishAll(port, 0, 4500)
    // Never acknowledges, so that only the redelivery removes deliveries.
    const heir = await RawClient.connect(port, stays('heir'))
    await heir.subscribe(FILTER, 1)
    await until(() => broker.stats().redelivered === 4500)
    await until(() => store.moved.reduce((sum, moved) => sum + moved, 0) === 4500)
    expect(Math.max(...store.moved)).toBe(REDELIVERED_PER_TURN)
    expect(await take(heir, 4500)).toEqual(numbersUpTo(0, 4500))
  })

  it('begins a page when the one before is durable, so a full disk stops it [promise 33]', async () => {
    const { store, broker, port } = await start()
    await leaveBehind(port, 'away')
    await publishAll(port, 0, 3000)
    const heir = await RawClient.connect(port, stays('heir'))
    const other = await RawClient.connect(port, stays('other'))
    await other.settle()
    await holdFirstPage(store, heir)
    await other.settle()
    expect(broker.stats().redelivered).toBe(REDELIVERED_PER_TURN)
    store.failure = new Error('disk is full')
    await store.letGo()
    await until(() => broker.stats().redelivered > REDELIVERED_PER_TURN)
    for (let turn = 0; turn < 5; turn++) await other.settle()
    expect(broker.stats().redelivered).toBe(2 * REDELIVERED_PER_TURN)
    // The next commit takes the page along.
    store.failure = undefined
    store.isHeld = false
    await other.subscribe('x')
    expect(await take(heir, 3000)).toEqual(numbersUpTo(0, 3000))
  })

  it('has what is published meanwhile wait behind it, also when that is more than it moves', async () => {
    const { store, broker, port } = await start({ limits: { receiveMaximum: 10_000 } })
    await leaveBehind(port, 'away')
    await publishAll(port, 0, 3000)
    const heir = await RawClient.connect(port, stays('heir'))
    const publisher = await RawClient.connect(port)
    await publisher.settle()
    store.isHeld = true
    const subscribed = heir.subscribe(FILTER, 1)
    await store.letGo()
    await subscribed
    let published = 3000
    for (let page = 0; page < 3; page++) {
      await until(() => store.held.length > 0)
      for (let i = 0; i < 1500; i++, published++) {
        publisher.publish('t', `${published}`, { qos: 1, packetIdentifier: published })
      }
      await publisher.settle()
      await store.letGo()
    }
    store.letAllGo()
    expect(await take(heir, published)).toEqual(numbersUpTo(0, published))
    // What came between two pages moved beside the next one: the queue is not chased without end.
    expect(store.moved.slice(0, 3)).toEqual([1000, 2500, 2500])
    await until(() => broker.stats().queuedMessages === 0)
    await publishAll(port, published, published + 1)
    expect(await take(heir, 1)).toEqual([published])
  })

  it('ends when its client is back, which gets the rest, and each message has gone to one of them', async () => {
    const { store, port } = await start()
    await leaveBehind(port, 'away')
    await publishAll(port, 0, 3000)
    const heir = await RawClient.connect(port, stays('heir'))
    await heir.settle()
    await holdFirstPage(store, heir)
    const back = await RawClient.connect(port, stays('away'))
    store.letAllGo()
    expect(await take(heir, REDELIVERED_PER_TURN)).toEqual(numbersUpTo(0, 1000))
    expect(await take(back, 2000)).toEqual(numbersUpTo(1000, 3000))
    expect([await heir.settle(), await back.settle()]).toEqual([[], []])
  })

  it('is nothing that messages wait behind once its client is back and has unsubscribed', async () => {
    const { store, port } = await start()
    await leaveBehind(port, 'away')
    await publishAll(port, 0, 2000)
    const heir = await RawClient.connect(port, stays('heir'))
    await heir.settle()
    await holdFirstPage(store, heir)
    const back = await RawClient.connect(port, stays('away'))
    back.send({ type: 'unsubscribe', packetIdentifier: 1, filters: [FILTER], properties: undefined })
    await back.settle()
    store.letAllGo()
    await take(heir, REDELIVERED_PER_TURN)
    for (let packet = await back.next(); packet?.type !== 'unsuback'; packet = await back.next());
    await back.subscribe(FILTER, 1)
    for (const client of [heir, back]) await client.settle()
    await publishAll(port, 2000, 2010)
    const counts = [heir, back].map(async (client) => (await client.settle()).length)
    expect(await Promise.all(counts)).toEqual([5, 5])
  })

  it('loses and doubles nothing where the member with the shortest queue has no room [promise 32]', async () => {
    const limits = { queuedBytes: 1_000_000, slowSubscriberMs: 0 }
    const { broker, port } = await start({ limits, overflow: 'disconnect' })
    await leaveBehind(port, 'away')
    await publishAll(port, 0, 500)
    const publisher = await RawClient.connect(port)
    const join = async (clientId: string, own: readonly string[]) => {
      const heir = await RawClient.connect(port, stays(clientId, 1))
      await heir.subscribe(clientId, 1)
      for (const payload of own) await publisher.publishOnce(clientId, payload)
      return { heir, first: await heir.expect('publish') }
    }
    // Neither can be sent anything now. The first has room for a few, the other for all.
    const { heir: full, first: firstOfFull } = await join('full', ['x'.repeat(499_000), 'x'.repeat(499_000)])
    const { heir: roomy, first } = await join(
      'roomy',
      numbersUpTo(0, 50).map(() => 'x'),
    )
    const away = await RawClient.connect(port, stays('away', 1))
    await away.expect('publish')
    for (const heir of [full, roomy]) await heir.subscribe(FILTER, 1)
    await away.vanish()
    full.acknowledge(firstOfFull)
    roomy.acknowledge(first)
    const numbers = [...(await takeAll(full)), ...(await takeAll(roomy))]
    const back = await RawClient.connect(port, stays('away'))
    numbers.push(...(await takeAll(back)))
    expect(numbers.sort((a, b) => a - b)).toEqual(numbersUpTo(0, 500))
    // What found no room in the one went to the other, and nobody was cut for it.
    expect(broker.stats()).toMatchObject({ droppedOverflow: 0, connections: 4 })
  })

  it('goes on in the next life of the broker where the session is over and its client has a new one [promise 33]', async () => {
    const { store, broker, port } = await start()
    for (const clientId of ['over', 'heir']) await leaveBehind(port, clientId)
    await publishAll(port, 0, 5000)
    store.isHeld = true
    const anew = await RawClient.connect(port, { ...stays('over'), cleanStart: true })
    await until(() => store.held.length > 0)
    expect(broker.stats()).toMatchObject({ sessions: 2, queuedMessages: 5000 })
    expect(broker.stats().redelivered).toBe(REDELIVERED_PER_TURN)

    // A second broker over the same store, without closing the first: what a crash leaves.
    const next = await startBroker({ store })
    store.isHeld = false
    await until(() => next.broker.stats().sessions === 2)
    const back = await RawClient.connect(next.port, stays('over'))
    expect(await back.settle()).toEqual([])
    const heir = await RawClient.connect(next.port, stays('heir'))
    const got = await take(heir, 5000)
    expect(got.sort((a, b) => a - b)).toEqual(numbersUpTo(0, 5000))
    expect(await heir.settle()).toEqual([])
    await until(() => next.broker.stats().queuedMessages === 0)
    expect((await store.load()).sessions.map(({ clientId }) => clientId).sort()).toEqual(['heir', 'over'])
    for (const open of store.held.splice(0)) open()
    await anew.vanish()
  })

  it('is tried again by the next life of the broker where the store could not be read [promise 33]', async () => {
    const { store, port } = await start()
    for (const clientId of ['over', 'heir']) await leaveBehind(port, clientId)
    await publishAll(port, 0, 100)
    store.isUnreadable = true
    const anew = await RawClient.connect(port, { ...stays('over'), cleanStart: true })
    await anew.subscribe('x', 1)
    store.isUnreadable = false
    expect(await anew.settle()).toEqual([])
    await anew.vanish()
    const next = await startBroker({ store })
    const back = await RawClient.connect(next.port, stays('over'))
    const heir = await RawClient.connect(next.port, stays('heir'))
    expect((await take(heir, 100)).sort((a, b) => a - b)).toEqual(numbersUpTo(0, 100))
    expect([await heir.settle(), await back.settle()]).toEqual([[], []])
  })

  it('leaves with a member that unsubscribed what that gets first, and gives the rest to the others in pages [MQTT-3.10.4-3]', async () => {
    const { store, broker, port } = await start()
    await leaveBehind(port, 'leaving')
    await publishAll(port, 0, 9000)
    const leaving = await RawClient.connect(port, stays('leaving', 1))
    const first = await leaving.expect('publish')
    const other = await RawClient.connect(port, stays('other'))
    await other.subscribe(FILTER, 1)
    store.moved.length = 0
    leaving.send({ type: 'unsubscribe', packetIdentifier: 1, filters: [FILTER], properties: undefined })
    await leaving.expect('unsuback')
    await until(() => broker.stats().redelivered === 8999)
    await until(() => store.moved.reduce((sum, moved) => sum + moved, 0) === 8999)
    // What lay in memory goes with the first page.
    expect(Math.max(...store.moved)).toBeLessThanOrEqual(REDELIVERED_PER_TURN + 256)
    expect(await take(other, 8999)).toEqual(numbersUpTo(1, 9000))
    leaving.acknowledge(first)
    expect(await leaving.settle()).toEqual([])
  })

  it('goes on when its own end makes it one of a session that is over', async () => {
    const clock = new FakeClock()
    const { store, broker, port } = await start({ clock })
    await leaveBehind(port, 'away')
    await publishAll(port, 0, 3000)
    const heir = await RawClient.connect(port, stays('heir'))
    await heir.settle()
    await holdFirstPage(store, heir)
    await clock.advance(SESSION_SECONDS * 1000)
    expect(broker.stats().sessions).toBe(1)
    store.letAllGo()
    expect(await take(heir, 3000)).toEqual(numbersUpTo(0, 3000))
    await heir.settle()
    expect((await store.load()).sessions.map(({ clientId }) => clientId)).toEqual(['heir'])
  })
})
