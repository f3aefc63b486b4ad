import type { Permissions } from '@jamey/auth'
import { type Client, type ConnectOptions, createClient } from '@jamey/mqtt'
import { type Answer, PROBE_GROUP, type ServerFacts } from './server-facts.js'
import {
  Arrival,
  answerTo,
  DEFAULT_WORD_MS,
  retain,
  tryDelivery,
  tryDenied,
  tryNobody,
  tryRetained,
} from './server-trials.js'

export interface ServerProbeOptions {
  /** Options of the client that asks; each connection takes a fresh token. */
  readonly connection: ConnectOptions
  /** Options with a token that ends after so many seconds; undefined where none can be had. */
  readonly shortLived: { readonly connection: ConnectOptions; readonly seconds: number } | undefined
  /** Options with a token by the authentication method and by nothing less; undefined where none can be had. */
  readonly withMethod: ConnectOptions | undefined
  readonly permissions: Permissions
  /** Topic below which this client may publish and subscribe. */
  readonly scratch: string
  /** Milliseconds for which each answer and each message is waited for; 2000 by default. */
  readonly wordMs?: number
}

const CONNECT_MS = 10_000
/** Time by which a connection may end later than its token: clocks may differ by 30 seconds. */
const LATE_MS = 35_000
/** Long enough for the next connection, and soon forgotten where the last one was cut. */
const SESSION_SECONDS = 60
/** Nobody has a right to topics of this first level by chance. */
const FOREIGN = 'jamey-probe-denied'

/**
 * Finds out what a server does, with one client identifier and thus one connection at a time. It subscribes and
 * publishes below `scratch` alone, but for one topic that it may not use, and leaves no session and nothing retained
 * behind. Rejects where no connection can be had.
 */
export async function probeServer(options: ServerProbeOptions): Promise<ServerFacts> {
  const { scratch } = options
  const first = await open(options)
  const server = first.serverInformation
  const saysNobodySubscribes = await tryNobody(first, `${scratch}/nobody`, wordMsOf(options))
  await first.close({ drain: false })
  const takesMethod = await tryMethod(options, server?.protocolVersion)
  const shares = await tryShare(options)
  const retains = await trial(options, (client) =>
    tryKept(client, `${scratch}/retained`, `${scratch}/retained`, wordMsOf(options)),
  )
  const retainsForWildcards = await trial(options, (client) =>
    tryKept(client, `${scratch}/retained`, `${scratch}/+`, wordMsOf(options)),
  )
  const session = await trySession(options, shares)
  return {
    protocolVersion: server?.protocolVersion ?? 5,
    maximumPacketBytes: server?.maximumPacketSize,
    maximumQoS: server?.maximumQoS ?? 2,
    takesMethod,
    saysNobodySubscribes,
    shares,
    retains,
    retainsForWildcards,
    session,
    ...(await tryForeign(options)),
    endsWithToken: await tryExpiry(options),
  }
}

const wordMsOf = ({ wordMs = DEFAULT_WORD_MS }: ServerProbeOptions): number => wordMs

async function open({ connection }: ServerProbeOptions, more: ConnectOptions = {}): Promise<Client> {
  const client = createClient({ ...connection, ...ONCE, ...more })
  try {
    await client.connect({ timeoutMs: CONNECT_MS })
    return client
  } catch (error) {
    await client.close({ drain: false })
    throw error
  }
}

const ONCE = { reconnect: false, cleanStart: true, cleanSession: true, onBackgroundError: () => {} } as const

/** Over a connection of its own, for the server may end it. */
async function trial(
  options: ServerProbeOptions,
  attempt: (client: Client) => Promise<Answer>,
): Promise<Answer> {
  const client = await open(options)
  try {
    return await attempt(client)
  } finally {
    await client.close({ drain: false })
  }
}

async function tryShare(options: ServerProbeOptions): Promise<Answer> {
  const { scratch, permissions } = options
  const filter = `$share/${PROBE_GROUP}/${scratch}/shared`
  let isOld = false
  const answer = await trial(options, (client) => {
    isOld = client.serverInformation?.protocolVersion === 4
    return tryDelivery(client, filter, `${scratch}/shared`, wordMsOf(options))
  })
  // MQTT 3.1.1 has no word for it: who has the right and is refused all the same is told that nothing is shared.
  return isOld && answer !== 'yes' && permissions.maySubscribe(filter) ? 'no' : answer
}

