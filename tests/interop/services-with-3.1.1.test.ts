import { type Bus, type BusConfig, connectBus } from '@jamey/bus'
import { createConscience } from '@jamey/conscience'
import { COMPONENTS, statusSchema, topics } from '@jamey/contracts'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { CertifiedServer } from './certified-server.js'

const CONSCIENCE = COMPONENTS.conscience.clientId
const USERS = [CONSCIENCE, 'asker', 'watcher']

describe.each([
  ['RabbitMQ', () => CertifiedServer.rabbitMq(USERS)],
  ['NATS', () => CertifiedServer.nats(USERS)],
] as const)('a conscience at %s, which speaks MQTT 3.1.1 and knows certificates alone', (_, start) => {
  let server: CertifiedServer
  const logged: string[] = []

  beforeAll(async () => {
    server = await start()
  }, 120_000)
  afterAll(() => server?.stop())

  /** As the environment makes it: the version is found out, the certificate is enough. */
  async function open(clientId: string, permissions: readonly string[], extra: Partial<BusConfig> = {}) {
    const config = { ...(await server.client(clientId)), clientId, permissions, username: false as const }
    const bus = await connectBus({ ...config, failuresBeforeOpen: Number.POSITIVE_INFINITY, ...extra })
    onTestFinished(() => bus.close({ drain: false }))
    return bus
  }

  function ask(asker: Bus): Promise<{ decision: string }> {
    const action = { action: 'delete all customer records' }
    return asker.request(topics.conscience.evaluate, action, { timeoutMs: 10_000 })
  }

  it('answers every request, also those that come while it renews its connection, and says that it serves alone [promise 48]', async () => {
    const warn = (_: object, text: string): void => void logged.push(text)
    const bus = await open(CONSCIENCE, COMPONENTS.conscience.permissions, {
      component: { name: 'conscience', version: '1' },
      log: { debug: () => {}, info: () => {}, warn, error: warn },
    })
    const conscience = createConscience({ bus })
    await conscience.start()
    onTestFinished(() => conscience.stop())
    expect(bus.mqtt.serverInformation?.protocolVersion).toBe(4)
    const asker = await open('asker', COMPONENTS.operator.permissions)
    await expect(ask(asker)).resolves.toMatchObject({ decision: 'ask' })

    const asked: Promise<{ decision: string }>[] = []
    for (let renewals = 0; renewals < 5; renewals++) {
      const renewed = bus.mqtt.reauthenticate()
      for (let i = 0; i < 20; i++) asked.push(ask(asker))
      await renewed
    }
    for (const { decision } of await Promise.all(asked)) expect(decision).toBe('ask')
    expect(bus.mqtt.stats().connects).toBe(6)
    expect(bus.mqtt.stats().sessionsLost).toBe(0)

    const alone = 'is served without its group'
    // Once for calls to judge, and once for what is reported of them.
    expect(logged.filter((text) => text.includes(alone))).toHaveLength(2)
    const watcher = await open('watcher', COMPONENTS.operator.permissions)
    const reasons: (string | undefined)[] = []
    await watcher.mqtt.subscribe(`jamey/events/status/${CONSCIENCE}`, ({ payload }) => {
      reasons.push(statusSchema.parse(JSON.parse(Buffer.from(payload).toString()).payload.data).reason)
    })
    await expect.poll(() => reasons[0]).toContain(alone)
  })
})
