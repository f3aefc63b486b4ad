import { describe, expect, it } from 'vitest'
import { Bench } from './bench.js'
import { Progress } from './progress.js'

/** A clock that only work moves on, and evaluations of so many steps. */
function setUp() {
  let nowMs = 0
  const progress = new Progress()
  const bench = new Bench(progress, () => nowMs)
  const done: string[] = []
  const at: (number | undefined)[] = []
  let lastId = 0
  const hear = (name: string, steps: number, { sender = name, stepMs = 0.25 } = {}): Promise<void> =>
    new Promise((resolve) => {
      function* work(): Generator<undefined, void> {
        for (let i = 0; i < steps; i++) {
          nowMs += stepMs
          at.push(progress.id)
          yield
        }
        done.push(`${name} at ${nowMs}`)
        resolve()
      }
      bench.hear(sender, ++lastId, work())
    })
  return { hear, done, progress, at }
}

describe('the bench', () => {
  it('lets the event loop go on after each slice of a long one', async () => {
    const { hear } = setUp()
    let isOver = false
    const long = hear('long', 20).then(() => {
      isOver = true
    })
    let turns = 0
    const count = (): void => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    await long
    expect(turns).toBeGreaterThanOrEqual(5)
  })

  it('has a short one wait for one slice of each long one, and those take turns', async () => {
    const { hear, done } = setUp()
    const all = [hear('a', 40), hear('b', 40), hear('c', 2)]
    await Promise.all(all)
    expect(done).toEqual(['c at 2.5', 'a at 20.5', 'b at 20.5'])
  })

  it('has what others ask wait for one slice of a sender, however much that has here', async () => {
    const { hear, done } = setUp()
    const all = Array.from({ length: 5 }, (_, i) => hear(`a${i}`, 40, { sender: 'a' }))
    await Promise.all([...all, hear('b', 2)])
    expect(done.slice(0, 2)).toEqual(['b at 1.5', 'a0 at 10.5'])
  })

  it('has several short ones of a sender done in one slice', async () => {
    const { hear, done } = setUp()
    await Promise.all([
      hear('a', 1, { sender: 'x' }),
      hear('b', 1, { sender: 'x' }),
      hear('c', 1, { sender: 'x' }),
    ])
    expect(done).toEqual(['a at 0.25', 'b at 0.5', 'c at 0.75'])
  })

  it('has a sender whose steps take longer than a slice pass so many turns', async () => {
    const { hear, done } = setUp()
    await Promise.all([hear('a', 3, { stepMs: 3 }), hear('b', 10)])
    expect(done).toEqual(['b at 5.5', 'a at 11.5'])
  })

  it('notes what it is at, and that it goes on', async () => {
    const { hear, progress, at } = setUp()
    await Promise.all([hear('a', 5), hear('b', 1)])
    await new Promise(setImmediate)
    expect(at).toEqual([1, 1, 1, 1, 2, 1])
    expect(progress).toMatchObject({ id: undefined, beats: 3 })
  })
})
