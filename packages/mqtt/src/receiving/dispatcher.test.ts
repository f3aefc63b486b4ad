import { isTopicFilter, matches, type Publish, splitShared } from '@jamey/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Dispatcher, type Route } from './dispatcher.js'
import { Handling } from './handling.js'

const message = (topic: string, subscriptionIdentifiers?: number[]): Publish => ({
  type: 'publish',
  topic,
  payload: new Uint8Array(),
  qos: 0,
  retain: false,
  dup: false,
  packetIdentifier: 0,
  properties: subscriptionIdentifiers && { subscriptionIdentifiers },
})

const routeOf = (filter: string): Route => ({ filter, handlings: [], identifiers: [] })

describe('dispatch', () => {
  it('finds the handlers of exactly the filters that match, after any change [promise 8]', () => {
    const level = fc.constantFrom('a', 'b', '', '+', '$s')
    const path = fc
      .tuple(fc.array(level, { maxLength: 3 }), fc.constantFrom([], [], ['#']))
      .map(([levels, last]) => [...levels, ...last].join('/'))
    const filter = fc
      .tuple(fc.constantFrom('', '', '$share/g/', '$share/h/'), path)
      .map(([share, selected]) => share + selected)
      .filter(isTopicFilter)
    const change = fc.tuple(fc.oneof(filter, fc.constantFrom('a/+', 'b/+')), fc.boolean())
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30, size: 'max' }), (changes) => {
        const dispatcher = new Dispatcher()
        const model = new Map<string, { handling: Handling; route: Route }>()
        for (const [name, isAdded] of changes) {
          const existing = model.get(name)
          if (isAdded && existing === undefined) {
            const handling = new Handling(() => {}, false)
            const route = { filter: name, handlings: [handling], identifiers: [] }
            dispatcher.add(route)
            model.set(name, { handling, route })
          } else if (!isAdded && existing !== undefined) {
            dispatcher.delete(existing.route)
            model.delete(name)
          } else if (existing !== undefined) dispatcher.renumber(existing.route)
          for (const topic of ['a', 'a/b', 'b/a/b', '/a', 'a/', '$s', '$s/a', '$share/g/a']) {
            const expected = [...model].filter(([own]) => matches(splitShared(own).filter, topic))
            const handlings = new Set(expected.map(([, { handling }]) => handling))
            expect(new Set(dispatcher.find(message(topic)))).toEqual(handlings)
            const identifiers = expected.flatMap(([, { route }]) => route.identifiers)
            if (identifiers.length === 0) continue
            expect(new Set(dispatcher.find(message(topic, identifiers)))).toEqual(handlings)
            const [one] = identifiers
            expect(dispatcher.find(message(topic, [one as number]))).toEqual([expected[0]?.[1].handling])
          }
        }
      }),
    )
  })

  it('gives a filter the same identifier in every process', () => {
    const [one, other] = [new Dispatcher(), new Dispatcher()]
    const [here, there] = [routeOf('jamey/+/query'), routeOf('jamey/+/query')]
    one.add(here)
    other.add(routeOf('x'))
    other.add(there)
    expect(here.identifiers).toEqual(there.identifiers)
  })
})
