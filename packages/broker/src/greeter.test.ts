import { FakeClock } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { insecureAuthenticator } from './authenticator.js'
import { Core } from './core.js'
import { Greeter } from './greeter.js'
import { resolveLimits } from './limits.js'
import { silentLog } from './log.js'
import { Message } from './message.js'
import { publishPacket, RawClient, text } from './raw-client.js'
import { Session } from './session.js'
import { startBroker } from './start-broker.js'

const TOPICS = 300
/** Each looks at every topic. */
const FILTERS = 200

function started(state: 'open' | 'closed') {
  const core = new Core({
    authenticator: insecureAuthenticator(),
    store: undefined,
    limits: resolveLimits(),
    clock: new FakeClock(),
    log: silentLog,
    overflow: 'drop-newest',
    responseInformation: undefined,
  })
  for (let i = 0; i < TOPICS; i++) {
    const payload = Buffer.from('x')
    core.retained.set(new Message(`r/${i}`, payload, 1, true, undefined, Number.POSITIVE_INFINITY, 'p'))
  }
  const session = new Session(core, 's', 'u', 5)
  const calls: string[] = []
  const greeter: Greeter = new Greeter(core, {
    state,
    pauseReading: () => calls.push('pause'),
    resumeReading: () => calls.push(`resume ${greeter.isBusy}`),
  })
  const subscriptions = Array.from({ length: FILTERS }, (_, i) => ({
    session,
    filter: `+/${i}`,
    path: `+/${i}`,
    qos: 1 as const,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0 as const,
    subscriptionIdentifier: undefined,
    group: undefined,
  }))
  return { core, session, greeter, subscriptions, calls }
}

describe('retained messages for new subscriptions', () => {
  it('are sent in one turn where they are few', () => {
    const { session, greeter, subscriptions, calls } = started('open')
    greeter.greet(subscriptions.slice(0, 3))
    expect(session.outgoing.queued).toBe(3)
    expect(greeter.isBusy).toBe(false)
    expect(calls).toEqual([])
  })

  it('leave other clients their turns where there is much to look at [promise 34]', async () => {
    const { core, session, greeter, subscriptions, calls } = started('open')
    // The tree has one node above its topics, so ten times as many filters are ten shares of a turn.
    for (let i = 0; i < TOPICS * 50; i++) {
      core.retained.set(new Message(`${i}/other`, Buffer.from('x'), 0, true, undefined, Infinity, 'p'))
    }
    greeter.greet(subscriptions)
    expect(greeter.isBusy).toBe(true)
    expect(calls).toEqual(['pause'])
    let turns = 0
    while (greeter.isBusy) {
      const before = core.retained.visited
      await new Promise((resolve) => setImmediate(resolve))
      turns++
      // The last filter of a turn may go over its share by what one filter takes.
      expect(core.retained.visited - before).toBeLessThan(20_000 + 31_000)
    }
    expect(turns).toBeGreaterThan(50)
    expect(session.outgoing.queued).toBe(FILTERS)
    expect(calls).toEqual(['pause', 'resume false'])
  })

  it('are given up where the connection is over', async () => {
    const { core, greeter, subscriptions, calls } = started('closed')
    for (let i = 0; i < 20_000; i++) {
      core.retained.set(new Message(`${i}/other`, Buffer.from('x'), 0, true, undefined, Infinity, 'p'))
    }
    greeter.greet(subscriptions)
    expect(greeter.isBusy).toBe(true)
    await new Promise((resolve) => setImmediate(resolve))
    expect(greeter.isBusy).toBe(false)
    expect(calls).toEqual(['pause'])
  })

  it('come before the answer to what the client sent behind its SUBSCRIBE', async () => {
    const { port } = await startBroker({ limits: { filtersPerPacket: 1000 } })
    const a = await RawClient.connect(port)
    for (let i = 0; i < TOPICS; i++) a.publish(`${i}/r`, 'x', { retain: true })
    await a.settle()
    const filters = [...Array.from({ length: FILTERS }, (_, i) => `+/none${i}`), '0/+']
    const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const subscriptions = filters.map((filter) => ({ filter, ...options }))
    const subscribe = {
      type: 'subscribe',
      packetIdentifier: 1,
      subscriptions,
      properties: undefined,
    } as const
    a.send(subscribe, { ...subscribe, packetIdentifier: 2 }, publishPacket('0/live', 'y'))
    const got = []
    for (let i = 0; i < 5; i++) got.push(await a.next())
    expect(got.map((packet) => (packet?.type === 'publish' ? text(packet) : packet?.type))).toEqual([
      'suback',
      '0/r=x retain',
      'suback',
      '0/r=x retain',
      '0/live=y',
    ])
  })
})
