import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { topics } from './topics.js'

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/memories.md'), 'utf8')
const [, section = ''] = page.split('\n## Limits\n')

/** What the page says of a field: the first number of its row. */
function limitOf(field: string): number {
  const row = section
    .split('\n')
    .find((line) => line.startsWith('| ') && line.split(' | ')[0]?.includes(field))
  return Number(/\| (\d+)/.exec(row ?? '')?.[1])
}

const { store, query, forget, storeBatch } = topics.memory
const text = (length: number) => 'x'.repeat(length)
const list = <Item>(length: number, item: Item) => Array.from({ length }, () => item)

it.each([
  ['`content`', store, (n: number) => ({ content: text(n) })],
  ['`tags`', store, (n: number) => ({ content: 'a', tags: list(n, 'b') })],
  ['`metadata`', store, (n: number) => ({ content: 'a', metadata: { m: text(n - '{"m":""}'.length) } })],
  ['`session_id`', store, (n: number) => ({ content: 'a', session_id: text(n) })],
  ['`idempotency_key`', store, (n: number) => ({ content: 'a', idempotency_key: text(n) })],
  ['`origin`', store, (n: number) => ({ content: 'a', origin: text(n) })],
  ['`query`', query, (n: number) => ({ query: text(n) })],
  ['`limit` of a question', query, (n: number) => ({ limit: n })],
  ['`ids` of what', forget, (n: number) => ({ ids: list(n, 'a') })],
  ['memories of a batch', storeBatch, (n: number) => ({ memories: list(n, { content: 'a' }) })],
] as const)('%s is bounded as docs/memories.md says', (field, { schema }, make) => {
  const limit = limitOf(field)
  expect(schema.safeParse(make(limit)).success).toBe(true)
  expect(schema.safeParse(make(limit + 1)).success).toBe(false)
})
