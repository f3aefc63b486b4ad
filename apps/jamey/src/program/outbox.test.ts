import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSessionStore } from '@jamey/store'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatPayload } from '../views/outbox-view.js'
import { runCommand } from './run-command.support.js'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-outbox-'))
  mkdirSync(join(folder, '.jamey'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const outbox = (...args: string[]) => runCommand(folder, ['outbox', ...args])
const pathOf = (component: string) => join(folder, '.jamey', 'data', 'outbox', component)
const linesOf = (text: string) => text.trim().split('\n')
const objectsOf = (text: string) => linesOf(text).map((line) => JSON.parse(line) as Record<string, unknown>)

/** Closed; of `payloads` the first waits with QoS 2 and was received, those after `waiting` are dead letters. */
async function fill(component: string, payloads: readonly (string | Uint8Array)[], waiting: number) {
  mkdirSync(join(folder, '.jamey', 'data', 'outbox'), { recursive: true })
  const store = await openSessionStore({ path: pathOf(component), now: () => Date.now() - 2 * 86_400_000 })
  const publishes = payloads.map((payload, sequence) => ({
    sequence,
    topic: `lab/${sequence}`,
    payload: Buffer.from(payload),
    qos: sequence === 0 ? (2 as const) : (1 as const),
    retain: false,
    properties: { contentType: 'text/plain' },
  }))
  for (const publish of publishes) store.append(publish)
  await store.commit()
  store.release(0)
  const reason = { code: 'refused', message: 'not authorized', reasonCode: 0x87 }
  for (const publish of publishes.slice(waiting)) store.addDeadLetter(publish, reason)
  await store.commit()
  return store
}

describe('jamey outbox list', () => {
  it('shows what lies in the outbox of every component', async () => {
    await (await fill('gateway', ['a', 'b', 'c'], 3)).close()
    await (await fill('memory', ['a', 'b', 'c'], 1)).close()
    const { code, stdout } = await outbox('list')
    expect(code).toBe(0)
    expect(linesOf(stdout)).toEqual([
      'gateway  3 waiting (18 bytes)  0 dead letters  oldest 2 days ago  not open',
      'memory  1 waiting (6 bytes)  2 dead letters  oldest 2 days ago  not open',
    ])
    const [first] = objectsOf((await outbox('list', '--json')).stdout)
    expect(first).toMatchObject({ component: 'gateway', waiting: 3, dead_letters: 0, owner_pid: null })
    expect(first?.['oldest_age_seconds']).toBeGreaterThanOrEqual(2 * 86_400)
  })

  it('lists messages of a kind in pages, with their reason and the beginning of their payload', async () => {
    await (await fill('memory', ['a', 'b', '{"c":\n 1}', Buffer.from([255, 0])], 1)).close()
    const { stdout } = await outbox('list', '--dead-letters', '--limit', '2', '--after', '1')
    expect(linesOf(stdout)).toEqual([
      '2  memory  dead-letter  2 days ago  lab/2',
      '  refused: not authorized',
      '  {"c": 1}',
      '3  memory  dead-letter  2 days ago  lab/3',
      '  refused: not authorized',
      '  ff00',
    ])
    const [message] = objectsOf((await outbox('list', '--dead-letters', '--json', '--after', '1')).stdout)
    const reason = { code: 'refused', message: 'not authorized', reason_code: 0x87 }
    expect(message).toMatchObject({ component: 'memory', number: 2, payload: { c: 1 }, reason })
    const some = await outbox('list', '--dead-letters', '--limit', '1')
    expect(linesOf(some.stdout).at(-1)).toBe('there may be more: --after 1')
  })

  it('takes the folder of any outbox, and lists all of it', async () => {
    await (await fill('memory', ['a', 'b'], 1)).close()
    const { stdout } = await outbox('list', '--dir', pathOf('memory'), '--json')
    expect(objectsOf(stdout).map((one) => one['kind'] ?? one['path'])).toEqual([
      pathOf('memory'),
      'dead-letter',
      'waiting',
    ])
  })

  it('shows the others where one cannot be read, and then fails', async () => {
    mkdirSync(pathOf('broken'), { recursive: true })
    writeFileSync(join(pathOf('broken'), 'data.mdb'), 'nothing of the kind')
    await (await fill('memory', ['a'], 1)).close()
    const { code, stdout, stderr } = await outbox('list')
    expect(code).toBe(1)
    expect(stdout).toContain('memory  1 waiting')
    expect(stderr).toContain('expected an LMDB file')
  })

  it('says where there is none', async () => {
    expect(await outbox('list')).toMatchObject({ code: 0, stdout: 'no component has an outbox yet\n' })
    expect(await outbox('list', '--component', 'x')).toMatchObject({ code: 2 })
    rmSync(join(folder, '.jamey'), { recursive: true })
    expect((await outbox('list')).stderr).toContain('there is no outbox to look at')
  })
})

describe('jamey outbox show', () => {
  it('shows a message whole, JSON with a field per line', async () => {
    await (await fill('memory', ['a', '{"text":"hello"}'], 1)).close()
    const { code, stdout } = await outbox('show', '1')
    expect(code).toBe(0)
    expect(stdout).toContain('QoS 1, 16 bytes')
    expect(stdout).toContain('contentType: "text/plain"')
    expect(stdout).toContain('{\n  "text": "hello"\n}')
    expect(await outbox('show', '7')).toMatchObject({ code: 1 })
  })
})

describe('jamey outbox retry and drop', () => {
  it('retry what is named, or all', async () => {
    await (await fill('memory', ['a', 'b', 'c', 'd'], 1)).close()
    const { code, stdout, stderr } = await outbox('retry', '2', '9')
    expect(stdout).toBe('memory: 2 waits again, as number 4\n')
    expect({ code, isTold: stderr.includes('no such message among the dead letters: 9') }).toEqual({
      code: 1,
      isTold: true,
    })
    const all = await outbox('retry', '--all', '--json')
    expect(objectsOf(all.stdout)).toEqual([
      { component: 'memory', number: 1, retried_as: 5 },
      { component: 'memory', number: 3, retried_as: 6 },
    ])
  })

  it('say that nothing is there to be changed', async () => {
    await (await fill('memory', ['a'], 1)).close()
    expect(await outbox('retry', '--all')).toMatchObject({ code: 0, stdout: 'there are no dead letters\n' })
    expect(await outbox('retry', '--all', '--json')).toMatchObject({ code: 0, stdout: '' })
    expect(await outbox('drop', '--all', '--yes')).toMatchObject({ stdout: 'there are no dead letters\n' })
  })

  it('drop what is named, and all only with --yes', async () => {
    await (await fill('memory', ['a', 'b', 'c', 'd'], 2)).close()
    expect(await outbox('drop', '--all')).toMatchObject({ code: 2, stdout: '' })
    expect(await outbox('drop', '1')).toMatchObject({ code: 0, stdout: 'memory: dropped 1 message\n' })
    expect(await outbox('drop', '--all', '--yes')).toMatchObject({
      code: 0,
      stdout: 'memory: dropped 2 messages\n',
    })
    const received = await outbox('drop', '0')
    expect(received.code).toBe(1)
    expect(received.stderr).toContain('the broker has received 0 already')
  })

  it('want one outbox for a number, and numbers or --all', async () => {
    await (await fill('gateway', ['a', 'b'], 1)).close()
    await (await fill('memory', ['a', 'b'], 1)).close()
    const { code, stderr } = await outbox('retry', '1')
    expect(code).toBe(2)
    expect(stderr).toContain('name it with --component: gateway, memory')
    expect(await outbox('retry', '1', '--component', 'memory')).toMatchObject({ code: 0 })
    expect(await outbox('retry')).toMatchObject({ code: 2 })
    expect(await outbox('retry', '1', '--all')).toMatchObject({ code: 2 })
  })

  it('are refused while somebody has the outbox open', async () => {
    const store = await fill('memory', ['a', 'b'], 1)
    const { code, stderr } = await outbox('drop', '1', '--json')
    await store.close()
    expect(code).toBe(1)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'in-use', retryable: true } })
  })
})

describe('a payload', () => {
  it.each([
    ['{"a":[1]}', '{\n  "a": [\n    1\n  ]\n}'],
    ['plain \u001b[31m', 'plain \\u001b[31m'],
    [new Uint8Array([0xff, 0xfe, 0xfd]), 'fffefd'],
    ['x'.repeat(50), `${'x'.repeat(40)} ... 10 more characters`],
    [new Uint8Array(30).fill(0xff), `${'ff'.repeat(20)} ... 10 more bytes`],
  ])('is readable, harmless and cut: %j', (payload, expected) => {
    expect(formatPayload(Buffer.from(payload), 40)).toBe(expected)
  })
})
