import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openBrokerStore, openRecordStore, StoreSnapshot } from '../index.js'
import { ALTERNATING_PROCESS } from '../test-support/alternating-process.js'
import { changeBroker, stateAfter, stateOf } from '../test-support/broker-model.js'
import { BROKER_PROCESS } from '../test-support/broker-process.js'
import { Child } from '../test-support/child.js'
import { newFolder } from '../test-support/folder.js'
import { RECORDS } from '../test-support/record-process.js'

async function snapshotOf(path: string): Promise<StoreSnapshot> {
  const snapshot = await StoreSnapshot.open(path)
  onTestFinished(() => snapshot.close())
  return snapshot
}

async function recordsIn(path: string): Promise<number> {
  const store = await openRecordStore({ path, ...RECORDS })
  const count = [...store.records()].length
  await store.close()
  return count
}

async function contentOf(path: string) {
  const store = await openBrokerStore({ path })
  const state = await stateOf(store)
  await store.close()
  return state
}

describe('a snapshot of stores', () => {
  it('is one moment of all of them, while their owner goes on committing to one after the other [promise 33]', async () => {
    const paths = [newFolder(), newFolder()] as const
    const child = new Child(ALTERNATING_PROCESS, paths)
    onTestFinished(async () => void (await child.kill()))
    for (let round = 0; round < 5; round++) {
      const told = Number(await child.line())
      const snapshots = [await StoreSnapshot.open(paths[0]), await StoreSnapshot.open(paths[1])]
      expect(snapshots.map(({ owner }) => owner)).toEqual([child.pid, child.pid])
      StoreSnapshot.take(snapshots)
      // It goes on, and nothing of that is in the copies.
      for (let i = 0; i < 20; i++) await child.line()
      const counts: number[] = []
      for (const [i, snapshot] of snapshots.entries()) {
        const copy = `${paths[i]}-${round}`
        const { records } = await snapshot.copyTo(copy)
        await snapshot.close()
        counts.push(await recordsIn(copy))
        expect(records).toBe((counts.at(-1) ?? 0) + 1)
      }
      const [first = 0, second = 0] = counts
      expect([0, 1]).toContain(first - second)
      expect(second).toBeGreaterThan(told)
    }
  })

  it('is what a broker had committed at the moment, and nothing that came while it was copied', async () => {
    const path = newFolder()
    const child = new Child(BROKER_PROCESS, [path, '7', '0'])
    onTestFinished(async () => void (await child.kill()))
    let turn = 0
    while (turn < 40) turn = Number(await child.line()) + 1
    const snapshot = await snapshotOf(path)
    StoreSnapshot.take([snapshot])
    const lines = await child.kill()
    const last = Number(lines.at(-1) ?? turn - 1) + 1
    const copy = join(dirname(path), 'copy')
    await snapshot.copyTo(copy)
    const found = await contentOf(copy)
    const turns = Array.from({ length: last + 2 - turn }, (_, n) => turn + n)
    const states = await Promise.all(turns.map((n) => stateAfter(7, n)))
    expect(states).toContainEqual(found)
  })

  it('that ends halfway leaves no folder that could be taken for whole, and the store as it was', async () => {
    const path = newFolder()
    const store = await openBrokerStore({ path })
    await store.load()
    for (let step = 0; step < 20; step++) changeBroker(7, step, store)
    await store.close()
    const snapshot = await snapshotOf(path)
    StoreSnapshot.take([snapshot])
    const copy = join(dirname(path), 'copy')
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(snapshot.copyTo(copy, { signal })).rejects.toThrow('enough')
    await expect(snapshot.copyTo(join(dirname(path), 'no', 'folder'))).rejects.toMatchObject({
      name: 'StoreError',
    })
    await snapshot.close()
    expect(await contentOf(path)).toEqual(await stateAfter(7, 20))
    expect(existsSync(join(copy, 'data.mdb'))).toBe(true)
    expect(readdirSync(dirname(path)).sort()).toEqual(['copy', 'store'])
  })
})
