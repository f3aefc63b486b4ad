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

function messageFor(name: string, publishedBy = '', payload = 'x'): Message {
  return new Message(name, Buffer.from(payload), 0, true, undefined, Number.POSITIVE_INFINITY, publishedBy)
}

function bytesOf(...messages: Message[]): number {
  return messages.reduce((sum, { bytes, topic }) => sum + bytes + topic.split('/').length * 288, 0)
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
          expect(tree.bytes).toBe(bytesOf(...[...model].map((name) => messageFor(name))))
          for (const one of filters) {
            const expected = [...model].filter((name) => matches(one, name)).sort()
            expect(
              [...tree.match(one)]
                .flatMap((message) => (message === undefined ? [] : [message.topic]))
                .sort(),
            ).toEqual(expected)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('charges what a deep topic takes in the tree, and properties [promise 34]', () => {
    const tree = new RetainedTree()
    tree.set(messageFor('/'.repeat(63)))
    expect(tree.bytes).toBeGreaterThan(64 * 256)
    const userProperties = Array.from({ length: 100 }, () => ['', ''] as const)
    const properties = { userProperties, responseTopic: 'x'.repeat(1000) }
    const rich = new Message('t', Buffer.from('x'), 0, true, properties, Number.POSITIVE_INFINITY, '')
    expect(rich.bytes).toBeGreaterThan(100 * 100 + 1000)
  })

  it('bounds what one client retains, so that others still can [promise 34]', () => {
    const tree = new RetainedTree()
    const most = 1_000_000
    const limits = { retainedMessages: 4, retainedBytes: most, retainedBytesPerClient: most }
    const room = (message: Message) => tree.hasRoomFor(message, { ...limits, retainedMessagesPerClient: 2 })
    for (const name of ['a/1', 'a/2']) tree.set(messageFor(name, 'a'))
    expect(room(messageFor('a/3', 'a'))).toBe(false)
    expect(room(messageFor('a/2', 'a'))).toBe(true)
    expect(room(messageFor('b/1', 'b'))).toBe(true)
    // What somebody else publishes to the topic is theirs from then on.
    tree.set(messageFor('a/2', 'b'))
    expect(room(messageFor('a/3', 'a'))).toBe(true)
    tree.set(messageFor('a/3', 'a'))
    tree.delete('a/1')
    expect(room(messageFor('a/4', 'a'))).toBe(true)
    for (const name of ['c/1', 'c/2']) tree.set(messageFor(name, 'c'))
    expect(room(messageFor('d/1', 'd'))).toBe(false)
    expect(room(messageFor('c/2', 'd'))).toBe(true)
  })

  it('bounds the bytes of all, and of one client [promise 34]', () => {
    const tree = new RetainedTree()
    const most = bytesOf(messageFor('a/1'), messageFor('a/2'))
    const limits = { retainedMessages: 99, retainedMessagesPerClient: 99 }
    const room = (message: Message, all: number, one: number) =>
      tree.hasRoomFor(message, { ...limits, retainedBytes: all, retainedBytesPerClient: one })
    tree.set(messageFor('a/1', 'a'))
    expect(room(messageFor('a/2', 'a'), most, most)).toBe(true)
    expect(room(messageFor('a/2', 'a'), most - 1, most)).toBe(false)
    expect(room(messageFor('a/2', 'a'), most, most - 1)).toBe(false)
    expect(room(messageFor('a/2', 'b'), most, most - 1)).toBe(true)
    expect(room(messageFor('a/1', 'a', 'xx'), most, most)).toBe(true)
  })
})
