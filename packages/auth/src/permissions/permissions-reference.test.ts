import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Action, Permissions } from '../index.js'

/**
 * The permission language once more, as its page in docs has it: levels in arrays, every rule by itself, nothing kept
 * and nothing of the code that it judges.
 */
function expected(list: readonly string[], me: string, action: Action, wanted: string): boolean {
  const entries = list.map((text) => entryOf(text, me))
  if (action === 'act-for') {
    return entries.some((one) => one.verb === 'act-for' && (one.whom === '+' || one.whom === wanted))
  }
  const levels = wanted.split('/')
  const own = (root: string[]): boolean => startsWith(levels, [...root, me])
  if (action === 'publish') {
    if (isShared(levels)) return false
    if (levels.length === 4 && own(STATUS)) return true
    if (startsWith(levels, STATUS) && levels.length > 3 && !own(STATUS)) return false
    const mayDirectly = (topic: string[]): boolean =>
      entries.some((one) => one.verb !== 'subscribe' && one.group === undefined && selects(one.levels, topic))
    if (mayDirectly(levels)) return true
    const before = levels.slice(0, -1)
    return levels.at(-1) === me && before[0] === 'jamey' && before.length > 1 && mayDirectly(before)
  }
  if (action === 'receive') {
    if (isShared(levels)) return false
    if (startsWith(levels, INBOX) && levels.length > 3) {
      return own(INBOX)
    }
    return entries.some((one) => one.verb !== 'publish' && selects(one.levels, levels))
  }
  const group = isShared(levels) ? levels[1] : undefined
  const filter = group === undefined ? levels : levels.slice(2)
  const isInAnInbox =
    startsWith(filter, INBOX) && filter.length > 3 && !(filter.length === 4 && filter[3] === '#')
  if (isInAnInbox && filter[3] !== me) return false
  if (isInAnInbox && group === undefined) return true
  return entries.some((one) => one.verb !== 'publish' && one.group === group && covers(one.levels, filter))
}

const STATUS = ['jamey', 'events', 'status']
const INBOX = ['jamey', 'api', 'responses']

interface Entry {
  readonly verb: string
  readonly whom: string
  readonly group: string | undefined
  readonly levels: string[]
}

function entryOf(text: string, me: string): Entry {
  const [, verb = 'both', rest = ''] = /^(?:(publish|subscribe|act-for):)?(.*)$/s.exec(text) ?? []
  const written = rest.split('/')
  const isGroup = isShared(written)
  const own = (level: string): string => (level === '%c' ? me : level)
  const before = isGroup ? written.slice(2) : written
  // The identifier stands where `+` would, and `+` does not stand for a first level that starts with `$`.
  const isHidden = before[0] === '%c' && me.startsWith('$')
  return {
    verb: isHidden ? 'nothing' : verb,
    whom: rest,
    group: isGroup ? own(written[1] ?? '') : undefined,
    levels: verb === 'act-for' || isHidden ? ['never', 'asked', 'for'] : before.map(own),
  }
}

function isShared(levels: readonly string[]): boolean {
  return levels[0] === '$share' && levels.length > 1
}

function startsWith(levels: readonly string[], root: readonly string[]): boolean {
  return root.every((level, i) => levels[i] === level)
}

function selects(
  [level, ...filter]: readonly string[],
  [name, ...topic]: readonly string[],
  isFirst = true,
): boolean {
  if (isFirst && name?.startsWith('$') && (level === '#' || level === '+')) return false
  if (level === '#') return true
  if (level === undefined || name === undefined) return level === undefined && name === undefined
  if (level !== '+' && level !== name) return false
  if (topic.length === 0 && filter.length === 1 && filter[0] === '#') return true
  return selects(filter, topic, false)
}

/** Whether `outer` selects every topic that `inner` does, by the topics of a world large enough to tell them apart. */
function covers(outer: readonly string[], inner: readonly string[]): boolean {
  return topicsOf(inner).every((topic) => selects(outer, topic))
}

/** Topics that `filter` selects, among them the most unlike: names that nothing else is called, no levels and many. */
function topicsOf(filter: readonly string[]): string[][] {
  const names = (level: string, i: number): string[] => (level === '+' ? ['', `unheard-of-${i}`] : [level])
  const isOpen = filter.at(-1) === '#'
  const fixed = isOpen ? filter.slice(0, -1) : filter
  const heads = fixed.reduce<string[][]>(
    (sofar, level, i) => sofar.flatMap((head) => names(level, i).map((name) => [...head, name])),
    [[]],
  )
  if (!isOpen) return heads
  const tails = [
    [],
    [''],
    ['unheard-of'],
    ['', ''],
    ['unheard-of', 'unheard-of', 'unheard-of', 'unheard-of', 'x'],
  ]
  return heads.flatMap((head) => tails.map((tail) => [...head, ...tail])).filter((topic) => topic.length > 0)
}

