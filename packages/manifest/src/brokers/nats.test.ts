import { isTopicFilter, isTopicName } from '@jamey/protocol'
import { PERMISSION_CASES, type PermissionCase } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { BrokerFilesError } from './broker-files.js'
import { rulesOf } from './client-rules.js'
import { natsFiles } from './nats.js'
import { client, SAMPLE_OPTIONS, sampleManifest } from './sample.support.js'

interface Allowed {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
}

function filesOf(clientId: string, permissions: readonly string[]) {
  return natsFiles({ clients: [client(clientId, permissions)] }, SAMPLE_OPTIONS)
}

/** The subjects of the only user, read from the file. */
function allowedIn(config: string): Allowed {
  const [publish = '', subscribe = ''] = [...config.matchAll(/allow: \[([^\]]*)\]/g)].map(([, list]) => list)
  const subjects = (list: string): string[] =>
    [...list.matchAll(/"(.*)"$/gm)].map(([, text = '']) => JSON.parse(`"${text}"`))
  return { publish: subjects(publish), subscribe: subjects(subscribe) }
}

/** How NATS makes subjects of topics, and compares them: a subject of tokens, `*` for one and `>` for one or more. */
function subjectOf(topic: string): string[] {
  return topic
    .split('/')
    .map((level) => (level === '' ? '/' : level === '+' ? '*' : level === '#' ? '>' : level))
}

/** What somebody asks for is compared as if it had no wildcards, so that `*` stands for `>`, too. */
function isWithin([outer, ...below]: readonly string[], [inner, ...rest]: readonly string[]): boolean {
  if (outer === undefined || inner === undefined) return outer === inner
  if (outer === '>') return true
  return (outer === '*' || outer === inner) && isWithin(below, rest)
}

function grants(allowed: readonly string[], subject: readonly string[]): boolean {
  return allowed.some((each) => isWithin(each.split('.'), subject))
}

function isGranted(allowed: Allowed, { action, topic }: PermissionCase): boolean {
  if (/[. ]/.test(topic)) return false
  const subject = subjectOf(topic)
  if (action === 'publish') return isTopicName(topic) && grants(allowed.publish, subject)
  if (action === 'receive') return isTopicName(topic) && grants(allowed.subscribe, subject)
  if (!isTopicFilter(topic) || !grants(allowed.subscribe, subject)) return false
  // `a/#` is two subscriptions there.
  return subject.at(-1) !== '>' || grants(allowed.subscribe, subject.slice(0, -1))
}

const cases = PERMISSION_CASES.filter(({ action }) => action !== 'act-for')
const made = new Map<string, Allowed | undefined>()

/** Undefined where NATS has no words for a permission of theirs; most cases share theirs with others. */
function allowedOf({
  clientId,
  permissions,
}: Pick<PermissionCase, 'clientId' | 'permissions'>): Allowed | undefined {
  const key = JSON.stringify([clientId, permissions])
  if (!made.has(key)) made.set(key, read(clientId, permissions))
  return made.get(key)
}

function read(clientId: string, permissions: readonly string[]): Allowed | undefined {
  try {
    return allowedIn(filesOf(clientId, permissions).files[0]?.text ?? '')
  } catch (error) {
    if (error instanceof BrokerFilesError) return undefined
    throw error
  }
}

