import { MemoryBrokerStore } from '@jamey/broker'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openBrokerStore } from './index.js'
import { changeBroker, inOrder } from './test-support/broker-model.js'
import { newFolder } from './test-support/folder.js'

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
          expect(inOrder(await store.load())).toEqual(inOrder(await model.load()))
        }
        await store.close()
        await model.close()
        const last = await openBrokerStore({ path })
        expect(inOrder(await last.load())).toEqual(inOrder(await model.load()))
        await last.close()
      }),
      { numRuns: 100 },
    )
  })

  it('loads deliveries in the order of their sequence, however far apart', async () => {
    const path = newFolder()
    const store = await openBrokerStore({ path })
    await store.load()
    const session = {
      clientId: 's',
      username: '',
      expirySeconds: 1,
      protocolVersion: 5,
      inFlightWindow: 1,
    } as const
    store.putSession({ ...session, disconnectedAtMs: undefined, will: undefined })
    const delivery = { messageId: 1, qos: 1, retain: false, isReleased: false } as const
    const absent = {
      subscriptionIdentifiers: undefined,
      sharedFilter: undefined,
      packetIdentifier: undefined,
    }
    const sequences = [9, 10, 255, 256, 65_536, 2 ** 32, 2 ** 32 - 1, 2 ** 53 - 1, 1]
    for (const sequence of sequences) store.putDelivery('s', sequence, { ...delivery, ...absent })
    await store.close()
    const again = await openBrokerStore({ path })
    const { deliveries } = await again.load()
    expect(deliveries.map(({ sequence }) => sequence)).toEqual(sequences.sort((a, b) => a - b))
    await again.close()
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
})
