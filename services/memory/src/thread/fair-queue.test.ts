import { describe, expect, it } from 'vitest'
import { FairQueue } from './fair-queue.js'

const anybody = () => true

/** Takes `count` turns, each charged with what `costs` says of its sender. */
function takeTurns(turns: FairQueue<string>, count: number, costs: Record<string, number>): string {
  const order: string[] = []
  for (let i = 0; i < count; i++) {
    const sender = turns.take(anybody)
    if (sender === undefined) break
    turns.charge(sender, costs[sender] ?? 1)
    order.push(sender)
  }
  return order.join('')
}

function filled(counts: Record<string, number>): FairQueue<string> {
  const turns = new FairQueue<string>()
  for (const [sender, count] of Object.entries(counts)) {
    for (let i = 0; i < count; i++) turns.push(sender, sender)
  }
  return turns
}

describe('turns', () => {
  it('come by what has been spent, not by how many wait', () => {
    expect(takeTurns(filled({ a: 100, b: 3 }), 8, {})).toBe('abababaa')
    // One of a is ten of b.
    expect(takeTurns(filled({ a: 100, b: 20 }), 22, { a: 10 })).toBe('abbbbbbbbbbabbbbbbbbbb')
  })

  it('of one who comes begin where the others are: nothing was saved up, and nothing is owed', () => {
    const turns = filled({ a: 1000 })
    takeTurns(turns, 500, { a: 10 })
    for (let i = 0; i < 50; i++) turns.push('b', 'b')
    expect(takeTurns(turns, 6, { a: 10, b: 10 })).toBe('bababa')
  })

  it('of one who comes back right after a long one come behind the others', () => {
    const turns = filled({ a: 1, b: 5, c: 5 })
    expect(takeTurns(turns, 3, { a: 2.5 })).toBe('abc')
    turns.push('a', 'a')
    expect(takeTurns(turns, 6, { a: 2.5 })).toBe('bcbcab')
  })

  it('are left out while they may not be had', () => {
    const turns = filled({ a: 2, b: 1 })
    expect(turns.take((sender) => sender !== 'a')).toBe('b')
    expect(turns.take((sender) => sender !== 'a')).toBeUndefined()
    expect(turns.size).toBe(2)
    expect(turns.take(anybody)).toBe('a')
  })

  it('are given up, each or all', () => {
    const turns = filled({ a: 2, b: 1 })
    turns.remove('b', 'b')
    turns.remove('b', 'b')
    expect(turns.size).toBe(2)
    expect(turns.clear()).toEqual(['a', 'a'])
    expect(turns.size).toBe(0)
    expect(turns.take(anybody)).toBeUndefined()
  })

  it('remember only those whose past still counts', () => {
    const turns = new FairQueue<string>()
    for (let i = 0; i < 5000; i++) {
      turns.push(`${i}`, `${i}`)
      turns.charge(turns.take(anybody) ?? '', 1)
    }
    turns.push('late', 'late')
    expect(turns.take(anybody)).toBe('late')
  })
})