describe('the users of NATS', () => {
  const expressible = cases.filter((each) => allowedOf(each) !== undefined)

  it('are made for more than half of the table', () => {
    expect(expressible.length).toBeGreaterThan(cases.length / 2)
  })

  it.each(expressible.filter((each) => !each.isAllowed))('are refused what is not allowed: $name', (each) => {
    expect(isGranted(allowedOf(each) as Allowed, each)).toBe(false)
  })

  it('are granted the rest, but for share groups, and where a permission selects what belongs to others', () => {
    const missing = expressible.filter(
      (each) => each.isAllowed && !isGranted(allowedOf(each) as Allowed, each),
    )
    const beyond = missing.filter((each) => {
      const { shares, reachesInboxes, reachesStatuses } = rulesOf(client(each.clientId, each.permissions))
      return shares.length === 0 && !reachesInboxes && !reachesStatuses
    })
    expect(beyond.map(({ name }) => name)).toEqual([])
    expect(missing.length).toBeLessThan(expressible.length / 10)
  })

  it('have the parts of a permission that hold our topics, where the whole would hold those of others', () => {
    const allowed = allowedOf({ clientId: 'eva', permissions: ['jamey/#', 'jamey/api/#'] })
    expect(allowed?.subscribe).toEqual([
      'jamey.conscience',
      'jamey.conscience.>',
      'jamey.memory',
      'jamey.memory.>',
      'jamey.events',
      'jamey.events.>',
      'jamey.broker',
      'jamey.broker.>',
      'jamey.api.requests',
      'jamey.api.requests.>',
      'jamey.api.responses.eva',
      'jamey.api.responses.eva.>',
      '$MQTT.sub.>',
    ])
    expect(allowed?.publish).not.toContain('jamey.events.>')
    expect(allowed?.publish).toContain('jamey.events.errors.>')
    expect(allowed?.publish).toContain('jamey.events.status.eva')
  })

  it.each([
    ['eva', '#', 'a wildcard as the first level selects its own $-topics; name the level, as in jamey/#'],
    ['eva', 'publish:+/x', 'a wildcard as the first level selects its own $-topics'],
    ['eva', 'subscribe:$SYS/#', 'topics that start with $ are its own; remove it'],
    ['eva', 'lab/*/x', 'its level "*" is a wildcard there; rename the topic'],
    ['eva', 'lab/>', 'its level ">" is a wildcard there'],
    ['eva', 'lab/1.5', 'it takes no "." in a topic'],
    ['eva', 'lab/a b', 'it takes no " " in a topic'],
    ['eva.example', 'lab/x', 'it takes no "." in a topic; rename the topic, or the client'],
  ])('are not made for %s with %s, and the error says why', (clientId, permission, fault) => {
    expect(() => filesOf(clientId, [permission])).toThrow(fault)
    expect(() => filesOf(clientId, [permission])).toThrow(/^NATS cannot enforce ".*" of "eva/)
  })

  it.each([
    [['lab', 'lab/+']],
    [['subscribe:lab/+', 'subscribe:lab/+/+']],
    [['subscribe:lab/a', 'subscribe:lab/+/+/#']],
  ])('are not made for %j, which together would let in more than each', (permissions) => {
    expect(() => filesOf('eva', permissions)).toThrow(
      /^NATS cannot enforce ".*" and ".*" of "eva": together they/,
    )
  })

  it('are made for a part and the whole, and for a level and those below it', () => {
    expect(() => filesOf('eva', ['lab/#', 'lab/+', 'subscribe:x/+', 'subscribe:y/+/#'])).not.toThrow()
  })

  it('are named as their certificates name them', () => {
    const { files } = natsFiles({ clients: [client('a,b;"c\\', [])] }, SAMPLE_OPTIONS)
    expect(files[0]?.text).toContain('user: "CN=a\\\\,b\\\\;\\\\\\"c\\\\\\\\"')
  })
})

describe('the files of NATS', () => {
  it('tell what it does otherwise, and name whom that touches', () => {
    const limited = client('robot-7', [], { proofs: ['token'], limits: { publishesPerSecond: 5 } })
    const { notes } = natsFiles(sampleManifest(limited), SAMPLE_OPTIONS)
    expect(notes.join('\n')).toMatch(/jamey\/#, stand as the parts .* for "jamey-operator"\./)
    expect(notes.join('\n')).toContain('the manifest has another proof for "robot-7".')
    expect(notes.join('\n')).toContain(
      'keeps no limits of single clients. The manifest has some for "robot-7".',
    )
  })
})
