import { existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StoredPublish } from '@jamey/mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openOutbox, openSessionStore, StoreError } from '../index.js'
import { LmdbEnvironment } from '../lmdb/lmdb-environment.js'
import { SESSION_SCHEMA } from '../session/schema.js'
import { Child } from '../test-support/child.js'
import { newFolder } from '../test-support/folder.js'
import { LOOKING_PROCESS } from '../test-support/looking-process.js'
import { stateOf } from '../test-support/session-model.js'
import { SESSION_PROCESS } from '../test-support/session-process.js'

const REFUSED = { code: 'refused', message: 'not authorized', reasonCode: 0x87 }
const START_MS = 1_700_000_000_000

function publishOf(sequence: number, qos: 1 | 2 = 1): StoredPublish {
  const payload = Buffer.from(`payload of ${sequence}`)
  return { sequence, topic: `t/${sequence}`, payload, qos, retain: false, properties: undefined }
}

/** A closed store: 0 to 9 wait (9 with QoS 2, received), 10 to 12 are dead letters. */
async function makeStore(): Promise<string> {
  const path = newFolder()
  const store = await openSessionStore({ path, now: () => START_MS })
  for (let sequence = 0; sequence < 13; sequence++) store.append(publishOf(sequence, sequence === 9 ? 2 : 1))
  await store.commit()
  store.release(9)
  for (let sequence = 10; sequence < 13; sequence++) store.addDeadLetter(publishOf(sequence), REFUSED)
  await store.commit()
  await store.close()
  return path
}

/** Spoils the record of one message. */
function damage(path: string, sequence: number): void {
  const file = join(path, 'data.mdb')
  const bytes = readFileSync(file)
  for (let at = bytes.indexOf(`payload of ${sequence}`); at >= 0; ) {
    bytes[at] = 0
    at = bytes.indexOf(`payload of ${sequence}`, at + 1)
  }
  writeFileSync(file, bytes)
}

async function outcomeOf(path: string, sequence: number) {
  const store = await openSessionStore({ path })
  const outcome = await store.find(sequence)
  const { identifier, waiting, deadLetters, nextSequence } = await store.open()
  await store.close()
  return { outcome, identifier, waiting, deadLetters, nextSequence }
}

async function failureOf(promise: Promise<unknown>): Promise<StoreError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StoreError)
  return error as StoreError
}

describe('looking into an outbox', () => {
  it('counts, lists in pages and finds messages, with their age and why they are dead letters', async () => {
    const path = await makeStore()
    const outbox = await openOutbox({ path, now: () => START_MS + 5000 })
    expect(await outbox.counts()).toEqual({
      waiting: { messages: 10, bytes: 150 },
      deadLetters: { messages: 3, bytes: 51 },
      oldestAgeMs: 5000,
      owner: undefined,
    })
    const first = await outbox.list({ kind: 'waiting', maximumMessages: 6 })
    expect(first.messages.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4, 5])
    const rest = await outbox.list({ kind: 'waiting', after: first.next, maximumMessages: 6 })
    expect(rest.messages.map(({ sequence, isReleased }) => [sequence, isReleased])).toEqual([
      [6, false],
      [7, false],
      [8, false],
      [9, true],
    ])
    expect(rest.next).toBeUndefined()
    const { messages } = await outbox.list({ kind: 'dead-letter', after: 11 })
    const payload = new Uint8Array(Buffer.from('payload of 12'))
    const expected = { ...publishOf(12), payload, kind: 'dead-letter', ageMs: 5000, reason: REFUSED }
    expect(messages).toEqual([{ ...expected, isReleased: false }])
    expect(await outbox.get(12)).toEqual(messages[0])
    expect(await outbox.get(3)).toMatchObject({ kind: 'waiting', topic: 't/3' })
    expect(await outbox.get(99)).toBeUndefined()
  })

  it('works beside the client that has the store open, and does not disturb it [promise 37]', async () => {
    const path = newFolder()
    const child = new Child(SESSION_PROCESS, [path, '7', '0'])
    onTestFinished(async () => void (await child.kill()))
    for (let turn = 0; turn < 5; turn++) await child.line()
    const outbox = await openOutbox({ path })
    for (let i = 0; i < 10; i++) {
      expect((await outbox.counts()).owner).toBe(child.pid)
      expect((await outbox.list({ kind: 'waiting' })).damaged).toEqual([])
      expect(await child.line()).toBeDefined()
    }
    const error = await failureOf(outbox.drop(0))
    expect(error.code).toBe('in-use')
    expect(error.message).toContain(`process ${child.pid} has it open; stop that process`)
    for (let turn = 0; turn < 20; turn++) expect(await child.line()).toBeDefined()
    await child.kill()
    expect((await outbox.counts()).owner).toBeUndefined()
    const [first] = (await outbox.list({ kind: 'waiting' })).messages
    expect(await outbox.drop(first?.sequence ?? -1)).toMatch(/dropped|received/)
  })

  it('keeps no client from opening the store, however often somebody looks', async () => {
    const path = await makeStore()
    const child = new Child(LOOKING_PROCESS, [path])
    onTestFinished(async () => void (await child.kill()))
    expect(await child.line()).toBe('10 10')
    for (let i = 0; i < 10; i++) await (await openSessionStore({ path })).close()
    for (let i = 0; i < 10; i++) expect(await child.line()).toBe('10 10')
  })

  it('lets several calls of one process follow each other', async () => {
    const outbox = await openOutbox({ path: await makeStore() })
    const all = await Promise.all([outbox.counts(), outbox.list({ kind: 'dead-letter' }), outbox.retry(10)])
    expect(all[2]).toBe(13)
  })

  it('is refused in the process that has the store open itself', async () => {
    const path = await makeStore()
    const store = await openSessionStore({ path })
    expect((await failureOf(openOutbox({ path }))).code).toBe('in-use')
    await store.close()
  })

  it('makes nothing where there is no store', async () => {
    const path = newFolder()
    expect((await failureOf(openOutbox({ path }))).code).toBe('not-accessible')
    expect(existsSync(path)).toBe(false)
    mkdirSync(path)
    expect((await failureOf(openOutbox({ path }))).message).toContain('there is no store')
    writeFileSync(join(path, 'data.mdb'), '')
    expect((await failureOf(openOutbox({ path }))).message).toContain('data.mdb is empty')
    expect(statSync(join(path, 'data.mdb')).size).toBe(0)
  })

  it('refuses a store of an earlier format and leaves it as it is', async () => {
    const path = newFolder()
    await (await LmdbEnvironment.open(path, { ...SESSION_SCHEMA, version: 1 })).close()
    const before = readFileSync(join(path, 'data.mdb'))
    const error = await failureOf(openOutbox({ path }))
    expect(error.code).toBe('older-version')
    expect(error.message).toContain('expected format 2, found 1')
    expect(readFileSync(join(path, 'data.mdb'))).toEqual(before)
  })

  it('of a file that was cut off is an error and no crash', async () => {
    const path = newFolder()
    const store = await openSessionStore({ path })
    for (let sequence = 0; sequence < 500; sequence++) store.append(publishOf(sequence))
    await store.commit()
    await store.close()
    truncateSync(join(path, 'data.mdb'), 4096 * 3)
    const error = await failureOf(
      openOutbox({ path }).then((outbox) => outbox.list({ kind: 'waiting', maximumMessages: 1000 })),
    )
    expect(error.code).toBe('damaged')
  })

  it('lists records that cannot be read as such, and goes on behind them', async () => {
    const path = await makeStore()
    damage(path, 4)
    damage(path, 11)
    const outbox = await openOutbox({ path })
    const waiting = await outbox.list({ kind: 'waiting' })
    expect(waiting.messages).toHaveLength(9)
    expect(waiting.damaged).toMatchObject([{ kind: 'waiting', sequence: 4, error: { code: 'damaged' } }])
    expect(await outbox.get(11)).toMatchObject({ kind: 'dead-letter', error: { code: 'damaged' } })
  })
})

