import { describe, expect, it } from 'vitest'
import type {
  BrokerStore,
  DeliveryRecord,
  MessageRecord,
  SessionRecord,
  StoredDelivery,
} from './broker-store.js'

/** A place on which stores are opened one after another, as a broker that is started again would. */
export interface StorePlace {
  open(): BrokerStore | Promise<BrokerStore>
  /** Lets go of what the place took. */
  dispose?(): Promise<void>
}

const SUBSCRIPTION = {
  filter: '$share/g/a/+',
  qos: 2,
  noLocal: false,
  retainAsPublished: true,
  retainHandling: 1,
  subscriptionIdentifier: 268_435_455,
} as const

function session(clientId: string, more: Partial<SessionRecord> = {}): SessionRecord {
  return {
    clientId,
    username: 'u',
    protocolVersion: 5,
    expirySeconds: 60,
    disconnectedAtMs: undefined,
    will: undefined,
    inFlightWindow: 10,
    ...more,
  }
}

function message(topic: string, more: Partial<MessageRecord> = {}): MessageRecord {
  return {
    topic,
    payload: new Uint8Array([1, 2, 3]),
    qos: 1,
    retain: false,
    properties: undefined,
    expiresAtMs: undefined,
    publishedBy: 'p',
    ...more,
  }
}

function delivery(messageId: number, more: Partial<DeliveryRecord> = {}): DeliveryRecord {
  return {
    messageId,
    qos: 1,
    retain: false,
    subscriptionIdentifiers: undefined,
    sharedFilter: undefined,
    packetIdentifier: undefined,
    isReleased: false,
    ...more,
  }
}

/** All of a session's deliveries, a page after the other. */
function deliveriesOf(store: BrokerStore, clientId: string, maximum = 2): StoredDelivery[] {
  const deliveries: StoredDelivery[] = []
  for (;;) {
    const page = store.readDeliveries(clientId, deliveries.at(-1)?.sequence ?? 0, maximum)
    deliveries.push(...page)
    if (page.length < maximum) return deliveries
  }
}

const sequencesOf = (store: BrokerStore, clientId: string): number[] =>
  deliveriesOf(store, clientId).map(({ sequence }) => sequence)

