import { statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { SessionStore } from '@jamey/mqtt'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { openSessionStore } from '../index.js'
import { newFolder } from '../test-support/folder.js'
import { DATA_FILE } from './data-file.js'

vi.mock('node:fs/promises', async (load) => {
  const real = await load<typeof import('node:fs/promises')>()
  return { ...real, statfs: vi.fn(real.statfs) }
})

afterEach(() => vi.mocked(statfs).mockReset())

function leaveFree(bytes: number): void {
  vi.mocked(statfs).mockResolvedValue({ bavail: bytes, bsize: 1 } as Awaited<ReturnType<typeof statfs>>)
}

async function start(): Promise<{ file: string; store: SessionStore }> {
  const path = newFolder()
  const store = await openSessionStore({ path })
  onTestFinished(() => store.close())
  await store.open()
  return { file: join(path, DATA_FILE), store }
}

async function waitingIn(store: SessionStore): Promise<number> {
  const all = { after: -1, upTo: 1000, maximumMessages: 1000, maximumBytes: 2 ** 30 }
  return (await store.read(all)).publishes.length
}

function append(store: SessionStore, sequence: number, payloadBytes: number): void {
  const payload = new Uint8Array(payloadBytes)
  store.append({ sequence, topic: 't', payload, qos: 1, retain: false, properties: undefined })
}

it('a commit that would find no room is not tried, and nothing has to be opened anew [promise 33]', async () => {
  leaveFree(2 ** 21)
  const { file, store } = await start()
  append(store, 0, 10)
  await store.commit()
  leaveFree(4096)
  const { mtimeMs } = statSync(file)
  append(store, 1, 10)
  await expect(store.commit()).rejects.toMatchObject({
    code: 'full',
    message: expect.stringMatching(/4096 bytes are free on the disk, \d+ may be needed; make room/),
  })
  expect(statSync(file).mtimeMs).toBe(mtimeMs)
  expect(await waitingIn(store)).toBe(1)
  leaveFree(2 ** 20)
  append(store, 1, 10)
  await store.commit()
  expect(await waitingIn(store)).toBe(2)
  leaveFree(2 ** 20)
  append(store, 2, 2 ** 20)
  await expect(store.commit()).rejects.toMatchObject({ code: 'full' })
})

it('on a disk that is full, what is free within the file is used', async () => {
  leaveFree(2 ** 24)
  const { store } = await start()
  for (let sequence = 0; sequence < 400; sequence++) append(store, sequence, 5000)
  await store.commit()
  for (let sequence = 0; sequence < 400; sequence++) store.remove(sequence, 5001)
  await store.commit()
  leaveFree(0)
  for (let sequence = 400; sequence < 420; sequence++) {
    append(store, sequence, 5000)
    await store.commit()
    store.remove(sequence, 5001)
    await store.commit()
  }
  append(store, 420, 1_000_000)
  await expect(store.commit()).rejects.toMatchObject({ code: 'full' })
})

it('where nobody can tell what is free, a commit is tried', async () => {
  vi.mocked(statfs).mockRejectedValue(new Error('not supported'))
  const { store } = await start()
  append(store, 0, 10)
  await store.commit()
  expect(await waitingIn(store)).toBe(1)
})

it('where there is plenty, it is asked again a tenth of a second later, not with every commit', async () => {
  let nowMs = 1000
  const now = vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
  onTestFinished(() => void now.mockRestore())
  leaveFree(2 ** 40)
  const { store } = await start()
  for (let sequence = 0; sequence < 10; sequence++) {
    append(store, sequence, 10)
    await store.commit()
  }
  expect(statfs).toHaveBeenCalledTimes(1)
  leaveFree(0)
  nowMs += 100
  append(store, 10, 10)
  await expect(store.commit()).rejects.toMatchObject({ code: 'full' })
})
