import { describe, expect, it } from 'vitest'
import { type Answer, AnswerCache, TakenRequest } from './answer-cache.js'

const LATER = 1000
/** Longer after its deadline than anything is kept. */
const MUCH_LATER = LATER + 300_000

function answerOf(bytes: number): Answer {
  return {
    topic: 'a',
    action: 'a',
    correlationId: 'a',
    bytes: Buffer.alloc(bytes),
    correlationData: undefined,
  }
}

function setUp(limits: { maximumAnswers?: number; maximumBytes?: number } = {}) {
  const cache = new AnswerCache({ maximumAnswers: 100, maximumBytes: 1_000_000, ...limits })
  const take = (key: string): TakenRequest => {
    const request = new TakenRequest(key, LATER)
    cache.add(request)
    return request
  }
  const finish = (request: TakenRequest, bytes = 10, nowMs = 0): void =>
    cache.finish(request, answerOf(bytes), nowMs)
  const kept = (...keys: string[]): string[] => keys.filter((key) => cache.get(key) !== undefined)
  return { cache, take, finish, kept }
}

describe('the answers that are kept', () => {
  it('go in the order in which they were given, not asked for', () => {
    const { take, finish, kept } = setUp({ maximumAnswers: 2 })
    const [a, b, c] = [take('a'), take('b'), take('c')]
    finish(b)
    expect(kept('a', 'b', 'c')).toEqual(['a', 'c'])
    finish(c)
    finish(a)
    take('d')
    finish(take('e'))
    expect(kept('a', 'b', 'c', 'd', 'e')).toEqual(['d', 'e'])
  })

  it('take no more bytes than they may', () => {
    const { take, finish, kept } = setUp({ maximumBytes: 2000 })
    finish(take('a'), 700)
    finish(take('b'), 700)
    expect(kept('a', 'b')).toEqual(['a', 'b'])
    finish(take('c'), 700)
    expect(kept('a', 'b', 'c')).toEqual(['b', 'c'])
  })

  it('go when their time is over, but never a request in progress', () => {
    const { cache, take, finish, kept } = setUp()
    take('running')
    finish(take('old'))
    const young = new TakenRequest('young', MUCH_LATER)
    cache.add(young)
    finish(young, 10, MUCH_LATER)
    expect(kept('running', 'old', 'young')).toEqual(['running', 'young'])
  })

  it('can be forgotten anywhere in their order, and what is left keeps it', () => {
    const { cache, take, finish, kept } = setUp({ maximumAnswers: 3 })
    const [a, b, c] = [take('a'), take('b'), take('c')]
    for (const request of [a, b, c]) finish(request)
    cache.remove(b)
    cache.remove(b)
    expect(cache.size).toBe(2)
    finish(take('d'))
    finish(take('e'))
    expect(kept('a', 'b', 'c', 'd', 'e')).toEqual(['c', 'd', 'e'])
    for (const key of ['c', 'd', 'e']) cache.remove(cache.get(key) as TakenRequest)
    finish(take('f'))
    expect(kept('f')).toEqual(['f'])
  })
})
