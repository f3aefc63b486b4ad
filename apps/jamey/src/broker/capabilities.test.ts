import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@jamey/mqtt'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import { startBroker } from './embedded-broker.js'
import { readBrokerSettings } from './settings.js'

it('a broker offers what its file says, and tells it in CONNACK', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jamey-broker-offers-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const config = join(folder, 'broker.yaml')
  const file = `listeners: [{ host: 127.0.0.1, port: 0, insecure: true }]
store: none
authentication: { method: none }
maximumQos: 1
retainAvailable: false
`
  writeFileSync(config, file, { mode: 0o600 })
  const settings = await readBrokerSettings({ flags: { config }, env: {}, cwd: folder, directory: undefined })
  const broker = await startBroker(settings, { log: pino({ level: 'silent' }), portSetting: '' })
  onTestFinished(() => broker.close({ graceMs: 0 }))
  const client = await connect({ url: `mqtt://127.0.0.1:${broker.addresses[0]?.port}` })
  onTestFinished(async () => void (await client.close()))
  expect(client.serverInformation).toMatchObject({ maximumQoS: 1, retainAvailable: false })
})
