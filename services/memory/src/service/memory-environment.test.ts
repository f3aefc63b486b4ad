import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DEFAULT_LIFETIMES } from '../model/memory-layers.js'
import { memoryOptionsFromEnvironment } from './memory-environment.js'

describe('the environment of a memory', () => {
  it('may be empty', () => {
    expect(memoryOptionsFromEnvironment({})).toEqual({
      file: join('.jamey', 'data', 'memory.db'),
      lifetimes: DEFAULT_LIFETIMES,
      sweepIntervalSeconds: 60,
      queryMs: 5000,
      maximumFileBytes: undefined,
      ownerBytes: undefined,
      groups: undefined,
      budgets: undefined,
    })
  })

  it('names the file, or the folder it lies in', () => {
    expect(memoryOptionsFromEnvironment({ JAMEY_DATA_DIR: '/var/jamey' }).file).toBe('/var/jamey/memory.db')
    const both = { JAMEY_DATA_DIR: '/var/jamey', JAMEY_MEMORY_FILE: '/srv/m.db' }
    expect(memoryOptionsFromEnvironment(both).file).toBe('/srv/m.db')
    expect(memoryOptionsFromEnvironment({ ...both, JAMEY_MEMORY_FILE: ' ' }).file).toBe(
      '/var/jamey/memory.db',
    )
  })

  it('sets the lifetime of each layer', () => {
    const { lifetimes } = memoryOptionsFromEnvironment({
      JAMEY_MEMORY_TTL_WORKING_SECONDS: '60',
      JAMEY_MEMORY_TTL_SHORT_TERM_SECONDS: 'never',
      JAMEY_MEMORY_TTL_LONG_TERM_SECONDS: '31536000',
    })
    expect(lifetimes).toEqual({
      working: 60,
      short_term: null,
      episodic: DEFAULT_LIFETIMES.episodic,
      semantic: null,
      long_term: 31_536_000,
    })
  })

  it('tells who is in which group, and how much is kept', () => {
    const { groups, budgets } = memoryOptionsFromEnvironment({
      JAMEY_MEMORY_GROUPS: 'research=agent-1, agent-2; ops=agent-3',
      JAMEY_MEMORY_BUDGETS: 'short_term=1000, episodic=0',
    })
    expect([...(groups ?? [])]).toEqual([
      ['research', ['agent-1', 'agent-2']],
      ['ops', ['agent-3']],
    ])
    expect(budgets).toEqual({ short_term: 1000, episodic: 0 })
  })

  it('reports every fault with variable, value found and what was expected [promise 37]', () => {
    const wrong = {
      JAMEY_MEMORY_TTL_EPISODIC_SECONDS: '1 day',
      JAMEY_MEMORY_TTL_WORKING_SECONDS: '0',
      JAMEY_MEMORY_SWEEP_SECONDS: '-1',
      JAMEY_MEMORY_MAX_BYTES: '1024',
      JAMEY_MEMORY_OWNER_BYTES: '1 GB',
      JAMEY_MEMORY_GROUPS: 'Research=a',
      JAMEY_MEMORY_BUDGETS: 'short=1',
    }
    let thrown: unknown
    try {
      memoryOptionsFromEnvironment(wrong)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ name: 'ConfigurationError' })
    const { faults } = thrown as { faults: { variable: string; found: string; expected: string }[] }
    expect(Object.fromEntries(faults.map(({ variable, found }) => [variable, JSON.parse(found)]))).toEqual(
      wrong,
    )
    expect(faults.find(({ variable }) => variable.includes('EPISODIC'))?.expected).toMatch(
      /whole number from 1 .* or 'never'/,
    )
  })
})
