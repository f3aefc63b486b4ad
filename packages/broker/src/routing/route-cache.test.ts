import { FakeClock } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { TopicPermission } from '../messages/topic-permission.js'
import { insecureAuthenticator } from '../ports/authenticator.js'
import { Core } from '../server/core.js'
import { Session } from '../sessions/session.js'
import { DEFAULT_LIMITS } from '../support/limits.js'
import { silentLog } from '../support/log.js'
import { RouteCache } from './route-cache.js'
import { SubscriptionTree } from './subscription-tree.js'

function subscribed(tree: SubscriptionTree, path: string, count: number): void {
  const core = new Core({
    authenticator: insecureAuthenticator(),
    store: undefined,
    limits: DEFAULT_LIMITS,
    clock: new FakeClock(),
    log: silentLog,
    overflow: 'drop-newest',
    responseInformation: undefined,
  })
  for (let i = 0; i < count; i++) {
    const session = new Session(core, `s${i}`, 'u', 5)
    tree.add({
      session,
      filter: path,
      path,
      qos: 0,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      subscriptionIdentifier: undefined,
      group: undefined,
    })
  }
}

describe('what is remembered about topics', () => {
  it('leaves out long ones, which would make it as large as a client likes [promise 34]', () => {
    const tree = new SubscriptionTree()
    subscribed(tree, '#', 2)
    const cache = new RouteCache(tree, 10)
    expect(cache.get('x'.repeat(257)).receivers).toHaveLength(2)
    expect(cache.size).toBe(0)
    expect(cache.get('x'.repeat(256)).receivers).toHaveLength(2)
    expect(cache.size).toBe(1)
  })

  it('has a bound in topics, and one in their receivers [promise 34]', () => {
    const tree = new SubscriptionTree()
    subscribed(tree, '#', 200)
    const cache = new RouteCache(tree, 10)
    const sizes = ['a', 'b', 'c', 'd'].map((topic) => cache.get(topic) && cache.size)
    expect(sizes).toEqual([1, 2, 3, 1])
    cache.forgetPath('d')
    expect(['e', 'f', 'g'].map((topic) => cache.get(topic) && cache.size)).toEqual([1, 2, 3])
    const few = new RouteCache(new SubscriptionTree(), 2)
    expect(['a', 'b', 'c'].map((topic) => few.get(topic) && few.size)).toEqual([1, 2, 1])
  })

  it('asks about a long topic each time it is published to [promise 34]', () => {
    const asked: number[] = []
    const permission = new TopicPermission((_, topic) => asked.push(topic.length) > 0)
    permission.use({
      username: 'u',
      mayPublish: () => true,
      maySubscribe: () => true,
      mayReceive: () => true,
    })
    for (const length of [256, 256, 257, 256, 257]) expect(permission.allows('x'.repeat(length))).toBe(true)
    expect(asked).toEqual([256, 257, 257])
  })
})
