import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { topics } from '@jamey/contracts'
import { freePort, MqttPeer } from '@jamey/testing'
import { expect, it, onTestFinished } from 'vitest'
import { configFromEnvironment, connectBus } from '../index.js'

it('a client whose environment names an outbox sends what its former process could not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jamey-bus-outbox-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const port = await freePort()
  const config = configFromEnvironment(
    {
      MQTT_BROKER_URL: `mqtt://127.0.0.1:${port}`,
      MQTT_INSECURE: '1',
      MQTT_CLIENT_ID: 'writer',
      MQTT_PERMISSIONS: 'jamey/#',
      MQTT_OUTBOX_DIR: 'outbox',
    },
    { cwd: folder },
  )
  const update = { change: 'forgotten' as const, memory_ids: ['0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11'] }
  const first = await connectBus({ ...config, waitForConnection: false })
  const publishing = first.publish(topics.memory.updates, update).catch((error: Error) => error)
  await expect.poll(() => first.mqtt.stats().queuedMessages).toBe(1)
  await expect.poll(() => first.mqtt.explain().queue.storing).toBe(0)
  await first.close({ drain: false })
  await publishing

  const peer = await MqttPeer.listen()
  onTestFinished(() => peer.close())
  const second = await connectBus({ ...config, url: peer.url })
  onTestFinished(() => second.close({ drain: false }))
  const { topic } = await (await peer.connection(0)).packet('publish')
  // Written before any server said that it tells who sends.
  expect(topic).toBe(`${topics.memory.updates.topic}/writer`)
})
