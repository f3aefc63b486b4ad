import { COMPONENTS } from '@jamey/contracts'
import { PERMISSION_CASES } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { explain, permissionsOf, readManifest, who } from '../index.js'

const manifest = readManifest(
  `version: 1
components:
  memory: { instances: [jamey-memory, jamey-memory-2] }
roles:
  watcher: { permissions: ['subscribe:jamey/events/#'] }
clients:
  robot-7:
    roles: [watcher]
    permissions:
      - publish:lab/%c/#
  eva: { roles: [watcher], permissions: ['subscribe:jamey/events/errors'] }
`,
  'p.yaml',
)

describe('the table of decisions', () => {
  it.each(PERMISSION_CASES)('$name', ({ clientId, permissions, action, topic, isAllowed, ruling }) => {
    // The table has names that no file may have, such as those of tests of the wire.
    const read = readManifest(
      stringify({ version: 1, clients: { [clientId]: { permissions: [...new Set(permissions)] } } }),
    )
    const found = explain(read, clientId, action, topic)
    expect(found).toMatchObject({ isAllowed, ruling })
    expect(found.origin === undefined).toBe(ruling !== 'granted')
    expect(who(read, action, topic).some((one) => one.clientId === clientId)).toBe(isAllowed)
  })
})

describe('an explanation', () => {
  it.each([
    ['robot-7', 'publish', 'lab/robot-7/heat', 'its own, p.yaml:10'],
    ['robot-7', 'receive', 'jamey/events/errors', 'role watcher, p.yaml:5'],
    ['eva', 'receive', 'jamey/events/errors', 'its own, p.yaml:11'],
    ['jamey-memory-2', 'publish', 'jamey/memory/updates', 'component memory, p.yaml:3'],
    ['jamey-operator', 'publish', 'jamey/x', 'component operator, which p.yaml does not name'],
  ] as const)('names the entry by which %s may %s %s', (clientId, action, topic, where) => {
    const { isAllowed, permission, origin, text } = explain(manifest, clientId, action, topic)
    expect(isAllowed).toBe(true)
    expect(manifest.clients.find((each) => each.clientId === clientId)?.permissions).toContain(permission)
    expect(origin).toBeDefined()
    expect(text).toMatch(new RegExp(`^"${clientId}" may .* grants it \\(${where}\\)$`))
  })

  it('names the entry that is missing', () => {
    const found = explain(manifest, 'eva', 'publish', 'lab/eva/heat')
    expect(found).toMatchObject({
      isAllowed: false,
      ruling: 'not-granted',
      permission: 'publish:lab/eva/heat',
    })
    expect(found.origin).toBeUndefined()
  })

  it('says of whom the manifest does not name that it may not connect, its own topics or not', () => {
    expect(explain(manifest, 'mallory', 'publish', 'jamey/events/status/mallory')).toMatchObject({
      isAllowed: false,
      ruling: 'not-in-manifest',
      text: '"mallory" may not connect: p.yaml does not name it',
    })
    expect(permissionsOf(manifest, 'mallory')).toBeUndefined()
  })
})

describe('who may', () => {
  it('is everybody with an entry that grants it, in the order of the file', () => {
    const names = (...request: [Parameters<typeof who>[1], string]) =>
      who(manifest, ...request).map(({ clientId }) => clientId)
    expect(names('receive', 'jamey/events/errors')).toEqual([
      'jamey-gateway',
      'jamey-operator',
      'robot-7',
      'eva',
    ])
    expect(names('subscribe', '$share/memory/jamey/memory/store/#')).toEqual([
      'jamey-memory',
      'jamey-memory-2',
    ])
    expect(names('publish', 'lab/eva/heat')).toEqual([])
    expect(names('act-for', 'eva')).toEqual(['jamey-gateway'])
  })
})

describe('the components', () => {
  it('may do what contracts say', () => {
    const { clients } = readManifest('version: 1')
    for (const { clientId, component, permissions } of clients) {
      expect(component && new Set(COMPONENTS[component].permissions)).toEqual(new Set(permissions))
      expect(permissionsOf({ clients }, clientId)?.clientId).toBe(clientId)
    }
  })
})
