import { tmpdir } from 'node:os'
import { configFromEnvironment, connectionOptionsOf } from '@jamey/bus'
import { type Client, createClient } from '@jamey/mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BridgeProcess } from './bridge-process.js'
import type { BrokerUnderTest } from './broker-under-test.js'
import { permissionsOf } from './cast.js'
import { BROKERS } from './catalogue.js'
import { comesTrue } from './scene.js'
import { pause } from './server-process.js'

/** The bridge and both brokers are killed in turn while messages go from one to the other, and all are counted. */

const RATE = 200
const STEP_MS = 2000
const LAST_MS = 60_000
const TOPIC = 'lab/robot/numbers'

async function started(name: string): Promise<BrokerUnderTest> {
  const entry = BROKERS[name]
  if (entry?.isInstalled() !== true) throw new Error(`${name} is not installed`)
  const broker = await entry.make()
  onTestFinished(() => broker.stop())
  await broker.start()
  return broker
}

async function environmentAt(broker: BrokerUnderTest, clientId: string): Promise<Record<string, string>> {
  return {
    MQTT_PROTOCOL_VERSION: String(broker.capabilities.protocolVersion),
    MQTT_JWT_LIFETIME_SECONDS: '300',
    ...(await broker.environmentOf(clientId)),
    MQTT_CLIENT_ID: clientId,
  }
}

/** Robot, whose session is kept, and who tries again for ever. */
async function robotAt(broker: BrokerUnderTest): Promise<Client> {
  const env = {
    ...(await environmentAt(broker, 'robot')),
    MQTT_PERMISSIONS: permissionsOf('robot').join(','),
  }
  const client = createClient({
    ...connectionOptionsOf(configFromEnvironment(env, { cwd: tmpdir() })),
    cleanStart: false,
    cleanSession: false,
    sessionExpirySeconds: 3600,
    reconnect: { baseDelayMs: 100, maxDelayMs: 1000, failuresBeforeOpen: Number.POSITIVE_INFINITY },
    onBackgroundError: () => {},
  })
  onTestFinished(async () => void (await client.close({ drain: false })))
  return client
}

describe('what was acknowledged while bridge and brokers are killed', () => {
  it.each<[string, 1 | 2, 'kill9' | 'restart']>([
    ['own', 2, 'kill9'],
    // Mosquitto writes its state down when it ends in order.
    ['mosquitto', 1, 'restart'],
    ['rabbitmq', 1, 'kill9'],
    ['nats', 1, 'kill9'],
  ])('is all there on %s, at QoS %i', async (name, qos, end) => {
    const [source, target] = [await started('own'), await started(name)]
    const bridge = await BridgeProcess.make({
      here: await environmentAt(source, 'jamey-bridge'),
      there: await environmentAt(target, 'jamey-bridge'),
    })
    onTestFinished(() => bridge.remove())
    await bridge.start([{ from: 'here', filters: ['lab/#'] }])
    const heard = new Map<string, number>()
    const listener = await robotAt(target)
    // Some servers write down only a session that was resumed once.
    await listener.connect()
    await listener.subscribe('lab/robot/#', { qos }, ({ payload }) => {
      const text = Buffer.from(payload).toString()
      heard.set(text, (heard.get(text) ?? 0) + 1)
    })
    await listener.reauthenticate()
    const publisher = await robotAt(source)
    await publisher.connect()
    const acknowledged = new Set<string>()
    let sent = 0
    let isOver = false
    const publishing = (async () => {
      const startedAtMs = performance.now()
      while (!isOver) {
        const due = ((performance.now() - startedAtMs) / 1000) * RATE
        for (; sent < due; sent++) {
          const text = `${sent}`
          publisher.publish(TOPIC, text, { qos }).then(
            () => acknowledged.add(text),
            () => {},
          )
        }
        await pause(10)
      }
    })()
    const killBridge = async (): Promise<void> => {
      await bridge.stop('SIGKILL')
      await bridge.start()
    }
    const steps = [killBridge, () => source.kill9?.(), killBridge, () => target[end]?.(), killBridge]
    for (const step of steps) {
      await pause(STEP_MS)
      await step()
    }
    await pause(STEP_MS)
    isOver = true
    await publishing
    await publisher.drained({ timeoutMs: LAST_MS })
    const lost = (): string[] => [...acknowledged].filter((text) => !heard.has(text))
    await comesTrue(() => lost().length === 0, LAST_MS)
    const duplicates = [...heard.values()].reduce((total, count) => total + count - 1, 0)
    process.stdout.write(
      `${name}, QoS ${qos}: ${sent} sent, ${acknowledged.size} acknowledged, ${lost().length} lost, ${duplicates} duplicated\n`,
    )
    expect(acknowledged.size).toBe(sent)
    expect(lost()).toEqual([])
    if (qos === 2) expect(duplicates).toBe(0)
  })
})
