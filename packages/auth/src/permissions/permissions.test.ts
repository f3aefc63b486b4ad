import { MALFORMED_PERMISSIONS, PERMISSION_CASES } from '@jamey/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ownTopics, PERMISSION_FORM, PermissionListError, Permissions } from '../index.js'

/** What MQTT 5.0 section 4.7 says, level by level; shares no code with the topic functions it judges. */
function selects(filter: string[], topic: string[]): boolean {
  const isHidden = topic[0]?.startsWith('$') && (filter[0] === '#' || filter[0] === '+')
  if (isHidden) return false
  if (filter.at(-1) !== '#') return filter.length === topic.length && selectsLevels(filter, topic)
  const above = filter.slice(0, -1)
  return topic.length >= above.length && selectsLevels(above, topic)
}

function selectsLevels(filter: string[], topic: string[]): boolean {
  return filter.every((level, i) => level === '+' || level === topic[i])
}

/** Every sequence of 1 to `depth` of `levels`. */
function sequences(levels: readonly string[], depth: number): string[][] {
  const longest = depth === 1 ? [[]] : [[], ...sequences(levels, depth - 1)]
  return longest.flatMap((head) => levels.map((level) => [...head, level]))
}

const LEVELS = ['', 'a', 'b', '$s'] as const
/** The empty topic is counted where filters are compared, though nobody can publish to it: `/#` has it as parent. */
const NAMES = sequences(LEVELS, 4)
const TOPICS = NAMES.filter((topic) => topic.join('/') !== '')
const FILTERS = [
  ...sequences(['', 'a', '$s', '+'], 3),
  ...sequences(['', 'a', '$s', '+'], 2).map((head) => [...head, '#']),
  ['#'],
].filter((filter) => filter.join('/') !== '')

describe('Permissions', () => {
  it.each(PERMISSION_CASES)('$name [promise 23]', (each) => {
    const { clientId, permissions, action, topic, isAllowed, ruling } = each
    const decided = new Permissions(permissions, { clientId })
    const { mayPublish, maySubscribe, mayReceive, mayActFor } = Permissions.prototype
    const may = { publish: mayPublish, subscribe: maySubscribe, receive: mayReceive, 'act-for': mayActFor }[
      action
    ]
    expect(may.call(decided, topic)).toBe(isAllowed)
    expect(may.call(decided, topic)).toBe(isAllowed)
    expect(decided.decide(action, topic)).toMatchObject({ isAllowed, ruling })
  })

  it('is judged by a table that has every action and ruling', () => {
    expect(PERMISSION_CASES.length).toBeGreaterThan(300)
    expect(new Set(PERMISSION_CASES.map(({ action }) => action)).size).toBe(4)
    expect(new Set(PERMISSION_CASES.map(({ ruling }) => ruling)).size).toBe(5)
    expect(new Set(PERMISSION_CASES.map(({ name }) => name)).size).toBe(PERMISSION_CASES.length)
  })

  it('allows a subscription exactly where the permission selects all that the filter can select [promise 23]', () => {
    const selected = FILTERS.map((filter) => NAMES.map((name) => selects(filter, name)))
    const faults: string[] = []
    FILTERS.forEach((outer, o) => {
      const permissions = new Permissions([`subscribe:${outer.join('/')}`], { clientId: 'eva' })
      FILTERS.forEach((inner, i) => {
        const expected = NAMES.every((_, n) => !selected[i]?.[n] || selected[o]?.[n])
        if (permissions.maySubscribe(inner.join('/')) !== expected) {
          faults.push(`${outer.join('/')} ${expected ? 'covers' : 'does not cover'} ${inner.join('/')}`)
        }
      })
    })
    expect(faults).toEqual([])
    expect(FILTERS.length).toBeGreaterThan(100)
  })

  it('lets a topic be published and received exactly where a permission selects it [promise 23]', () => {
    for (const filter of FILTERS) {
      const permissions = new Permissions([filter.join('/')], { clientId: 'eva' })
      const expected = TOPICS.filter((topic) => selects(filter, topic)).map((topic) => topic.join('/'))
      const topics = TOPICS.map((topic) => topic.join('/'))
      expect(topics.filter((topic) => permissions.mayPublish(topic))).toEqual(expected)
      expect(topics.filter((topic) => permissions.mayReceive(topic))).toEqual(expected)
    }
  })

  it('hands over all that an accepted subscription selects but the inboxes of others [promise 23]', () => {
    const level = fc.constantFrom('jamey', 'api', 'responses', 'events', 'status', 'eva', 'bob', '$SYS', '')
    const inbox = fc.constantFrom('jamey/api/responses', 'jamey/api/responses/bob', 'jamey/api/responses/eva')
    const below = fc.array(level, { minLength: 1, maxLength: 2 })
    const topic = fc.oneof(
      fc.array(level, { minLength: 2, maxLength: 5 }),
      fc.tuple(inbox, below).map(([root, rest]) => [...root.split('/'), ...rest]),
    )
    /** A filter that selects the topic: some levels become `+`, some tail becomes `#`. */
    const widened = (levels: string[]) =>
      fc
        .tuple(fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), fc.nat({ max: 7 }))
        .map(([wild, cut]) => [
          ...levels.slice(0, cut).map((each, i) => (wild[i] ? '+' : each)),
          ...(cut < levels.length ? ['#'] : []),
        ])
    const world = topic.chain((levels) =>
      fc.tuple(fc.constant(levels), widened(levels), fc.array(widened(levels), { maxLength: 3 })),
    )
    let accepted = 0
    fc.assert(
      fc.property(world, ([levels, filter, list]) => {
        const permissions = new Permissions(
          list.map((entry) => entry.join('/')),
          { clientId: 'eva' },
        )
        const name = levels.join('/')
        const isForeign = /^jamey\/api\/responses\/(?!eva(\/|$))/.test(name)
        if (isForeign) expect(permissions.mayReceive(name)).toBe(false)
        if (!permissions.maySubscribe(filter.join('/')) || !selects(filter, levels) || isForeign) return
        accepted++
        expect(permissions.mayReceive(name)).toBe(true)
      }),
      { numRuns: 3000 },
    )
    expect(accepted).toBeGreaterThan(300)
  })

  it('answers the same with a full memory of topics as with an empty one', () => {
    const permissions = new Permissions(['a/+'], { clientId: 'eva' })
    for (let i = 0; i < 600; i++) {
      expect(permissions.mayPublish(`a/${i}`)).toBe(true)
      expect(permissions.mayPublish(`b/${i}`)).toBe(false)
    }
    expect(permissions.mayPublish(`a/${'x'.repeat(1000)}`)).toBe(true)
    expect(permissions.mayPublish(`b/${'x'.repeat(1000)}`)).toBe(false)
  })
})

