import {
  type BrokerStore,
  type DeliveryRecord,
  MemoryBrokerStore,
  type MessageRecord,
  type QueueRecord,
  type SessionRecord,
  type StoredDelivery,
} from '@jamey/broker'
import { Random } from './random.js'

const CLIENTS = ['a', 'a/', 'ü', 'x'.repeat(600)]
const TOPICS = ['t', 't/1', 'ü/ü', 'y'.repeat(900), `${'y'.repeat(900)}/`]

/** The whole content of a store, in one order whatever the store's own. */
export async function stateOf(store: BrokerStore): Promise<unknown> {
  const state = await store.load()
  const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
  const deliveries = state.sessions.map(({ clientId }) => [
    clientId,
    allOf(store, clientId).map(({ sequence, delivery }) => [
      sequence,
      delivery,
      'damage' in delivery ? undefined : store.readMessage(delivery.messageId),
    ]),
  ])
  return {
    sessions: [...state.sessions].sort(byText),
    subscriptions: [...state.subscriptions].sort(byText),
    queues: [...state.queues].sort(byText),
    deliveries: deliveries.sort(byText),
    incoming: [...state.incoming].sort(byText),
    retained: [...state.retained].sort(byText),
    lastMessageId: state.lastMessageId,
  }
}

function allOf(store: BrokerStore, clientId: string): StoredDelivery[] {
  const all: StoredDelivery[] = []
  for (;;) {
    const page = store.readDeliveries(clientId, all.at(-1)?.sequence ?? 0, 3)
    all.push(...page)
    if (page.length < 3) return all
  }
}

/** The state after the first `turns` turns of the life that a seed describes. */
export async function stateAfter(seed: number, turns: number): Promise<unknown> {
  const model = new MemoryBrokerStore()
  for (let step = 0; step < turns; step++) {
    changeBroker(seed, step, model)
    await model.commit()
  }
  return stateOf(model)
}

/** Stages the changes of turn number `step` of a broker whose life depends on nothing but the seed. */
export function changeBroker(seed: number, step: number, store: BrokerStore): void {
  const random = new Random(seed * 1_000_003 + step)
  for (let i = 0; i < 6; i++) changeOnce(random, step * 8 + i, store)
}

function changeOnce(random: Random, number: number, store: BrokerStore): void {
  const clientId = random.pick(CLIENTS) as string
  const topic = random.pick(TOPICS) as string
  const [earlier] = store.readDeliveries(clientId, random.integer(number + 1), 1)
  const record = earlier === undefined || 'damage' in earlier.delivery ? undefined : earlier.delivery
  switch (random.integer(13)) {
    case 0:
    case 1:
      return store.putSession(sessionOf(clientId, random))
    case 2:
      return random.integer(3) === 0 ? store.removeSession(clientId) : undefined
    case 3:
      return store.putSubscription(clientId, subscriptionOf(topic, random))
    case 4:
      return store.removeSubscription(clientId, topic)
    case 5:
    case 6:
      store.putMessage(number, messageOf(topic, random))
      // Every queue that changes is counted with it, as a broker does: a store counts what nobody has.
      for (const receiver of CLIENTS) {
        if (random.integer(2) > 0) continue
        store.putDelivery(receiver, number, deliveryOf(number, random))
        store.putQueue(receiver, queueOf(number, random))
      }
      return
    case 7:
      if (earlier === undefined || record === undefined) return
      if (random.integer(3) > 0) return store.removeDelivery(clientId, earlier.sequence, record.messageId)
      return store.updateDelivery(clientId, earlier.sequence, deliveryOf(record.messageId, random))
    case 8:
      return store.putIncoming(clientId, 1 + random.integer(5))
    case 9:
      return store.removeIncoming(clientId, 1 + random.integer(5))
    case 10:
      return store.putRetained(messageOf(topic, random))
    case 11:
      return store.renameSession(clientId, sessionOf(`\0${number}`, random))
    default:
      return store.removeRetained(topic)
  }
}

function sessionOf(clientId: string, random: Random): SessionRecord {
  return {
    clientId,
    username: `u${random.integer(3)}`,
    protocolVersion: random.integer(2) === 0 ? 5 : 4,
    expirySeconds: 4_294_967_295 - random.integer(2),
    disconnectedAtMs: random.integer(2) === 0 ? undefined : 1_700_000_000_000.5 + random.integer(1000),
    will:
      random.integer(2) === 0
        ? undefined
        : {
            topic: 'w',
            payload: new Uint8Array([random.integer(256)]),
            qos: 1,
            retain: true,
            properties: { willDelayInterval: 5, userProperties: [['a', 'ü']] },
          },
    inFlightWindow: random.integer(65_536),
  }
}

function subscriptionOf(filter: string, random: Random) {
  return {
    filter,
    qos: random.integer(3) as 0 | 1 | 2,
    noLocal: random.integer(2) === 0,
    retainAsPublished: random.integer(2) === 0,
    retainHandling: random.integer(3) as 0 | 1 | 2,
    subscriptionIdentifier: random.integer(2) === 0 ? undefined : 1 + random.integer(268_435_455),
  }
}

function messageOf(topic: string, random: Random): MessageRecord {
  return {
    topic,
    payload: new Uint8Array(random.integer(10) === 0 ? 9000 : random.integer(100)).fill(random.integer(256)),
    qos: random.integer(3) as 0 | 1 | 2,
    retain: random.integer(2) === 0,
    properties:
      random.integer(2) === 0 ? undefined : { contentType: 'x', messageExpiryInterval: 4_294_967_295 },
    expiresAtMs: random.integer(2) === 0 ? undefined : 1_800_000_000_000,
    publishedBy: 'p',
  }
}

function queueOf(lastSequence: number, random: Random): QueueRecord {
  return {
    messages: random.integer(100),
    bytes: random.integer(2 ** 40),
    lastSequence,
    hasShared: random.integer(2) === 0,
  }
}

function deliveryOf(messageId: number, random: Random): DeliveryRecord {
  return {
    messageId,
    qos: random.integer(2) === 0 ? 1 : 2,
    retain: random.integer(2) === 0,
    subscriptionIdentifiers: random.integer(2) === 0 ? undefined : [1, 268_435_455],
    sharedFilter: random.integer(2) === 0 ? undefined : '$share/g/t/+',
    packetIdentifier: random.integer(2) === 0 ? undefined : 1 + random.integer(65_535),
    isReleased: random.integer(2) === 0,
  }
}
