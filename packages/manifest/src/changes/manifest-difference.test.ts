import { Permissions } from '@jamey/auth'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diff, type Manifest, readManifest } from '../index.js'

const ME = 'eva'

function having(permissions: readonly string[]): Manifest {
  return {
    clients: [{ clientId: ME, component: undefined, proofs: ['token'], permissions, limits: {} }],
  }
}

function changes(before: readonly string[], after: readonly string[]): { gained: string[]; lost: string[] } {
  const [change] = diff(having(before), having(after)).changed
  const texts = (list: readonly { permission: string }[] = []) => list.map(({ permission }) => permission)
  return { gained: texts(change?.gained), lost: texts(change?.lost) }
}

/** All levels of `publish:a/#` but the deepest ones. */
const DEEP = ['', '/+', '/+/+', '/+/+/+', '/+/+/+/+'].map((levels) => `publish:a${levels}`)

describe('what changed', () => {
  it('is who is new, who is gone, and of the others rights, proofs and limits', () => {
    const before = readManifest(`version: 1
roles:
  watcher: { permissions: ['subscribe:jamey/events/#'] }
clients:
  eva: { roles: [watcher], permissions: [lab/%c] }
  bob: { proof: [secret, token], limits: { publishesPerSecond: 5 } }
  carl: {}
`)
    const after = readManifest(`version: 1
components: { memory: { instances: [jamey-memory, jamey-memory-2] } }
clients:
  dora: {}
  eva: { permissions: ['publish:lab/#', 'act-for:bob'] }
  bob: { proof: [token, secret], limits: { publishesPerSecond: 6 } }
`)
    expect(diff(before, after)).toEqual({
      added: ['jamey-memory-2', 'dora'],
      removed: ['carl'],
      changed: [
        {
          clientId: 'eva',
          gained: [
            { permission: 'publish:lab/#', origin: { kind: 'client', name: 'eva', line: 5 } },
            { permission: 'act-for:bob', origin: { kind: 'client', name: 'eva', line: 5 } },
          ],
          lost: [
            { permission: 'subscribe:lab/%c', origin: { kind: 'client', name: 'eva', line: 5 } },
            { permission: 'subscribe:jamey/events/#', origin: { kind: 'role', name: 'watcher', line: 3 } },
          ],
        },
        {
          clientId: 'bob',
          gained: [],
          lost: [],
          limits: { before: { publishesPerSecond: 5 }, after: { publishesPerSecond: 6 } },
        },
      ],
    })
    expect(diff(before, before)).toEqual({ added: [], removed: [], changed: [] })
  })

  it('is that a certificate is asked for', () => {
    const [before, after] = ['token', 'certificate'].map((proof) =>
      readManifest(`version: 1\nclients: { eva: { proof: ${proof} } }`),
    ) as [Manifest, Manifest]
    expect(diff(before, after).changed).toEqual([
      { clientId: 'eva', gained: [], lost: [], proofs: { before: ['token'], after: ['certificate'] } },
    ])
  })

  it.each([
    ['an entry that another covers', ['lab/#'], ['lab/#', 'lab/+/x', 'publish:lab/y']],
    ['one entry in two parts', ['lab/x'], ['publish:lab/x', 'subscribe:lab/x']],
    ['the identifier or its placeholder', ['lab/%c/#'], ['lab/eva/#']],
    ['what has the own identifier behind it', ['publish:jamey/a'], ['publish:jamey/a', 'publish:jamey/a']],
    ['+/# for #', ['#'], ['+/#']],
    ['what all levels have together', ['publish:a/#'], ['publish:a', 'publish:a/+', 'publish:a/+/+/#']],
    ['the own inbox', [], ['subscribe:jamey/api/responses/%c/#']],
    [
      'what belongs to another',
      [],
      ['publish:jamey/events/status/bob', 'subscribe:jamey/api/responses/bob/#'],
    ],
    ['anybody for each', ['act-for:+'], ['act-for:+', 'act-for:bob']],
    ['the order', ['a', 'b'], ['b', 'a']],
  ] as const)('is not %s', (_, before, after) => {
    expect(changes(before, after)).toEqual({ gained: [], lost: [] })
    expect(changes(after, before)).toEqual({ gained: [], lost: [] })
  })

  it.each([
    [['lab/x'], ['lab/+'], ['lab/+'], []],
    [['lab/x'], ['publish:lab/+'], ['publish:lab/+'], ['subscribe:lab/x']],
    [['#'], ['#', 'subscribe:$share/g/a'], ['subscribe:$share/g/a'], []],
    [['subscribe:$share/g/#'], ['subscribe:$share/h/#'], ['subscribe:$share/h/#'], ['subscribe:$share/g/#']],
    [['subscribe:a/#'], ['subscribe:a', 'subscribe:a/+', 'subscribe:a/+/+/#'], [], ['subscribe:a/#']],
    [DEEP, [...DEEP, 'publish:a/#'], ['publish:a/#'], []],
    [['publish:jamey/a'], ['publish:jamey/a', 'publish:jamey/a/eva'], ['publish:jamey/a/eva'], []],
    [[], ['lab/#', 'lab/x', 'subscribe:lab/y/#'], ['lab/#'], []],
    [['act-for:bob'], ['act-for:+'], ['act-for:+'], []],
    [['#'], ['#', '$SYS/#'], ['$SYS/#'], []],
  ] as const)('between %j and %j is what has an effect', (before, after, gained, lost) => {
    expect(changes(before, after)).toEqual({ gained, lost })
  })
})