describe('a decision explained', () => {
  const permissions = new Permissions(['publish:jamey/events/#', 'subscribe:jamey/memory/+'], {
    clientId: 'eva',
  })

  it.each([
    [
      'publish',
      'jamey/events/errors',
      '"eva" may publish to "jamey/events/errors": its permission "publish:jamey/events/#" grants it',
    ],
    [
      'subscribe',
      'jamey/memory/+',
      '"eva" may subscribe to "jamey/memory/+": its permission "subscribe:jamey/memory/+" grants it',
    ],
    [
      'subscribe',
      '$share/g/jamey/memory/+',
      '"eva" may not subscribe to "$share/g/jamey/memory/+": none of its 1 permissions for this does; it needs "subscribe:$share/g/jamey/memory/+"',
    ],
    [
      'publish',
      'jamey/memory/store/eva',
      '"eva" may not publish to "jamey/memory/store/eva": none of its 1 permissions for this does; it needs "publish:jamey/memory/store"',
    ],
    ['act-for', 'bob', '"eva" may not act for "bob": it has no permissions for this; it needs "act-for:bob"'],
    ['act-for', '+', '"eva" may not act for "+": it is not a client identifier'],
    [
      'publish',
      'jamey/50%coffee/x ',
      '"eva" may not publish to "jamey/50%coffee/x ": none of its 1 permissions for this does; it needs "publish:jamey/+/+"',
    ],
    [
      'receive',
      'jamey/api/responses/eva/1',
      '"eva" may receive "jamey/api/responses/eva/1": it is the client\'s own',
    ],
    [
      'publish',
      'jamey/memory/store',
      '"eva" may not publish to "jamey/memory/store": none of its 1 permissions for this does; it needs "publish:jamey/memory/store"',
    ],
    [
      'subscribe',
      '$share/%c/jamey/x',
      '"eva" may not subscribe to "$share/%c/jamey/x": none of its 1 permissions for this does',
    ],
    [
      'publish',
      'jamey/events/status/bob',
      '"eva" may not publish to "jamey/events/status/bob": it belongs to another client, which only the permission to relay for that one changes',
    ],
    ['publish', 'jamey/#', '"eva" may not publish to "jamey/#": it is not an MQTT topic name'],
    ['subscribe', 'jamey/#/x', '"eva" may not subscribe to "jamey/#/x": it is not an MQTT topic filter'],
  ] as const)('says why for %s %s', (action, topic, expected) => {
    expect(permissions.explain(action, topic)).toBe(expected)
  })

  it('names the permission that is missing, and that permission is enough', () => {
    for (const each of PERMISSION_CASES) {
      const { ruling, permission } = new Permissions(each.permissions, each).decide(each.action, each.topic)
      if (ruling !== 'not-granted') continue
      if (permission === undefined) continue
      const widened = new Permissions([...each.permissions, permission], each)
      expect(widened.decide(each.action, each.topic)).toEqual({
        isAllowed: true,
        ruling: 'granted',
        permission,
      })
    }
  })

  it('says that there are no permissions at all', () => {
    expect(new Permissions([], { clientId: 'eva' }).explain('publish', 'a')).toBe(
      '"eva" may not publish to "a": it has no permissions for this; it needs "publish:a"',
    )
  })
})

describe('a permission list', () => {
  it.each(MALFORMED_PERMISSIONS)(
    'is refused as a whole for the entry $entry [promise 37]',
    ({ entry, fault }) => {
      const make = () => new Permissions(['jamey/x', entry], { clientId: 'eva' })
      const shown = JSON.stringify(entry.length > 80 ? `${entry.slice(0, 80)}...` : entry)
      expect(make).toThrow(PermissionListError)
      expect(make).toThrow(`permission ${shown} ${fault}; expected ${PERMISSION_FORM}`)
    },
  )

  it.each(['', 'a/b', '+', 'a#', 'a\nb', '\0', '\ud800', 'x'.repeat(129)])(
    'is not made for the client identifier %j, which would change the own topics [promise 23]',
    (clientId) => {
      expect(() => new Permissions([], { clientId })).toThrow(
        /^client identifier ".*" .*; expected 1 to 128 /,
      )
      expect(() => ownTopics(clientId)).toThrow(PermissionListError)
    },
  )

  it('cannot be changed after it was read', () => {
    const list = ['jamey/a']
    const permissions = new Permissions(list, { clientId: 'eva' })
    list.push('jamey/b')
    expect(permissions.mayPublish('jamey/b')).toBe(false)
    expect(permissions.list).toEqual(['jamey/a'])
  })
})
