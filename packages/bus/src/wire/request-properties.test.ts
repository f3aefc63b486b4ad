import type { Message } from '@jamey/mqtt'
import { expect, it } from 'vitest'
import { remainingMsOf } from './request-properties.js'

const NOW = Date.parse('2024-11-14T20:00:00Z')
const ID = '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11'

function remaining(messageExpiryInterval: number | undefined, timestamp = new Date(NOW).toISOString()) {
  const topic = 'jamey/memory/query'
  const properties = messageExpiryInterval === undefined ? {} : { messageExpiryInterval }
  const message: Message = { topic, payload: Buffer.alloc(0), qos: 1, retain: false, dup: false, properties }
  const metadata = { client_id: 'eva', correlation_id: ID }
  const envelope = { message_id: ID, timestamp, topic, payload: { action: 'query' }, metadata }
  return remainingMsOf(message, envelope, { timeOfDay: () => NOW })
}

it('a requester waits until its message expires, and 30 seconds where it does not', () => {
  expect(remaining(20)).toBe(20_000)
  expect(remaining(undefined)).toBe(30_000)
  expect(remaining(undefined, '2030-01-01T00:00:00Z')).toBe(30_000)
})
