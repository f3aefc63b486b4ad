import type { SessionRecord } from '@jamey/broker'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openBrokerStore } from '../index.js'
import { Child } from '../test-support/child.js'
import { newFolder } from '../test-support/folder.js'
import { EXPIRED_SESSION, REDELIVERING_PROCESS } from '../test-support/redelivering-process.js'

const MESSAGES = 1500
/** With which commit of its life each broker is killed; the last two are not, and the last finds nothing to be done. */
const LIVES = ['1', '2', '1000', '1000']
const FILTER = '$share/g/t'

const sessionOf = (clientId: string, expirySeconds: number): SessionRecord => ({
  clientId,
  username: '',
  protocolVersion: 5,
  expirySeconds,
  disconnectedAtMs: 0,
  will: undefined,
  inFlightWindow: 0,
})

/** A store in which a session expired, with a queue that is for another member of its group, 'heir'. */
async function makeStore(): Promise<string> {
  const path = newFolder()
  const store = await openBrokerStore({ path })
  await store.load()
  for (const session of [sessionOf(EXPIRED_SESSION, 1), sessionOf('heir', 4_294_967_295)]) {
    store.putSession(session)
    store.putSubscription(session.clientId, {
      filter: FILTER,
      qos: 1,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      subscriptionIdentifier: undefined,
    })
  }
  for (let number = 1; number <= MESSAGES; number++) {
    store.putMessage(number, {
      topic: 't',
      payload: Buffer.from(`${number}`),
      qos: 1,
      retain: false,
      properties: undefined,
      expiresAtMs: undefined,
      publishedBy: 'p',
    })
    store.putDelivery(EXPIRED_SESSION, number, {
      messageId: number,
      qos: 1,
      retain: false,
      subscriptionIdentifiers: undefined,
      sharedFilter: FILTER,
      packetIdentifier: undefined,
      isReleased: false,
    })
  }
  store.putQueue(EXPIRED_SESSION, {
    messages: MESSAGES,
    bytes: 200 * MESSAGES,
    lastSequence: MESSAGES,
    hasShared: true,
  })
  await store.commit()
  await store.close()
  return path
}

/** The payloads, as numbers, in the queue of each session. */
async function queuesIn(path: string): Promise<Map<string, number[]>> {
  const store = await openBrokerStore({ path })
  const queues = new Map<string, number[]>()
  const { sessions } = await store.load()
  for (const { clientId } of sessions) {
    const numbers = store.readDeliveries(clientId, 0, MESSAGES + 1).map(({ delivery }) => {
      if ('damage' in delivery) throw delivery.damage
      const message = store.readMessage(delivery.messageId)
      if ('damage' in message) throw message.damage
      return Number(Buffer.from(message.payload).toString())
    })
    queues.set(clientId, numbers)
  }
  await store.close()
  return queues
}

describe('a broker killed with kill -9 while the queue of a dead member goes to another', () => {
  it('has each message in one of the two queues, in order, and goes on when it starts again [promise 33]', async () => {
    const path = await makeStore()
    const inOrder = Array.from({ length: MESSAGES }, (_, i) => i + 1)
    const moved: number[] = []
    for (const lastCommit of LIVES) {
      const child = new Child(REDELIVERING_PROCESS, [path, lastCommit])
      onTestFinished(async () => void (await child.kill()))
      await child.line()
      await child.kill()
      const { heir = [], ...others } = Object.fromEntries(await queuesIn(path))
      const left = Object.values(others)
      expect(left.length).toBeLessThanOrEqual(1)
      // The front of the queue moved, the rest did not.
      expect([...heir, ...left.flat()]).toEqual(inOrder)
      moved.push(heir.length)
    }
    const [, second = 0] = moved
    expect(second).toBeGreaterThanOrEqual(1000)
    expect(moved.at(-1)).toBe(MESSAGES)
    expect([...(await queuesIn(path)).keys()]).toEqual(['heir'])
  })
})
