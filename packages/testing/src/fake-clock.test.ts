import { describe, expect, it } from 'vitest'
import { FakeClock } from './fake-clock.js'

describe('a fake clock', () => {
  it('runs timers in order of their time, also those that timers and promises set', async () => {
    const clock = new FakeClock(0)
    const ran: string[] = []
    const note = (name: string) => () => ran.push(`${name} ${clock.now()}`)
    clock.setTimeout(note('late'), 20)
    clock.setTimeout(note('first'), 10)
    clock.setTimeout(note('second'), 10)
    clock.setTimeout(() => Promise.resolve().then(() => clock.setTimeout(note('nested'), 5)), 10)
    clock.clearTimeout(clock.setTimeout(note('never'), 1))
    expect([clock.pendingTimers, clock.nextDelayMs]).toEqual([4, 10])
    await clock.advance(19)
    expect(ran).toEqual(['first 10', 'second 10', 'nested 15'])
    await clock.advance(1)
    expect(ran.at(-1)).toBe('late 20')
    expect([clock.pendingTimers, clock.nextDelayMs, clock.now()]).toEqual([0, undefined, 20])
  })
})
