import type { Bus } from '@jamey/bus'
import type { Message } from '@jamey/mqtt'
import { assertPermitted } from '../../client/permission-refusal.js'
import { CommandFailure } from '../../support/failure.js'
import { jsonMessage } from '../../views/message-view.js'

export const MAXIMUM_MESSAGES = 100
/** Of payloads in one answer: what a model can still read. */
const MAXIMUM_BYTES = 262_144
/** Calls that wait for messages at once, over one connection. */
const MAXIMUM_COLLECTIONS = 20

export interface CollectionOptions {
  readonly count: number
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly now: () => Date
}

export interface Collection {
  readonly messages: readonly Record<string, unknown>[]
  readonly ended_by: 'count' | 'time' | 'bytes'
}

/** How many wait, by the connection that they wait over. */
const waiting = new WeakMap<Bus, number>()

/** The messages that come within a time: no more than `count`, and no more bytes than a bound. */
export async function collectMessages(
  bus: Bus,
  filters: readonly string[],
  options: CollectionOptions,
): Promise<Collection> {
  assertPermitted(bus, 'subscribe', filters)
  const others = waiting.get(bus) ?? 0
  if (others >= MAXIMUM_COLLECTIONS) {
    throw new CommandFailure(`${others} calls wait for messages already`, { code: 'too-many-subscriptions' })
  }
  waiting.set(bus, others + 1)
  try {
    return await collect(bus, filters, options)
  } finally {
    waiting.set(bus, (waiting.get(bus) ?? 1) - 1)
  }
}

async function collect(
  bus: Bus,
  filters: readonly string[],
  { count, timeoutMs, signal, now }: CollectionOptions,
): Promise<Collection> {
  const messages: Record<string, unknown>[] = []
  let bytes = 0
  let end: (by: Collection['ended_by']) => void = () => {}
  const ended = new Promise<Collection['ended_by']>((resolve) => {
    end = resolve
  })
  let isOver = false
  const receive = (message: Message): void => {
    if (isOver) return
    bytes += message.payload.length
    // One that is too large by itself is left out, or it would end every call for ever.
    if (bytes > MAXIMUM_BYTES) isOver = true
    else messages.push(jsonMessage(message, now()))
    if (isOver) end('bytes')
    else if (messages.length >= count) {
      isOver = true
      end('count')
    }
  }
  const stop = (): void => end('time')
  const timer = setTimeout(stop, timeoutMs)
  signal.addEventListener('abort', stop)
  const subscriptions = await Promise.allSettled(
    filters.map((filter) => bus.mqtt.subscribe(filter, { qos: 1, signal }, receive)),
  )
  try {
    for (const subscription of subscriptions) {
      if (subscription.status === 'rejected') throw subscription.reason
    }
    return { messages, ended_by: await ended }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    isOver = true
    await Promise.allSettled(
      subscriptions.map((made) => (made.status === 'fulfilled' ? made.value.unsubscribe() : undefined)),
    )
  }
}
