import type { SessionStore, StoredPublish, StoredRange } from '@jamey/mqtt'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openSessionStore } from '../index.js'
import { newFolder } from '../test-support/folder.js'
import { type SessionChange, SessionModel, stateOf } from '../test-support/session-model.js'
import { bytesOf } from './records.js'

const bytes = fc.uint8Array({ maxLength: 40 })
const text = fc.string({ unit: 'grapheme', maxLength: 200 })
const uint32 = fc.nat({ max: 0xffffffff })

const properties = fc.record(
  {
    payloadFormatIndicator: fc.constantFrom<0 | 1>(0, 1),
    messageExpiryInterval: uint32,
    contentType: text,
    responseTopic: text,
    correlationData: bytes,
    subscriptionIdentifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), {
      minLength: 1,
      maxLength: 3,
    }),
    topicAlias: fc.integer({ min: 1, max: 65_535 }),
    userProperties: fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: [] },
)

/** Sequences far apart, so that every length of a key's integer occurs. */
const publish: fc.Arbitrary<Omit<StoredPublish, 'sequence'>> = fc.record({
  topic: text,
  payload: fc.oneof(
    { weight: 9, arbitrary: bytes },
    { weight: 1, arbitrary: fc.nat({ max: 600_000 }).map((length) => new Uint8Array(length).fill(length)) },
  ),
  qos: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
  retain: fc.boolean(),
  properties: fc.option(properties, { nil: undefined }),
})

type Operation =
  | { do: 'append'; step: number; publish: Omit<StoredPublish, 'sequence'> }
  | { do: 'release' | 'remove'; pick: number }
  | { do: 'addDeadLetter' | 'giveUp'; pick: number; reasonCode: number | undefined }
  | { do: 'receive' | 'complete'; packetIdentifier: number }
  | { do: 'forgetReceived' | 'commit' | 'reopen' }

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ do: fc.constant('append' as const), step: fc.constantFrom(1, 300, 70_000, 2 ** 33), publish }),
  fc.record({ do: fc.constantFrom('release' as const, 'remove' as const), pick: fc.nat({ max: 1000 }) }),
  fc.record({
    do: fc.constantFrom('addDeadLetter' as const, 'giveUp' as const),
    pick: fc.nat({ max: 1000 }),
    reasonCode: fc.constantFrom(undefined, 0, 0x87, 255),
  }),
  fc.record({
    do: fc.constantFrom('receive' as const, 'complete' as const),
    packetIdentifier: fc.constantFrom(1, 2, 255, 256, 65_535),
  }),
  fc.record({ do: fc.constantFrom('forgetReceived' as const, 'commit' as const, 'reopen' as const) }),
)

