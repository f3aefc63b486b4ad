import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BROKERS } from '../brokers/catalogue.js'
import { pageOf } from '../brokers/page.js'
import type { BrokerResult } from '../brokers/suite.js'

const here = import.meta.dirname
const page = readFileSync(resolve(here, '../../docs/brokers.md'), 'utf8')
const results = JSON.parse(readFileSync(resolve(here, '../brokers/results.json'), 'utf8')) as BrokerResult[]

describe('docs/brokers.md', () => {
  it('has the tables of what was seen last: `npm run test:brokers -- --write` makes them', () => {
    expect(pageOf(page, results)).toBe(page)
  })

  it('has a row of every broker that the suite can start, in their order, and then of others with their versions', () => {
    const own = Object.keys(BROKERS)
    expect(results.slice(0, own.length).map(({ key }) => key)).toEqual(own)
    for (const { broker } of results.slice(own.length)) expect(broker).toMatch(/ \d+\.\d+/)
  })

  it('tells of no fault', () => {
    const faults = results.flatMap(({ cells }) => Object.values(cells).flatMap((cell) => cell.faults))
    expect(faults).toEqual([])
  })
})
