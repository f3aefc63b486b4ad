import { readdirSync, renameSync, rmSync } from 'node:fs'
import type { BrokerStore, MessageRecord } from '@jamey/broker'
import { describe, expect, it, onTestFinished } from 'vitest'
import { deliveryKey } from './broker/keys.js'
import { openBrokerStore, openSessionStore, StoreError } from './index.js'
import { RecordWriter } from './lmdb/record-writer.js'
import { flipBit, zeroPage } from './test-support/damage.js'
import { newFolder } from './test-support/folder.js'

const MESSAGES = 5000

function session(clientId: string) {
  return {
    clientId,
    username: 'u',
    protocolVersion: 5,
    expirySeconds: 100,
    inFlightWindow: 1,
    disconnectedAtMs: undefined,
    will: undefined,
  } as const
}

function message(topic: string, payload = 'x'.repeat(10)): MessageRecord {
  return {
    topic,
    payload: Buffer.from(payload),
    qos: 1,
    retain: false,
    publishedBy: 'p',
    properties: undefined,
    expiresAtMs: undefined,
  }
}

function subscription(filter: string) {
  const flags = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  return { filter, qos: 1, subscriptionIdentifier: undefined, ...flags } as const
}

/** Opens, loads, and closes with the test. */
async function open(path: string) {
  const store = await openBrokerStore({ path })
  onTestFinished(() => store.close().catch(() => {}))
  const state = await store.load()
  return { store, state, damage: (store.takeDamage?.() ?? []).map(({ message }) => message) }
}

function putDelivery(store: BrokerStore, clientId: string, sequence: number): void {
  store.putMessage(sequence, message('t', `payload of ${sequence}`))
  store.putDelivery(clientId, sequence, {
    messageId: sequence,
    qos: 1,
    retain: false,
    isReleased: false,
    packetIdentifier: undefined,
    subscriptionIdentifiers: undefined,
    sharedFilter: undefined,
  })
}

async function fill(path: string, edit: (store: BrokerStore) => void): Promise<void> {
  const { store } = await open(path)
  edit(store)
  await store.close()
}

function sequencesOf(store: BrokerStore, clientId: string): number[] {
  const sequences: number[] = []
  for (;;) {
    const page = store.readDeliveries(clientId, sequences.at(-1) ?? 0, 256)
    sequences.push(...page.map(({ sequence }) => sequence))
    if (page.length < 256) return sequences
  }
}

describe('a record of a broker store with a changed bit', () => {
  async function spoiled(path: string, bytes: string) {
    await fill(path, (store) => {
      for (const clientId of ['first', 'second', 'third']) {
        store.putSession(session(clientId))
        store.putSubscription(clientId, subscription(`filter/of/${clientId}`))
        store.putIncoming(clientId, 7)
      }
      for (let n = 1; n <= 3; n++) store.putRetained(message(`retained/${n}`, `content ${n}`))
      putDelivery(store, 'second', 1)
      store.putQueue('second', { messages: 1, bytes: 200, lastSequence: 1, hasShared: false })
    })
    flipBit(path, Buffer.from(bytes))
    return open(path)
  }

  it('costs one retained message, and the rest serves', async () => {
    const { state, damage } = await spoiled(newFolder(), 'content 2')
    expect(state.retained.map(({ topic }) => topic)).toEqual(['retained/1', 'retained/3'])
    expect(state.sessions).toHaveLength(3)
    expect(damage).toEqual([expect.stringMatching(/record .*: expected the checksum/)])
  })

  it('costs one session, and the rest serves; its number is not used again', async () => {
    const path = newFolder()
    const { store, state, damage } = await spoiled(path, 'second\u0001u')
    expect(state.sessions.map(({ clientId }) => clientId)).toEqual(['first', 'third'])
    expect(state.subscriptions.map(({ clientId }) => clientId)).toEqual(['first', 'third'])
    expect(damage).toHaveLength(1)
    store.putSession(session('fourth'))
    await store.close()
    const again = await open(path)
    expect(again.state.sessions.map(({ clientId }) => clientId)).toEqual(['first', 'third', 'fourth'])
    expect(again.store.readDeliveries('fourth', 0, 10)).toEqual([])
  })

  it('costs one subscription, and the rest serves', async () => {
    const { state, damage } = await spoiled(newFolder(), '\u000ffilter/of/third')
    expect(state.sessions).toHaveLength(3)
    expect(state.subscriptions.map(({ clientId }) => clientId)).toEqual(['first', 'second'])
    expect(damage).toHaveLength(1)
  })

  it('is said once: it is quarantined', async () => {
    const path = newFolder()
    const { store, damage } = await spoiled(path, 'content 2')
    expect(damage).toHaveLength(1)
    await store.close()
    expect((await open(path)).damage).toEqual([])
  })

  it('of a queue leaves the count to be made anew, and no sequence is used twice', async () => {
    const path = newFolder()
    await fill(path, (store) => {
      store.putSession(session('s'))
      for (let n = 1; n <= 40; n++) putDelivery(store, 's', n)
      // What it says of itself, in a form that nothing else has.
      store.putQueue('s', { messages: 40, bytes: 1_234_567_890, lastSequence: 40, hasShared: false })
    })
    flipBit(
      path,
      Buffer.from(new RecordWriter(64).byte(0).varint(40).varint(1_234_567_890).endValue().subarray(0, 7)),
      3,
    )
    const { state, damage } = await open(path)
    expect(damage).toHaveLength(1)
    expect(state.queues).toEqual([
      { clientId: 's', queue: { messages: 40, bytes: 0, lastSequence: 40, hasShared: true } },
    ])
  })
})

