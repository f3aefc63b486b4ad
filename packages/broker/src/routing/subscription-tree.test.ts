import { matches } from '@jamey/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Session } from '../sessions/session.js'
import type { Subscription } from './subscription.js'
import { SubscriptionTree } from './subscription-tree.js'

const level = fc.constantFrom('a', 'b', '', '$x', 'c')
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([levels, hasHash]) => [...levels, ...(hasHash || levels.length === 0 ? ['#'] : [])].join('/'))
  .filter((text) => text !== '')
const session = fc.constantFrom(...['s1', 's2', 's3'].map((clientId) => ({ clientId }) as Session))

interface Step {
  isAdded: boolean
  who: Session
  path: string
  share: string | undefined
}

const step: fc.Arbitrary<Step> = fc.record({
  isAdded: fc.oneof(
    { weight: 3, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.constant(false) },
  ),
  who: session,
  path: filter,
  share: fc.constantFrom(undefined, undefined, 'g', 'h'),
})

function key({ who, path, share }: Step): string {
  return `${who.clientId} ${share === undefined ? '' : `$share/${share}/`}${path}`
}

function subscriptionOf(tree: SubscriptionTree, { who, path, share }: Step): Subscription {
  const full = share === undefined ? path : `$share/${share}/${path}`
  return {
    session: who,
    filter: full,
    path,
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    subscriptionIdentifier: undefined,
    group: share === undefined ? undefined : tree.group(path, full),
  }
}

function found(tree: SubscriptionTree, of: string): string[] {
  const keys: string[] = []
  tree.match(of, ({ subscriptions, groups }) => {
    for (const { session: who, filter: full } of subscriptions.values()) keys.push(`${who.clientId} ${full}`)
    for (const { members } of groups.values()) {
      for (const { session: who, filter: full } of members) keys.push(`${who.clientId} ${full}`)
    }
  })
  return keys.sort()
}

describe('subscription tree', () => {
  it('finds exactly the filters that match, after any adding and removing [MQTT-3.3.2-3] [MQTT-4.7.2-1]', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.array(topic, { minLength: 1, maxLength: 8 }),
        (steps, topics) => {
          const tree = new SubscriptionTree()
          const model = new Map<string, { path: string; subscription: Subscription }>()
          for (const one of steps) {
            const known = model.get(key(one))
            if (one.isAdded) {
              const subscription = subscriptionOf(tree, one)
              tree.add(subscription)
              model.set(key(one), { path: one.path, subscription })
            } else if (known !== undefined) {
              tree.remove(known.subscription)
              model.delete(key(one))
            }
          }
          expect(tree.size).toBe(model.size)
          for (const one of topics) {
            const expected = [...model].filter(([, { path }]) => matches(path, one)).map(([name]) => name)
            expect(found(tree, one)).toEqual(expected.sort())
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('keeps nothing of subscriptions that are gone [promise 34]', () => {
    const tree = new SubscriptionTree()
    const who = { clientId: 's' } as Session
    const step = { isAdded: true, who, path: 'a/+/b/#', share: undefined }
    const subscription = subscriptionOf(tree, step)
    tree.add(subscription)
    tree.remove(subscription)
    expect(tree.size).toBe(0)
    expect(found(tree, 'a/x/b/c')).toEqual([])
    expect(tree.isEmpty).toBe(true)
  })
})
