import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkStore, openBrokerStore, openSessionStore } from './index.js'
import { changeBroker } from './test-support/broker-model.js'
import { newFolder } from './test-support/folder.js'

async function storeWith(...payloads: readonly string[]): Promise<string> {
  const path = newFolder()
  const store = await openBrokerStore({ path })
  await store.load()
  for (const [i, text] of payloads.entries()) {
    const message = { topic: `t/${i}`, payload: Buffer.from(text), qos: 1, retain: true } as const
    store.putRetained({ ...message, publishedBy: 'p', properties: undefined, expiresAtMs: undefined })
  }
  await store.close()
  return path
}

function overwrite(path: string, text: string): void {
  const file = join(path, 'data.mdb')
  const bytes = readFileSync(file)
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text)) bytes.writeUInt8(0, at)
  writeFileSync(file, bytes)
}

describe('a check of a store', () => {
  it('counts the records that are whole and those that are not, and names the first of these [promise 33]', async () => {
    const texts = ['the first text to lose', 'a text that stays whole', 'the second text to lose']
    const path = await storeWith(...texts)
    const whole = await checkStore({ path, kind: 'broker' })
    expect(whole).toMatchObject({ damaged: 0, damage: undefined, owner: undefined })
    expect(whole.records).toBeGreaterThanOrEqual(3)
    overwrite(path, 'the first text')
    overwrite(path, 'the second text')
    const before = readFileSync(join(path, 'data.mdb'))
    const found = await checkStore({ path, kind: 'broker' })
    expect(found).toMatchObject({ records: whole.records - 2, damaged: 2, damage: { code: 'damaged' } })
    expect(found.damage?.message).toContain('checksum')
    expect(readFileSync(join(path, 'data.mdb')).equals(before)).toBe(true)
  })

  it('tells what is no store of its kind, and one of which a part is missing', async () => {
    const path = newFolder()
    await expect(checkStore({ path, kind: 'broker' })).rejects.toMatchObject({ code: 'not-accessible' })
    await (await openSessionStore({ path })).close()
    expect(await checkStore({ path, kind: 'session' })).toMatchObject({ damaged: 0 })
    await expect(checkStore({ path, kind: 'broker' })).rejects.toMatchObject({ code: 'foreign' })
    const cut = newFolder()
    const store = await openBrokerStore({ path: cut })
    await store.load()
    for (let step = 0; step < 200; step++) changeBroker(7, step, store)
    await store.close()
    truncateSync(join(cut, 'data.mdb'), 3 * 4096)
    await expect(checkStore({ path: cut, kind: 'broker' })).rejects.toMatchObject({ name: 'StoreError' })
  })
})
