import { FakeClock } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { takeWhenFree } from './standby.js'

function setUp() {
  const clock = new FakeClock()
  const ending = new AbortController()
  const told: boolean[] = []
  let owner: string | undefined = 'another'
  let looks = 0
  const take = () => {
    looks++
    return owner === undefined ? 'mine' : undefined
  }
  const onStandby = (isStandby: boolean): void => void told.push(isStandby)
  const start = () => takeWhenFree(take, { clock, signal: ending.signal, onStandby })
  const free = (): void => {
    owner = undefined
  }
  return { clock, ending, told, start, free, looks: () => looks }
}

describe('what one process alone can have', () => {
  it('is had at once where it is free, and nobody is told of a wait', async () => {
    const { start, free, told } = setUp()
    free()
    expect(await start()).toBe('mine')
    expect(told).toEqual([])
  })

  it('is had within half a second of being free, and the wait is told once', async () => {
    const { clock, start, free, told, looks } = setUp()
    const taken = start()
    await clock.advance(1400)
    expect([looks(), told]).toEqual([3, [true]])
    free()
    await clock.advance(100)
    expect(await taken).toBe('mine')
    expect(told).toEqual([true, false])
    expect(clock.pendingTimers).toBe(0)
  })

  it('is waited for no longer than is wanted, and what goes wrong ends the wait', async () => {
    const { clock, ending, start, told } = setUp()
    const taken = start()
    await clock.advance(600)
    ending.abort()
    expect(await taken).toBeUndefined()
    expect([told, clock.pendingTimers]).toEqual([[true, false], 0])
    const { signal } = new AbortController()
    const failing = (): never => {
      throw new Error('no such file')
    }
    await expect(takeWhenFree(failing, { clock, signal, onStandby: () => {} })).rejects.toThrow(
      'no such file',
    )
  })
})
