import { randomUUID } from 'node:crypto'
import { encodeEnvelope } from '@jamey/bus'
import { inboxTopic, type TextVerdict, topics } from '@jamey/contracts'
import type { Client } from '@jamey/mqtt'
import { tryPublish, type Word } from './attempt.js'
import type { ForeignIdentifier } from './broker-under-test.js'
import { comesTrue, faultUnless, type Scene, type Seen } from './scene.js'
import { ask, type SystemUnderTest } from './system.js'

const { evaluate, results } = topics.conscience
const JUDGED_MS = 5000
/** Longer than servers wait until they deliver again what was not acknowledged. */
const WAITED_MS = 1500

/** Whose a request is, comes from the broker or from the topic, never from what the request says. */
export const identity: Scene = {
  key: 'identity',
  title: 'forged sender',
  async play(system): Promise<Seen> {
    const [asker, watcher] = [await system.bus('asker'), await system.bus('watcher')]
    const verdicts: TextVerdict[] = []
    const watching = await watcher.subscribe(
      results,
      ({ data }) => void (data.kind === 'text' && verdicts.push(data)),
    )
    const own = (await ask(asker, 'read the news of today')).requested_by
    const words: Word[] = []
    for (const topic of [evaluate.topic, `${evaluate.topic}/asker`, `${evaluate.topic}/stranger`]) {
      words.push(await tryPublish(system, 'stranger', { topic, payload: forged(topic) }))
    }
    const tomorrow = await system.withBus('stranger', (bus) => ask(bus, 'read the news of tomorrow'))
    const known = tomorrow.requested_by
    // What was forged came before, so it was judged by now, or refused.
    await comesTrue(() => verdicts.some(({ action }) => action === 'read the news of tomorrow'), JUDGED_MS)
    const judged = verdicts.filter(({ action }) => action === FORGED)
    await watching.unsubscribe()
    const faults = [
      ...faultUnless(own === 'asker' && known === 'stranger', `taken for ${own} and ${known}`),
      ...faultUnless(
        judged.every(({ requested_by }) => requested_by === 'stranger'),
        'a stranger was taken for the asker',
      ),
    ]
    return { text: `refused (${[...new Set(words)].join(', ')})`, faults }
  },
}

const FORGED = 'read what is forged'

function forged(topic: string): string {
  const id = randomUUID()
  const bytes = encodeEnvelope({
    message_id: id,
    timestamp: new Date().toISOString(),
    topic,
    payload: { action: evaluate.action, data: { action: FORGED } },
    metadata: {
      client_id: 'asker',
      correlation_id: id,
      reply_to: inboxTopic('asker', 'conscience', 'answers'),
    },
  })
  return Buffer.from(bytes).toString()
}

/** A second connection under another one's name would end the first, and get what is for it. */
export const identifier: Scene = {
  key: 'identifier',
  title: "another's client identifier",
  async play(system): Promise<Seen> {
    const robot = await system.raw('robot', 'robot', SESSION)
    await leaveUnacknowledged(robot)
    await robot.close({ drain: false, timeoutMs: 500 })
    const { word, got } = await takeOver(system, 'robot')
    const held = await system.raw('robot', 'robot', { cleanStart: true })
    await held.connect()
    await takeOver(system, 'robot')
    const wasEnded = await comesTrue(() => held.state !== 'connected', 500)
    await held.close({ drain: false })
    const found: ForeignIdentifier = got > 0 ? 'session' : wasEnded ? 'connection' : 'nothing'
    const known = system.broker.capabilities.foreignIdentifier
    const faults = faultUnless(found === known, `brings ${found}, known: ${known}`)
    return { text: found === 'nothing' ? word : `takes over the ${found}`, faults }
  },
}

const SESSION = { cleanStart: false, cleanSession: false, sessionExpirySeconds: 60 } as const
const WAITING_TOPIC = 'lab/robot/waiting'

/** A message that the next connection of this session gets again. */
async function leaveUnacknowledged(client: Client): Promise<void> {
  await client.connect()
  let hasCome = false
  await client.subscribe(WAITING_TOPIC, { qos: 1 }, () => {
    hasCome = true
    return new Promise(() => {})
  })
  await client.publish(WAITING_TOPIC, 'for the robot alone', { qos: 1 })
  await comesTrue(() => hasCome, JUDGED_MS)
}

async function takeOver(system: SystemUnderTest, victim: string): Promise<{ word: string; got: number }> {
  let got = 0
  const onUnhandledMessage = (): void => void got++
  const client = await system.raw('stranger', victim, { ...SESSION, onUnhandledMessage })
  try {
    const { assignedClientIdentifier = victim } = await client.connect({ timeoutMs: JUDGED_MS })
    await comesTrue(() => got > 0, WAITED_MS)
    return { word: assignedClientIdentifier === victim ? 'let in, ends nobody' : 'gets its own', got }
  } catch {
    return { word: 'refused', got }
  } finally {
    await client.close({ drain: false })
  }
}