describe('changing an outbox', () => {
  it('retries a message behind all others, under a new number that its old receipt tells', async () => {
    const path = await makeStore()
    const outbox = await openOutbox({ path })
    expect(await outbox.retry(11)).toBe(13)
    expect(await outbox.get(11)).toBeUndefined()
    expect(await outbox.get(13)).toMatchObject({ kind: 'waiting', topic: 't/11' })
    const { outcome, identifier, waiting, deadLetters, nextSequence } = await outcomeOf(path, 11)
    const message = `not authorized; published anew with the receipt ${identifier}.13`
    expect(outcome).toEqual({ state: 'given-up', reason: { ...REFUSED, message } })
    expect({ waiting, deadLetters, nextSequence }).toEqual({
      waiting: { messages: 11, bytes: 167 },
      deadLetters: { messages: 2, bytes: 34 },
      nextSequence: 14,
    })
  })

  it('retries only dead letters', async () => {
    const path = await makeStore()
    damage(path, 12)
    const outbox = await openOutbox({ path })
    for (const sequence of [3, 12, 99]) expect(await outbox.retry(sequence)).toBeUndefined()
  })

  it('drops what waits and dead letters, which its receipt tells', async () => {
    const path = await makeStore()
    const outbox = await openOutbox({ path })
    const dropped = await outbox.change(async (changes) => [
      await changes.drop(3),
      await changes.drop(10),
      await changes.drop(10),
    ])
    expect(dropped).toEqual(['dropped', 'dropped', 'absent'])
    for (const sequence of [3, 10]) {
      const { outcome, waiting, deadLetters } = await outcomeOf(path, sequence)
      expect(outcome).toMatchObject({ state: 'given-up', reason: { code: 'dropped' } })
      expect(waiting).toEqual({ messages: 9, bytes: 135 })
      expect(deadLetters).toEqual({ messages: 2, bytes: 34 })
    }
  })

  it('drops no QoS 2 message that the server has: it would keep the identifier [MQTT-4.3.3-6]', async () => {
    const path = await makeStore()
    const outbox = await openOutbox({ path })
    expect(await outbox.drop(9)).toBe('received')
    expect(await outbox.get(9)).toMatchObject({ isReleased: true })
  })

  it('drops records that cannot be read, and the ledger is right again', async () => {
    const path = await makeStore()
    for (const sequence of [4, 5, 11]) damage(path, sequence)
    const outbox = await openOutbox({ path })
    for (const sequence of [4, 5, 11]) expect(await outbox.drop(sequence)).toBe('dropped')
    const store = await openSessionStore({ path })
    const { amounts, waiting, deadLetters } = await stateOf(store)
    await store.close()
    expect([waiting.length, deadLetters.length]).toEqual([8, 2])
    expect(amounts).toEqual({
      waiting: { messages: 8, bytes: 120 },
      deadLetters: { messages: 2, bytes: 34 },
    })
  })

  it('makes no store where there is none any more', async () => {
    const path = await makeStore()
    const outbox = await openOutbox({ path })
    rmSync(path, { recursive: true })
    expect((await failureOf(outbox.drop(0))).code).toBe('not-accessible')
    expect(existsSync(path)).toBe(false)
  })
})
