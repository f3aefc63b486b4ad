import { querySchema } from '@jamey/contracts'
import { describe, expect, it } from 'vitest'
import { whereOf } from './where.js'

describe('whereOf', () => {
  it.each([
    [['project.name=jamey'], { 'project.name': 'jamey' }],
    [['age=18', 'ratio=-0.5', 'done=true', 'by=null'], { age: 18, ratio: -0.5, done: true, by: null }],
    [['code="007"', 'zip=007', 'url=a=b'], { code: '007', zip: '007', url: 'a=b' }],
    [['kind=a', 'kind=b', 'kind=c'], { kind: { in: ['a', 'b', 'c'] } }],
    [['age>=18', 'age<65'], { age: { gte: 18, lt: 65 } }],
    [['at>2024-01-01', 'at<=2024-06-30'], { at: { gt: '2024-01-01', lte: '2024-06-30' } }],
  ])('%j is what the memory takes', (words, where) => {
    expect(whereOf(words)).toEqual(where)
    expect(querySchema.parse({ where })).toMatchObject({ where })
  })

  it.each([['nothing'], ['=x'], [''], ['level>>2'], ['kind==a'], ['a>==1'], ['a<>1']])(
    '%j is no condition',
    (word) => {
      expect(whereOf([word])).toBeUndefined()
    },
  )
})
