import type { DeliveryRecord, MessageRecord } from '@jamey/broker'
import { describe, expect, it } from 'vitest'
import { Batch } from './batch.js'
import { BrokerChanges } from './broker-changes.js'
import { RecordWriter } from './record-writer.js'

const message = (topic: string): MessageRecord => ({
  topic,
  payload: new Uint8Array(1),
  qos: 1,
  retain: false,
  properties: undefined,
  expiresAtMs: undefined,
  publishedBy: 'p',
})

const delivery = (messageId: number): DeliveryRecord => ({
  messageId,
  qos: 1,
  retain: false,
  subscriptionIdentifiers: undefined,
  sharedFilter: undefined,
  packetIdentifier: undefined,
  isReleased: false,
})

/** What is written, as text. */
function writtenBy(changes: BrokerChanges): string[] {
  const batch = new Batch()
  changes.addTo(batch, new RecordWriter(), (session) => [Buffer.from(`all of ${session}`)])
  return batch.keys.map((key, i) => `${key.toString('latin1')}=${batch.values[i]?.toString('latin1')}`)
}

describe('changes that did not commit', () => {
  it('are written with the next ones, of which the later wins', () => {
    const failed = new BrokerChanges()
    failed.messages.set(1, message('first')).set(2, message('second'))
    failed.retained.set('r', message('r'))
    failed.ofSession(1).deliveries.set(1, delivery(1)).set(2, delivery(2))
    failed.ofSession(1).incoming.set(5, true)
    failed.ofSession(2).deliveries.set(1, delivery(2))
    const later = new BrokerChanges()
    later.messages.set(1, undefined).set(3, message('third'))
    later.ofSession(1).deliveries.set(1, undefined).set(3, delivery(3))
    later.sessions.set(2, undefined)
    later.ofSession(3).incoming.set(6, true)

    const expected = new BrokerChanges()
    expected.messages.set(1, undefined).set(2, message('second')).set(3, message('third'))
    expected.retained.set('r', message('r'))
    expected.ofSession(1).deliveries.set(1, undefined).set(2, delivery(2)).set(3, delivery(3))
    expected.ofSession(1).incoming.set(5, true)
    expected.sessions.set(2, undefined)
    expected.ofSession(3).incoming.set(6, true)
    expect(writtenBy(later.over(failed))).toEqual(writtenBy(expected))
  })
})
