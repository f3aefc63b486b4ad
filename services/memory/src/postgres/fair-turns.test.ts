import { describe, expect, it } from 'vitest'
import { FairTurns } from './fair-turns.js'

function turnsOf({ running = 2, runningOfOne = 1, waiting = 100 } = {}) {
  let nowMs = 0
  const turns = new FairTurns({ running, runningOfOne, waiting, clock: () => nowMs })
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const ask = (sender: string, name: string, signal?: AbortSignal) => {
    const work = () => {
      begun.push(name)
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)))
    }
    return turns.run(sender, work, signal)
  }
  const end = async (name: string, tookMs = 1) => {
    nowMs += tookMs
    ends.get(name)?.()
    // The turn ends, and the next one begins, some promises later.
    await new Promise(setImmediate)
  }
  return { turns, ask, begun, end }
}

describe('turns', () => {
  it('are taken by whoever had the least time so far, and by one sender no more than its share', async () => {
    const { ask, begun, end } = turnsOf()
    const all = ['a1', 'a2', 'a3', 'b1', 'b2'].map((name) => ask(name.slice(0, 1), name))
    await new Promise(setImmediate)
    expect(begun).toEqual(['a1', 'b1'])
    await end('b1', 1)
    expect(begun).toEqual(['a1', 'b1', 'b2'])
    await end('a1', 50)
    expect(begun).toEqual(['a1', 'b1', 'b2', 'a2'])
    const last = ask('c', 'c1')
    await end('a2')
    expect(begun.at(-1)).toBe('c1')
    for (const name of ['b2', 'c1', 'a3']) await end(name)
    expect(await Promise.all([...all, last])).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'c1'])
  })

  it('that wait are given up with their signal, and refused beyond a bound', async () => {
    const { turns, ask, begun, end } = turnsOf({ running: 1, waiting: 2 })
    const running = ask('a', 'running')
    const giving = new AbortController()
    const waiting = ask('a', 'waiting', giving.signal)
    const behind = ask('b', 'behind')
    await expect(ask('c', 'too many')).rejects.toMatchObject({ code: 'storage-overloaded', retryable: true })
    giving.abort(new Error('nobody waits'))
    await expect(waiting).rejects.toThrow('nobody waits')
    expect(turns.waiting).toBe(1)
    await end('running')
    await end('behind')
    expect([await running, await behind]).toEqual(['running', 'behind'])
    expect(begun).toEqual(['running', 'behind'])
  })

  it('end with their work, also where that fails', async () => {
    const { turns } = turnsOf({ running: 1 })
    await expect(turns.run('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(await turns.run('a', async () => 'next')).toBe('next')
  })
})
