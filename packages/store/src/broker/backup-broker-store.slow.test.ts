import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { backupBrokerStore, openBrokerStore, openSessionStore } from '../index.js'
import { changeBroker, stateAfter, stateOf } from '../test-support/broker-model.js'
import { BROKER_PROCESS } from '../test-support/broker-process.js'
import { Child } from '../test-support/child.js'
import { newFolder } from '../test-support/folder.js'

const modeOf = (path: string): number => statSync(path).mode & 0o777

function isEqual(found: unknown, expected: unknown): boolean {
  try {
    expect(found).toEqual(expected)
    return true
  } catch {
    return false
  }
}

async function contentOf(path: string) {
  const store = await openBrokerStore({ path })
  const state = await stateOf(store)
  await store.close()
  return state
}

async function closedStore(): Promise<string> {
  const path = newFolder()
  const store = await openBrokerStore({ path })
  await store.load()
  for (let step = 0; step < 20; step++) changeBroker(7, step, store)
  await store.close()
  return path
}

describe('a backup of a broker store', () => {
  it('is one commit of it, whole, while its owner goes on committing [promise 33]', async () => {
    const seed = Math.floor(Math.random() * 1_000_000)
    const path = newFolder()
    const child = new Child(BROKER_PROCESS, [path, String(seed), '0'])
    onTestFinished(async () => void (await child.kill()))
    let turn = 0
    while (turn < 40) turn = Number(await child.line()) + 1
    const to = join(dirname(path), 'copy')
    const { bytes, owner } = await backupBrokerStore({ path, to })
    const before = turn
    const left = await child.kill()
    const after = left.length === 0 ? turn : Number(left.at(-1)) + 1
    expect(owner).toBe(child.pid)
    expect(bytes).toBe(statSync(join(to, 'data.mdb')).size)
    const found = await contentOf(to)
    const turns = Array.from({ length: after + 2 - before }, (_, n) => before + n)
    const states = await Promise.all(turns.map((n) => stateAfter(seed, n)))
    const isOne = states.some((state) => isEqual(found, state))
    expect(isOne, `seed ${seed}, turns ${before} to ${after}`).toBe(true)
  })

  it('is for its owner only, and has nothing but the data', async () => {
    const path = await closedStore()
    const to = join(dirname(path), 'copy')
    const former = process.umask(0)
    onTestFinished(() => void process.umask(former))
    expect(await backupBrokerStore({ path, to })).toMatchObject({ path: to, owner: undefined })
    expect([modeOf(to), modeOf(join(to, 'data.mdb'))]).toEqual([0o700, 0o600])
    expect(readdirSync(to)).toEqual(['data.mdb'])
    expect(readdirSync(dirname(to)).sort()).toEqual(['copy', 'store'])
    expect(await contentOf(to)).toEqual(await contentOf(path))
  })

  it.each<[string, (to: string) => void]>([
    ['a file', (to) => writeFileSync(to, 'x')],
    ['an empty folder', (to) => mkdirSync(to)],
    ['an earlier one', (to) => mkdirSync(join(to, 'data.mdb'), { recursive: true })],
  ])('does not overwrite %s', async (_, make) => {
    const path = await closedStore()
    const to = join(dirname(path), 'copy')
    make(to)
    await expect(backupBrokerStore({ path, to })).rejects.toMatchObject({ code: 'exists' })
    expect(readdirSync(dirname(to)).sort()).toEqual(['copy', 'store'])
  })

  it('is not made of what is none, and leaves nothing behind [promise 37]', async () => {
    const path = newFolder()
    const to = join(dirname(path), 'copy')
    await expect(backupBrokerStore({ path, to })).rejects.toMatchObject({ code: 'not-accessible' })
    await (await openSessionStore({ path })).close()
    await expect(backupBrokerStore({ path, to })).rejects.toMatchObject({ code: 'foreign' })
    const nowhere = join(to, 'in', 'nothing')
    await expect(backupBrokerStore({ path, to: nowhere })).rejects.toThrow(
      'the folder around it must be there',
    )
    expect(readdirSync(dirname(path))).toEqual(['store'])
  })

  it('is not made of a damaged store, and the damage is told [promise 33]', async () => {
    const path = newFolder()
    const store = await openBrokerStore({ path })
    await store.load()
    const payload = Buffer.from('this is what the disk will have forgotten')
    const message = { topic: 't', payload, qos: 1, retain: true, publishedBy: 'p' } as const
    store.putRetained({ ...message, properties: undefined, expiresAtMs: undefined })
    await store.close()
    const file = join(path, 'data.mdb')
    const bytes = readFileSync(file)
    for (let at = bytes.indexOf(payload); at !== -1; at = bytes.indexOf(payload)) bytes.writeUInt8(0, at)
    writeFileSync(file, bytes)
    const to = join(dirname(path), 'copy')
    await expect(backupBrokerStore({ path, to })).rejects.toMatchObject({ code: 'damaged' })
    expect(readdirSync(dirname(path))).toEqual(['store'])
  })
})
