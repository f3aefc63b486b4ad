import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { COMPONENTS } from '@jamey/contracts'
import { MALFORMED_PERMISSIONS } from '@jamey/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { CLIENT_LIMITS, ManifestError, permissionsOf, readManifest, shownFault } from '../index.js'

const WHOLE = `version: 1
components:
  conscience: { instances: [jamey-conscience, jamey-conscience-2], proof: certificate }
  memory:
    limits: { publishesPerSecond: 500 }
  operator: { instances: [] }
roles:
  watcher: { permissions: ['subscribe:jamey/events/#'] }
  worker:
    permissions:
      - subscribe:$share/lab/jobs/#
      - subscribe:jamey/events/#
clients:
  robot-7:
    proof: [certificate, secret]
    roles: [watcher, worker]
    permissions: ['publish:lab/%c/#', act-for:bob]
    limits: { publishesPerSecond: 50, publishBytesPerSecond: 1000000 }
  007: {}
`

function faultsOf(text: string): string[] {
  try {
    readManifest(text, 'p.yaml')
  } catch (error) {
    if (error instanceof ManifestError) return error.faults.map(shownFault)
    throw error
  }
  return []
}

describe('a manifest', () => {
  const { clients, fileName } = readManifest(WHOLE, 'p.yaml')

  it('has the components first, of which one that is not named has its usual instance', () => {
    expect(fileName).toBe('p.yaml')
    expect(clients.map(({ clientId, component }) => [clientId, component])).toEqual([
      ['jamey-broker', 'broker'],
      ['jamey-conscience', 'conscience'],
      ['jamey-conscience-2', 'conscience'],
      ['jamey-memory', 'memory'],
      ['jamey-gateway', 'gateway'],
      ['robot-7', undefined],
      ['007', undefined],
    ])
    expect(clients[1]?.permissions).toEqual(COMPONENTS.conscience.permissions)
    expect(clients.slice(0, 4).map(({ proofs }) => proofs)).toEqual([
      ['token'],
      ['certificate'],
      ['certificate'],
      ['token'],
    ])
    expect(clients[3]?.limits).toEqual({ publishesPerSecond: 500 })
  })

  it("has a client's own permissions, then those of its roles, each once with its line", () => {
    const robot = clients.find(({ clientId }) => clientId === 'robot-7')
    expect(robot?.proofs).toEqual(['certificate', 'secret'])
    expect(robot?.limits).toEqual({ publishesPerSecond: 50, publishBytesPerSecond: 1_000_000 })
    expect(robot?.permissions.map((text, i) => [text, robot.origins?.[i]])).toEqual([
      ['publish:lab/%c/#', { kind: 'client', name: 'robot-7', line: 17 }],
      ['act-for:bob', { kind: 'client', name: 'robot-7', line: 17 }],
      ['subscribe:jamey/events/#', { kind: 'role', name: 'watcher', line: 8 }],
      ['subscribe:$share/lab/jobs/#', { kind: 'role', name: 'worker', line: 11 }],
    ])
    expect(clients[1]?.origins?.[0]).toEqual({ kind: 'component', name: 'conscience', line: 3 })
    expect(clients[0]?.origins?.[0]).toEqual({ kind: 'component', name: 'broker', line: undefined })
  })

  it('lets a client in with a token where nothing else is said, and lets it do nothing', () => {
    expect(clients.at(-1)).toEqual({
      clientId: '007',
      component: undefined,
      proofs: ['token'],
      permissions: [],
      origins: [],
      limits: {},
    })
  })

  it('may give the gateway more than its component has, and no other component', () => {
    const text = (component: string) =>
      `version: 1\ncomponents:\n  ${component}: { permissions: ['subscribe:home/#'] }\n`
    const gateway = readManifest(text('gateway')).clients.find(({ component }) => component === 'gateway')
    expect(gateway?.permissions).toEqual([...new Set(COMPONENTS.gateway.permissions), 'subscribe:home/#'])
    expect(gateway?.origins?.at(-1)).toEqual({ kind: 'component', name: 'gateway', line: 3 })
    expect(faultsOf(text('memory'))).toEqual([
      'p.yaml:3:13: components.memory.permissions: expected one of instances, proof, limits, found an unknown field',
    ])
  })

  it('may name nobody: our components are there', () => {
    expect(readManifest('version: 1').clients.map(({ clientId }) => clientId)).toEqual(
      Object.values(COMPONENTS).map(({ clientId }) => clientId),
    )
  })
})

