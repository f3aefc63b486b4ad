import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PacketTable } from './packet-table.js'

describe('packet table', () => {
  it('holds what a map would, for any identifiers', () => {
    const identifier = fc.oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 65_000, max: 65_535 }))
    fc.assert(
      fc.property(fc.array(identifier, { maxLength: 200 }), (identifiers) => {
        const table = new PacketTable<{ of: number }>()
        const model = new Map<number, { of: number }>()
        for (const of of identifiers) {
          if (model.has(of)) {
            table.delete(of)
            model.delete(of)
          } else {
            const packet = { of }
            table.set(of, packet)
            model.set(of, packet)
          }
          expect(table.size).toBe(model.size)
        }
        for (const of of identifiers) expect(table.get(of)).toBe(model.get(of))
        const values = [...table.values()].map((packet) => packet.of)
        expect(values).toEqual([...model.keys()].sort((a, b) => a - b))
      }),
    )
  })

  it('finds the first identifier that is free, and after the highest the lowest [MQTT-2.2.1-4]', () => {
    const table = new PacketTable<{ of: number }>()
    for (const of of [5, 6, 65_535, 1]) table.set(of, { of })
    expect([4, 5, 6, 7, 65_534, 65_535, 1].map((from) => table.freeFrom(from))).toEqual([
      4, 7, 7, 7, 65_534, 2, 2,
    ])
  })
})
