import { topics } from '@jamey/contracts'
import { faultUnless, type Scene, type Seen } from './scene.js'
import { ask } from './system.js'

const { evaluate } = topics.conscience
const DEPTH = 100_000
const LARGE_BYTES = 300_000

/** What no service can read, from a client that may publish there. */
const POISON: readonly (string | Uint8Array)[] = [
  '',
  'not JSON',
  '{}',
  '[]',
  'null',
  '{"payload":{}}',
  '['.repeat(DEPTH),
  'x'.repeat(LARGE_BYTES),
  Uint8Array.from([0, 0xff, 0xfe, 0xc0, 0x80]),
]

/** It is acknowledged once and for all, and nobody falls over it. */
export const poison: Scene = {
  key: 'poison',
  title: 'poison messages',
  async play(system): Promise<Seen> {
    const asker = await system.bus('asker')
    const before = system.parts.map(({ ends }) => ends)
    const lost = asker.mqtt.stats().connectionsLost
    for (const payload of POISON) {
      await asker.mqtt.publish(asker.topicFor(evaluate.topic), payload, { qos: 1 })
    }
    const { decision } = await ask(asker, 'delete all customer records', 20_000)
    const ended = system.parts.filter(({ ends }, i) => ends !== before[i]).map(({ clientId }) => clientId)
    const faults = [
      ...faultUnless(decision === 'ask', `judged ${decision} afterwards`),
      ...faultUnless(ended.length === 0, `ended: ${ended.join(', ')}`),
      ...faultUnless(asker.mqtt.stats().connectionsLost === lost, 'the connection of the sender was ended'),
    ]
    return { text: `${POISON.length} dead letters`, faults }
  },
}
