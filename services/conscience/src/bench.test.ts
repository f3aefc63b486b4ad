import { describe, expect, it } from 'vitest'
import { Bench } from './bench.js'
import { Progress } from './progress.js'

/** A clock that only work moves on, and evaluations of so many steps of a quarter of a millisecond. */
function setUp() {
  let nowMs = 0
  const progress = new Progress()
  const bench = new Bench(progress, () => nowMs)
  const done: string[] = []
  const at: (number | undefined)[] = []
  let lastId = 0
  const hear = (name: string, steps: number): Promise<void> =>
    new Promise((resolve) => {
      function* work(): Generator<undefined, void> {
        for (let i = 0; i < steps; i++) {
          nowMs += 0.25
          at.push(progress.id)
          yield
        }
        done.push(`${name} at ${nowMs}`)
        resolve()
      }
      bench.hear(++lastId, work())
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

  it('notes what it is at, and that it goes on', async () => {
    const { hear, progress, at } = setUp()
    await Promise.all([hear('a', 5), hear('b', 1)])
    await new Promise(setImmediate)
    expect(at).toEqual([1, 1, 1, 1, 2, 1])
    expect(progress).toMatchObject({ id: undefined, beats: 3 })
  })
})
