import { type Client, PublishError, SubscriptionError } from '@jamey/mqtt'
import { ReasonCode } from '@jamey/protocol'
import type { Answer, Denial } from './server-facts.js'

/** Undoubtedly longer than a server takes to answer, or to deliver what was published. */
export const DEFAULT_WORD_MS = 2000
const SMALL = 'jamey doctor --probe'

/** Finds out whether a message to `topic` comes by a subscription to `filter`. */
export async function tryDelivery(
  client: Client,
  filter: string,
  topic: string,
  wordMs: number,
): Promise<Answer> {
  const arrival = new Arrival()
  try {
    const subscription = await client.subscribe(filter, { qos: 1, timeoutMs: wordMs }, () => arrival.come())
    await client.publish(topic, SMALL, { qos: 1, timeoutMs: wordMs, isDurable: false })
    const hasCome = await arrival.within(wordMs)
    await subscription.unsubscribe({ timeoutMs: wordMs })
    return hasCome ? 'yes' : 'no'
  } catch (error) {
    return answerTo(error)
  }
}

/** Finds out whether a retained message at `topic` comes to who subscribes to `filter` later. */
export async function tryRetained(client: Client, filter: string, wordMs: number): Promise<Answer> {
  const arrival = new Arrival()
  try {
    const handle = ({ retain }: { retain: boolean }): void => {
      if (retain) arrival.come()
    }
    const subscription = await client.subscribe(filter, { qos: 1, timeoutMs: wordMs }, handle)
    const hasCome = await arrival.within(wordMs)
    await subscription.unsubscribe({ timeoutMs: wordMs })
    return hasCome ? 'yes' : 'no'
  } catch (error) {
    return answerTo(error)
  }
}

export async function retain(
  client: Client,
  topic: string,
  payload: string,
  wordMs: number,
): Promise<Answer> {
  try {
    await client.publish(topic, payload, { qos: 1, retain: true, timeoutMs: wordMs, isDurable: false })
    return 'yes'
  } catch (error) {
    return answerTo(error)
  }
}

/** Finds out whether a publish that nobody subscribes to is answered with 0x10; only MQTT 5.0 has a way to. */
export async function tryNobody(client: Client, topic: string, wordMs: number): Promise<Answer> {
  if (client.serverInformation?.protocolVersion !== 5) return 'no'
  try {
    const { reasonCode } = await client.publish(topic, SMALL, {
      qos: 1,
      timeoutMs: wordMs,
      isDurable: false,
    })
    return reasonCode === ReasonCode.noMatchingSubscribers ? 'yes' : 'no'
  } catch (error) {
    return answerTo(error)
  }
}

/**
 * Finds out what becomes of a subscription to `filter`, and of a publish to `topic`, that this client has no right to.
 */
export async function tryDenied(
  open: () => Promise<Client>,
  filter: string,
  topic: string,
  wordMs: number,
): Promise<{ readonly publish: Denial; readonly subscribe: Denial }> {
  const arrival = new Arrival()
  const subscriber = await open()
  const subscribe = await denialOf(subscriber, () =>
    subscriber.subscribe(filter, { qos: 1, timeoutMs: wordMs }, () => arrival.come()),
  )
  // The same connection is used where it is still there: a second one of this name would end it.
  const publisher = subscriber.state === 'connected' ? subscriber : await open()
  const publish = await denialOf(publisher, () =>
    publisher.publish(topic, SMALL, { qos: 1, timeoutMs: wordMs, isDurable: false }),
  )
  const isGranted = subscribe === 'ignored' && publish === 'ignored'
  const hasCome = isGranted && (await arrival.within(wordMs))
  await Promise.all([...new Set([subscriber, publisher])].map((client) => client.close({ drain: false })))
  return hasCome ? { publish: 'carried-out', subscribe: 'carried-out' } : { publish, subscribe }
}

async function denialOf(client: Client, attempt: () => Promise<unknown>): Promise<Denial> {
  try {
    await attempt()
    return 'ignored'
  } catch (error) {
    return isRefusal(error) && client.state === 'connected' ? 'refused' : 'connection-closed'
  }
}

function isRefusal(error: unknown): boolean {
  const isOfServer = error instanceof PublishError || error instanceof SubscriptionError
  return isOfServer && (error.code === 'refused' || error.code === 'not-supported')
}

export function answerTo(error: unknown): Answer {
  if (error instanceof SubscriptionError && error.code === 'not-supported') return 'no'
  if (error instanceof PublishError && error.code.endsWith('-not-supported')) return 'no'
  if (!isRefusal(error)) return 'unknown'
  const { reasonCode } = error as SubscriptionError
  return reasonCode === ReasonCode.sharedSubscriptionsNotSupported ? 'no' : 'not-permitted'
}

/** A message that may come. */
export class Arrival {
  readonly #come: () => void
  readonly #hasCome: Promise<true>

  constructor() {
    let come = (): void => {}
    this.#hasCome = new Promise((resolve) => {
      come = () => resolve(true)
    })
    this.#come = come
  }

  come(): void {
    this.#come()
  }

  async within(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), timeoutMs)
    })
    try {
      return await Promise.race([this.#hasCome, late])
    } finally {
      clearTimeout(timer)
    }
  }
}
