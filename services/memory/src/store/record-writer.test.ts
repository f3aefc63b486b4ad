import { describe, expect, it } from 'vitest'
import { openFile } from './memory-file.support.js'
import { describeRecords } from './records.contract.js'

describeRecords('records in a file', openFile)

describe('what is stored in one commit', () => {
  it('is compared with what that commit has written before', async () => {
    const { store } = await openFile()
    const put = (id: string, content: string) => store.store({ content }, { id, source: 'ada' })
    await put('old', 'One.')
    const outcomes = await Promise.allSettled([
      put('a', 'Two.'),
      put('b', 'Two.'),
      put('b', 'Two.'),
      put('a', 'Something else.'),
      store.update({ id: 'old', content: 'Three.' }),
      put('c', 'Three.'),
      store.forget({ id: 'old' }),
      put('old', 'One.'),
      put('d', 'Three.'),
    ])
    expect(outcomes).toMatchObject([
      { value: { created: true } },
      { value: { created: false, merged: true, memory: { id: 'a', count: 2 } } },
      { value: { created: false, merged: true, memory: { id: 'a', count: 2 } } },
      { reason: { code: 'memory-conflict' } },
      { value: { previous_version: 1 } },
      { value: { created: false, merged: true, memory: { id: 'old' } } },
      { value: { forgotten: 1 } },
      { reason: { code: 'memory-gone' } },
      { value: { created: true } },
    ])
    expect((await store.stats()).memories).toBe(2)
  })
})