describe('the manifest that the manual shows', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../../../docs/permissions.md'), 'utf8')
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  const manifest = readManifest(example)

  it('has every field, and means what it says there', () => {
    const told = manifest.clients.map(({ clientId, proofs, limits, permissions }) => ({
      clientId,
      proofs: proofs.join(' '),
      limits,
      own: permissions.length,
    }))
    const { conscience, memory, gateway, broker } = COMPONENTS
    const component = ({ clientId, permissions }: { clientId: string; permissions: readonly string[] }) => ({
      clientId,
      proofs: 'token',
      limits: {},
      own: new Set(permissions).size,
    })
    expect(told).toEqual([
      component(broker),
      component(conscience),
      { ...component(conscience), clientId: 'jamey-conscience-2' },
      { ...component(memory), proofs: 'certificate', limits: { publishesPerSecond: 2000 } },
      component(gateway),
      {
        clientId: 'robot-7',
        proofs: 'certificate',
        limits: { publishesPerSecond: 50, publishBytesPerSecond: 1_000_000 },
        own: 5,
      },
      { clientId: 'front-desk', proofs: 'secret certificate', limits: {}, own: 2 },
      { clientId: 'display', proofs: 'token', limits: {}, own: 1 },
    ])
    for (const field of [
      'version',
      'instances',
      'proof',
      'limits',
      'roles',
      'permissions',
      ...CLIENT_LIMITS,
    ]) {
      expect(example).toContain(`${field}:`)
    }
    expect(permissionsOf(manifest, 'robot-7')?.mayPublish('lab/results/robot-7')).toBe(true)
    expect(permissionsOf(manifest, 'robot-7')?.maySubscribe('$share/lab/jobs/+')).toBe(true)
    expect(permissionsOf(manifest, 'front-desk')?.mayActFor('eva')).toBe(true)
  })
})

describe('what is wrong with a manifest', () => {
  it('is told at once, in order, with file, line, field, what was found and what was expected', () => {
    const text = `version: one
colour: red
components:
  conscience: { instances: [jamey-memory, 'a/b', c1], port: 1 }
  brain: {}
  memory:
roles:
  watcher: { permissions: ['subscribe:jamey/#/x', 7, 'publish:'] }
  watcher: {}
clients:
  eva:
    proof: password
    roles: [watchr, watcher, watcher]
    permissions: [a, 'b#', a]
    limits: { publishesPerSecond: 0, publishBytesPerSecond: fast, connections: 3 }
  jamey-gateway: {}
  jamey-gatevvay: {}
  ev\u0430: {}
  bob: []
  carl: { proof: [] }
  'a/b': {}
`
    expect(faultsOf(text)).toEqual([
      'p.yaml:1:10: version: expected version: 1, found "one"',
      'p.yaml:2:1: colour: expected one of version, components, roles, clients, found an unknown field',
      'p.yaml:4:29: components.conscience.instances[0]: expected a client identifier of its own, which nobody takes for another, found "jamey-memory", which is the name of the component memory',
      'p.yaml:4:43: components.conscience.instances[1]: expected a client identifier of its own, which nobody takes for another, found "a/b", which has a topic separator or wildcard',
      'p.yaml:4:55: components.conscience.port: expected one of instances, proof, limits, found an unknown field',
      'p.yaml:5:3: components.brain: expected one of broker, conscience, memory, gateway, operator, found an unknown field',
      'p.yaml:6:10: components.memory: expected a mapping of instances, proof, limits, found nothing',
      expect.stringMatching(
        /^p\.yaml:8:28: roles\.watcher\.permissions\[0\]: expected an MQTT topic filter, .*, found "subscribe:jamey\/#\/x", which has no valid topic filter$/,
      ),
      'p.yaml:8:51: roles.watcher.permissions[1]: expected a text, in quotes where YAML takes it for something else, found the number 7',
      expect.stringMatching(/^p\.yaml:8:54: roles\.watcher\.permissions\[2\]: .* has no filter$/),
      'p.yaml:9:3: roles.watcher: expected it once, as in line 8, found this key a second time',
      'p.yaml:12:12: clients.eva.proof: expected one of token, secret, certificate, or a list of them, found "password"',
      'p.yaml:13:13: clients.eva.roles[0]: expected one of the roles: "watcher", found "watchr"',
      'p.yaml:13:30: clients.eva.roles[2]: expected it once, as in line 13, found "watcher" a second time',
      expect.stringMatching(/^p\.yaml:14:22: clients\.eva\.permissions\[1\]: .* has no valid topic filter$/),
      'p.yaml:14:28: clients.eva.permissions[2]: expected it once, as in line 14, found "a" a second time',
      'p.yaml:15:35: clients.eva.limits.publishesPerSecond: expected a whole number from 1 to 1000000000, found the number 0',
      'p.yaml:15:61: clients.eva.limits.publishBytesPerSecond: expected a whole number from 1 to 1000000000, found "fast"',
      'p.yaml:15:67: clients.eva.limits.connections: expected one of publishesPerSecond, publishBytesPerSecond, found an unknown field',
      expect.stringMatching(/^p\.yaml:16:3: .*which is the name of the component gateway$/),
      expect.stringMatching(/^p\.yaml:18:3: clients\["ev\u0430"\]: .*U\+0430 \(Cyrillic\) among letters/),
      'p.yaml:19:8: clients.bob: expected a mapping of proof, roles, permissions, limits, found a list',
      'p.yaml:20:18: clients.carl.proof: expected one of token, secret, certificate, or a list of them, found an empty list',
      expect.stringMatching(/^p\.yaml:21:3: clients\["a\/b"\]: .* has a topic separator or wildcard$/),
    ])
  })

  it.each(['robot-l', 'robot-I', 'jam\u0435y-memory'])(
    'is a client that one would take for another: %s',
    (name) => {
      const text = `version: 1\nclients:\n  robot-1: {}\n  ${name}: {}\n`
      expect(faultsOf(text)).toEqual([
        expect.stringMatching(/^p\.yaml:4:3: clients.* (looks like|which has) /),
      ])
    },
  )

  it.each(MALFORMED_PERMISSIONS.filter(({ entry }) => entry.isWellFormed()))(
    'is the entry $entry',
    ({ entry, fault }) => {
      const text = stringify({ version: 1, clients: { eva: { permissions: [entry] } } })
      expect(faultsOf(text)).toEqual([
        expect.stringMatching(/^p\.yaml:\d+:\d+: clients\.eva\.permissions\[0\]:/),
      ])
      expect(faultsOf(text).join()).toContain(fault)
    },
  )

  it('is one thing where the file is written for a later version', () => {
    const text = 'version: 2\ncolour: red\n'
    expect(faultsOf(text)).toEqual([
      'p.yaml:1:10: version: expected version: 1, found 2, which is newer than what this program reads',
    ])
    expect(() => readManifest(text)).toThrow(expect.objectContaining({ code: 'manifest-version' }))
  })

  it.each([
    ['', 'version: expected version: 1, found nothing'],
    ['- 1', 'expected a mapping of version, components, roles, clients, found a list'],
    ['version: 1\nclients: &a { eva: {} }\nroles: *a', 'an alias, which a manifest has none of'],
    ['version: 1\nclients: { eva: !x {} }', 'Unresolved tag: !x'],
    ['version: 1\nclients: [', 'expected YAML'],
    ['version: 1\n--- \nversion: 1', 'multiple documents'],
    ['version: 1\nclients: { ? [a] : {} }', 'a key that is no text'],
    ['version: 1\nclients: { ~: {} }', 'a key that is no text'],
    [`version: 1\nroles: { r: { permissions: [${'"a/b", '.repeat(1001)}] } }`, '1001 of them'],
    [
      `version: 1\nclients:\n${Array.from({ length: 10_001 }, (_, i) => `  n${i}: {}\n`).join('')}`,
      '10001 clients',
    ],
    [`# ${'x'.repeat(5_000_000)}`, '5000002 characters'],
    [`version: 1\nclients: ${'['.repeat(20_000)}`, 'expected YAML'],
    [`version: 1\nclients: ${'{a: '.repeat(20_000)}`, 'expected YAML'],
  ])('is what is no manifest at all: %s', (text, fault) => {
    expect(faultsOf(text).join('\n').toLowerCase()).toContain(fault.toLowerCase())
  })

  it('fills no screen', () => {
    const text = `version: 1\n${Array.from({ length: 1000 }, (_, i) => `x${i}: 1\n`).join('')}`
    expect(() => readManifest(text)).toThrow(/^(.*\n){51} {2}and 950 more$/)
  })
})

