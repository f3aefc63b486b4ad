import { type Bus, type BusConfig, connectBus } from '@jamey/bus'
import { createConscience } from '@jamey/conscience'
import { COMPONENTS, topics } from '@jamey/contracts'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { Mosquitto } from './mosquitto.js'

const SECRET = 'a secret of at least thirty-two bytes'

let broker: Mosquitto

beforeAll(async () => {
  broker = await Mosquitto.start({ persistence: true })
})

afterAll(() => broker?.stop())

/** A bus whose tokens end after 40 s, which Mosquitto can only be told by a new connection. */
async function open(clientId: string, permissions: readonly string[], extra: Partial<BusConfig> = {}) {
  const bus = await connectBus({
    url: `mqtts://127.0.0.1:${broker.tlsPort}`,
    clientId,
    permissions,
    tls: { ca: broker.ca },
    jwtSecret: SECRET,
    jwtLifetimeSeconds: 40,
    failuresBeforeOpen: Number.POSITIVE_INFINITY,
    ...extra,
  })
  onTestFinished(() => bus.close({ drain: false }))
  return bus
}

async function startConscience(clientId = COMPONENTS.conscience.clientId): Promise<Bus> {
  const component = { name: 'conscience', version: '1' }
  const bus = await open(clientId, COMPONENTS.conscience.permissions, { component })
  const conscience = createConscience({ bus })
  await conscience.start()
  onTestFinished(() => conscience.stop())
  return bus
}

function ask(asker: Bus): Promise<{ decision: string }> {
  return asker.request(
    topics.conscience.evaluate,
    { action: 'delete all customer records' },
    { timeoutMs: 5000 },
  )
}

it('a conscience is heard after a restart of Mosquitto, which has forgotten its share of a session that it says is present', async () => {
  const conscience = await startConscience()
  const asker = await open('asker', COMPONENTS.operator.permissions)
  await expect(ask(asker)).resolves.toMatchObject({ decision: 'ask' })
  // As every half of a token's life does.
  await conscience.mqtt.reauthenticate()
  await expect(ask(asker)).resolves.toMatchObject({ decision: 'ask' })
  const before = conscience.mqtt.stats().connects
  await broker.restart()
  await expect.poll(() => conscience.mqtt.stats().connects).toBeGreaterThan(before)
  await expect.poll(() => [conscience.state, asker.state]).toEqual(['connected', 'connected'])
  expect(conscience.mqtt.status.session).toBe('resumed')
  // Asked for again with the connection, which Mosquitto may read after this question.
  await expect.poll(() => ask(asker).catch(String)).toMatchObject({ decision: 'ask' })
  expect(conscience.faults).toEqual([])
})

it('two consciences of one group ask through Mosquitto whether they are heard, and each gets an answer', async () => {
  const heard: string[] = []
  const watcher = await open('watcher', COMPONENTS.operator.permissions)
  for (const filter of [`${topics.conscience.evaluate.topic}/#`, 'jamey/events/errors/#']) {
    await watcher.mqtt.subscribe(filter, ({ topic, payload }) => {
      const { payload: sent, metadata } = JSON.parse(Buffer.from(payload).toString())
      heard.push(`${topic} ${sent.action} ${metadata.client_id}`)
    })
  }
  const members = [await startConscience('conscience-1'), await startConscience('conscience-2')]
  await expect.poll(() => heard.length).toBeGreaterThanOrEqual(2)
  await expect.poll(() => members.map((member) => member.stats().requestsWaiting)).toEqual([0, 0])
  expect([...new Set(heard)].sort()).toEqual([
    'jamey/conscience/evaluate/conscience-1 ping conscience-1',
    'jamey/conscience/evaluate/conscience-2 ping conscience-2',
  ])
  expect(members.map(({ faults }) => faults)).toEqual([[], []])
  expect(members.map((member) => member.stats().requestsTimedOut)).toEqual([0, 0])
})
