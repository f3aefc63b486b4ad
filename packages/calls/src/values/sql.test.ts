import { describe, expect, it } from 'vitest'
import { looksLikeSql, readSql } from './sql.js'

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

describe('a statement', () => {
  const isRead = (text: string): boolean => {
    const { statements, unread } = readSql(text)
    return unread === undefined && statements.every(({ kind }) => kind === 'read')
  }

  it.each([
    ['SELECT 1 /* /* */ ; DELETE FROM t -- */', 'SELECT 1 /* all of it */ FROM t'],
    ['SELECT 1 --1; DELETE FROM t', 'SELECT 1 --of all\nFROM t'],
    ['/*M!100 DELETE FROM t */ SELECT 1', '/*+ x */ SELECT 1'],
    ['SELECT * INTO u FROM t', 'SELECT 1 INTO @x'],
    ["SELECT 1 INTO/**/OUTFILE '/x'", "SELECT 'into outfile' FROM t"],
    ['EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1', 'EXPLAIN ANALYZE SELECT 1 FROM t'],
    ['EXPLAIN ANALYZE EXECUTE x', 'EXPLAIN SELECT 1'],
    [
      'explain analyze merge into t using s on true when matched then delete',
      'explain analyze with x as (select 1) select * from x',
    ],
    [
      'with x as (select 1 as a) merge into t using x on t.a = x.a when matched then delete',
      'with x as (select 1) select * from x',
    ],
    ['SELECT usename, passwd FROM pg_shadow', 'SELECT usename FROM pg_user'],
    ['SELECT * FROM `mysql`.`user`', 'SELECT * FROM user'],
  ])('%s does more than read; %s does not', (text, reading) => {
    expect([isRead(text), isRead(reading)]).toEqual([false, true])
  })
})
