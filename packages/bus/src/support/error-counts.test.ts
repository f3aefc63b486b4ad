import { expect, it } from 'vitest'
import { ErrorCounts, kindOf } from './error-counts.js'

it('failures are counted by a stable word, and made-up words share one', () => {
  const counts = new ErrorCounts()
  counts.add(kindOf(Object.assign(new Error('full'), { code: 'storage-full' }), undefined))
  counts.add(kindOf(new Error('full'), 'storage-full'))
  counts.add(kindOf(new TypeError('no'), undefined))
  counts.add(kindOf('text', undefined))
  expect([...counts.byKind]).toEqual([
    ['storage-full', 2],
    ['TypeError', 1],
    ['error', 1],
  ])
  for (let i = 0; i < 200; i++) counts.add(`made-up-${i}`)
  expect([counts.byKind.size, counts.byKind.get('others')]).toEqual([101, 103])
})
