import type { DeliveryRecord, MessageRecord } from '@jamey/broker'
import { describe, expect, it } from 'vitest'
import { BrokerChanges, type DeliveryChange } from './changes.js'

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

const added = (messageId: number): DeliveryChange => ({ kind: 'new', delivery: delivery(messageId) })
const updated = (messageId: number): DeliveryChange => ({ kind: 'updated', delivery: delivery(messageId) })
const removed = (messageId: number): DeliveryChange => ({ kind: 'removed', messageId })

describe('changes that did not commit', () => {
  it('are written with the next ones, of which the later wins', () => {
    const failed = new BrokerChanges()
    failed.messages.set(1, message('first')).set(2, message('second'))
    failed.retained.set('r', message('r'))
    failed.ofSession(1).incoming.set(5, true)
    for (const sequence of [1, 2]) failed.ofSession(1).change(sequence, added(sequence))
    failed.ofSession(2).change(1, added(2))
    failed.ofSession(2).change(7, removed(9))
    const later = new BrokerChanges()
    later.messages.set(3, message('third'))
    later.retained.set('r', undefined)
    later.ofSession(1).change(1, removed(1))
    later.ofSession(1).change(2, updated(2))
    later.ofSession(1).change(3, added(3))
    later.ofSession(2).remove()
    later.ofSession(3).incoming.set(6, true)

    const expected = new BrokerChanges()
    expected.messages.set(1, message('first')).set(2, message('second')).set(3, message('third'))
    expected.retained.set('r', undefined)
    expected.ofSession(1).incoming.set(5, true)
    for (const sequence of [2, 3]) expected.ofSession(1).change(sequence, added(sequence))
    expected.ofSession(2).change(7, removed(9))
    expected.ofSession(2).isRemoved = true
    expected.ofSession(3).incoming.set(6, true)
    expect(later.over(failed)).toEqual(expected)
  })
})
