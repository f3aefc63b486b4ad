import type { BrokerStore } from '@jamey/broker'
import { openBrokerStore, openSessionStore, StoreError } from '../index.js'
import { report } from './report.js'

/** This module, for `Child`. */
export const FULL_DISK_PROCESS = 'full-disk-process.ts'

/** Number of records that each commit adds. */
export const BATCH = 40

const payload = new Uint8Array(1000).fill(7)

/** Fills a store until a commit fails, does what has to work all the same, and prints what came of each. */
export async function run(path: string, kind: string): Promise<void> {
  if (kind === 'session') await fillSession(path)
  else if (kind === 'broker') await fillBroker(path)
  else await fillWhileReading(path)
}

async function fillSession(path: string): Promise<void> {
  const store = await openSessionStore({ path })
  await store.open()
  const append = (sequence: number): void =>
    store.append({ sequence, topic: 't', payload, qos: 2, retain: false, properties: undefined })
  let committed = 0
  const failure = await untilFailure(async () => {
    for (let i = 0; i < BATCH; i++) append(committed + i)
    store.receive(committed % 60_000, committed)
    await store.commit()
    committed += BATCH
  })
  print('failed', failure.code, failure.retryable, committed)
  // Removals come as acknowledgements do: the oldest first, a few at a time, so that little has to be written to make
  // room.
  for (let sequence = 0; sequence < committed / 2; sequence++) {
    store.remove(sequence, 't'.length + payload.length)
    if (sequence % 10 === 9) await store.commit()
  }
  await store.commit()
  print('removed')
  append(committed)
  await store.commit()
  print('appended')
  await store.close()
}

async function fillBroker(path: string): Promise<void> {
  const store = await openQueue(path)
  let committed = 0
  const failure = await untilFailure(async () => {
    putMore(store, committed)
    await store.commit()
    committed += BATCH
  })
  print('failed', failure.code, failure.retryable, committed)
  const again = await untilFailure(() => store.commit())
  print('still', again.code)
  await untilFailure(() => store.close())
}

/** While a commit is under way, and after it, a queue is read as if nothing had happened. */
async function fillWhileReading(path: string): Promise<void> {
  const store = await openQueue(path)
  let committed = 0
  const refusals = new Set<unknown>()
  const failure = await untilFailure(async () => {
    putMore(store, committed)
    let isOver = false
    const commit = store.commit()
    const end = (): void => {
      isOver = true
    }
    commit.then(end, end)
    while (!isOver) {
      try {
        expectWhole(store, committed + BATCH)
      } catch (error) {
        refusals.add(error instanceof StoreError ? error.code : error)
      }
      await new Promise(setImmediate)
    }
    await commit
    committed += BATCH
  })
  print('failed', failure.code, failure.retryable, committed)
  print('refused', ...refusals)
  expectWhole(store, committed + BATCH)
  print('whole')
  await untilFailure(() => store.close())
}

/** Expects what is committed, and behind it what could not be. */
function expectWhole(store: BrokerStore, last: number): void {
  for (let after = 0; after < last; ) {
    const page = store.readDeliveries('s', after, 100)
    if (page.length === 0) throw new Error(`the queue ends with ${after}; expected ${last}`)
    for (const { sequence, delivery } of page) {
      if (sequence !== ++after || 'damage' in delivery)
        throw new Error(`${sequence} stands after ${after - 1}`)
      if ('damage' in store.readMessage(delivery.messageId)) throw new Error(`${sequence} has no message`)
    }
  }
}

async function openQueue(path: string): Promise<BrokerStore> {
  const store = await openBrokerStore({ path })
  await store.load()
  const session = {
    clientId: 's',
    username: '',
    protocolVersion: 5,
    expirySeconds: 1,
    inFlightWindow: 1,
  } as const
  store.putSession({ ...session, disconnectedAtMs: undefined, will: undefined })
  return store
}

/** A batch more. */
function putMore(store: BrokerStore, last: number): void {
  const delivery = { qos: 1, retain: false, isReleased: false, packetIdentifier: undefined } as const
  const ordinary = { ...delivery, subscriptionIdentifiers: undefined, sharedFilter: undefined }
  const message = { topic: 't', payload, qos: 1, retain: false, publishedBy: 'p' } as const
  for (let number = last + 1; number <= last + BATCH; number++) {
    store.putMessage(number, { ...message, properties: undefined, expiresAtMs: undefined })
    store.putDelivery('s', number, { ...ordinary, messageId: number })
  }
}

async function untilFailure(action: () => Promise<void>): Promise<StoreError> {
  for (;;) {
    try {
      await action()
    } catch (error) {
      if (error instanceof StoreError) return error
      throw error
    }
  }
}

function print(...words: unknown[]): void {
  report(words.join(' '))
}
