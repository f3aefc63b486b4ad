import { describe, expect, it } from 'vitest'
import { EvaluationScheduler } from './evaluation-scheduler.js'
import { Progress } from './progress.js'

/** A clock that only work moves on, and evaluations of so many steps. */
function setUp() {
  let nowMs = 0
  const progress = new Progress()
  const scheduler = new EvaluationScheduler(progress, () => nowMs)
  const done: string[] = []
  const at: (number | undefined)[] = []
  let lastId = 0
  const add = (name: string, steps: number, { sender = name, stepMs = 0.25 } = {}): Promise<void> =>
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
      scheduler.add(sender, ++lastId, work())
    })
  return { add, done, progress, at }
}

describe('the scheduler of evaluations', () => {
  it('lets the event loop go on after each slice of a long one', async () => {
    const { add } = setUp()
    let isOver = false
    const long = add('long', 20).then(() => {
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
    const { add, done } = setUp()
    const all = [add('a', 40), add('b', 40), add('c', 2)]
    await Promise.all(all)
    expect(done).toEqual(['c at 2.5', 'a at 20.5', 'b at 20.5'])
  })

  it('has what others ask wait for one slice of a sender, however much that has here', async () => {
    const { add, done } = setUp()
    const all = Array.from({ length: 5 }, (_, i) => add(`a${i}`, 40, { sender: 'a' }))
    await Promise.all([...all, add('b', 2)])
    expect(done.slice(0, 2)).toEqual(['b at 1.5', 'a0 at 10.5'])
  })

  it('has several short ones of a sender done in one slice', async () => {
    const { add, done } = setUp()
    await Promise.all([
      add('a', 1, { sender: 'x' }),
      add('b', 1, { sender: 'x' }),
      add('c', 1, { sender: 'x' }),
    ])
    expect(done).toEqual(['a at 0.25', 'b at 0.5', 'c at 0.75'])
  })

  it('has a sender whose steps take longer than a slice pass so many turns', async () => {
    const { add, done } = setUp()
    await Promise.all([add('a', 3, { stepMs: 3 }), add('b', 10)])
    expect(done).toEqual(['b at 5.5', 'a at 11.5'])
  })

  it('notes what it is at, and that it goes on', async () => {
    const { add, progress, at } = setUp()
    await Promise.all([add('a', 5), add('b', 1)])
    await new Promise(setImmediate)
    expect(at).toEqual([1, 1, 1, 1, 2, 1])
    expect(progress).toMatchObject({ id: undefined, beats: 3 })
  })
})
