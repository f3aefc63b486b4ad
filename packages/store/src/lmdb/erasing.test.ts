import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { openRecordStore, type RecordStore } from '../index.js'
import { newFolder } from '../test-support/folder.js'
import { Random } from '../test-support/random.js'
import { RECORDS } from '../test-support/record-process.js'
import { DATA_FILE } from './data-file.js'

const MARKER = 'a-marker-that-nobody-else-writes'
/** In a page with others, in most of one, in pages of their own. */
const LENGTHS = [0, 100, 1500, 3000, 5000, 70_000]

afterEach(() => vi.useRealTimers())

const marked = (length: number) => Buffer.from(MARKER + 'x'.repeat(length) + MARKER)
const hasMarker = (path: string) => readFileSync(join(path, DATA_FILE)).includes(MARKER)

/** Time goes on without commits. A read of the test's own may have been in the way the first time. */
async function restUntil(isDone: () => boolean): Promise<void> {
  await vi.waitUntil(
    () => {
      vi.advanceTimersByTime(2000)
      return isDone()
    },
    { timeout: 30_000 },
  )
}

async function storeAndRemove(store: RecordStore): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await store.commit(LENGTHS.map((length) => ({ key: `m${length}-${round}`, value: marked(length) })))
    await store.commit([{ key: `kept-${round}`, value: Buffer.alloc(round * 300, round) }])
  }
  for (let round = 0; round < 20; round++) {
    await store.commit(LENGTHS.map((length) => ({ key: `m${length}-${round}`, value: undefined })))
  }
}

function keptIn(store: RecordStore): string[] {
  return [...store.records()].map((found) =>
    'value' in found
      ? `${found.key} ${found.value.length} ${found.value.every((byte) => byte === found.value[0])}`
      : 'damaged',
  )
}

async function copied(path: string): Promise<string[]> {
  const store = await openRecordStore({ path, ...RECORDS })
  const kept = keptIn(store)
  await store.close()
  return kept
}

const KEPT = Array.from({ length: 20 }, (_, round) => `kept-${round} ${round * 300} true`).sort()

it('what was removed is in no byte of the file once there is rest [promise 45]', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const path = newFolder()
  const store = await openRecordStore({ path, ...RECORDS })
  await storeAndRemove(store)
  expect(hasMarker(path)).toBe(true)
  await restUntil(() => !hasMarker(path))
  expect(keptIn(store)).toEqual(KEPT)
  await store.close()
})

it('nor once the store is closed, which has what was left in it', async () => {
  const path = newFolder()
  const store = await openRecordStore({ path, ...RECORDS })
  await storeAndRemove(store)
  await store.close()
  expect(hasMarker(path)).toBe(false)
  const again = await openRecordStore({ path, ...RECORDS })
  expect(keptIn(again)).toEqual(KEPT)
  await again.close()
})

it('what a process removed that was killed before is erased by the next one', async () => {
  const path = newFolder()
  const store = await openRecordStore({ path, ...RECORDS })
  await storeAndRemove(store)
  const left = newFolder()
  mkdirSync(left, { mode: 0o700 })
  copyFileSync(join(path, DATA_FILE), join(left, DATA_FILE))
  await store.close()
  expect(hasMarker(left)).toBe(true)
  const next = await openRecordStore({ path: left, ...RECORDS })
  await next.close()
  expect(hasMarker(left)).toBe(false)
  expect(await copied(left)).toEqual(KEPT)
})

it('nothing is erased that a reader of an earlier commit still needs', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const path = newFolder()
  const store = await openRecordStore({ path, ...RECORDS })
  await store.commit([{ key: 'early', value: marked(100) }])
  const reading = store.records()[Symbol.iterator]()
  reading.next()
  await store.commit([{ key: 'early', value: undefined }])
  const other = newFolder()
  const without = await openRecordStore({ path: other, ...RECORDS })
  await storeAndRemove(without)
  // It began later, and has more to erase.
  await restUntil(() => !hasMarker(other))
  expect(hasMarker(path)).toBe(true)
  await without.close()
  while (reading.next().done !== true);
  await restUntil(() => !hasMarker(path))
  await store.close()
})

it('commits that come in between find and leave all records whole', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const path = newFolder()
  let store = await openRecordStore({ path, ...RECORDS })
  const random = new Random(7)
  // Large enough for several steps, of which a commit comes between two.
  const model = new Map(Array.from({ length: 8 }, (_, i) => [`base-${i}`, String(i).repeat(200_000)]))
  await store.commit([...model].map(([key, value]) => ({ key, value: Buffer.from(value) })))
  for (let step = 0; step < 400; step++) {
    const key = `k${random.integer(60)}`
    const value = random.integer(10) < 4 ? undefined : String(step).repeat(1 + random.integer(3000))
    if (value === undefined) model.delete(key)
    else model.set(key, value)
    // The erasing has begun, and goes on until the commit stops it somewhere; or it is due while the commit is written.
    if (random.integer(2) === 0) vi.advanceTimersByTime(2000)
    for (let turns = random.integer(8); turns > 0; turns--) await new Promise(setImmediate)
    const committed = store.commit([{ key, value: value === undefined ? undefined : Buffer.from(value) }])
    // Time goes on while it is being written, too.
    for (let turns = random.integer(4); turns > 0; turns--) await new Promise(setImmediate)
    vi.advanceTimersByTime(2000)
    await committed
    if (step % 50 === 49) {
      await store.close()
      store = await openRecordStore({ path, ...RECORDS })
    }
  }
  const found = [...store.records()].map((one) => [
    one.key,
    'value' in one ? one.value.toString() : 'damaged',
  ])
  expect(new Map(found as [string, string][])).toEqual(model)
  await store.close()
})
