import { matches } from '@jamey/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Message } from './message.js'
import { RetainedTree } from './retained-tree.js'

const level = fc.constantFrom('a', 'b', '', '$x')
const topic = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((text) => text !== '')
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([levels, hasHash]) => [...levels, ...(hasHash || levels.length === 0 ? ['#'] : [])].join('/'))
  .filter((text) => text !== '')

function messageFor(name: string): Message {
  return new Message(name, Buffer.from('x'), 0, true, undefined, Number.POSITIVE_INFINITY, '')
}

describe('retained tree', () => {
  it('finds exactly the topics a filter matches, after any setting and deleting [MQTT-3.3.1-9]', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), topic), { maxLength: 30 }),
        fc.array(filter, { minLength: 1, maxLength: 6 }),
        (steps, filters) => {
          const tree = new RetainedTree()
          const model = new Set<string>()
          for (const [isSet, name] of steps) {
            if (isSet) tree.set(messageFor(name))
            else expect(tree.delete(name)).toBe(model.has(name))
            if (isSet) model.add(name)
            else model.delete(name)
          }
          expect(tree.size).toBe(model.size)
          expect(tree.bytes).toBe([...model].reduce((sum, name) => sum + messageFor(name).bytes, 0))
          for (const one of filters) {
            const expected = [...model].filter((name) => matches(one, name)).sort()
            expect(
              tree
                .match(one)
                .map((message) => message.topic)
                .sort(),
            ).toEqual(expected)
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
