import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { CONTRACTS } from '@jamey/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from './run-command.support.js'

let folder: string

const REPOSITORY = resolve(import.meta.dirname, '../../../..')
const MODULE = readFileSync(join(REPOSITORY, 'packages/testing/src/laboratory.mjs'), 'utf8')

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-contracts-'))
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'contracts.mjs'), MODULE)
  writeFileSync(join(folder, 'none.mjs'), 'export const limit = 7\n')
  writeFileSync(join(folder, 'half.mjs'), MODULE.replace('qos: 0', 'qos: 2'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const contracts = (...args: string[]) => runCommand(folder, ['contracts', ...args])
const own = ['--module', 'contracts.mjs'] as const

describe('contracts list', () => {
  it("lists Jamey's, a line each", async () => {
    const { code, stdout } = await contracts('list')
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n')).toHaveLength(CONTRACTS.length)
    expect(stdout).toMatch(/^jamey\/events\/status\/\{client_id\} +status +QoS 1 {2}retained$/m)
  })

  it('lists those of a module, wherever in its exports they are', async () => {
    expect((await contracts('list', ...own)).stdout).toBe(
      'lab/calibrate           calibrate  QoS 1  answered by lab\nlab/{station}/readings  reading    QoS 0  retained\n',
    )
    const { stdout } = await contracts('list', ...own, '--json')
    expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({ topic: 'lab/calibrate', service: 'lab' })
  })

  it.each([
    ['nowhere.mjs', /cannot load nowhere\.mjs: /],
    ['none.mjs', /none\.mjs exports no contract/],
    ['half.mjs', /half\.mjs: the contract of lab\/\{station\}\/readings must have 0 or 1 as qos; it has 2/],
  ])('says of %s why it takes nothing from it', async (module, fault) => {
    const { code, stderr } = await contracts('list', '--module', module)
    expect(code).toBe(2)
    expect(stderr).toMatch(fault)
  })
})

describe('contracts show', () => {
  it('finds a topic as it is published to', async () => {
    const { code, stdout } = await contracts('show', 'lab/north/readings', ...own, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      topic: 'lab/{station}/readings',
      schema: { properties: { celsius: { type: 'number' } } },
    })
  })

  it('has the schemas of a request and of its answer', async () => {
    const { stdout } = await contracts('show', 'jamey/memory/store', '--action', 'store')
    expect(stdout).toMatch(/^jamey\/memory\/store {2}store {2}\(QoS 1, answered by memory\)$/m)
    expect(stdout).toMatch(/\ndata:\n\{.*"content".*\nanswer:\n\{.*"memory"/s)
  })

  it.each([
    [['lab/none'], /no contract has the topic lab\/none/],
    [
      ['jamey/memory/store', '--action', 'stor'],
      /must be one of "store", "store_batch", "import"; it is "stor"/,
    ],
  ])('exits 2 where there is none: %j', async (args, fault) => {
    const { code, stderr } = await contracts('show', ...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(fault)
  })
})

describe('contracts asyncapi', () => {
  it('describes what a module exports', async () => {
    const { code, stdout } = await contracts('asyncapi', ...own, '--title', 'The lab')
    expect(code).toBe(0)
    const document = JSON.parse(stdout)
    expect(document).toMatchObject({ asyncapi: '3.0.0', info: { title: 'The lab', version: '1' } })
    expect(Object.keys(document.channels)).toEqual(['lab.calibrate', 'lab.station.readings', 'inbox'])
    expect(Object.keys(document.operations)).toContain('serve.lab.calibrate.calibrate')
  })
})
