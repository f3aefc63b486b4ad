import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { FakeClock, settled } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import type { Delivery } from '../messages/delivery.js'
import { Message } from '../messages/message.js'
import { insecureAuthenticator } from '../ports/authenticator.js'
import type { BrokerStore } from '../ports/broker-store.js'
import type { SharedGroup } from '../routing/subscription.js'
import { Core } from '../server/core.js'
import { MemoryBrokerStore } from '../storage/memory-store.js'
import { type Limits, resolveLimits } from '../support/limits.js'
import { silentLog } from '../support/log.js'
import type { Overflow } from './queue-capacity.js'
import { Session } from './session.js'

/** A session that is away. */
function away(
  overflow: Overflow,
  limits: Partial<Limits> = {},
  store?: BrokerStore,
): { core: Core; session: Session } {
  const core = new Core({
    authenticator: insecureAuthenticator(),
    store,
    limits: resolveLimits(limits),
    clock: new FakeClock(),
    log: silentLog,
    overflow,
    responseInformation: undefined,
  })
  return { core, session: new Session(core, 's', 'u', 5) }
}

setFlagsFromString('--expose_gc')
const collectGarbage = runInNewContext('gc') as () => void
const offered: WeakRef<Message>[] = []

/** How many of the messages offered in this test are held by anybody. */
async function held(): Promise<number> {
  await settled()
  collectGarbage()
  return offered.splice(0).filter((message) => message.deref() !== undefined).length
}

function offer({ outgoing }: Session, payload: string, group?: SharedGroup): boolean {
  const message = new Message('t', Buffer.from(payload), 1, false, undefined, Number.POSITIVE_INFINITY, 'p')
  offered.push(new WeakRef(message))
  return outgoing.offer(message, 1, false, undefined, group, -1)
}

describe('the queue of a session that is away', () => {
  it('keeps nothing of what it dropped, however long it goes on [promise 35]', async () => {
    const { core, session } = away('drop-oldest', { queuedMessages: 3 })
    for (let n = 0; n < 5000; n++) expect(offer(session, `${n}`)).toBe(true)
    expect([session.outgoing.queued, core.counters.droppedOverflow]).toEqual([3, 4997])
    expect(await held()).toBeLessThan(10)
  })

  it('keeps nothing of what others took over, though something else waits in front of it [promise 35]', async () => {
    const { core, session } = away('drop-newest')
    const group = core.router.tree.group('t', '$share/g/t')
    offer(session, 'stays')
    for (let n = 0; n < 5000; n++) {
      offer(session, `${n}`, group)
      expect(session.outgoing.shareOut(() => true)).toBe(true)
    }
    expect(session.outgoing.queued).toBe(1)
    // Entries to be skipped go in pieces.
    expect(await held()).toBeLessThan(2500)
  })

  it('is not in memory where there is a store [promise 35]', async () => {
    const { core, session } = away('drop-newest', {}, new MemoryBrokerStore())
    session.expirySeconds = 60
    core.persistence.putSession(session)
    for (let n = 0; n < 5000; n++) expect(offer(session, `${n}`)).toBe(true)
    await core.persistence.commit()
    expect(session.outgoing.queued).toBe(5000)
    expect(await held()).toBeLessThan(10)
  })

  it('drops the oldest that was not sent, and is otherwise as it was [promise 35]', () => {
    const { session } = away('drop-oldest', { queuedMessages: 3000 })
    const kept: string[] = []
    for (let n = 0; n < 10_000; n++) {
      offer(session, `${n}`)
      kept.push(`${n}`)
      if (kept.length > 3000) kept.shift()
    }
    const written: string[] = []
    const connection = {
      isWritable: true,
      writer: undefined,
      version: 5,
      schedule: () => {},
      sendDelivery: ({ message }: Delivery) => written.push(Buffer.from(message.payload).toString()) > 0,
    }
    session.connection = connection as never
    session.outgoing.resume(connection as never)
    expect(written).toEqual(kept)
  })
})
