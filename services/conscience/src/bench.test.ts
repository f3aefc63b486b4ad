import { systemClock } from '@jamey/bus'
import { describe, expect, it } from 'vitest'
import { Bench } from './bench.js'

/** A clock that only work moves on, and evaluations of so many steps of a millisecond. */
function setUp() {
  let nowMs = 0
  const bench = new Bench<string>({ ...systemClock, monotonicNow: () => nowMs })
  const done: string[] = []
  function* work(name: string, steps: number): Generator<undefined, string> {
    for (let i = 0; i < steps; i++) {
      nowMs++
      yield
    }
    return name
  }
  const hear = (sender: string, name: string, steps: number): Promise<void> =>
    bench.hear(sender, work(name, steps)).then((result) => void done.push(`${result} at ${nowMs}`))
  return { bench, hear, done }
}

describe('the bench', () => {
  it('is done with a short evaluation in the turn it came in', async () => {
    const { hear, done } = setUp()
    await Promise.all([hear('a', 'one', 0), hear('a', 'two', 1)])
    expect(done).toEqual(['one at 1', 'two at 1'])
  })

  it('lets the event loop go on after each slice of a long one', async () => {
    const { hear, done } = setUp()
    const long = hear('a', 'long', 7)
    let turns = 0
    const count = (): void => {
      turns++
      if (done.length === 0) setImmediate(count)
    }
    setImmediate(count)
    await long
    expect(turns).toBeGreaterThanOrEqual(2)
  })

  it('has somebody else wait for one slice, however many long ones of one sender wait', async () => {
    const { hear, done } = setUp()
    const many = Array.from({ length: 50 }, (_, i) => hear('a', `a${i}`, 10))
    await hear('b', 'b', 1)
    // Its millisecond and its end each waited for one slice of the other sender.
    expect(done).toEqual(['b at 5'])
    await Promise.all(many)
    expect(done.slice(1).map((line) => line.split(' ')[0])).toEqual(many.map((_, i) => `a${i}`))
  })

  it('tells a failure to whom it belongs, and goes on', async () => {
    const { bench, hear, done } = setUp()
    const failing = {
      next: () => {
        throw new Error('no')
      },
    }
    const failure = bench.hear('a', failing).catch(String)
    await hear('a', 'other', 3)
    expect([await failure, done]).toEqual(['Error: no', ['other at 3']])
  })
})
