import { describe, expect, it } from 'vitest'
import { PublishingTime } from './publishing-time.js'

/** Time that tests move, of which some was idle. */
class Work {
  nowMs = 100
  idleMs = 40
  readonly charged: [string, number][] = []
  readonly time = new PublishingTime({
    now: () => this.nowMs,
    idle: () => this.idleMs,
    timeOfDay: () => this.nowMs,
    setTimeout: () => undefined,
    clearTimeout: () => {},
    afterInput: (callback) => callback(),
  })
  readonly ann = { isFlooding: false, charge: (ms: number) => void this.charged.push(['ann', ms]) }
  readonly bob = { isFlooding: true, charge: (ms: number) => void this.charged.push(['bob', ms]) }

  constructor() {
    this.time.reading(this.nowMs)
    this.time.handled(this.nowMs)
  }

  take(publisher: 'ann' | 'bob', ms: number): void {
    this.nowMs += ms
    this.time.handled(this.nowMs)
    this.time.took(this[publisher], ms)
  }
}

describe('the time that publishers take', () => {
  it('has reading in it, but no waiting', () => {
    const work = new Work()
    work.nowMs += 10
    work.idleMs += 9.75
    expect(work.time.reading(work.nowMs)).toBe(0.25)
  })

  it('has no reading that took longer than reading takes', () => {
    const work = new Work()
    work.nowMs += 10
    expect(work.time.reading(work.nowMs)).toBe(0.5)
  })

  it('has the writes of a turn in it, for each as much as it published in this turn', () => {
    const work = new Work()
    work.take('ann', 1)
    work.take('bob', 3)
    work.take('ann', 1)
    work.nowMs += 10
    work.time.afterFlush()
    expect(work.charged).toEqual([
      ['ann', 4],
      ['bob', 6],
    ])
    expect(work.time.ms).toBe(15)
    expect(work.time.modestMs).toBe(6)
  })

  it('has no writes of turns in which nobody published', () => {
    const work = new Work()
    work.take('ann', 1)
    work.time.afterFlush()
    work.charged.length = 0
    work.nowMs += 10
    work.time.afterFlush()
    expect(work.charged).toEqual([])
    expect(work.time.ms).toBe(1)
  })
})
