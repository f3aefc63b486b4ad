import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { signToken } from '@jamey/auth'
import { type Bus, connectBus } from '@jamey/bus'
import { verifyAudit } from '@jamey/conscience'
import { COMPONENTS, topics } from '@jamey/contracts'
import { MemoryArchive } from '@jamey/memory'
import { type Client, createClient } from '@jamey/mqtt'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  emptyFolder,
  JAMEY,
  jamey,
  Program,
  removeFolder,
  type System,
  secretsOf,
  startSystem,
} from './program.js'

/** `jamey backup` of a system that works, and a system of its backup. */

const LAB = 'lab/measured'
/** So many of each kind are acknowledged before the backup begins. */
const BEFORE = 60

let system: System
const folders: string[] = []

beforeAll(async () => {
  system = await startSystem()
  folders.push(system.folder)
})
afterAll(async () => {
  await system.program.stop('SIGKILL')
  for (const folder of folders) removeFolder(folder)
})

async function busAt({ folder, port }: System, clientId: string): Promise<Bus> {
  const { ca, secret } = secretsOf(folder)
  const bus = await connectBus({
    url: `mqtts://127.0.0.1:${port}`,
    clientId,
    tls: { ca },
    jwtSecret: secret,
    permissions: ['lab/#', ...COMPONENTS.operator.permissions],
  })
  onTestFinished(() => bus.close({ drain: false, timeoutMs: 500 }).catch(() => {}))
  return bus
}

/** A subscriber whose session outlives its connections. */
async function subscriber({ folder, port }: System, onMessage: (text: string) => void): Promise<Client> {
  const { ca, secret } = secretsOf(folder)
  const client = createClient({
    url: `mqtts://127.0.0.1:${port}`,
    clientId: 'absent',
    cleanStart: false,
    tls: { ca },
    credentials: {
      username: 'absent',
      password: await signToken({ sub: 'absent', permissions: ['lab/#'] }, secret),
    },
  })
  onTestFinished(() => client.close({ drain: false, timeoutMs: 500 }).then(() => {}))
  // What waits for it comes with the connection.
  const subscribed = client.subscribe('lab/#', { qos: 1 }, ({ payload }) =>
    onMessage(Buffer.from(payload).toString()),
  )
  await Promise.all([client.connect(), subscribed])
  return client
}

interface Acknowledged {
  readonly messages: string[]
  readonly memories: string[]
  readonly verdicts: string[]
}

/** Publishes, stores and asks without end, and tells what was acknowledged. */
function work(bus: Bus): { acknowledged: Acknowledged; stop: () => Promise<void> } {
  const acknowledged: Acknowledged = { messages: [], memories: [], verdicts: [] }
  let isOver = false
  const repeat = async (one: (number: number) => Promise<void>): Promise<void> => {
    for (let number = 0; !isOver; number++) await one(number)
  }
  const workers = [
    repeat(async (number) => {
      await bus.mqtt.publish(LAB, String(number), { qos: 1 })
      acknowledged.messages.push(String(number))
    }),
    repeat(async (number) => {
      const content = `measured ${number} ${randomUUID()}`
      const { memory } = await bus.request(topics.memory.store, { content, layer: 'semantic' })
      acknowledged.memories.push(memory.id)
    }),
    repeat(async (number) => {
      const call = { tool: 'read_file', arguments: { path: `notes/${number}.md` } }
      const verdict = await bus.request(topics.conscience.evaluate, call)
      acknowledged.verdicts.push(verdict.evaluation_id)
    }),
  ]
  return {
    acknowledged,
    stop: async () => {
      isOver = true
      await Promise.all(workers)
    },
  }
}

const copyOf = ({ messages, memories, verdicts }: Acknowledged): Acknowledged => ({
  messages: [...messages],
  memories: [...memories],
  verdicts: [...verdicts],
})

function auditOf(folder: string): string {
  const audit = join(folder, '.jamey', 'data', 'audit')
  return readdirSync(audit)
    .map((name) => readFileSync(join(audit, name), 'utf8'))
    .join('')
}

describe('jamey backup', () => {
  it('of a system under load has all that was acknowledged before, and nothing twice [promise 3]', async () => {
    await (await subscriber(system, () => {})).close()
    const load = work(await busAt(system, 'worker'))
    await expect
      .poll(() => Math.min(...Object.values(load.acknowledged).map((list: string[]) => list.length)), {
        timeout: 20_000,
      })
      .toBeGreaterThan(BEFORE)
    const before = copyOf(load.acknowledged)
    const made = await jamey(system.folder, ['backup', 'kept', '--json'])
    expect(made.code, made.stderr).toBe(0)
    // It went on meanwhile, and what came then is not in the backup.
    const since = load.acknowledged.messages.length
    await expect.poll(() => load.acknowledged.messages.length).toBeGreaterThan(since)
    await load.stop()
    const { held_ms: heldMs, stores } = JSON.parse(made.stdout)
    expect(heldMs).toBeLessThan(2000)
    expect(stores.map(({ path }: { path: string }) => path)).toContain('data/memory.db')

    const folder = emptyFolder()
    folders.push(folder)
    const restored = await jamey(folder, ['restore', join(system.folder, 'kept')])
    expect(restored.code, restored.stderr).toBe(0)
    const again = await startSystem(folder)
    onTestFinished(() => again.program.stop().then(() => {}))

    const received: string[] = []
    await subscriber(again, (text) => received.push(text))
    const last = before.messages.at(-1) ?? ''
    await expect.poll(() => received.includes(last), { timeout: 10_000 }).toBe(true)
    // In order, none missing, and each once: nobody had heard them.
    expect(received.slice(0, before.messages.length)).toEqual(before.messages)
    expect(new Set(received).size).toBe(received.length)

    const archive = new MemoryArchive(join(folder, '.jamey', 'data', 'memory.db'), Date.now)
    const memories = new Set([...archive.memories()].map(({ id }) => id))
    archive.close()
    expect(before.memories.filter((id) => !memories.has(id))).toEqual([])
    const audit = auditOf(folder)
    expect(before.verdicts.filter((id) => !audit.includes(id))).toEqual([])
    expect((await verifyAudit(join(folder, '.jamey', 'data', 'audit'))).faults).toEqual([])
  })
})

