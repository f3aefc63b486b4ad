import { describe, expect, it } from 'vitest'
import { type Action, Permissions } from '../index.js'

const bridge = (...list: string[]): Permissions => new Permissions(list, { clientId: 'bridge' })

/** Everything but the right to relay. */
const WIDE = ['jamey/#', 'subscribe:$share/conscience/jamey/conscience/evaluate/#']

describe('the right to relay the messages of others', () => {
  it.each<[Action, string]>([
    ['publish', 'jamey/events/status/ada'],
    ['receive', 'jamey/api/responses/ada/conscience/answers'],
    ['subscribe', 'jamey/api/responses/ada/#'],
    ['subscribe', 'jamey/api/responses/+/conscience/#'],
  ])('is what opens another client’s own topics, to %s %s [promise 23]', (action, topic) => {
    expect(bridge(...WIDE).decide(action, topic)).toMatchObject({ isAllowed: false, ruling: 'foreign' })
    expect(bridge(...WIDE, 'relay:+').decide(action, topic)).toMatchObject({
      isAllowed: true,
      permission: 'jamey/#',
    })
    // It grants no topic by itself.
    expect(bridge('relay:+').decide(action, topic).ruling).toBe('not-granted')
  })

  it('can be for some clients alone', () => {
    const permissions = bridge(...WIDE, 'relay:ada', 'relay:bob')
    expect(permissions.relays()).toEqual(['ada', 'bob'])
    expect(['ada', 'bob', 'eve', '+', ''].map((whom) => permissions.mayRelay(whom))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
    expect(permissions.mayPublish('jamey/events/status/ada')).toBe(true)
    expect(permissions.mayPublish('jamey/events/status/eve')).toBe(false)
    expect(permissions.maySubscribe('jamey/api/responses/ada/#')).toBe(true)
    expect(permissions.maySubscribe('jamey/api/responses/+/#')).toBe(false)
    expect(permissions.mayReceive('jamey/api/responses/eve/memory/answers')).toBe(false)
  })

  it('is neither the right to act for others nor given by it', () => {
    expect(bridge('relay:+').mayActFor('ada')).toBe(false)
    expect(bridge('act-for:+').mayRelay('ada')).toBe(false)
    expect(bridge('act-for:+').explain('relay', 'ada')).toBe(
      '"bridge" may not relay messages of "ada": it has no permissions for this; it needs "relay:ada"',
    )
  })

  it.each(['relay:', 'relay:%c', 'relay:a/b', 'relay:#', 'relay: ada'])(
    'is refused where it reads %s',
    (entry) => {
      expect(() => bridge(entry)).toThrow(/relay/)
    },
  )
})
