import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath, env as ownEnvironment } from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createCertificateDirectory } from '@jamey/auth'
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { connectBus } from '@jamey/bus'
import { COMPONENTS, topics } from '@jamey/contracts'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { PASSWORD, PostgresServer } from '../postgres/postgres-server.support.js'
import { runMemory } from './run-memory.js'

/** As deploy/compose/postgres.yaml has it: two instances, one database with TLS, certificates of one authority of ours. */

const PROGRAM = fileURLToPath(new URL('../../../../apps/jamey/dist/main.js', import.meta.url))

let server: PostgresServer
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-several-'))
  await createCertificateDirectory(folder, { components: [] })
  copyFileSync(join(folder, 'server.crt'), join(folder, 'server.pem'))
  writeFileSync(join(folder, 'database-password'), `${PASSWORD}\n`, { mode: 0o600 })
  server = await PostgresServer.start({ settings: ['fsync=off'], certificates: folder })
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

async function brokerPort(): Promise<number> {
  const broker = await createBroker({
    listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
    authenticator: insecureAuthenticator(),
  })
  await broker.listen()
  onTestFinished(() => broker.close({ graceMs: 100 }))
  return broker.addresses[0]?.port ?? 0
}

async function running(clientId: string, port: number, database: string) {
  const url = new URL(server.url(database))
  url.password = ''
  url.hostname = 'localhost'
  url.search = `?sslmode=verify-full&sslrootcert=${join(folder, 'ca.crt')}`
  const env = {
    MQTT_BROKER_URL: `mqtt://127.0.0.1:${port}`,
    MQTT_INSECURE: 'true',
    MQTT_CLIENT_ID: clientId,
    JAMEY_MEMORY_URL: url.href,
    JAMEY_MEMORY_PASSWORD_FILE: 'database-password',
  }
  const memory = await runMemory({ env, cwd: folder })
  onTestFinished(() => memory.stop({ graceMs: 1000 }))
  await memory.ready
  return memory
}

it('two memories serve one database over TLS, and one of them goes on alone', async () => {
  const port = await brokerPort()
  const database = new URL(await server.newDatabase()).pathname.slice(1)
  const [one] = await Promise.all(
    ['jamey-memory', 'jamey-memory-2'].map((clientId) => running(clientId, port, database)),
  )
  const bus = await connectBus({
    url: `mqtt://127.0.0.1:${port}`,
    insecure: true,
    clientId: 'operator',
    permissions: COMPONENTS.operator.permissions,
  })
  onTestFinished(() => bus.close({ drain: false, timeoutMs: 500 }))
  const announcers = new Set<string>()
  await bus.subscribe(topics.memory.updates, ({ sender }) => void announcers.add(sender.clientId))
  const store = (i: number) =>
    bus.request(topics.memory.store, { content: `memory ${i}`, layer: 'semantic' }, { timeoutMs: 20_000 })
  const first = await Promise.all(Array.from({ length: 40 }, (_, i) => store(i)))
  expect(first.every(({ created }) => created)).toBe(true)
  await expect.poll(() => [...announcers].sort()).toEqual(['jamey-memory', 'jamey-memory-2'])
  const plain = await server.sql<{ count: string }>(
    database,
    `SELECT count(*) FROM pg_stat_activity a JOIN pg_stat_ssl s ON s.pid = a.pid
      WHERE a.application_name = 'jamey-memory' AND NOT s.ssl`,
  )
  expect(plain).toEqual([{ count: '0' }])
  await one?.stop({ graceMs: 1000 })
  await Promise.all(Array.from({ length: 20 }, (_, i) => store(100 + i)))
  const { total } = await bus.request(topics.memory.query, { query: 'memory' }, { timeoutMs: 20_000 })
  expect(total).toBe(60)
})

/** The command line as it is built, a process of its own. */
async function started(clientId: string, port: number, database: string) {
  const url = new URL(server.url(database))
  url.search = '?sslmode=disable'
  const env = {
    PATH: ownEnvironment['PATH'],
    MQTT_BROKER_URL: `mqtt://127.0.0.1:${port}`,
    MQTT_INSECURE: 'true',
    MQTT_CLIENT_ID: clientId,
    JAMEY_MEMORY_URL: url.href,
  }
  const child = spawn(execPath, [PROGRAM, 'run', 'memory'], {
    env,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  for await (const line of createInterface({ input: child.stderr }))
    if (line.includes('memory.serving')) break
  child.stderr.resume()
  return child
}

it('what several processes acknowledged is there once when one of them is killed under load, and the other finds it', async () => {
  const port = await brokerPort()
  const database = new URL(await server.newDatabase()).pathname.slice(1)
  const names = ['jamey-memory', 'jamey-memory-2']
  const [doomed] = await Promise.all(names.map((clientId) => started(clientId, port, database)))
  const bus = await connectBus({
    url: `mqtt://127.0.0.1:${port}`,
    insecure: true,
    clientId: 'operator',
    permissions: COMPONENTS.operator.permissions,
  })
  onTestFinished(() => bus.close({ drain: false, timeoutMs: 500 }))
  const announced = new Map<string, readonly string[]>()
  await bus.subscribe(
    topics.memory.updates,
    ({ envelope, data }) => void announced.set(envelope.message_id, data.memory_ids),
  )
  const acknowledged = new Map<string, string>()
  let isOver = false
  const load = Array.from({ length: 20 }, async (_, k) => {
    for (let i = 0; !isOver; i++) {
      const content = `memory ${k} ${i}`
      const { memory } = await bus.request(
        topics.memory.store,
        { content, layer: 'semantic' },
        { timeoutMs: 60_000 },
      )
      acknowledged.set(content, memory.id)
      // Whichever instance answers finds what the other one stored.
      if (i % 10 === 0) {
        const { memories } = await bus.request(
          topics.memory.query,
          { query: content, limit: 1 },
          { timeoutMs: 60_000 },
        )
        expect(memories[0]?.id).toBe(memory.id)
      }
    }
  })
  await expect.poll(() => acknowledged.size).toBeGreaterThan(300)
  doomed?.kill('SIGKILL')
  const before = acknowledged.size
  await expect.poll(() => acknowledged.size).toBeGreaterThan(before + 300)
  isOver = true
  await Promise.all(load)
  const rows = await server.sql<{ id: string; content: string }>(
    database,
    'SELECT id, content FROM jamey_memory.memories',
  )
  expect(rows).toHaveLength(acknowledged.size)
  expect(new Map(rows.map(({ id, content }) => [content, id]))).toEqual(acknowledged)
  const { total } = await bus.request(
    topics.memory.query,
    { query: 'memory', limit: 1 },
    { timeoutMs: 20_000 },
  )
  expect(total).toBe(acknowledged.size)
  // What the dead one stored and did not announce is the other's to announce; each memory is in one announcement.
  await server.sql(database, 'UPDATE jamey_memory.announcements SET claimed_at = claimed_at - 60000')
  await bus.request(topics.memory.store, { content: 'wakes the announcer', layer: 'semantic' })
  await expect.poll(() => new Set([...announced.values()].flat()).size).toBe(acknowledged.size + 1)
  expect([...announced.values()].flat()).toHaveLength(acknowledged.size + 1)
  expect(announced.size).toBeLessThan(acknowledged.size)
})
