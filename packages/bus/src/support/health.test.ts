import { expect, it } from 'vitest'
import { Health } from './health.js'

it('what is remarked of several subjects is told once, and of those that are left when one is taken back', () => {
  const health = new Health()
  let told = 0
  health.onChange(() => told++)
  health.remark('standby', 'stands by')
  health.remark('a', 'is served alone', 'lab/a')
  expect(health.remarks).toEqual(['stands by', 'lab/a is served alone'])
  health.remark('b', 'is served alone', 'lab/b')
  health.remark('b', 'is served alone', 'lab/b')
  expect(health.remarks).toEqual(['stands by', 'lab/a, lab/b: each is served alone'])
  health.remark('a', undefined)
  expect(health.remarks).toEqual(['stands by', 'lab/b is served alone'])
  expect(told).toBe(4)
})
