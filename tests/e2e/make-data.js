/**
 * Writes the data of an installation as this version leaves it, as a backup in an archive, for `upgrade.slow.test.ts`:
 * `node tests/e2e/make-data.js tests/e2e/data-VERSION.tar.gz` after `npm run build`. Done once for each format of a
 * store, before it changes.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { connectBus } from '@jamey/bus'
import { runConscience } from '@jamey/conscience'
import { topics } from '@jamey/contracts'
import { runMemory } from '@jamey/memory'
import { connect } from '@jamey/mqtt'
import { openBrokerStore, openSessionStore } from '@jamey/store'

const NEVER = 4_294_967_295
const root = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'jamey-data-'))
const data = join(folder, '.jamey', 'data')

const broker = await createBroker({
  listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
  authenticator: insecureAuthenticator(),
  stampSenders: ['jamey/#'],
  store: await openBrokerStore({ path: join(data, 'broker') }),
})
await broker.listen()
const url = `mqtt://127.0.0.1:${broker.addresses[0]?.port}`
const env = { MQTT_BROKER_URL: url, MQTT_INSECURE: 'true', JAMEY_DATA_DIR: data }
const memory = await runMemory({ cwd: folder, env: { ...env, JAMEY_MEMORY_FILE: join(data, 'memory.db') } })
const conscience = await runConscience({ cwd: folder, env })
await Promise.all([memory.ready, conscience.ready])

// A subscriber that is away, what waits for it, and what is retained.
const absent = await connect({ url, clientId: 'absent', cleanStart: false, sessionExpirySeconds: NEVER })
await absent.subscribe('lab/#', { qos: 1 }, () => {})
await absent.close()
const publisher = await connect({ url, clientId: 'publisher' })
for (const text of ['one', 'two', 'three']) await publisher.publish('lab/measured', text, { qos: 1 })
await publisher.publish('state/door', 'open', { qos: 1, retain: true })
await publisher.close()

// Memories, verdicts, and a call that people are asked about.
const bus = await connectBus({ url, insecure: true, clientId: 'agent', permissions: ['jamey/#'] })
for (const content of ['we met in Lisbon', 'the office is in Hamburg', 'tea, not coffee']) {
  await bus.request(topics.memory.store, { content, layer: 'semantic', tags: ['kept'] })
}
await bus.request(topics.conscience.evaluate, { tool: 'read_file', arguments: { path: 'notes.md' } })
await bus.request(topics.conscience.evaluate, { tool: 'launch_the_probe', arguments: { to: 'mars' } })
await bus.close()

await conscience.stop()
await memory.stop()
await broker.close()

// What was published while there was no broker.
const store = await openSessionStore({ path: join(data, 'outbox', 'gateway') })
const away = await connect({
  url: 'mqtt://127.0.0.1:1',
  clientId: 'gateway',
  waitForConnection: false,
  store,
})
for (const text of ['first', 'second']) await away.publish('lab/later', text, { qos: 1, until: 'stored' })
await away.close({ drain: false })

const jamey = join(root, 'apps/jamey/bin/jamey.js')
execFileSync(process.execPath, [jamey, 'backup', 'kept'], { cwd: folder, stdio: 'inherit' })
execFileSync('tar', ['-czf', resolve(process.argv[2] ?? 'data.tar.gz'), '-C', folder, 'kept'])
rmSync(folder, { recursive: true })
process.exit(0)
