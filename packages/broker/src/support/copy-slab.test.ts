import { expect, test } from 'vitest'
import { CopySlab } from './copy-slab.js'

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value)
}

test('copies stay as they were, whatever is copied after them and whatever becomes of their originals', () => {
  const slab = new CopySlab()
  const originals = Array.from({ length: 300 }, (_, i) => filled(i * 11, i % 251))
  const copies = originals.map((original) => slab.copy(original))
  for (const original of originals) original.fill(255)
  for (const [i, copy] of copies.entries()) expect([...copy]).toEqual([...filled(i * 11, i % 251)])
})

test('short copies share memory, and a long one has its own', () => {
  const slab = new CopySlab()
  const [one, other] = [slab.copy(filled(100, 1)), slab.copy(filled(100, 2))]
  expect(other.buffer).toBe(one.buffer)
  expect(slab.copy(filled(5000, 3)).buffer.byteLength).toBe(5000)
})