describe('a session store', () => {
  it('gives after any changes, commits and reopenings what a plain model gives [promise 3]', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
        const path = newFolder()
        let store = await openSessionStore({ path })
        let model = new SessionModel()
        let committed = new SessionModel()
        let sequence = 0
        const sequences: number[] = []
        for (const one of operations) {
          const all: SessionChange[] = [model, store]
          switch (one.do) {
            case 'append':
              sequence += one.step
              sequences.push(sequence)
              for (const each of all) each.append({ sequence, ...one.publish })
              break
            case 'release':
            case 'remove': {
              const picked = model.waiting[one.pick % model.waiting.length]
              if (picked === undefined) break
              for (const each of all) each[one.do](picked.sequence, bytesOf(picked))
              break
            }
            case 'addDeadLetter': {
              const picked = model.waiting[one.pick % model.waiting.length]
              const reason = { code: 'refused', message: 'why: ü', reasonCode: one.reasonCode }
              if (picked !== undefined) for (const each of all) each.addDeadLetter(picked, reason)
              break
            }
            case 'giveUp': {
              const picked = model.deadLetters[one.pick % model.deadLetters.length]
              if (picked === undefined) break
              for (const each of all) {
                each.removeDeadLetter(picked.sequence, bytesOf(picked))
                each.giveUp(picked.sequence, { ...picked.reason, reasonCode: one.reasonCode })
              }
              break
            }
            case 'receive':
            case 'complete':
              for (const each of all) each[one.do](one.packetIdentifier, sequence % 2 ** 32)
              break
            case 'forgetReceived':
              for (const each of all) each.forgetReceived()
              break
            case 'commit':
              await store.commit()
              committed = model.copy()
              break
            case 'reopen':
              // Without a commit the last changes are lost, as in a crash.
              await store.close()
              store = await openSessionStore({ path })
              expect(await stateOf(store)).toEqual(committed.state)
              model = committed.copy()
          }
        }
        await store.commit()
        await store.close()
        const last = await openSessionStore({ path })
        expect(await stateOf(last, 1)).toEqual(model.state)
        for (const picked of new Set(sequences))
          expect(await last.find(picked)).toEqual(model.outcomeOf(picked))
        await last.close()
      }),
      { numRuns: 60 },
    )
  })

  it('has taken the payload when a commit resolves: the buffer may change then', async () => {
    const path = newFolder()
    const store = await openSessionStore({ path })
    const payload = Buffer.from('before')
    store.append({ sequence: 1, topic: 't', payload, qos: 1, retain: false, properties: undefined })
    await store.commit()
    payload.fill('x')
    expect(await payloadsOf(store)).toEqual(['before'])
    await store.close()
  })

  it('gives payloads that later commits leave alone', async () => {
    const path = newFolder()
    const store = await openSessionStore({ path })
    store.append({
      sequence: 1,
      topic: 't',
      payload: Buffer.from('first'),
      qos: 1,
      retain: false,
      properties: undefined,
    })
    await store.commit()
    const { publishes } = await pageOf(store)
    for (let sequence = 2; sequence < 40; sequence++) {
      store.remove(sequence - 1, 0)
      store.append({
        sequence,
        topic: 't',
        payload: Buffer.alloc(900, 'x'),
        qos: 1,
        retain: false,
        properties: undefined,
      })
      await store.commit()
    }
    expect(Buffer.from(publishes[0]?.payload ?? []).toString()).toBe('first')
    await store.close()
  })

  it('tells how long a message has waited, also in a later process, and never less than nothing', async () => {
    const path = newFolder()
    let nowMs = 1_700_000_000_000
    const now = (): number => nowMs
    const first = await openSessionStore({ path, now })
    first.append({
      sequence: 0,
      topic: 't',
      payload: new Uint8Array(),
      qos: 1,
      retain: false,
      properties: undefined,
    })
    await first.commit()
    await first.close()
    const second = await openSessionStore({ path, now })
    nowMs += 61_500
    expect((await pageOf(second)).publishes[0]?.ageMs).toBe(61_500)
    nowMs -= 100_000
    expect((await pageOf(second)).publishes[0]?.ageMs).toBe(0)
    await second.close()
  })

  it('reads a page up to either bound, at least one message, and a record that is gone leaves no hole in it', async () => {
    const store = await openSessionStore({ path: newFolder() })
    for (let sequence = 0; sequence < 10; sequence++) {
      const payload = Buffer.alloc(99)
      store.append({ sequence, topic: 't', payload, qos: 1, retain: false, properties: undefined })
    }
    store.remove(4, 100)
    await store.commit()
    const read = async (range: Partial<StoredRange>) => {
      const { publishes, upTo } = await pageOf(store, range)
      return [publishes.map(({ sequence }) => sequence), upTo]
    }
    expect(await read({ maximumMessages: 3 })).toEqual([[0, 1, 2], 2])
    expect(await read({ after: 2, maximumBytes: 250 })).toEqual([[3, 5], 5])
    expect(await read({ after: 5, maximumBytes: 1 })).toEqual([[6], 6])
    expect(await read({ after: 6, upTo: 8 })).toEqual([[7, 8], 8])
    expect(await read({ after: 9 })).toEqual([[], 1_000_000])
    await store.close()
  })

  it('remembers a bounded number of messages that were given up [promise 6]', async () => {
    const path = newFolder()
    const store = await openSessionStore({ path })
    const reason = { code: 'expired', message: 'waited', reasonCode: undefined }
    for (let sequence = 0; sequence < 10_001; sequence++) store.giveUp(sequence, reason)
    await store.commit()
    await store.close()
    const again = await openSessionStore({ path })
    again.giveUp(10_001, reason)
    await again.commit()
    const found = await Promise.all([0, 1, 2, 10_001].map((sequence) => again.find(sequence)))
    expect(found.map((one) => one?.state)).toEqual([undefined, undefined, 'given-up', 'given-up'])
    await again.close()
  })

  it('commits in the order in which it was asked to', async () => {
    const store = await openSessionStore({ path: newFolder() })
    const order: number[] = []
    const commits = [1, 2, 3].map((sequence) => {
      store.append({
        sequence,
        topic: 't',
        payload: Buffer.from('x'),
        qos: 1,
        retain: false,
        properties: undefined,
      })
      return store.commit().then(() => order.push(sequence))
    })
    await Promise.all(commits)
    expect(order).toEqual([1, 2, 3])
    await store.close()
  })
})

function pageOf(store: SessionStore, range: Partial<StoredRange> = {}) {
  return store.read({ after: -1, upTo: 1_000_000, maximumMessages: 1000, maximumBytes: 1_000_000, ...range })
}

async function payloadsOf(store: SessionStore): Promise<string[]> {
  const { publishes } = await pageOf(store)
  return publishes.map(({ payload }) => Buffer.from(payload).toString())
}
