import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openRecordStore, type RecordStore } from '../index.js'
import { flipBit } from '../test-support/damage.js'
import { newFolder } from '../test-support/folder.js'
import { RECORDS as FORM } from '../test-support/record-process.js'

const put = (key: string, text: string) => ({ key, value: Buffer.from(text) })
const contentOf = (store: RecordStore) =>
  [...store.records()].map((found) => [
    found.key,
    'value' in found ? Buffer.from(found.value).toString() : 'damaged',
  ])

describe('a record store', () => {
  it('has what was committed, in the order of the keys, when it is opened again', async () => {
    const path = newFolder()
    const store = await openRecordStore({ path, ...FORM })
    await Promise.all([
      store.commit([put('b', '1'), put('\u00e9', '')]),
      store.commit([put('a', 'x'.repeat(300_000))]),
      store.commit([put('b', '2'), { key: 'a', value: undefined }]),
    ])
    expect(contentOf(store)).toEqual([
      ['b', '2'],
      ['\u00e9', ''],
    ])
    await store.close()
    const again = await openRecordStore({ path, ...FORM })
    expect(contentOf(again)).toEqual([
      ['b', '2'],
      ['\u00e9', ''],
    ])
    await again.close()
    await again.close()
    await expect(again.commit([])).rejects.toMatchObject({ name: 'StoreError', code: 'closed' })
  })

  it('is of one process, one kind and one version', async () => {
    const path = newFolder()
    const store = await openRecordStore({ path, ...FORM })
    await expect(openRecordStore({ path, ...FORM })).rejects.toMatchObject({
      code: 'in-use',
      retryable: true,
    })
    await store.close()
    await expect(openRecordStore({ path, ...FORM, kind: 'another' })).rejects.toMatchObject({
      code: 'foreign',
    })
    const later = await openRecordStore({ path: newFolder(), ...FORM, version: 2 })
    await later.close()
    await expect(openRecordStore({ path: later.path, ...FORM })).rejects.toMatchObject({
      code: 'newer-version',
    })
  })

  it('fails with a change all that were asked for behind it, and goes on with what comes later', async () => {
    const path = newFolder()
    const store = await openRecordStore({ path, ...FORM })
    await store.commit([put('a', '1')])
    rmSync(path, { recursive: true })
    const failed = store.commit([put('a', '2')])
    const behind = Promise.resolve().then(() => store.commit([put('a', '3')]))
    await expect(failed).rejects.toMatchObject({ code: 'gone' })
    await expect(behind).rejects.toMatchObject({ name: 'StoreError' })
    await store.close()
  })

  it('tells which record is damaged, and has the others', async () => {
    const path = newFolder()
    const store = await openRecordStore({ path, ...FORM })
    await store.commit([put('a', 'a text that is found'), put('b', '2')])
    await store.close()
    flipBit(path, Buffer.from('a text that is found'))
    const again = await openRecordStore({ path, ...FORM })
    expect(contentOf(again)).toEqual([
      ['a', 'damaged'],
      ['b', '2'],
    ])
    await again.close()
  })

  it('refuses a key that LMDB has no room for, before anything is written', async () => {
    const store = await openRecordStore({ path: newFolder(), ...FORM })
    for (const key of ['', 'x'.repeat(1025)]) {
      expect(() => store.commit([put('a', '1'), put(key, '')])).toThrow(
        /record key: expected 1 to 1024 bytes/,
      )
    }
    expect(contentOf(store)).toEqual([])
    await store.close()
  })
})