/** A data directory without a system, and one file in it that takes a while. */
function installation(bytes: number): string {
  const folder = emptyFolder()
  folders.push(folder)
  mkdirSync(join(folder, '.jamey', 'data'), { recursive: true, mode: 0o700 })
  const large = join(folder, '.jamey', 'data', 'large.bin')
  writeFileSync(large, '')
  truncateSync(large, bytes)
  return folder
}

async function killedOnce(program: Program, isBegun: () => boolean): Promise<void> {
  await expect.poll(isBegun, { interval: 5, timeout: 20_000 }).toBe(true)
  expect((await program.stop('SIGKILL')).code).toBeNull()
}

describe('kill -9', () => {
  it('of a backup leaves what nothing takes for one', async () => {
    const folder = installation(2 ** 29)
    const copy = join(folder, 'kept', 'files', 'data', 'large.bin')
    await killedOnce(new Program(folder, ['backup', 'kept']), () => existsSync(copy))
    for (const [command, code] of [
      [['backup', 'verify', 'kept'], 'no-backup'],
      [['backup', 'kept'], 'folder-not-empty'],
    ] as const) {
      const outcome = await jamey(folder, [...command, '--json'])
      expect(outcome.code).toBe(2)
      expect(JSON.parse(outcome.stderr).error).toMatchObject({ code })
    }
  })

  it('of a restore changes nothing, and the next one begins anew', async () => {
    const folder = installation(2 ** 26)
    expect(await jamey(folder, ['backup', 'kept'])).toMatchObject({ code: 0 })
    writeFileSync(join(folder, '.jamey', 'denied.json'), '[]\n', { mode: 0o600 })
    const draft = join(folder, '.jamey.restoring')
    const copy = join(draft, 'data', 'large.bin')
    await killedOnce(new Program(folder, ['restore', 'kept', '--replace']), () => existsSync(copy))
    expect(existsSync(join(folder, '.jamey', 'denied.json'))).toBe(true)
    expect(await jamey(folder, ['restore', 'kept', '--replace'])).toMatchObject({ code: 0 })
    const found = readdirSync(folder).filter((name) => name.startsWith('.jamey'))
    expect(found).toEqual(['.jamey', expect.stringMatching(/^\.jamey\.before-\d{8}T\d{6}Z$/)])
    expect(existsSync(join(folder, '.jamey', 'denied.json'))).toBe(false)
    expect(existsSync(join(folder, found[1] ?? '', 'denied.json'))).toBe(true)
  })
})

/** One command of a process whose files cannot grow beyond so many blocks of 512 bytes, as on a disk that is full. */
async function onFullDisk(folder: string, blocks: number, args: readonly string[]) {
  const script = `process.setSourceMapsEnabled(false)
    const { spawnSync } = await import('node:child_process')
    const limited = ['-c', 'ulimit -f ${blocks}; exec "$@"', 'sh', process.execPath, ...process.argv.slice(1)]
    const { status, stderr } = spawnSync('sh', limited, { encoding: 'utf8' })
    process.stderr.write(stderr)
    process.exitCode = status`
  return new Program(folder, [JAMEY, ...args], {}, ['--input-type=module', '--eval', script, '--']).ended()
}

describe('a disk that is full', () => {
  it('ends a backup and a restore with its name, and leaves nothing behind', async () => {
    const folder = installation(2 ** 22)
    const backup = await onFullDisk(folder, 4096, ['backup', 'kept', '--json'])
    expect(backup.code, backup.stderr).toBe(1)
    expect(JSON.parse(backup.stderr).error).toMatchObject({ code: 'disk-full' })
    expect(existsSync(join(folder, 'kept'))).toBe(false)
    expect(await jamey(folder, ['backup', 'kept'])).toMatchObject({ code: 0 })
    const restore = await onFullDisk(folder, 4096, ['restore', 'kept', '--data-dir', 'new', '--json'])
    expect(restore.code, restore.stderr).toBe(1)
    expect(JSON.parse(restore.stderr).error).toMatchObject({
      code: 'disk-full',
      message: expect.stringContaining('large.bin'),
    })
    expect(readdirSync(folder).sort()).toEqual(['.jamey', 'kept'])
  })
})
