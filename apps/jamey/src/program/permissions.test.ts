import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from './run-command.support.js'

let folder: string

const MANIFEST = `version: 1
roles:
  watcher: { permissions: ['subscribe:jamey/events/#'] }
clients:
  robot-7:
    roles: [watcher]
    permissions: ['publish:lab/%c/#']
    limits: { publishesPerSecond: 50 }
  eva: {}
`

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-permissions-'))
  writeFileSync(join(folder, 'permissions.yaml'), MANIFEST)
  const changed = MANIFEST.replace('lab/%c/#', 'lab/#').replace('50', '60').replace('eva', 'bob')
  writeFileSync(join(folder, 'new.yaml'), changed)
  const proof = MANIFEST.replace('eva: {}', 'eva: { proof: certificate }')
  writeFileSync(join(folder, 'proof.yaml'), proof)
  writeFileSync(
    join(folder, 'desk.yaml'),
    'version: 1\nclients: { desk: { proof: secret, permissions: [lab/#] } }\n',
  )
  writeFileSync(join(folder, 'bad.yaml'), 'version: 1\nclients:\n  eva: { roles: [x] }\n  bob: { y: 1 }\n')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const permissions = (...args: string[]) => runCommand(folder, ['permissions', ...args])

describe('permissions check', () => {
  it('says that a file is in order', async () => {
    expect(await permissions('check')).toEqual({
      code: 0,
      stdout: 'permissions.yaml is in order: 7 clients, 5 of them our own components\n',
      stderr: '',
    })
    const { stdout } = await permissions('check', 'permissions.yaml', '--json')
    expect(JSON.parse(stdout)).toEqual({ file: 'permissions.yaml', clients: 7, faults: [] })
  })

  it('tells every fault with its line, and exits 2', async () => {
    const { code, stdout, stderr } = await permissions('check', 'bad.yaml')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(
      /^error: The manifest bad\.yaml .*\n {2}bad\.yaml:3:18: clients\.eva\.roles\[0\]: .*\n {2}bad\.yaml:4:10: clients\.bob\.y: .*\n$/,
    )
    const json = await permissions('check', 'bad.yaml', '--json')
    expect({ code: json.code, stderr: json.stderr }).toEqual({ code: 2, stderr: '' })
    expect(JSON.parse(json.stdout)).toMatchObject({
      file: 'bad.yaml',
      clients: null,
      faults: [
        { line: 3, field: 'clients.eva.roles[0]' },
        { line: 4, column: 10, found: 'an unknown field' },
      ],
    })
  })

  it('exits 2 where there is no file', async () => {
    for (const more of [[], ['--json']]) {
      const { code, stderr } = await permissions('check', 'none.yaml', ...more)
      expect(code).toBe(2)
      expect(stderr).toContain('cannot read none.yaml: there is no such file')
    }
  })
})

describe('permissions explain', () => {
  it('names the entry and its line', async () => {
    expect(await permissions('explain', 'robot-7', 'publish', 'lab/robot-7/heat')).toEqual({
      code: 0,
      stdout:
        '"robot-7" may publish to "lab/robot-7/heat": its permission "publish:lab/%c/#" grants it (its own, permissions.yaml:7)\n',
      stderr: '',
    })
  })

  it.each([
    [['robot-7', 'subscribe', '#'], 'it needs "subscribe:#"'],
    [['mallory', 'publish', 'x'], '"mallory" may not connect'],
    [['eva', 'act-for', 'bob'], 'it needs "act-for:bob"'],
  ])('exits 3 where none lets it: %j', async (request, text) => {
    const { code, stdout } = await permissions('explain', ...request)
    expect(code).toBe(3)
    expect(stdout).toContain(text)
  })

  it('has it as JSON', async () => {
    const { stdout } = await permissions('explain', 'robot-7', 'receive', 'jamey/events/x', '--json')
    expect(JSON.parse(stdout)).toEqual({
      client_id: 'robot-7',
      action: 'receive',
      topic: 'jamey/events/x',
      allowed: true,
      ruling: 'granted',
      permission: 'subscribe:jamey/events/#',
      origin: { kind: 'role', name: 'watcher', line: 3 },
    })
  })

  it('knows no other action', async () => {
    expect((await permissions('explain', 'eva', 'write', 'x')).code).toBe(2)
  })
})

