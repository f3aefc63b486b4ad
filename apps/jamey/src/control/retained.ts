import { type Broker, BrokerError, type RetainedFacts } from '@jamey/broker'
import { RequestError } from '@jamey/bus'
import type { broker as contracts, RetainedMessage } from '@jamey/contracts'
import type { z } from 'zod'
import { timeOf } from './clients.js'

type Listing = z.output<typeof contracts.retained.schema>
type Listed = z.output<typeof contracts.retained.responseSchema>

/** Bytes of a payload that are shown; a page of them stays small. */
const SHOWN_BYTES = 1_000

/** A page of retained messages. Throws `RequestError` for a filter that is none. */
export async function retainedOf(broker: Pick<Broker, 'retainedPage'>, listing: Listing): Promise<Listed> {
  const { filter, cursor, limit } = listing
  const { messages, next } = await asRequest(() => broker.retainedPage({ filter, after: cursor, limit }))
  return { messages: messages.map(retainedMessageOf), ...(next === undefined ? {} : { next_cursor: next }) }
}

export function retainedMessageOf(message: RetainedFacts): RetainedMessage {
  const { topic, payload, qos, publishedBy, expiresAtMs } = message
  return {
    topic,
    bytes: payload.length,
    qos,
    ...(publishedBy === '' ? {} : { published_by: publishedBy }),
    ...timeOf('expires_at', expiresAtMs),
    ...shownOf(payload),
  }
}

/** What the broker objects to is a fault of the request. */
export async function asRequest<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof BrokerError)
      throw new RequestError('invalid-request', error.message, { cause: error })
    throw error
  }
}

function shownOf(payload: Uint8Array): Pick<RetainedMessage, 'payload_text' | 'is_cut'> {
  const isCut = payload.length > SHOWN_BYTES
  try {
    // What is cut may end within a character.
    const options = { stream: isCut }
    const text = new TextDecoder('utf-8', { fatal: true }).decode(payload.subarray(0, SHOWN_BYTES), options)
    return { payload_text: text, ...(isCut ? { is_cut: true } : {}) }
  } catch {
    return {}
  }
}