const level = fc.constantFrom('a', 'b', '', 'jamey', ME, 'bob', '%c', '$s')
const levels = (roots: readonly string[][]) =>
  fc
    .tuple(
      fc.constantFrom(...roots),
      fc.array(fc.oneof({ weight: 4, arbitrary: level }, fc.constant('+')), { minLength: 1, maxLength: 3 }),
      fc.constantFrom([], [], ['#']),
    )

    .map((parts) => parts.flat().join('/'))
    .filter((filter) => filter !== '')
const PLAIN: string[][] = [[], [], ['jamey']]
const ALL = [...PLAIN, ['jamey', 'events', 'status'], ['jamey', 'api', 'responses']]
const entries = (roots: readonly string[][]) =>
  fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc
          .tuple(fc.constantFrom('publish:', 'subscribe:', '', 'subscribe:$share/g/'), levels(roots))
          .map(([verb, filter]) => verb + filter),
      },
      fc.constantFrom('act-for:+', 'act-for:bob', '#', 'publish:#', 'subscribe:#', 'jamey/#'),
    ),
    { maxLength: 5 },
  )

/** Requests near what both lists name. */
function requestsOf(lists: readonly string[]): ['publish' | 'subscribe' | 'receive' | 'act-for', string][] {
  const filters = lists
    .map((entry) => entry.replace(/^(publish|subscribe|act-for):/, '').replace(/^\$share\/g\//, ''))
    .map((filter) => filter.split('/').map((each) => (each === '%c' ? ME : each)))
    .flatMap((each) =>
      each.at(-1) === '#'
        ? [each, ...['', '/a', '/+/b'].map((tail) => `${each.slice(0, -1).join('/')}${tail}`.split('/'))]
        : [each],
    )
  return [
    ['act-for', 'bob'],
    ['act-for', 'carl'],
    ...filters.flatMap((each) => {
      const filter = each.join('/')
      const topics = ['a', '', 'unheard', ME].flatMap((name) => {
        const topic = each.map((one) => (one === '+' || one === '#' ? name : one)).join('/')
        return [topic, `${topic}/${ME}`, `${topic}/bob`, `${topic}/${ME}/${ME}`]
      })
      return [
        ['subscribe', filter],
        ['subscribe', `$share/g/${filter}`],
        ...topics.flatMap((topic) => [['publish', topic] as const, ['receive', topic] as const]),
      ] as ['publish', string][]
    }),
  ]
}

describe('any two lists', () => {
  it('between which nothing changed decide alike', () => {
    fc.assert(
      fc.property(entries(ALL), entries(ALL), fc.nat({ max: 5 }), (one, other, shared) => {
        const [before, after] = [[...one, ...other.slice(shared)], other]
        const { gained, lost } = changes(before, after)
        const [old, now] = [before, after].map((list) => new Permissions(list, { clientId: ME })) as [
          Permissions,
          Permissions,
        ]
        for (const [action, topic] of requestsOf([...before, ...after])) {
          const [was, is] = [old.decide(action, topic).isAllowed, now.decide(action, topic).isAllowed]
          if (gained.length === 0 && is && !was) expect.fail(`${action} ${topic} is new`)
          if (lost.length === 0 && was && !is) expect.fail(`${action} ${topic} is gone`)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('have between them only what one allows and the other does not', () => {
    const NEW = 'never-heard-of'
    fc.assert(
      fc.property(entries(PLAIN), entries(PLAIN), (before, after) => {
        const [old, now] = [before, after].map((list) => new Permissions(list, { clientId: ME })) as [
          Permissions,
          Permissions,
        ]
        for (const permission of changes(before, after).gained) {
          const [, verb, rest = ''] = /^(?:(publish|subscribe|act-for):)?(.*)$/s.exec(permission) ?? []
          const named = rest
            .split('/')
            .map((each) => (each === '%c' ? ME : each))
            .join('/')
          if (verb !== 'publish' && verb !== 'act-for') {
            expect([old.maySubscribe(named), now.maySubscribe(named)], permission).toEqual([false, true])
          }
          if (verb !== 'publish') continue
          const fixed = named.replace(/(^|\/)#$/, '').replaceAll('+', NEW)
          const tails = named.endsWith('#')
            ? ['', ...[1, 2, 3, 4, 5, 6, 7].map((n) => `/${NEW}`.repeat(n))]
            : ['']
          const topics = tails.flatMap((tail) => [fixed + tail, `${fixed}${tail}/${ME}`])
          const bare = topics.map((topic) => (named === '#' ? topic.slice(1) : topic))
          expect(
            bare.some((topic) => now.mayPublish(topic) && !old.mayPublish(topic)),
            permission,
          ).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('compared the other way round gain what was lost', () => {
    fc.assert(
      fc.property(entries(ALL), entries(ALL), (one, other) => {
        const { gained, lost } = changes(one, other)
        expect(changes(other, one)).toEqual({ gained: lost, lost: gained })
      }),
    )
  })
})