describe('any text', () => {
  it('is a manifest, or is refused by a ManifestError', () => {
    const piece = fc.constantFrom(
      ...[
        'version: 1\n',
        'clients:',
        'roles:',
        'components:',
        ' eva',
        ': ',
        '{',
        '}',
        '[',
        ']',
        ',',
        '\n',
        '  ',
      ],
      ...[
        '- ',
        "'",
        '"',
        '*a',
        '&a ',
        '!!map ',
        '<<',
        '?',
        '#',
        '|',
        '>',
        '~',
        '1',
        'memory',
        '%c',
        '\0',
        '\t',
      ],
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('')
        for (const fault of faultsOf(text)) expect(fault).toMatch(/^p\.yaml:\d+:\d+: /)
      }),
      { numRuns: 1000 },
    )
  })

  it('that a list of clients is written as is read as what it was', () => {
    const entry = fc.constantFrom(
      'publish:a/%c',
      'subscribe:$share/g/+/#',
      'act-for:+',
      '#',
      'it\'s/"it"',
      '- a/b: c',
      ' x'.trim(),
    )
    const client = fc.record({
      proof: fc.constantFrom('token', 'secret', ['certificate', 'token']),
      permissions: fc.uniqueArray(entry),
      limits: fc.record({ publishesPerSecond: fc.integer({ min: 1, max: 1_000_000_000 }) }),
    })
    const name = fc.constantFrom(
      'eva',
      'true',
      '12',
      'a b',
      '$x',
      '%c',
      '~',
      'a: b',
      '"',
      "'",
      '\u{1f916}',
      '- x',
    )
    fc.assert(
      fc.property(fc.dictionary(name, client), (clients) => {
        const read = readManifest(
          stringify({ version: 1, clients }, { aliasDuplicateObjects: false }),
        ).clients.slice(5)
        expect(Object.fromEntries(read.map(({ clientId, permissions }) => [clientId, permissions]))).toEqual(
          Object.fromEntries(Object.entries(clients).map(([id, { permissions }]) => [id, permissions])),
        )
        expect(read.map(({ limits }) => limits)).toEqual(Object.values(clients).map(({ limits }) => limits))
      }),
    )
  })
})
