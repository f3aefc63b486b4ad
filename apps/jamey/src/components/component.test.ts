import type { StateName } from '@jamey/bus'
import { describe, expect, it } from 'vitest'
import { reload } from './component.js'

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
