import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCertificateDirectory } from '@jamey/auth'
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { connectBus } from '@jamey/bus'
import { COMPONENTS, topics } from '@jamey/contracts'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { PASSWORD, PostgresServer } from '../postgres/postgres-server.support.js'
import { runMemory } from './run-memory.js'

/** As deploy/compose/postgres.yaml has it: two instances, one database with TLS, certificates of one authority of ours. */

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
