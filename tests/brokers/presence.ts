import { statusSchema, topics } from '@jamey/contracts'
import type { Client } from '@jamey/mqtt'
import { comesTrue, faultUnless, type Scene, type Seen } from './scene.js'

const STATUS_MS = 10_000
const { topic: template } = topics.events.status
const statusTopic = (clientId: string): string => template.replace('{client_id}', clientId)

/** Who comes later hears who is there. */
export const retained: Scene = {
  key: 'retained',
  title: 'retained status',
  async play(system): Promise<Seen> {
    const [conscience] = system.consciences
    if (conscience === undefined) throw new Error('there is no conscience')
    // The bus of the cast's watcher has this identifier, so a robot asks: its own topics are retained likewise.
    const robot = await system.raw('robot')
    await robot.connect()
    await robot.publish('lab/robot/status', 'here', { qos: 1, retain: true })
    const exact = await isRetained(robot, 'lab/robot/status')
    const wildcard = await isRetained(robot, 'lab/robot/#')
    await robot.publish('lab/robot/status', '', { qos: 1, retain: true })
    await robot.close()
    const watcher = await system.bus('watcher')
    const states = new Map<string, string>()
    const watching = await watcher.subscribe(topics.events.status, ({ data, topic }) => {
      states.set(topic, data.state)
    })
    const seen = await watcher.mqtt.subscribe(statusTopic(conscience.clientId), { qos: 1 }, () => {})
    const isTold = await comesTrue(
      () => states.get(statusTopic(conscience.clientId)) === 'online',
      STATUS_MS / 5,
    )
    await watching.unsubscribe()
    await seen.unsubscribe()
    const { retainsForWildcards } = system.broker.capabilities
    const faults = [
      ...faultUnless(exact, 'nothing for the very topic'),
      ...faultUnless(
        wildcard === retainsForWildcards,
        `for a wildcard: ${wildcard}, known: ${retainsForWildcards}`,
      ),
      ...faultUnless(isTold || !retainsForWildcards, 'the status of a service was not told'),
    ]
    return { text: wildcard ? 'yes' : exact ? 'exact topic only' : 'no', faults }
  },
}

async function isRetained(client: Client, filter: string): Promise<boolean> {
  let isThere = false
  const subscription = await client.subscribe(filter, { qos: 1 }, ({ retain }) => {
    isThere ||= retain
  })
  await comesTrue(() => isThere, STATUS_MS / 5)
  await subscription.unsubscribe()
  return isThere
}

/** A process that dies is said to be away by the broker, and to be back by its next one. */
export const will: Scene = {
  key: 'will',
  title: 'will of a killed service',
  async play(system): Promise<Seen> {
    const victim = system.consciences.at(-1)
    if (victim === undefined) throw new Error('there is no conscience')
    const watcher = await system.bus('watcher')
    const states: string[] = []
    const watching = await watcher.mqtt.subscribe(statusTopic(victim.clientId), { qos: 1 }, ({ payload }) => {
      states.push(statusSchema.parse(JSON.parse(Buffer.from(payload).toString()).payload.data).state)
    })
    const startedAtMs = performance.now()
    await victim.stop('SIGKILL')
    const isOffline = await comesTrue(() => states.at(-1) === 'offline', STATUS_MS)
    const tookMs = performance.now() - startedAtMs
    await victim.start()
    const isOnline = await comesTrue(() => states.at(-1) === 'online', STATUS_MS)
    await watching.unsubscribe()
    const faults = [
      ...faultUnless(isOffline, 'nobody was told that a service was killed'),
      ...faultUnless(isOnline, 'nobody was told that it is back'),
    ]
    return { text: isOffline ? `yes, after ${Math.round(tookMs)} ms` : 'no', faults }
  },
}
