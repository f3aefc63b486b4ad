import type { StateChange, StateName } from '@jamey/bus'
import { describe, expect, it } from 'vitest'
import { reload, tell } from './component.js'

function collectLog() {
  const lines: string[] = []
  const at = (level: string) => (facts: unknown, message?: string) =>
    void lines.push(`${level}: ${message ?? facts}`)
  return { lines, log: { info: at('info'), warn: at('warn'), error: at('error') } }
}

describe('a component that is told to reload', () => {
  it.each<[StateName, number]>([
    ['error', 1],
    ['reconnecting', 1],
    ['connecting', 0],
    ['connected', 0],
    ['disconnected', 0],
  ])('tries at once where it stands in %s: %i', (state, expected) => {
    let resets = 0
    let reloads = 0
    const mqtt = { state, reset: () => void resets++ }
    reload({ bus: { mqtt }, reload: () => void reloads++ }, collectLog().log)
    expect([resets, reloads]).toEqual([expected, 1])
  })
})

describe('the log of a component', () => {
  it('warns of a connection that was lost, and not of one that is given up for a new token', () => {
    const { lines, log } = collectLog()
    const changes: StateChange[] = [
      { state: 'reconnecting', attempt: 1, delayMs: 0 },
      { state: 'connecting', attempt: 1 },
      { state: 'connected', attempt: 1 },
      { state: 'reconnecting', attempt: 1, delayMs: 0, cause: new Error('cut') },
    ]
    for (const change of changes) tell(change, log)
    expect(lines).toEqual([
      'info: connected to the broker',
      'warn: not connected to the broker; trying again',
    ])
  })
})
