import { cpSync } from 'node:fs'
import { MemoryBrokerStore, type MessageRecord, type SessionRecord } from '@jamey/broker'
import { until } from '@jamey/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testBrokerStore } from '../../../broker/src/ports/broker-store.contract.js'
import { openBrokerStore } from '../index.js'
import { Batch } from '../lmdb/batch.js'
import { LmdbEnvironment } from '../lmdb/lmdb-environment.js'
import { RecordWriter } from '../lmdb/record-writer.js'
import { changeBroker, stateOf } from '../test-support/broker-model.js'
import { newFolder } from '../test-support/folder.js'
import { CLEARED_AT_ONCE } from './batch.js'
import { deliveryKey, messageKey } from './keys.js'
import { BROKER_SCHEMA } from './schema.js'

const MESSAGE: MessageRecord = {
  topic: 't',
  payload: new Uint8Array(10),
  qos: 1,
  retain: false,
  properties: undefined,
  expiresAtMs: undefined,
  publishedBy: 'p',
}

const DELIVERY = {
  qos: 1,
  retain: false,
  subscriptionIdentifiers: undefined,
  sharedFilter: undefined,
  packetIdentifier: undefined,
  isReleased: false,
} as const

const sessionOf = (clientId: string): SessionRecord => ({
  clientId,
  username: '',
  protocolVersion: 5,
  expirySeconds: 1,
  disconnectedAtMs: undefined,
  will: undefined,
  inFlightWindow: 1,
})

testBrokerStore('the LMDB store', () => {
  let path = newFolder()
  let isOpen = false
  return {
    open: () => {
      // What a process that dies leaves behind: this one has the folder until it ends.
      const left = path
      if (isOpen) path = newFolder()
      if (isOpen) cpSync(left, path, { recursive: true })
      isOpen = true
      return openBrokerStore({ path })
    },
  }
})

describe('a broker store', () => {
  it('gives after any changes, commits and reopenings what a plain model gives [promise 33]', async () => {
    const turns = fc.array(fc.constantFrom('change', 'change', 'commit', 'reopen'), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(fc.nat(), turns, async (seed, steps) => {
        const path = newFolder()
        const model = new MemoryBrokerStore()
        let store = await openBrokerStore({ path })
        await store.load()
        for (const [step, what] of steps.entries()) {
          if (what === 'change') for (const each of [model, store]) changeBroker(seed, step, each)
          if (what === 'commit') for (const each of [model, store]) await each.commit()
          if (what !== 'reopen') continue
          // Closing commits.
          await model.close()
          await store.close()
          store = await openBrokerStore({ path })
          expect(await stateOf(store)).toEqual(await stateOf(model))
        }
        await store.close()
        await model.close()
        const last = await openBrokerStore({ path })
        expect(await stateOf(last)).toEqual(await stateOf(model))
        await last.close()
      }),
      { numRuns: 100 },
    )
  })

  it('gives a session that comes back after its removal nothing of the former', async () => {
    const path = newFolder()
    const store = await openBrokerStore({ path })
    await store.load()
    const record = {
      clientId: 's',
      username: '',
      expirySeconds: 1,
      protocolVersion: 5,
      inFlightWindow: 1,
    } as const
    const session = { ...record, disconnectedAtMs: undefined, will: undefined }
    store.putSession(session)
    store.putIncoming('s', 7)
    await store.commit()
    store.removeSession('s')
    store.putSession(session)
    store.putIncoming('s', 8)
    await store.close()
    const again = await openBrokerStore({ path })
    expect(await again.load()).toMatchObject({
      sessions: [session],
      incoming: [{ clientId: 's', packetIdentifier: 8 }],
    })
    await again.close()
  })

  it('clears away the long queue of a removed session in pieces, in a later life, too', async () => {
    const path = newFolder()
    const count = 2 * CLEARED_AT_ONCE + 10
    let store = await openBrokerStore({ path })
    await store.load()
    for (const clientId of ['gone', 'stays']) store.putSession(sessionOf(clientId))
    for (let number = 1; number <= count; number++) {
      store.putMessage(number, MESSAGE)
      store.putDelivery('gone', number, { ...DELIVERY, messageId: number })
    }
    store.putDelivery('stays', 1, { ...DELIVERY, messageId: 1 })
    await store.commit()
    store.removeSession('gone')
    // Closed after the first piece, which is part of the commit.
    await store.close()
    store = await openBrokerStore({ path })
    const { sessions, lastMessageId } = await store.load()
    expect([sessions, lastMessageId]).toEqual([[sessionOf('stays')], count])
    // A new session does not get what the old one left.
    store.putSession(sessionOf('gone'))
    expect(store.readDeliveries('gone', 0, 10)).toEqual([])
    await until(() => 'damage' in store.readMessage(count))
    expect(store.readMessage(1)).toEqual(MESSAGE)
    await store.close()
    store = await openBrokerStore({ path })
    expect((await store.load()).lastMessageId).toBe(1)
    await store.close()
  })

  it('tells a damaged delivery and a damaged message from the others, which are read [promise 37]', async () => {
    const path = newFolder()
    const store = await openBrokerStore({ path })
    await store.load()
    store.putSession(sessionOf('s'))
    for (const number of [1, 2, 3]) {
      store.putMessage(number, MESSAGE)
      store.putDelivery('s', number, { ...DELIVERY, messageId: number })
    }
    await store.close()
    const environment = await LmdbEnvironment.open(path, BROKER_SCHEMA)
    const batch = new Batch()
    batch.put(deliveryKey(new RecordWriter(), 1, 1), Buffer.from('garbage'))
    batch.put(messageKey(new RecordWriter(), 2), Buffer.from('garbage'))
    await environment.commit(batch)
    await environment.close()
    const again = await openBrokerStore({ path })
    await again.load()
    expect(again.readDeliveries('s', 0, 9)).toMatchObject([
      { sequence: 1, delivery: { damage: { code: 'damaged' } } },
      { sequence: 2, delivery: { messageId: 2 } },
      { sequence: 3, delivery: { messageId: 3 } },
    ])
    expect(again.readMessage(2)).toMatchObject({ damage: { code: 'damaged' } })
    expect(again.readMessage(3)).toEqual(MESSAGE)
    await again.close()
  })
})
