import { describe, expect, it } from 'vitest'
import { EvaluationQueue } from './evaluation-queue.js'

const LIMITS = { waitingCharacters: 100, running: 3, runningCharacters: 50, crowded: 4, full: 6 }

function setUp() {
  const queue = new EvaluationQueue<{ sender: string; characters: number; name: string }>(LIMITS)
  let number = 0
  const add = (sender: string, characters = 1) =>
    queue.add({ sender, characters, name: `${sender}${++number}` })
  const takeAll = () => {
    const taken = []
    for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item)
    return taken
  }
  return { queue, add, takeAll, names: () => takeAll().map(({ name }) => name) }
}

describe('evaluations that wait', () => {
  it('go to the thread in order, and so many of one sender and no more', () => {
    const { queue, add, takeAll, names } = setUp()
    for (let i = 0; i < 5; i++) add('a')
    const [first] = takeAll()
    expect(first?.name).toBe('a1')
    expect(names()).toEqual([])
    if (first !== undefined) queue.end(first)
    expect(names()).toEqual(['a4'])
  })

  it('go there in so much text of one sender and no more, but one goes however long it is', () => {
    const { add, names } = setUp()
    for (const characters of [70, 1]) add('a', characters)
    for (const characters of [30, 20, 1]) add('b', characters)
    expect(names()).toEqual(['a1', 'b3', 'b4'])
  })

  it('take turns by sender', () => {
    const { add, names } = setUp()
    for (const sender of ['a', 'a', 'a', 'b', 'b', 'b']) add(sender)
    expect(names()).toEqual(['a1', 'b4', 'a2', 'b5'])
  })

  it('leave room for senders who have none there', () => {
    const { queue, add, takeAll, names } = setUp()
    for (const sender of ['a', 'a', 'a', 'b', 'b', 'b']) add(sender)
    const taken = takeAll()
    for (const sender of ['c', 'd', 'e']) add(sender)
    expect(names()).toEqual(['c7', 'd8'])
    for (const item of taken) queue.end(item)
    expect(names()).toEqual(['e9', 'a3', 'b6'])
  })

  it('are refused beyond so much text of one sender; the first is taken however long it is', () => {
    const { add, takeAll } = setUp()
    expect([add('a', 200), add('a', 1), add('b', 60), add('b', 60), add('b', 40)]).toEqual([
      true,
      false,
      true,
      false,
      true,
    ])
    takeAll()
    expect(add('a', 100)).toBe(true)
  })

  it('come first again when the thread that had them has ended', () => {
    const { queue, add, takeAll, names } = setUp()
    for (const sender of ['a', 'a', 'b', 'a', 'a']) add(sender)
    for (const item of takeAll().reverse()) queue.putBack(item)
    expect(names()).toEqual(['b3', 'a1', 'a2', 'a4'])
  })
})