describe('a token, and a client with a secret', () => {
  const env = { MQTT_JWT_SECRET: 'a secret of at least thirty-two bytes, for tests' }
  const jamey = (args: string[], more: NodeJS.ProcessEnv = {}) =>
    runCommand(folder, args, { ...env, ...more })
  const OF_ROBOT = ['publish:lab/%c/#', 'subscribe:jamey/events/#']

  it('have the permissions of the manifest', async () => {
    const named = await jamey(['token', '--sub', 'robot-7', '--manifest', 'permissions.yaml', '--json'])
    expect(JSON.parse(named.stdout)).toMatchObject({ sub: 'robot-7', permissions: OF_ROBOT })
    const set = { JAMEY_PERMISSIONS_FILE: 'permissions.yaml' }
    const narrow = await jamey(['token', '--sub', 'robot-7', '--permission', 'lab/x', '--json'], set)
    expect(JSON.parse(narrow.stdout)).toMatchObject({ permissions: ['lab/x'] })
    const { code, stderr } = await jamey([
      'client',
      'add',
      'desk',
      '--file',
      'clients.json',
      '--manifest',
      'desk.yaml',
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('the secret of desk') })
    const { stdout } = await jamey(['client', 'list', '--file', 'clients.json'])
    expect(stdout).toBe('desk: lab/#\n')
  })

  it('are not made for whom it does not name, or has prove itself otherwise', async () => {
    const set = { JAMEY_PERMISSIONS_FILE: 'permissions.yaml' }
    for (const args of [
      ['token'],
      ['client', 'add', 'mallory', '--permission', '#', '--file', 'clients.json'],
    ]) {
      const { code, stderr } = await jamey(args, set)
      expect(code).toBe(2)
      expect(stderr).toContain('permissions.yaml does not name "')
    }
    const add = (...more: string[]) => jamey(['client', 'add', 'eva', '--file', 'clients.json', ...more], set)
    for (const more of [[], ['--certificate']]) {
      const { code, stderr } = await add(...more)
      expect(code).toBe(2)
      expect(stderr).toContain('the manifest has eva prove who it is by token; expected ')
    }
    const without = await jamey(['client', 'add', 'eva', '--file', 'clients.json'])
    expect(without.code).toBe(2)
    expect(without.stderr).toContain('expected --permission, or a manifest')
    expect((await jamey(['token', '--manifest', 'bad.yaml'])).stderr).toContain(
      'bad.yaml:3:18: clients.eva.roles[0]',
    )
  })
})

describe('permissions who', () => {
  it('lists everybody who may, for both directions where none is named', async () => {
    const { code, stdout } = await permissions('who', 'lab/robot-7/heat')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout:
        'robot-7 may publish: publish:lab/%c/# (its own, permissions.yaml:7)\nnobody may subscribe "lab/robot-7/heat"\n',
    })
    const named = await permissions('who', 'subscribe', 'jamey/events/#', '--manifest', 'new.yaml')
    expect(named.stdout.trim().split('\n')).toEqual([
      expect.stringMatching(
        /^jamey-gateway may subscribe: .* \(component gateway, which new\.yaml does not name\)$/,
      ),
      expect.stringMatching(/^jamey-operator may subscribe: jamey\/# /),
      'robot-7 may subscribe: subscribe:jamey/events/# (role watcher, new.yaml:3)',
    ])
  })

  it('has a line of JSON for each', async () => {
    const { stdout } = await permissions('who', 'publish', 'jamey/events/status/eva', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ client_id: 'eva', allowed: true, ruling: 'own', origin: null })
  })

  it('takes one topic', async () => {
    for (const words of [['a', 'b'], ['publish', 'a', 'b'], []]) {
      expect((await permissions('who', ...words)).code).toBe(2)
    }
  })
})

describe('permissions diff', () => {
  it('says who is new, who is gone, and who may more or less', async () => {
    expect(await permissions('diff', 'permissions.yaml', 'new.yaml')).toEqual({
      code: 0,
      stdout: [
        '+ bob is new',
        '- eva is gone',
        'robot-7',
        '  + publish:lab/# (its own, new.yaml:7)',
        '  limits: publishesPerSecond 50 -> publishesPerSecond 60',
        '',
      ].join('\n'),
      stderr: '',
    })
    const { stdout } = await permissions('diff', 'new.yaml', 'permissions.yaml', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      added: ['eva'],
      removed: ['bob'],
      changed: [
        {
          client_id: 'robot-7',
          gained: [],
          lost: [{ permission: 'publish:lab/#', origin: { kind: 'client', name: 'robot-7', line: 7 } }],
          proofs: null,
          limits: { before: { publishesPerSecond: 60 }, after: { publishesPerSecond: 50 } },
        },
      ],
    })
  })

  it('says that nothing changed, or how one proves who it is', async () => {
    expect((await permissions('diff', 'new.yaml', 'new.yaml')).stdout).toBe('both have the same effect\n')
    expect((await permissions('diff', 'permissions.yaml', 'proof.yaml')).stdout).toBe(
      'eva\n  proof: token -> certificate\n',
    )
    expect((await permissions('diff', '-', '-')).code).toBe(2)
  })
})
