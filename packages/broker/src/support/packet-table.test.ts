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
})
