import { describe, expect, it } from 'vitest'
import { RoundRobinQueue } from './round-robin-queue.js'

function all<Item>(turns: RoundRobinQueue<Item>): Item[] {
  const taken: Item[] = []
  for (let item = turns.take(); item !== undefined; item = turns.take()) taken.push(item)
  return taken
}

describe('turns', () => {
  it('go round, whoever brought more', () => {
    const turns = new RoundRobinQueue<string>()
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) turns.push(item[0] ?? '', item)
    expect(turns.size).toBe(6)
    expect(all(turns)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
    expect(turns.size).toBe(0)
  })

  it('let somebody who comes late wait for one of each', () => {
    const turns = new RoundRobinQueue<string>()
    for (let i = 0; i < 300; i++) turns.push('a', `a${i}`)
    expect(turns.take()).toBe('a0')
    turns.push('b', 'b0')
    expect([turns.take(), turns.take(), turns.take()]).toEqual(['a1', 'b0', 'a2'])
  })
})
