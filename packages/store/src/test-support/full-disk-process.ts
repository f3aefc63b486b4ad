import { openBrokerStore, openSessionStore, StoreError } from '../index.js'
import { report } from './report.js'

/** This module, for `Child`. */
export const FULL_DISK_PROCESS = 'full-disk-process.ts'

/** How many records each commit adds. */
export const BATCH = 40

const payload = new Uint8Array(1000).fill(7)

/** Fills a store until a commit fails, does what has to work all the same, and prints what came of each. */
export async function run(path: string, kind: string): Promise<void> {
  if (kind === 'session') await fillSession(path)
  else await fillBroker(path)
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
  // As acknowledgements come: the oldest first, a few at a time, so that little has to be written to make room.
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
  const delivery = { qos: 1, retain: false, isReleased: false, packetIdentifier: undefined } as const
  const ordinary = { ...delivery, subscriptionIdentifiers: undefined, sharedFilter: undefined }
  const message = { topic: 't', payload, qos: 1, retain: false, publishedBy: 'p' } as const
  let committed = 0
  const failure = await untilFailure(async () => {
    for (let number = committed + 1; number <= committed + BATCH; number++) {
      store.putMessage(number, { ...message, properties: undefined, expiresAtMs: undefined })
      store.putDelivery('s', number, { ...ordinary, messageId: number })
    }
    await store.commit()
    committed += BATCH
  })
  print('failed', failure.code, failure.retryable, committed)
  const again = await untilFailure(() => store.commit())
  print('still', again.code)
  await untilFailure(() => store.close())
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