const CLIENTS = ['eva', 'bob', '$SYS', '$share', '%c', '$&', 'a b'] as const
const client = fc.constantFrom(...CLIENTS)
const level = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', '', 'jamey') },
  { weight: 2, arbitrary: client },
  { weight: 1, arbitrary: fc.constantFrom('%c', '$s', 'publish:a') },
)
const root = fc.constantFrom([], [], ['jamey'], STATUS, INBOX, ['$share', 'g'], ['$share', 'g', ...INBOX])
const below = fc.array(level, { minLength: 1, maxLength: 3 })
const topic = fc.tuple(root, below).map(([head, tail]) => [...head, ...tail])
/** Some levels become `+`, some tail becomes `#`; the first two stay where they are a share's. */
const filter = fc
  .tuple(topic, fc.array(fc.nat({ max: 4 }), { minLength: 6, maxLength: 6 }), fc.nat({ max: 8 }))
  .map(([levels, dice, cut]) => {
    const kept = isShared(levels) ? 2 : 0
    const wild = levels.map((each, i) => (i >= kept && dice[i] === 0 ? '+' : each))
    return cut >= kept && cut < wild.length ? [...wild.slice(0, cut), '#'] : wild
  })
const text = (levels: readonly string[]): string => levels.join('/')
const entry = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom('publish:', 'subscribe:', ''), filter) },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.constant('subscribe:$share/'),
      fc.tuple(level, filter).map(([g, f]) => [g, ...f]),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant('act-for:'),
      fc.oneof(client, fc.constant('+')).map((whom) => [whom]),
    ),
  },
)
const list = fc.array(
  entry.map(([verb, levels]) => verb + text(levels)),
  { maxLength: 4 },
)
const request = fc.oneof(
  fc.tuple(fc.constantFrom<Action>('publish', 'receive'), topic.map(text)),
  fc.tuple(fc.constant<Action>('subscribe'), filter.map(text)),
  fc.tuple(fc.constant<Action>('act-for'), client),
)

/** What is asked for is often what is listed, or near it; else nearly everything would be refused. */
const world = fc
  .tuple(list, client, fc.array(request, { minLength: 1, maxLength: 6 }))
  .map(([entries, me, requests]) => {
    const listed = entries.flatMap((one) => {
      const [, verb, rest = ''] = /^(publish|subscribe|act-for)?:?(.*)$/s.exec(one) ?? []
      const named = text(rest.split('/').map((each) => (each === '%c' ? me : each)))
      const concrete = text(named.split('/').map((each) => (each === '+' || each === '#' ? 'a' : each)))
      if (verb === 'act-for') return []
      return [
        ['subscribe', named],
        ['publish', concrete],
        ['publish', `${concrete}/${me}`],
        ['receive', concrete.replace(/^\$share\/[^/]*\//, '')],
      ] as [Action, string][]
    })
    return { entries, me, requests: [...requests, ...listed] }
  })

function readable(entries: readonly string[], me: string): Permissions | undefined {
  try {
    return new Permissions(entries, { clientId: me })
  } catch {
    return undefined
  }
}

describe('Permissions and a model of them that was written by itself', () => {
  it('decide alike, whatever is listed and asked for [promise 23]', () => {
    const seen = { allowed: 0, refused: 0, read: 0 }
    fc.assert(
      fc.property(world, ({ entries, me, requests }) => {
        const permissions = readable(entries, me)
        if (permissions === undefined) return
        seen.read++
        for (const [action, wanted] of requests) {
          const { isAllowed, ruling } = permissions.decide(action, wanted)
          if (ruling === 'invalid') continue
          seen[isAllowed ? 'allowed' : 'refused']++
          if (isAllowed === expected(entries, me, action, wanted)) continue
          expect.fail(`${me} with ${JSON.stringify(entries)}: ${action} ${wanted} is ruled ${ruling}`)
        }
      }),
      { numRuns: 2000 },
    )
    expect(seen.read).toBeGreaterThan(1000)
    expect(seen.allowed).toBeGreaterThan(2000)
    expect(seen.refused).toBeGreaterThan(2000)
  })
})
