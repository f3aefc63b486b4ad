import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { connectBus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyFolder, jamey, Program, removeFolder, secretsOf, startSystem } from './program.js'

let folder: string
let port: number
const programs: Program[] = []

beforeAll(async () => {
  folder = emptyFolder()
  // The first `jamey up` makes certificates and secret; then the parts run as processes of their own.
  const first = await startSystem(folder)
  await first.program.stop()
  port = await freePort()
})

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()))
  removeFolder(folder)
})

async function start(part: 'broker' | 'memory'): Promise<Program> {
  const program = new Program(folder, ['run', part, '--data-dir', '.jamey'], {
    JAMEY_BROKER_PORT: String(port),
    MQTT_BROKER_URL: 'mqtts://127.0.0.1',
    MQTT_PORT: String(port),
    JAMEY_MEMORY_SWEEP_SECONDS: '1',
    JAMEY_MEMORY_TTL_WORKING_SECONDS: '2',
  })
  programs.push(program)
  await program.prints(part === 'broker' ? /broker listens/ : /memory is ready/)
  return program
}

function connect() {
  const { ca, secret } = secretsOf(folder)
  return connectBus({
    url: `mqtts://127.0.0.1:${port}`,
    clientId: 'watcher',
    tls: { ca },
    jwtSecret: secret,
    permissions: ['jamey/#'],
  })
}

interface Counts {
  readonly waiting: number
  readonly owner_pid: number | null
}

async function outboxOfMemory(): Promise<Counts> {
  const { code, stdout, stderr } = await jamey(folder, [
    ...['outbox', 'list', '--component', 'memory', '--limit', '1', '--json'],
  ])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout.split('\n')[0] ?? '') as Counts
}

describe('the outbox of a component', () => {
  it('sends after kill -9 what was published and the broker did not acknowledge [promise 3]', async () => {
    const broker = await start('broker')
    const memory = await start('memory')
    const path = join(folder, '.jamey', 'data', 'outbox', 'memory')
    expect(existsSync(path)).toBe(true)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    const bus = await connect()
    const data = { content: 'soon forgotten', layer: 'working' as const }
    const { memory: stored } = await bus.request(topics.memory.store, data, { timeoutMs: 10_000 })
    await bus.close()
    // It takes and answers nothing any more. What expires is announced all the same.
    broker.signal('SIGSTOP')
    await expect.poll(async () => (await outboxOfMemory()).waiting, { timeout: 20_000 }).toBe(1)
    expect((await outboxOfMemory()).owner_pid).toBeGreaterThan(0)
    await memory.stop('SIGKILL')
    await broker.stop('SIGKILL')
    expect(await outboxOfMemory()).toMatchObject({ waiting: 1, owner_pid: null })

    await start('broker')
    const again = await connect()
    const updates: string[] = []
    await again.subscribe(topics.memory.updates, ({ data: payload }) => {
      updates.push(`${payload.change} ${payload.memory_ids.join()}`)
    })
    await start('memory')
    // Without its outbox, memory would repeat the announcement of a dead process only after a minute.
    await expect.poll(() => updates, { timeout: 20_000 }).toContain(`expired ${stored.id}`)
    await expect.poll(async () => (await outboxOfMemory()).waiting, { timeout: 20_000 }).toBe(0)
    await again.close()
  })
})
