import type { SessionStore, StoredPublish } from '@jamey/mqtt'
import { openSessionStore } from '@jamey/store'
import { describe, expect, it } from 'vitest'
import { CrossingStore, sessionStoreOf } from './crossing-store.js'
import { newFolder } from './two-brokers.support.js'

const EXCHANGE = { packetIdentifier: 7, digest: 42 }
const publish = (sequence: number): StoredPublish => {
  return { sequence, topic: 't', payload: Buffer.from('m'), qos: 2, retain: false, properties: {} }
}

async function opened() {
  const [one, other] = [newFolder(), newFolder()]
  const here = new CrossingStore(await openSessionStore({ path: one }))
  const away = new CrossingStore(await openSessionStore({ path: other }))
  // The client that publishes the copies, and the one that has received the originals.
  return {
    path: one,
    here,
    away,
    publisher: sessionStoreOf(here, away),
    receiver: sessionStoreOf(away, here),
  }
}

async function contentOf(path: string) {
  const store = await openSessionStore({ path })
  const { received, waiting } = await store.open()
  await store.close()
  return { received, waiting: waiting.messages }
}

function failNext(store: SessionStore): void {
  const commit = store.commit.bind(store)
  store.commit = () => {
    store.commit = commit
    // As the store itself forgets what was appended.
    return Promise.reject(new Error('the disk is full'))
  }
}

describe('the store of a direction', () => {
  it('has the copy of a QoS 2 message and the note of its original by one commit', async () => {
    const { path, here, away, publisher } = await opened()
    const copy = publish(0)
    here.link(copy.properties as object, EXCHANGE)
    publisher.append(copy)
    await publisher.commit()
    expect(here.has(EXCHANGE)).toBe(true)
    expect(here.has({ ...EXCHANGE, digest: 43 })).toBe(false)
    await Promise.all([here.close(), away.close()])
    // The client that receives has not been asked yet.
    expect(await contentOf(path)).toEqual({ received: [EXCHANGE], waiting: 1 })
  })

  it('has neither where the commit failed', async () => {
    const { here, publisher } = await opened()
    const copy = publish(0)
    here.link(copy.properties as object, EXCHANGE)
    publisher.append(copy)
    failNext(here.store)
    await expect(publisher.commit()).rejects.toThrow('the disk is full')
    expect(here.has(EXCHANGE)).toBe(false)
    await here.store.commit()
    expect((await here.store.open()).received).toEqual([])
  })

  it('forgets the original when its exchange is over, or the server has lost the session', async () => {
    const { path, here, away, publisher, receiver } = await opened()
    for (const sequence of [0, 1]) {
      const copy = publish(sequence)
      here.link(copy.properties as object, { packetIdentifier: sequence, digest: 1 })
      publisher.append(copy)
    }
    await publisher.commit()
    receiver.complete(0)
    await receiver.commit()
    expect(here.has({ packetIdentifier: 0, digest: 1 })).toBe(false)
    expect(here.has({ packetIdentifier: 1, digest: 1 })).toBe(true)
    receiver.forgetReceived()
    await receiver.commit()
    expect(here.has({ packetIdentifier: 1, digest: 1 })).toBe(false)
    await Promise.all([here.close(), away.close()])
    expect(await contentOf(path)).toEqual({ received: [], waiting: 2 })
  })

  it('tells each client of its own changes alone: what one fails to store takes nothing of the other along', async () => {
    const { here, away, publisher, receiver } = await opened()
    receiver.receive(9, 1)
    failNext(here.store)
    const failed = receiver.commit()
    publisher.append(publish(0))
    const stored = publisher.commit()
    await expect(failed).rejects.toThrow('the disk is full')
    await stored
    expect((await here.store.open()).waiting.messages).toBe(1)
    await Promise.all([here.close(), away.close()])
  })

  it('has no copy that its client was told to have failed, where only the other half could not be stored', async () => {
    const { here, away, publisher } = await opened()
    publisher.receive(3, 1)
    publisher.append(publish(0))
    publisher.remove(5, 1)
    failNext(away.store)
    await expect(publisher.commit()).rejects.toThrow('the disk is full')
    await publisher.commit()
    expect((await here.store.open()).waiting.messages).toBe(0)
    await Promise.all([here.close(), away.close()])
  })
})
