import { describe, expect, it } from 'vitest'
import { type SessionKey, type SessionLimits, SessionTable } from './session-table.js'

/** A table, and what it had written down. */
function setUp(limits: Partial<SessionLimits> = {}) {
  const table = new SessionTable(limits)
  const disk = new Map<string, string>()
  const write = (key: SessionKey, now: number): void => {
    for (const { key: name, value } of table.changes(key, now)) {
      if (value === undefined) disk.delete(name)
      else disk.set(name, value)
    }
  }
  const request = (principal: string, id: string, text: string, now: number): void => {
    table.session({ principal, id }, now).request(text, now)
    write({ principal, id }, now)
  }
  const again = (change: (key: string, value: string) => string | undefined = (_, value) => value) => {
    const other = new SessionTable(limits)
    const damaged = other.load([...disk].map(([key, value]) => ({ key, value: change(key, value) })))
    return { other, damaged }
  }
  return { table, disk, request, again }
}

const seen = (table: SessionTable, principal: string, id: string, now = 100) => {
  const session = table.session({ principal, id }, now)
  return { has: session.inRequest('ann@example.org'), isFull: session.isFull, isTainted: session.isTainted }
}
const CLEAN = { has: false, isFull: false, isTainted: false }
const LOST = { has: false, isFull: true, isTainted: true }
const KEPT = { ...CLEAN, has: true }

describe('a session', () => {
  it('of one principal is never seen by another [promise 40]', () => {
    const { table, request, again } = setUp()
    request('ada', 'one', 'write to ann@example.org', 1)
    const { other } = again()
    for (const each of [table, other]) {
      expect(seen(each, 'ada', 'one')).toEqual(KEPT)
      expect(seen(each, 'eve', 'one')).toEqual(CLEAN)
      expect(seen(each, 'ada","one', '')).toEqual(CLEAN)
    }
  })

  it('is the same after a restart, whatever was forgotten of it', () => {
    const { table, disk, request, again } = setUp()
    request('ada', 'one', 'write to ann@example.org', 1)
    for (let i = 0; i < 300; i++) request('ada', 'one', `request ${i}`, 2)
    expect(disk.size).toBe(201)
    const key = { principal: 'ada', id: 'one' }
    expect(again().other.session(key, 3).toJSON()).toEqual(table.session(key, 3).toJSON())
  })

  it('is forgotten a day after it was last used, on the disk as well', () => {
    const { table, disk, request } = setUp({ ageMs: 1000 })
    request('ada', 'one', 'write to ann@example.org', 0)
    request('ada', 'two', 'x', 900)
    request('ada', 'one', 'y', 1_000)
    request('ada', 'three', 'x', 1_950)
    expect([table.size, disk.size]).toEqual([2, 5])
    expect(seen(table, 'ada', 'two', 1_950)).toEqual(CLEAN)
  })

  it('whose records are damaged costs itself alone [promise 47]', () => {
    const { disk, request, again } = setUp()
    request('ada', 'one', 'write to ann@example.org', 1)
    request('eve', 'two', 'write to ann@example.org', 2)
    const keys = [...disk.keys()].slice(0, 2)
    expect(keys.map((key) => key.replace(/.*\//, ''))).toEqual(['head', '000000000000'])
    for (const key of keys) {
      for (const harm of [() => undefined, () => '{', (text: string) => text.replace(':', '":')]) {
        const { other, damaged } = again((name, value) => (name === key ? harm(value) : value))
        expect(damaged).toBe(1)
        expect(seen(other, 'ada', 'one')).toEqual(LOST)
        expect(seen(other, 'eve', 'two')).toEqual(KEPT)
      }
    }
  })
})

describe('a flood of reports', () => {
  it('of one principal makes that one forget, and nobody else [promise 46]', () => {
    const { table, request, again } = setUp({ sessionsOfOne: 3, charactersOfOne: 3_000 })
    request('ada', 'one', 'write to ann@example.org', 1)
    for (let i = 0; i < 10; i++) request('eve', `many ${i}`, 'write to ann@example.org', 2 + i)
    request('eve', 'much', 'x'.repeat(2_500), 20)
    request('eve', 'more', 'x'.repeat(2_500), 21)
    for (const each of [table, again().other]) {
      expect(seen(each, 'ada', 'one')).toEqual(KEPT)
      // Who comes back to what was forgotten finds no clean one.
      expect(seen(each, 'eve', 'many 0')).toEqual(LOST)
      expect(seen(each, 'eve', 'much')).toEqual(LOST)
      expect(seen(each, 'eve', 'more')).toEqual(CLEAN)
    }
  })

  it('of many is at the cost of whoever has most', () => {
    const { table, request } = setUp({ sessions: 6 })
    for (let i = 0; i < 4; i++) request('eve', `${i}`, 'write to ann@example.org', i)
    for (const name of ['ada', 'bob', 'cyd', 'dan']) request(name, 'one', 'write to ann@example.org', 10)
    expect(table.size).toBe(6)
    for (const name of ['ada', 'bob', 'cyd', 'dan']) expect(seen(table, name, 'one')).toEqual(KEPT)
    expect([0, 1, 2, 3].map((i) => seen(table, 'eve', `${i}`).has)).toEqual([false, false, true, true])
  })
})
