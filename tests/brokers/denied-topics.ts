import { COMPONENTS, topics } from '@jamey/contracts'
import { tryPublish, trySubscribe, type Word } from './attempt.js'
import { comesTrue, faultUnless, type Scene, type Seen } from './scene.js'
import { ask, type SystemUnderTest } from './system.js'

const { evaluate, results } = topics.conscience
const SECRET_TOPIC = 'lab/robot/secret'

/** What a stranger publishes where he may not reaches nobody. */
export const deniedPublish: Scene = {
  key: 'denied-publish',
  title: 'denied PUBLISH',
  async play(system): Promise<Seen> {
    const reached: string[] = []
    const robot = await system.raw('robot')
    const watcher = await system.bus('watcher')
    await robot.connect()
    const note = ({ topic, payload }: { topic: string; payload: Uint8Array }): void => {
      if (Buffer.from(payload).toString() === FORGED) reached.push(topic)
    }
    await robot.subscribe('lab/robot/#', { qos: 1 }, note)
    const watching = [
      await watcher.mqtt.subscribe('jamey/events/#', { qos: 1 }, note),
      await watcher.mqtt.subscribe(`${results.topic}/#`, { qos: 1 }, note),
    ]
    const words: Word[] = []
    for (const topic of [
      SECRET_TOPIC,
      'jamey/events/status/asker',
      'jamey/events/errors/asker',
      `${results.topic}/${COMPONENTS.conscience.clientId}`,
      results.topic,
    ]) {
      words.push(await tryPublish(system, 'stranger', { topic, payload: FORGED }))
    }
    // The way is open: what is permitted comes.
    await robot.publish('lab/robot/own', FORGED, { qos: 1 })
    const isOpen = await comesTrue(() => reached.includes('lab/robot/own'), 5000)
    await Promise.all(watching.map((one) => one.unsubscribe()))
    await robot.close()
    const wrong = reached.filter((topic) => topic !== 'lab/robot/own')
    const faults = [
      ...faultUnless(isOpen, 'what may be published did not come'),
      ...faultUnless(wrong.length === 0, `delivered: ${wrong.join(', ')}`),
    ]
    return { text: textOf(words), faults }
  },
}

const FORGED = 'forged'

/** Filters that the stranger has no right to, each with what it would bring. */
const FOREIGN = [
  SECRET_TOPIC,
  'lab/robot/#',
  'jamey/events/#',
  'jamey/api/responses/asker/#',
  `${evaluate.topic}/#`,
]
const WILDCARDS = ['#', '+/#', '+/+/#', 'lab/#', 'lab/+/secret', 'jamey/#', 'jamey/+/evaluate/#']

export const deniedSubscribe: Scene = subscriptionScene('denied-subscribe', 'denied SUBSCRIBE', FOREIGN)
export const deniedWildcard: Scene = subscriptionScene('denied-wildcard', 'denied wildcard', WILDCARDS)

function subscriptionScene(key: string, title: string, filters: readonly string[]): Scene {
  return {
    key,
    title,
    async play(system): Promise<Seen> {
      const words: Word[] = []
      const faults: string[] = []
      for (const filter of filters) {
        const { word, got } = await trySubscribe(system, 'stranger', filter, () => traffic(system))
        words.push(word)
        const foreign = [...new Set(got.filter((topic) => !topic.startsWith('lab/stranger/')))]
        if (foreign.length > 0) faults.push(`${filter} brought ${foreign.slice(0, 3).join(', ')}`)
      }
      return { text: textOf(words), faults }
    },
  }
}

/** Something of everything that the stranger must not see. */
async function traffic(system: SystemUnderTest): Promise<void> {
  const asker = await system.bus('asker')
  const robot = await system.raw('robot')
  await robot.connect()
  await Promise.all([
    robot.publish(SECRET_TOPIC, 'secret', { qos: 1 }),
    ask(asker, 'read the news in private', 20_000),
  ])
  await robot.close()
}

const SHARED = 8
/** Sooner than a request is sent again: one that takes longer was given to somebody who does not answer. */
const PROMPT_MS = 900

/** Who gets into a group takes a part of its messages away. */
export const deniedGroup: Scene = {
  key: 'denied-group',
  title: 'denied share group',
  async play(system): Promise<Seen> {
    const asker = await system.bus('asker')
    const filter = `$share/conscience/${evaluate.topic}/#`
    let late = 0
    const { word, got } = await trySubscribe(system, 'stranger', filter, async () => {
      for (let i = 0; i < SHARED; i++) {
        const startedAtMs = performance.now()
        await ask(asker, `read page ${i}`, 30_000)
        if (performance.now() - startedAtMs > PROMPT_MS) late++
      }
    })
    const isOpen = late > 0 && word === 'granted'
    const { letsIntoGroups } = system.broker.capabilities
    const faults = [
      ...faultUnless(got.length === 0, 'a stranger got requests of a group'),
      ...faultUnless(
        isOpen === letsIntoGroups || word !== 'granted',
        `${late} of ${SHARED} requests taken away`,
      ),
    ]
    return { text: isOpen ? `granted, takes ${late} of ${SHARED} away` : textOf([word]), faults }
  },
}

/** `granted` is a yes that brings nothing, or the scene has said what it brought. */
function textOf(words: readonly Word[]): string {
  const said = [...new Set(words)].map((word) => (word === 'granted' ? 'accepted, brings nothing' : word))
  return said.sort().join('; ')
}
