import type { DeliveryRecord, MessageRecord } from '@jamey/broker'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openBrokerStore } from '../index.js'
import { Batch } from '../lmdb/batch.js'
import { LmdbEnvironment } from '../lmdb/lmdb-environment.js'
import { RecordWriter } from '../lmdb/record-writer.js'
import type { MigrationRecords, Schema } from '../lmdb/schema.js'
import { stateOf } from '../test-support/broker-model.js'
import { Child } from '../test-support/child.js'
import { newFolder } from '../test-support/folder.js'
import { MIGRATING_PROCESS, type Moment } from '../test-support/migrating-process.js'
import { deliveryKey, messageKey, sessionKey } from './keys.js'
import { deliveryValue, messageValue, sessionValue } from './records.js'
import { BROKER_SCHEMA, fromVersion1 } from './schema.js'

const FORMAT_1: Schema = { ...BROKER_SCHEMA, version: 1, migrations: new Map() }

const session = (clientId: string) =>
  ({
    clientId,
    username: 'u',
    protocolVersion: 5,
    expirySeconds: 60,
    disconnectedAtMs: 5,
    will: undefined,
    inFlightWindow: 1,
  }) as const

const message = (topic: string): MessageRecord => ({
  topic,
  payload: new Uint8Array(100),
  qos: 1,
  retain: false,
  properties: undefined,
  expiresAtMs: undefined,
  publishedBy: 'p',
})

const delivery = (messageId: number, sharedFilter?: string): DeliveryRecord => ({
  messageId,
  qos: 1,
  retain: false,
  subscriptionIdentifiers: undefined,
  sharedFilter,
  packetIdentifier: undefined,
  isReleased: false,
})

/** Three sessions as format 1 wrote them: one waits for two messages, one for the first of these, one for none. */
async function makeFormat1(): Promise<string> {
  const path = newFolder()
  const environment = await LmdbEnvironment.open(path, FORMAT_1)
  const writer = new RecordWriter()
  const batch = new Batch()
  for (const [i, clientId] of ['both', 'first', 'none'].entries()) {
    batch.put(sessionKey(writer, i + 1), sessionValue(writer, session(clientId)))
  }
  for (const number of [4, 6, 8]) {
    batch.put(messageKey(writer, number), messageValue(writer, message(`${number}`)))
  }
  batch.put(deliveryKey(writer, 1, 10), deliveryValue(writer, delivery(4)))
  batch.put(deliveryKey(writer, 1, 12), deliveryValue(writer, delivery(6, '$share/g/t')))
  batch.put(deliveryKey(writer, 2, 3), deliveryValue(writer, delivery(4)))
  await environment.commit(batch)
  await environment.close()
  return path
}

async function keysIn(path: string): Promise<string[]> {
  const environment = await LmdbEnvironment.open(path, FORMAT_1)
  const keys = [...environment.keys([])].map((key) => key.toString('hex'))
  await environment.close()
  return keys
}

describe('a broker store of format 2', () => {
  it('is taken as it is: of its messages nobody knows for whom they were', async () => {
    const path = newFolder()
    const environment = await LmdbEnvironment.open(path, { ...BROKER_SCHEMA, version: 2 })
    const writer = new RecordWriter()
    const batch = new Batch()
    batch.put(sessionKey(writer, 1), sessionValue(writer, session('s')))
    batch.put(messageKey(writer, 4), messageValue(writer, message('t')))
    batch.put(deliveryKey(writer, 1, 10), deliveryValue(writer, delivery(4)))
    await environment.commit(batch)
    await environment.close()
    const store = await openBrokerStore({ path })
    await store.load()
    expect(store.readMessage(4)).toEqual({ ...message('t'), actsFor: undefined })
    await store.close()
    // What wrote it cannot read what is in it from now on.
    const before = { ...BROKER_SCHEMA, version: 2 }
    await expect(LmdbEnvironment.open(path, before)).rejects.toMatchObject({ name: 'StoreError' })
  })
})

describe('a broker store of format 1', () => {
  it('is brought to the present format, with all that is in it [promise 33]', async () => {
    const path = await makeFormat1()
    // The first opening migrates, the second finds it done.
    for (let opening = 0; opening < 2; opening++) {
      const store = await openBrokerStore({ path })
      const state = await store.load()
      expect(state.sessions.map(({ clientId }) => clientId)).toEqual(['both', 'first', 'none'])
      expect(state.queues).toEqual([
        {
          clientId: 'both',
          queue: { messages: 2, bytes: expect.any(Number), lastSequence: 12, hasShared: true },
        },
        {
          clientId: 'first',
          queue: { messages: 1, bytes: expect.any(Number), lastSequence: 3, hasShared: false },
        },
      ])
      const [both = 0, first = 0] = state.queues.map(({ queue }) => queue.bytes)
      // More than the payload, less than twice it and what surrounds it.
      expect(first).toBeGreaterThan(100)
      expect(first).toBeLessThan(300)
      expect(both).toBe(2 * first)
      expect(store.readDeliveries('both', 0, 9)).toEqual([
        { sequence: 10, delivery: delivery(4) },
        { sequence: 12, delivery: delivery(6, '$share/g/t') },
      ])
      // Nobody waited for message 8.
      expect(state.lastMessageId).toBe(6)
      await store.close()
    }
  })

  it.each([1, 2, 3])('is counted alike where memory holds %i messages at once', async (atOnce) => {
    const [path, other] = [await makeFormat1(), await makeFormat1()]
    const migrations = new Map(BROKER_SCHEMA.migrations)
    migrations.set(1, (records: MigrationRecords) => fromVersion1(records, atOnce))
    await (await LmdbEnvironment.open(path, { ...BROKER_SCHEMA, migrations })).close()
    const [found, expected] = [await openBrokerStore({ path }), await openBrokerStore({ path: other })]
    expect(await stateOf(found)).toEqual(await stateOf(expected))
    for (const store of [found, expected]) {
      store.removeDelivery('both', 10, 4)
      await store.commit()
      expect(store.readMessage(4)).toEqual(message('4'))
      await store.close()
    }
  })

  it.each<Moment>([
    'before the first change',
    'after the first change',
    'after the last change',
    'when done',
  ])(
    'is migrated in one transaction: killed %s it is as it was or as it shall be [promise 33]',
    async (moment) => {
      const path = await makeFormat1()
      const child = new Child(MIGRATING_PROCESS, [path, moment])
      onTestFinished(async () => void (await child.kill()))
      expect(await child.line()).toBe(moment)
      await child.ended()
      if (moment !== 'when done') expect(await keysIn(path)).toEqual(await keysIn(await makeFormat1()))
      const other = await openBrokerStore({ path: await makeFormat1() })
      const store = await openBrokerStore({ path })
      expect(await stateOf(store)).toEqual(await stateOf(other))
      expect(store.readDeliveries('both', 0, 9)).toHaveLength(2)
      await store.close()
      await other.close()
    },
  )

  it('has counted who waits for a message: it goes with the last', async () => {
    const store = await openBrokerStore({ path: await makeFormat1() })
    await store.load()
    store.removeDelivery('both', 10, 4)
    await store.commit()
    expect(store.readMessage(4)).toEqual(message('4'))
    store.removeDelivery('first', 3, 4)
    await store.commit()
    expect(store.readMessage(4)).toMatchObject({ damage: { code: 'damaged' } })
    await store.close()
  })
})
