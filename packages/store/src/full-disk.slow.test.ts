import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { smallDisk } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openBrokerStore, openSessionStore } from './index.js'
import { Child } from './test-support/child.js'
import { newFolder } from './test-support/folder.js'
import { BATCH, FULL_DISK_PROCESS } from './test-support/full-disk-process.js'
import { stateOf } from './test-support/session-model.js'

/** A whole number of pages. */
const FILE_BYTES = 500 * 4096
const DISK_BYTES = 4 * 1024 * 1024
const SPARE_BYTES = 512 * 1024

/** The system refuses to let the file grow; LMDB calls it an input/output error where a part still had room. */
const FAILED = /^failed (full|io-failed) true (\d+)$/

function startFilling(path: string, kind: string): Child {
  const child = new Child(FULL_DISK_PROCESS, [path, kind], FILE_BYTES)
  onTestFinished(async () => void (await child.kill()))
  return child
}

async function committedBy(child: Child): Promise<number> {
  const line = (await child.line()) ?? ''
  expect(line).toMatch(FAILED)
  return Number(FAILED.exec(line)?.[2])
}

describe('a disk that is full', () => {
  it('fails a session commit whole, and the next one as soon as there is room [promise 37]', async () => {
    const path = newFolder()
    const child = startFilling(path, 'session')
    const committed = await committedBy(child)
    expect([await child.line(), await child.line()]).toEqual(['removed', 'appended'])
    expect(await child.ended()).toBe(0)
    const store = await openSessionStore({ path })
    const { waiting, received, amounts } = await stateOf(store)
    const found = waiting.map(({ sequence }) => sequence)
    // What was to be appended when the disk was full was refused to whoever published it, so it is not there; that a
    // message was received stays true.
    const expected = Array.from({ length: committed / 2 }, (_, i) => committed / 2 + i)
    expect(found).toEqual([...expected, committed])
    expect(amounts.waiting).toEqual({ messages: found.length, bytes: 1001 * found.length })
    expect(received).toHaveLength(committed / BATCH + 1)
    await store.close()
  })

  it('leaves a queue readable, page by page, while a commit fails and once it has failed [promise 33]', async () => {
    const path = newFolder()
    const child = startFilling(path, 'reading')
    const committed = await committedBy(child)
    expect(committed).toBeGreaterThan(BATCH)
    // For the moment in which the file is opened anew; nothing is found to be missing or damaged.
    expect(await child.line()).toMatch(/^refused( closed)?$/)
    expect(await child.line()).toBe('whole')
    expect(await child.ended()).toBe(0)
  })

  it('fails a broker commit whole, again and again [promise 33]', async () => {
    const path = newFolder()
    const child = startFilling(path, 'broker')
    const committed = await committedBy(child)
    expect(await child.line()).toMatch(/^still (full|io-failed)$/)
    expect(await child.ended()).toBe(0)
    const store = await openBrokerStore({ path })
    expect((await store.load()).lastMessageId).toBe(committed)
    const found = store.readDeliveries('s', 0, committed + 1)
    expect(found.map(({ sequence }) => sequence)).toEqual(Array.from({ length: committed }, (_, i) => i + 1))
    for (const { sequence } of found) expect(store.readMessage(sequence)).toMatchObject({ topic: 't' })
    // With room on the disk it goes on.
    store.removeDelivery('s', 1, 1)
    store.putMessage(committed + 1, {
      topic: 't',
      payload: new Uint8Array(1000),
      qos: 1,
      retain: false,
      properties: undefined,
      expiresAtMs: undefined,
      publishedBy: 'p',
    })
    await store.close()
  })
})

describe('a file system that is full', () => {
  it.for(['session', 'broker'])(
    'fails a commit of a %s whole, and takes more once there is room',
    async (kind, test) => {
      const disk = smallDisk(DISK_BYTES)
      if (disk === undefined) return test.skip('no file system can be mounted here; it takes root')
      onTestFinished(() => disk.remove())
      const spare = join(disk.path, 'spare')
      writeFileSync(spare, Buffer.alloc(SPARE_BYTES))
      const path = join(disk.path, 'store')
      const child = new Child(FULL_DISK_PROCESS, [path, kind])
      onTestFinished(async () => void (await child.kill()))
      const committed = await committedBy(child)
      expect(committed).toBeGreaterThan(BATCH)
      if (kind === 'session')
        expect([await child.line(), await child.line()]).toEqual(['removed', 'appended'])
      else expect(await child.line()).toMatch(/^still (full|io-failed)$/)
      expect(await child.ended()).toBe(0)
      rmSync(spare)
      if (kind === 'session') await expectSession(path, committed)
      else await expectQueue(path, committed)
    },
  )
})

/** The newer half of what was committed, and one that came after the older half had gone. */
async function expectSession(path: string, committed: number): Promise<void> {
  const store = await openSessionStore({ path })
  const { waiting, amounts } = await stateOf(store)
  const found = waiting.map(({ sequence }) => sequence)
  const newer = Array.from({ length: committed / 2 }, (_, i) => committed / 2 + i)
  expect(found).toEqual([...newer, committed])
  expect(amounts.waiting.messages).toBe(found.length)
  await store.close()
}

/** Everything that was committed, and room for more. */
async function expectQueue(path: string, committed: number): Promise<void> {
  const store = await openBrokerStore({ path })
  expect((await store.load()).lastMessageId).toBe(committed)
  const found = store.readDeliveries('s', 0, committed + 1)
  expect(found.map(({ sequence }) => sequence)).toEqual(Array.from({ length: committed }, (_, i) => i + 1))
  store.removeDelivery('s', 1, 1)
  await store.commit()
  await store.close()
}
