import { describe, expect, it } from 'vitest'
import { looksLikeSql } from './sql.js'

describe('words to search by', () => {
  it.each([
    'DELETE FROM t',
    '-- tidy up\n/* all */ drop table t',
    '(select a from t)',
    'with x as (select 1) select * from x',
    'update t set a = 1',
    'grant all on t to ann',
  ])('look like a statement: %s', (text) => {
    expect(looksLikeSql(text)).toBe(true)
  })

  it.each(['delete the old one', 'how to drop table t', 'update', 'with love', 'select', '/**/'.repeat(500)])(
    'do not: %s',
    (text) => {
      expect(looksLikeSql(text)).toBe(false)
    },
  )
})