async function tryKept(client: Client, topic: string, filter: string, wordMs: number): Promise<Answer> {
  const isTaken = await retain(client, topic, 'jamey doctor --probe', wordMs)
  if (isTaken !== 'yes') return isTaken
  const isThere = await tryRetained(client, filter, wordMs)
  await retain(client, topic, '', wordMs)
  return isThere
}

async function tryMethod(options: ServerProbeOptions, version: 4 | 5 | undefined): Promise<Answer> {
  if (options.withMethod === undefined) return 'unknown'
  if (version !== 5) return 'no'
  try {
    const client = await open(options, options.withMethod)
    await client.close({ drain: false })
    return 'yes'
  } catch {
    return 'no'
  }
}

/** Finds out what the next connection finds of what the one before left, without subscribing again. */
async function trySession(options: ServerProbeOptions, shares: Answer): Promise<ServerFacts['session']> {
  const { scratch } = options
  const wordMs = wordMsOf(options)
  // A session that begins anew would end with its connection.
  const kept = { cleanStart: false, cleanSession: false, sessionExpirySeconds: SESSION_SECONDS }
  const before = await open(options, kept)
  const filters = [`${scratch}/session`, `$share/${PROBE_GROUP}/${scratch}/share`]
  const asked: Answer[] = []
  for (const filter of shares === 'yes' ? filters : filters.slice(0, 1)) {
    const subscribed = before.subscribe(filter, { qos: 1, timeoutMs: wordMs }, () => {})
    asked.push(
      await subscribed.then(
        () => 'yes' as const,
        (error: unknown) => answerTo(error),
      ),
    )
  }
  await before.close({ drain: false })
  const [subscription, share] = [new Arrival(), new Arrival()]
  const onUnhandledMessage = ({ topic }: { topic: string }): void => {
    if (topic === `${scratch}/session`) subscription.come()
    if (topic === `${scratch}/share`) share.come()
  }
  const after = await open(options, { ...kept, onUnhandledMessage })
  const isPresent = after.serverInformation?.sessionPresent ? 'yes' : 'no'
  const found = {
    subscription: await isKept(after, `${scratch}/session`, subscription, wordMs, asked[0]),
    share: await isKept(after, `${scratch}/share`, share, wordMs, asked[1] ?? shares),
  }
  await after.close({ drain: false })
  // Nothing is left behind: this one ends with its connection.
  await (await open(options, { sessionExpirySeconds: 0 })).close({ drain: false })
  return { isPresent, ...found }
}

async function isKept(
  client: Client,
  topic: string,
  arrival: Arrival,
  wordMs: number,
  asked: Answer = 'no',
): Promise<Answer> {
  if (asked !== 'yes') return asked
  try {
    await client.publish(topic, 'jamey doctor --probe', { qos: 1, timeoutMs: wordMs, isDurable: false })
  } catch (error) {
    return answerTo(error)
  }
  return (await arrival.within(wordMs)) ? 'yes' : 'no'
}

async function tryForeign(
  options: ServerProbeOptions,
): Promise<Pick<ServerFacts, 'deniedPublish' | 'deniedSubscribe' | 'deniedGroup'>> {
  const { permissions } = options
  const topic = `${FOREIGN}/topic`
  const group = `$share/${FOREIGN}/${topic}`
  if (permissions.maySubscribe(topic) || permissions.mayPublish(topic)) {
    return { deniedPublish: 'not-tried', deniedSubscribe: 'not-tried', deniedGroup: 'not-tried' }
  }
  const { publish, subscribe } = await tryDenied(() => open(options), topic, topic, wordMsOf(options))
  const shared = await tryDenied(() => open(options), group, topic, wordMsOf(options))
  return { deniedPublish: publish, deniedSubscribe: subscribe, deniedGroup: shared.subscribe }
}

async function tryExpiry({ shortLived, connection }: ServerProbeOptions): Promise<Answer> {
  if (shortLived === undefined) return 'unknown'
  const ended = new Arrival()
  const client = createClient({ ...connection, ...shortLived.connection, ...ONCE })
  try {
    await client.connect({ timeoutMs: CONNECT_MS })
    client.onState(({ state }) => {
      if (state !== 'connected') ended.come()
    })
    return (await ended.within(shortLived.seconds * 1000 + LATE_MS)) ? 'yes' : 'no'
  } catch {
    return 'unknown'
  } finally {
    await client.close({ drain: false })
  }
}
