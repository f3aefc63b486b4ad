import type { SessionStore, StoredPublish } from '@jamey/mqtt'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openSessionStore } from './index.js'
import { newFolder } from './test-support/folder.js'
import { inOrder, type SessionChange, SessionModel } from './test-support/session-model.js'

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
  | { do: 'setAside'; pick: number; reasonCode: number | undefined }
  | { do: 'receive' | 'complete'; packetIdentifier: number }
  | { do: 'forgetReceived' | 'commit' | 'reopen' }

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ do: fc.constant('append' as const), step: fc.constantFrom(1, 300, 70_000, 2 ** 33), publish }),
  fc.record({ do: fc.constantFrom('release' as const, 'remove' as const), pick: fc.nat({ max: 1000 }) }),
  fc.record({
    do: fc.constant('setAside' as const),
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
        for (const one of operations) {
          const sequences = model.sequences
          const all: SessionChange[] = [model, store]
          switch (one.do) {
            case 'append':
              sequence += one.step
              for (const each of all) each.append({ sequence, ...one.publish })
              break
            case 'release':
            case 'remove': {
              const picked = sequences[one.pick % sequences.length]
              if (picked !== undefined) for (const each of all) each[one.do](picked)
              break
            }
            case 'setAside': {
              const picked = sequences[one.pick % sequences.length]
              const reason = { code: 'refused', message: 'why: ü', reasonCode: one.reasonCode }
              if (picked !== undefined) for (const each of all) each.setAside?.(picked, reason)
              break
            }
            case 'receive':
            case 'complete':
              for (const each of all) each[one.do](one.packetIdentifier)
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
              expect(inOrder(await store.load())).toEqual(committed.state)
              model = committed.copy()
          }
        }
        await store.commit()
        await store.close()
        const last = await openSessionStore({ path })
        expect(inOrder(await last.load())).toEqual(model.state)
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
    const { publishes } = await store.load()
    for (let sequence = 2; sequence < 40; sequence++) {
      store.remove(sequence - 1)
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
    expect(Buffer.from(publishes[0]?.publish.payload ?? []).toString()).toBe('first')
    await store.close()
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

async function payloadsOf(store: SessionStore): Promise<string[]> {
  const { publishes } = await store.load()
  return publishes.map(({ publish }) => Buffer.from(publish.payload).toString())
}