/** What every `BrokerStore` must do. `makePlace` is called for each test. */
export function testBrokerStore(name: string, makePlace: () => StorePlace | Promise<StorePlace>): void {
  async function inPlace(test: (place: StorePlace) => Promise<void>): Promise<void> {
    const place = await makePlace()
    try {
      await test(place)
    } finally {
      await place.dispose?.()
    }
  }

  describe(`${name} is a broker store`, () => {
    it('holds nothing at first', () =>
      inPlace(async (place) => {
        const store = await place.open()
        const state = await store.load()
        expect(state).toEqual({
          sessions: [],
          subscriptions: [],
          queues: [],
          incoming: [],
          retained: [],
          lastMessageId: 0,
        })
        expect(store.readDeliveries('s', 0, 10)).toEqual([])
        expect(store.readMessage(1)).toMatchObject({ damage: expect.any(Error) })
        await store.close()
      }))

    it('brings back every field of what was committed [promise 33]', () =>
      inPlace(async (place) => {
        const will = {
          topic: 'w',
          payload: new Uint8Array([9]),
          qos: 2,
          retain: true,
          properties: { willDelayInterval: 5, userProperties: [['a', 'b']] },
        } as const
        const properties = {
          payloadFormatIndicator: 1,
          contentType: 'x',
          responseTopic: 'r',
          correlationData: new Uint8Array([0, 255]),
          userProperties: [
            ['k', 'ü'],
            ['k', ''],
          ],
        } as const
        const stored = session('ü', {
          will,
          disconnectedAtMs: 1_700_000_000_123,
          expirySeconds: 4_294_967_295,
        })
        const full = message('t/ü', {
          qos: 2,
          retain: true,
          properties,
          expiresAtMs: 1_800_000_000_000,
          actsFor: ['+', 'ü'],
        })
        const fullDelivery = delivery(7, {
          qos: 2,
          retain: true,
          subscriptionIdentifiers: [1, 2],
          sharedFilter: '$share/g/t/+',
          packetIdentifier: 65_535,
          isReleased: true,
        })
        const store = await place.open()
        await store.load()
        store.putSession(stored)
        store.putSubscription('ü', SUBSCRIPTION)
        store.putMessage(7, full)
        store.putDelivery('ü', 1_000_000, fullDelivery)
        const queue = { messages: 1, bytes: 400, lastSequence: 1_000_000, hasShared: true }
        store.putQueue('ü', queue)
        store.putIncoming('ü', 65_535)
        store.putRetained(full)
        await store.commit()
        await store.close()
        const again = await place.open()
        const state = await again.load()
        expect(state.sessions).toEqual([stored])
        expect(state.subscriptions).toEqual([{ clientId: 'ü', subscription: SUBSCRIPTION }])
        expect(state.queues).toEqual([{ clientId: 'ü', queue }])
        expect(state.lastMessageId).toBe(7)
        expect(again.readMessage(7)).toEqual(full)
        expect(deliveriesOf(again, 'ü')).toEqual([{ sequence: 1_000_000, delivery: fullDelivery }])
        expect(state.incoming).toEqual([{ clientId: 'ü', packetIdentifier: 65_535 }])
        expect(state.retained).toEqual([full])
        await again.close()
      }))

    it('replaces what is put again and forgets what is removed', () =>
      inPlace(async (place) => {
        const store = await place.open()
        await store.load()
        store.putSession(session('s'))
        store.putSession(session('s', { disconnectedAtMs: 5 }))
        store.putSubscription('s', SUBSCRIPTION)
        store.putSubscription('s', { ...SUBSCRIPTION, filter: 'b' })
        store.putMessage(1, message('t'))
        store.putMessage(2, message('t'))
        store.putDelivery('s', 1, delivery(1))
        store.putDelivery('s', 2, delivery(2))
        store.putIncoming('s', 4)
        store.putRetained(message('r', { payload: new Uint8Array([1]) }))
        store.putRetained(message('r', { payload: new Uint8Array([2]) }))
        store.putRetained(message('r/2'))
        await store.commit()
        store.putSubscription('s', { ...SUBSCRIPTION, qos: 0 })
        store.removeSubscription('s', 'b')
        store.updateDelivery('s', 2, delivery(2, { isReleased: true }))
        store.removeDelivery('s', 1, 1)
        store.removeIncoming('s', 4)
        store.removeRetained('r/2')
        await store.commit()
        await store.close()
        const again = await place.open()
        const state = await again.load()
        expect(state.sessions).toEqual([session('s', { disconnectedAtMs: 5 })])
        expect(state.subscriptions.map(({ subscription }) => subscription)).toEqual([
          { ...SUBSCRIPTION, qos: 0 },
        ])
        expect(again.readMessage(1)).toMatchObject({ damage: expect.any(Error) })
        expect(again.readMessage(2)).toEqual(message('t'))
        expect(deliveriesOf(again, 's')).toEqual([
          { sequence: 2, delivery: delivery(2, { isReleased: true }) },
        ])
        expect(state.incoming).toEqual([])
        expect(state.retained.map(({ topic, payload }) => [topic, ...payload])).toEqual([['r', 2]])
        await again.close()
      }))

    it('removes a session with everything that is its own, and nothing of a similar name', () =>
      inPlace(async (place) => {
        const store = await place.open()
        await store.load()
        store.putMessage(1, message('t'))
        for (const clientId of ['a', 'a/', 'aa']) {
          store.putSession(session(clientId))
          store.putSubscription(clientId, SUBSCRIPTION)
          store.putDelivery(clientId, 1, delivery(1))
          store.putIncoming(clientId, 1)
        }
        await store.commit()
        store.removeSession('a')
        await store.commit()
        await store.close()
        const again = await place.open()
        const state = await again.load()
        const owners = [state.sessions, state.subscriptions, state.incoming].map((records) =>
          records.map(({ clientId }) => clientId).sort(),
        )
        const left = ['a/', 'aa']
        expect(owners).toEqual([left, left, left])
        expect(['a', ...left].map((clientId) => sequencesOf(again, clientId))).toEqual([[], [1], [1]])
        await again.close()
      }))

    it('reads deliveries in the order of their sequence', () =>
      inPlace(async (place) => {
        const store = await place.open()
        await store.load()
        store.putSession(session('s'))
        store.putMessage(1, message('t'))
        const sequences = [9, 10, 255, 256, 65_536, 4_294_967_296, 1]
        for (const sequence of sequences) store.putDelivery('s', sequence, delivery(1))
        await store.commit()
        await store.close()
        const again = await place.open()
        await again.load()
        expect(sequencesOf(again, 's')).toEqual([...sequences].sort((a, b) => a - b))
        await again.close()
      }))

    it('reads what is staged together with what is committed', () =>
      inPlace(async (place) => {
        const store = await place.open()
        await store.load()
        store.putSession(session('s'))
        for (const number of [1, 2, 3]) {
          store.putMessage(number, message(`${number}`))
          store.putDelivery('s', number, delivery(number))
        }
        await store.commit()
        store.removeDelivery('s', 1, 1)
        store.updateDelivery('s', 3, delivery(3, { packetIdentifier: 9 }))
        store.putMessage(4, message('4'))
        store.putDelivery('s', 4, delivery(4))
        const expected = [
          { sequence: 2, delivery: delivery(2) },
          { sequence: 3, delivery: delivery(3, { packetIdentifier: 9 }) },
          { sequence: 4, delivery: delivery(4) },
        ]
        expect(deliveriesOf(store, 's')).toEqual(expected)
        // While it is being written, too.
        const committed = store.commit()
        expect(deliveriesOf(store, 's')).toEqual(expected)
        expect(store.readMessage(4)).toEqual(message('4'))
        await committed
        expect(deliveriesOf(store, 's')).toEqual(expected)
        expect(store.readDeliveries('s', 2, 1)).toEqual([expected[1]])
        await store.close()
      }))

    it('keeps a message until the last delivery that names it is gone, and no longer', () =>
      inPlace(async (place) => {
        let store = await place.open()
        await store.load()
        const clients = ['a', 'b', 'c']
        for (const clientId of clients) store.putSession(session(clientId))
        store.putMessage(1, message('t'))
        for (const clientId of clients) store.putDelivery(clientId, 1, delivery(1))
        await store.commit()
        // A later one may name it while others do.
        store.putDelivery('a', 2, delivery(1))
        for (const [clientId, sequence] of [
          ['a', 1],
          ['b', 1],
          ['a', 2],
        ] as const) {
          store.removeDelivery(clientId, sequence, 1)
          await store.close()
          store = await place.open()
          expect((await store.load()).lastMessageId).toBe(1)
          expect(store.readMessage(1)).toEqual(message('t'))
        }
        store.removeSession('c')
        await store.close()
        store = await place.open()
        expect((await store.load()).lastMessageId).toBe(0)
        await store.close()
      }))

    it('lets a message be named anew in the turn in which it lost its last delivery', () =>
      inPlace(async (place) => {
        const store = await place.open()
        await store.load()
        store.putSession(session('s'))
        store.putMessage(1, message('t'))
        store.putDelivery('s', 1, delivery(1))
        store.removeDelivery('s', 1, 1)
        store.putDelivery('s', 2, delivery(1))
        await store.commit()
        expect(store.readMessage(1)).toEqual(message('t'))
        expect(sequencesOf(store, 's')).toEqual([2])
        store.removeDelivery('s', 2, 1)
        await store.close()
        const again = await place.open()
        expect((await again.load()).lastMessageId).toBe(0)
        await again.close()
      }))

    it('gives back what a removed session held, whatever happened to it in the same turn', () =>
      inPlace(async (place) => {
        const store = await place.open()
        await store.load()
        for (const clientId of ['gone', 'stays']) store.putSession(session(clientId))
        for (const number of [1, 2, 3]) {
          store.putMessage(number, message('t'))
          store.putDelivery('gone', number, delivery(number))
        }
        store.putDelivery('stays', 1, delivery(1))
        await store.commit()
        store.putMessage(4, message('t'))
        store.putDelivery('gone', 4, delivery(4))
        store.removeDelivery('gone', 1, 1)
        store.updateDelivery('gone', 2, delivery(2, { isReleased: true }))
        store.removeSession('gone')
        store.putSession(session('gone'))
        await store.close()
        const again = await place.open()
        const { sessions, lastMessageId } = await again.load()
        expect(sessions.map(({ clientId }) => clientId).sort()).toEqual(['gone', 'stays'])
        expect([lastMessageId, sequencesOf(again, 'gone')]).toEqual([1, []])
        expect(again.readMessage(1)).toEqual(message('t'))
        await again.close()
      }))

    it("gives all that is a session's own to the name that takes its place, and nothing to its next life", () =>
      inPlace(async (place) => {
        const store = await place.open()
        await store.load()
        store.putSession(session('s'))
        store.putSubscription('s', SUBSCRIPTION)
        store.putMessage(1, message('t'))
        store.putDelivery('s', 1, delivery(1))
        await store.commit()
        store.renameSession('s', session('former', { expirySeconds: 0 }))
        store.putSession(session('s'))
        expect([sequencesOf(store, 's'), sequencesOf(store, 'former')]).toEqual([[], [1]])
        await store.close()
        const again = await place.open()
        const { sessions, subscriptions } = await again.load()
        expect(sessions).toHaveLength(2)
        expect(sessions).toContainEqual(session('former', { expirySeconds: 0 }))
        expect(subscriptions).toEqual([{ clientId: 'former', subscription: SUBSCRIPTION }])
        expect([sequencesOf(again, 's'), sequencesOf(again, 'former')]).toEqual([[], [1]])
        await again.close()
      }))

    it('has nothing of what was staged and not committed, as after a crash [promise 33]', () =>
      inPlace(async (place) => {
        const store = await place.open()
        await store.load()
        store.putSession(session('kept'))
        await store.commit()
        store.putSession(session('lost'))
        store.removeSession('kept')
        const again = await place.open()
        expect((await again.load()).sessions).toEqual([session('kept')])
        await again.close()
      }))

    it('commits what is left at close', () =>
      inPlace(async (place) => {
        const store = await place.open()
        await store.load()
        store.putSession(session('s'))
        await store.close()
        const again = await place.open()
        expect((await again.load()).sessions).toHaveLength(1)
        await again.close()
      }))
  })
}