describe('a page of a broker store that was zeroed', () => {
  const keyOf = (sequence: number) => Buffer.from(deliveryKey(new RecordWriter(64), 1, sequence))

  async function filled(path: string): Promise<void> {
    await fill(path, (store) => {
      store.putSession(session('s'))
      for (let n = 1; n <= MESSAGES; n++) putDelivery(store, 's', n)
      store.putQueue('s', { messages: MESSAGES, bytes: 1000, lastSequence: MESSAGES, hasShared: false })
    })
  }

  it('inside a queue costs what was on it; what lies behind comes, and the store goes on', async () => {
    const path = newFolder()
    await filled(path)
    zeroPage(path, keyOf(2500))
    const { store, state, damage } = await open(path)
    expect(damage).toEqual([expect.stringMatching(/1 pages of its file could not be read.*\.damaged-1\.mdb/)])
    expect(state.sessions).toHaveLength(1)
    const found = sequencesOf(store, 's')
    expect(found.length).toBeGreaterThan(MESSAGES - 300)
    expect(found.length).toBeLessThan(MESSAGES)
    expect([found[0], found.at(-1), found.includes(2500)]).toEqual([1, MESSAGES, false])
    for (const sequence of found) store.removeDelivery('s', sequence, sequence)
    await store.commit()
    expect(readdirSync(path)).toContain('.damaged-1.mdb')
    await store.close()
    const again = await open(path)
    expect(again.damage).toEqual([])
    expect(sequencesOf(again.store, 's')).toEqual([])
  })

  it('while it is open stops reading until it is opened anew, which the next commit does', async () => {
    const path = newFolder()
    await filled(path)
    const { store } = await open(path)
    expect(store.readDeliveries('s', 0, 10)).toHaveLength(10)
    await store.commit()
    zeroPage(path, keyOf(2500))
    expect(() => store.readDeliveries('s', 2499, 10)).toThrow(StoreError)
    store.putRetained(message('r'))
    await store.commit()
    const found = sequencesOf(store, 's')
    expect([found[0], found.at(-1), found.includes(2500)]).toEqual([1, MESSAGES, false])
    expect(store.takeDamage?.()).toHaveLength(1)
  })
})

describe('a folder that is deleted while a broker store is open', () => {
  it('has nothing committed any more, and says so', async () => {
    const path = newFolder()
    const { store } = await open(path)
    store.putRetained(message('before'))
    await store.commit()
    store.check?.()
    rmSync(path, { recursive: true })
    expect(() => store.check?.()).toThrow(/deleted or replaced/)
    store.putRetained(message('after'))
    await expect(store.commit()).rejects.toMatchObject({ code: 'gone', retryable: true })
    await expect(store.commit()).rejects.toMatchObject({ code: 'gone' })
  })

  it('is used again where it is put back as it was', async () => {
    const path = newFolder()
    const { store } = await open(path)
    renameSync(path, `${path}.away`)
    onTestFinished(() => rmSync(path, { recursive: true, force: true }))
    store.putRetained(message('while away'))
    await expect(store.commit()).rejects.toMatchObject({ code: 'gone' })
    renameSync(`${path}.away`, path)
    await store.commit()
    await store.close()
    expect((await open(path)).state.retained.map(({ topic }) => topic)).toEqual(['while away'])
  })
})

describe('a session store with damage', () => {
  const publish = (sequence: number) =>
    ({
      sequence,
      topic: 't',
      payload: Buffer.from(`payload ${sequence}`),
      qos: 1,
      retain: false,
      properties: undefined,
    }) as const

  async function filled(path: string, messages: number): Promise<string> {
    const store = await openSessionStore({ path })
    const { identifier } = await store.open()
    for (let n = 0; n < messages; n++) store.append(publish(n))
    store.receive(9, 123_456_789)
    await store.commit()
    await store.close()
    return identifier
  }

  it('in its ledger counts anew what waits', async () => {
    const path = newFolder()
    flipBit(path, Buffer.from(await filled(path, 20)))
    const store = await openSessionStore({ path })
    onTestFinished(() => store.close())
    const { waiting, nextSequence, received } = await store.open()
    expect([waiting.messages, nextSequence, received.length]).toEqual([20, 20, 1])
  })

  it('on a page inside its queue goes on behind it', async () => {
    const path = newFolder()
    await filled(path, 3000)
    zeroPage(path, Buffer.from('payload 1500'))
    const store = await openSessionStore({ path })
    onTestFinished(() => store.close())
    await store.open()
    const range = { after: -1, upTo: 2999, maximumMessages: 3000, maximumBytes: 10_000_000 }
    const { publishes, damaged } = await store.read(range)
    const found = publishes.map(({ sequence }) => sequence)
    expect(damaged).toEqual([])
    expect([found[0], found.at(-1), found.includes(1500)]).toEqual([0, 2999, false])
    // A page has some 90 to 180 of them: it is full where they came in order, and half full where it was split.
    expect(found.length).toBeGreaterThan(2750)
  })

  it('whose folder is deleted commits nothing any more', async () => {
    const path = newFolder()
    const store = await openSessionStore({ path })
    onTestFinished(() => store.close())
    await store.open()
    rmSync(path, { recursive: true })
    store.append(publish(0))
    await expect(store.commit()).rejects.toMatchObject({ code: 'gone' })
  })
})
