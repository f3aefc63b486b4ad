import { setImmediate as nextTurn } from 'node:timers/promises'
import { assertTopicFilter, type QoS, splitShared } from '@jamey/protocol'
import type { Message } from '../messages/message.js'
import { hasExpired } from '../messages/message-expiry.js'
import { BrokerError } from '../support/errors.js'
import type { Core } from './core.js'
import { Lowest } from './lowest.js'

/** Nodes of the tree that are looked at in one turn of the event loop, in less than a millisecond. */
const PER_TURN = 1_000

export interface RetainedPageOptions {
  /** Messages of a page, at most. */
  readonly limit: number
  readonly filter: string
  /** The last topic of the page before; the first page where there is none. */
  readonly after?: string | undefined
}

/** A retained message. Its payload is to be read, not written to. */
export interface RetainedFacts {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: QoS
  /** Client identifier; '' for the broker itself and the program that embeds it. */
  readonly publishedBy: string
  /** Milliseconds since 1970; undefined where it does not expire. */
  readonly expiresAtMs: number | undefined
}

export interface RetainedPage {
  readonly messages: readonly RetainedFacts[]
  /** Undefined where there are no more. */
  readonly next: string | undefined
}

/**
 * The retained messages that a filter selects, by their topics in the order of code units. All nodes that may have one
 * are looked at, some in each turn. Throws `BrokerError`.
 */
export async function retainedPageOf(core: Core, options: RetainedPageOptions): Promise<RetainedPage> {
  const { limit, filter, after } = options
  assertFilter(filter)
  const lowest = new Lowest<Message>(limit + 1, byTopic)
  let looked = 0
  for (const message of core.retained.tree.match(filter)) {
    if (++looked % PER_TURN === 0) await nextTurn()
    if (message === undefined || hasExpired(message.expiresAtMs, core.clock)) continue
    if (after === undefined || message.topic > after) lowest.offer(message)
  }
  const found = lowest.sorted()
  const page = found.slice(0, limit)
  return {
    messages: page.map((message) => retainedFactsOf(core, message)),
    next: found.length > limit ? page.at(-1)?.topic : undefined,
  }
}

/** Facts about one message that is retained. */
export function retainedFactsOf({ clock }: Pick<Core, 'clock'>, message: Message): RetainedFacts {
  const { topic, payload, qos, publishedBy, expiresAtMs } = message
  const isLasting = expiresAtMs === Number.POSITIVE_INFINITY
  return {
    topic,
    payload,
    qos,
    publishedBy,
    expiresAtMs: isLasting ? undefined : clock.timeOfDay() + (expiresAtMs - clock.now()),
  }
}

function byTopic(one: Message, other: Message): number {
  return one.topic < other.topic ? -1 : one.topic > other.topic ? 1 : 0
}

function assertFilter(filter: string): void {
  try {
    assertTopicFilter(filter)
  } catch (cause) {
    const message = `retained filter ${JSON.stringify(filter)}: ${(cause as Error).message}`
    throw new BrokerError('subscribe-invalid', message, { cause })
  }
  if (splitShared(filter).group === undefined) return
  throw new BrokerError('subscribe-invalid', `retained filter ${JSON.stringify(filter)}: expected no $share`)
}
