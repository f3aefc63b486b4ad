import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  assertTopicFilter,
  assertTopicName,
  covers,
  intersectionOf,
  isTopicFilter,
  isTopicName,
  matches,
  overlaps,
  splitShared,
  utf8Bytes,
} from './topics.js'

describe('a topic name', () => {
  it.each(['a', '/', 'a/b', '/a', 'a/', ' ', '$SYS/x', 'ä😀', 'x'.repeat(65_535)])(
    'may be %.20j',
    (topic) => {
      expect(isTopicName(topic)).toBe(true)
      expect(() => assertTopicName(topic)).not.toThrow()
    },
  )

  it.each([
    ['', 'is empty'],
    ['a/+', 'has a wildcard'],
    ['#', 'has a wildcard'],
    ['a\0b', 'has a NUL character'],
    ['\ud800', 'has a lone surrogate'],
    ['ä'.repeat(32_768), 'is longer than 65535 bytes'],
  ])(
    'may not be %.20j, which %s [MQTT-4.7.3-1] [MQTT-4.7.3-2] [MQTT-4.7.3-3] [MQTT-4.7.0-1] [MQTT-4.7.3-3 of 3.1.1]',
    (topic, fault) => {
      expect(isTopicName(topic)).toBe(false)
      expect(() => assertTopicName(topic)).toThrow(fault)
    },
  )
})

describe('a topic filter', () => {
  it.each([
    'a',
    '#',
    '+',
    '/',
    '+/+',
    'a/#',
    '/#',
    '+/a/#',
    '$share/g/a/+',
    '$share/g/#',
    '$share//x'.replace('//', '/g/'),
  ])('may be %j', (filter) => {
    expect(isTopicFilter(filter)).toBe(true)
    expect(() => assertTopicFilter(filter)).not.toThrow()
  })

  it.each([
    ['', 'is empty'],
    ['a#', "has '#' elsewhere than as its last level"],
    ['#/a', "has '#' elsewhere than as its last level"],
    ['a/#/b', "has '#' elsewhere than as its last level"],
    ['a+', "has '+' beside other characters of a level"],
    ['+a/b', "has '+' beside other characters of a level"],
    ['$share/g', 'has no filter after $share/<group>/'],
    ['$share//a', 'has a share name that is empty or has a wildcard'],
    ['$share/g/', 'has no filter after $share/<group>/'],
    ['$share/+/a', 'has a share name that is empty or has a wildcard'],
    ['$share/g/a#', "has '#' elsewhere than as its last level"],
  ])(
    'may not be %j, which %s [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.8.2-1] [MQTT-4.8.2-2]',
    (filter, fault) => {
      expect(isTopicFilter(filter)).toBe(false)
      expect(() => assertTopicFilter(filter)).toThrow(fault)
    },
  )

  it('is split from its share name', () => {
    expect(splitShared('$share/g/a/+')).toEqual({ group: 'g', filter: 'a/+' })
    expect(splitShared('a/b')).toEqual({ group: undefined, filter: 'a/b' })
  })
})

describe('matching', () => {
  it.each([
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', 'a/b', true],
    ['#', '$SYS/a', false],
    ['+/a', '$SYS/a', false],
    ['$SYS/#', '$SYS/a', true],
    ['a/b', 'a/B', false],
    ['a/#', 'ab', false],
  ])('of %j with %j is %s [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.2-1]', (filter, topic, expected) => {
    expect(matches(filter, topic)).toBe(expected)
  })

  it('agrees with the definition, level by level', () => {
    fc.assert(
      fc.property(filters, topics, (filter, topic) => {
        expect(matches(filter, topic)).toBe(matchesByDefinition(filter, topic))
      }),
      { numRuns: 5000 },
    )
  })
})

describe('covering', () => {
  it('says yes exactly where every topic of a small world that the inner filter selects is selected by the outer', () => {
    const world = topicsUpTo(4)
    fc.assert(
      fc.property(filters, filters, (outer, inner) => {
        const truth = world.every((topic) => !matches(inner, topic) || matches(outer, topic))
        expect(covers(outer, inner)).toBe(truth)
      }),
      { numRuns: 3000 },
    )
  })

  it('does not let jamey/+/query stand for jamey/# [promise 23]', () => {
    expect(covers('jamey/+/query', 'jamey/#')).toBe(false)
    expect(covers('jamey/#', 'jamey/+/query')).toBe(true)
  })
})

it('counts the bytes of UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(utf8Bytes(text)).toBe(Buffer.byteLength(text))
    }),
  )
})

const level = fc.constantFrom('a', 'b', '', '$a')
const topics = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((topic) => topic !== '')
const filters = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', '', '+', '$a'), { maxLength: 3 }),
    fc.constantFrom('a', '+', '#', ''),
  )
  .map(([levels, last]) => [...levels, last].join('/'))
  .filter((filter) => filter !== '')

function matchesByDefinition(filter: string, topic: string): boolean {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  if (levels[0]?.startsWith('$') && (wanted[0] === '+' || wanted[0] === '#')) return false
  const select = (at: number): boolean => {
    if (wanted[at] === '#') return true
    if (at === wanted.length || at === levels.length) {
      return (
        at === levels.length && (at === wanted.length || (at === wanted.length - 1 && wanted[at] === '#'))
      )
    }
    return (wanted[at] === '+' || wanted[at] === levels[at]) && select(at + 1)
  }
  return select(0)
}

/** Every topic of at most `depth` levels over a few level names, one of which no filter names; the empty one, too, as the strictest case. */
function topicsUpTo(depth: number): string[] {
  const names = ['a', 'b', '', '$a', 'z']
  let rows: string[][] = names.map((name) => [name])
  const all = [...rows]
  for (let i = 1; i < depth + 1; i++) {
    rows = rows.flatMap((row) => (row.length === i ? names.map((name) => [...row, name]) : []))
    all.push(...rows)
  }
  return all.map((row) => row.join('/'))
}

describe('what two filters select', () => {
  it('is what each selects, in a small world', () => {
    const world = topicsUpTo(4)
    fc.assert(
      fc.property(filters, filters, (one, other) => {
        const both = intersectionOf(one, other)
        const wanted = world.filter((topic) => matches(one, topic) && matches(other, topic))
        const found = both === undefined ? [] : world.filter((topic) => matches(both, topic))
        expect(found).toEqual(wanted)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('overlapping', () => {
  it('says yes exactly where some topic of a small world is selected by both filters', () => {
    const world = topicsUpTo(4)
    fc.assert(
      fc.property(filters, filters, (one, other) => {
        const truth = world.some((topic) => matches(one, topic) && matches(other, topic))
        expect(overlaps(one, other)).toBe(truth)
      }),
      { numRuns: 3000 },
    )
  })
})
