import { Permissions } from '@jamey/auth'
import { statusSchema, topics } from '@jamey/contracts'
import { FakeClock, settled } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { MqttBus } from '../entry/mqtt-bus.js'
import { FakeBroker, type FakeClient } from '../test-support/fake-broker.js'
import { decodeEnvelope } from '../wire/envelope.js'

const TOPIC = 'jamey/api/requests'
const WORDS = 'jamey/events/leases/api'
const AGREEING = [`publish:${WORDS}`, `subscribe:${WORDS}/#`, 'subscribe:jamey/events/status/+']

interface Member {
  readonly bus: MqttBus
  readonly client: FakeClient
  readonly served: string[]
  readonly logged: string[]
  readonly stop: () => Promise<void>
}

/** Instances of one service on a server without shared subscriptions, and one who asks them. */
function setUp(more: readonly string[] = AGREEING) {
  const broker = new FakeBroker()
  broker.sharedSubscriptionAvailable = false
  const clock = new FakeClock()
  const asker = new MqttBus(
    { url: 'mqtt://fake', clientId: 'asker', permissions: [], clock },
    new Permissions([`publish:${TOPIC}`, 'publish:jamey/own/#', 'publish:jamey/slow/work'], {
      clientId: 'asker',
    }),
    broker.connect('asker'),
  )
  async function member(clientId: string, time = clock): Promise<Member> {
    const permissions = [
      `subscribe:$share/api/${TOPIC}/#`,
      'subscribe:$share/api/jamey/own/#',
      'subscribe:$share/api/jamey/slow/#',
      `subscribe:${TOPIC}/#`,
      `publish:${TOPIC}`,
      'publish:jamey/api/responses/+/api/#',
      ...more,
    ]
    const logged: string[] = []
    const warn = (_: object, text: string): void => void logged.push(text)
    const client = broker.connect(clientId)
    const bus = new MqttBus(
      {
        url: 'mqtt://fake',
        clientId,
        permissions,
        clock: time,
        log: { debug: () => {}, info: warn, warn, error: warn },
        component: { name: 'api', version: '1' },
        heartbeatSeconds: 0,
      },
      new Permissions(permissions, { clientId }),
      client,
    )
    const served: string[] = []
    const { stop } = await bus.serve(topics.api.requests, { group: 'api' }, ({ data }) => {
      served.push(data.operation)
      return { output: {} }
    })
    return { bus, client, served, logged, stop }
  }
  const ask = (operation = 'memory.query', timeoutMs = 10_000) =>
    asker.request(topics.api.requests, { operation, input: {} } as never, { timeoutMs })
  const counts = (...members: readonly Member[]) => members.map(({ served }) => served.length)
  const status = (clientId: string) => {
    const sent = broker.to(`jamey/events/status/${clientId}`).at(-1)
    return statusSchema.parse(
      decodeEnvelope(sent?.topic ?? '', sent?.payload ?? Buffer.alloc(0)).payload.data,
    )
  }
  /** As a server whose connection to a member ended: what it sent last is its will, and nothing comes any more. */
  async function die({ client, bus }: Member): Promise<void> {
    const will = bus.presence?.will()
    client.become('reconnecting')
    broker.forgetClient(bus.clientId)
    if (will !== undefined) broker.deliver(will.topic, will.payload, will.properties, bus.clientId)
    await settled()
  }
  return { broker, clock, asker, ask, member, counts, status, die }
}

/** What a member says, as bytes of anybody. */
function word(clock: FakeClock, from: string, data: { state: string; number: number }): string {
  return JSON.stringify({
    message_id: '2f2b4d1e-6b1c-4a53-9a3e-0d6f4d1a2b3d',
    timestamp: new Date(clock.timeOfDay()).toISOString(),
    topic: WORDS,
    payload: { action: 'lease', data: { ...data, sequence: 1, pending_ms: 0 } },
    metadata: { client_id: from, correlation_id: '2f2b4d1e-6b1c-4a53-9a3e-0d6f4d1a2b3c' },
  })
}

describe('two instances of a service where each gets every request', () => {
  it('serve each request once, and one of them says that it stands by', async () => {
    const { clock, ask, member, counts, status } = setUp()
    const [a, b] = [await member('a'), await member('b')]
    await clock.advance(1000)
    for (let i = 0; i < 5; i++) await ask()
    expect(counts(a, b).sort()).toEqual([0, 5])
    const [serving, standing] = a.served.length > 0 ? ['a', 'b'] : ['b', 'a']
    expect(status(standing).reason).toContain(`stands by: ${serving} serves`)
    expect(status(serving).reason).toContain('one of several instances serves')
  })

  it('hold what comes before it is decided, and then one of them serves it', async () => {
    const { clock, ask, member, counts } = setUp()
    const [a, b] = [await member('a'), await member('b')]
    const asked = [ask(), ask(), ask()]
    await settled()
    expect(counts(a, b)).toEqual([0, 0])
    await clock.advance(1000)
    await Promise.all(asked)
    expect(counts(a, b).sort()).toEqual([0, 3])
  })

  it('keep whoever serves when another one comes', async () => {
    const { clock, ask, member, counts } = setUp()
    const a = await member('a')
    await clock.advance(1000)
    const b = await member('b')
    await ask()
    await clock.advance(10_000)
    await ask()
    expect(counts(a, b)).toEqual([2, 0])
  })

  it('go on with the other one at once when the server tells that the first is gone', async () => {
    const { clock, ask, member, counts, die } = setUp()
    const a = await member('a')
    await clock.advance(1000)
    const b = await member('b')
    await clock.advance(1000)
    await die(a)
    const asked = ask()
    await clock.advance(600)
    await asked
    expect(counts(a, b)).toEqual([0, 1])
  })

  it('go on with the other one when the first says nothing for as long as its lease is good', async () => {
    const { broker, clock, ask, member, counts } = setUp()
    const a = await member('a')
    await clock.advance(1000)
    const b = await member('b')
    await clock.advance(1000)
    broker.beforePublish = (_, from) => {
      if (from === 'a') throw new Error('nothing gets through')
    }
    broker.forgetClient('a')
    await clock.advance(4000)
    expect(b.logged).not.toContain('serves the requests of api')
    await clock.advance(2600)
    await ask()
    expect(counts(a, b)).toEqual([0, 1])
  })

  it('carry out what the dead one was given and did not answer, and nothing that it said was done', async () => {
    const { clock, asker, member, die } = setUp(['jamey/slow/#', ...AGREEING])
    const slow = { ...topics.api.requests, topic: 'jamey/slow/work', isRepeatable: true }
    const [a, b] = [await member('a'), await member('b')]
    await clock.advance(1000)
    const done: string[] = []
    let isStuck = false
    for (const { bus } of [a, b]) {
      await bus.serve(slow, { group: 'api' }, async ({ data }) => {
        done.push(`${bus.clientId} ${data.input['n']}`)
        if (isStuck) await new Promise(() => {})
        return { output: {} }
      })
    }
    const ask = (n: number) =>
      asker.request(slow, { operation: 'memory.query', input: { n } }, { timeoutMs: 60_000 })
    await ask(1)
    const [first] = done[0]?.split(' ') ?? []
    const [dying, other] = first === 'a' ? [a, b] : [b, a]
    await clock.advance(3000)
    isStuck = true
    const asked = ask(2)
    // As long as it works, it says so, and the other one keeps what it was given.
    await clock.advance(800)
    await die(dying)
    isStuck = false
    await clock.advance(600)
    await asked
    expect(done).toEqual([`${first} 1`, `${first} 2`, `${other.bus.clientId} 2`])
  })

  it('do not both stand by, where one hears late that the other had the lease', async () => {
    const { broker, clock, ask, member, counts } = setUp()
    const [a, b] = [await member('a'), await member('b')]
    // Both claim, and the larger identifier counts: `a` stands back. Then `b` hears what `a` said before.
    broker.brings = (_, from, to) => from !== 'a' || to === 'b'
    broker.deliver(WORDS, word(clock, 'a', { state: 'holds', number: 1 }), undefined, 'a')
    await settled()
    broker.brings = () => true
    expect(b.logged.at(-1)).toContain('a serves')
    await clock.advance(1200)
    const asked = ask()
    await clock.advance(100)
    await asked
    expect(counts(a, b)).toEqual([1, 0])
  })

  it('go on with the other one at once when the first stops', async () => {
    const { clock, ask, member, counts } = setUp()
    const a = await member('a')
    await clock.advance(1000)
    const b = await member('b')
    await clock.advance(1000)
    await a.stop()
    const asked = ask()
    await clock.advance(600)
    await asked
    expect(counts(a, b)).toEqual([0, 1])
  })

  it('leave nothing to one that stood still, whatever it was given before', async () => {
    const { broker, clock, ask, member, counts } = setUp()
    const still = new FakeClock()
    const a = await member('a', still)
    await still.advance(1000)
    const b = await member('b')
    await clock.advance(500)
    broker.brings = (_, __, to) => to !== 'a'
    await clock.advance(7000)
    // It goes on with a request in its hands, before any timer is called.
    broker.brings = () => true
    still.jump(7500)
    const asked = ask()
    await settled()
    await clock.advance(1000)
    await asked
    await still.advance(1000)
    expect(counts(a, b)).toEqual([0, 1])
  })

  it('end with one when both hold it, as where a server brings their claims in another order to each', async () => {
    const { broker, clock, ask, member, counts } = setUp()
    const togetherAtMs = clock.now() + 800
    broker.brings = (topic, from, to) => topic !== WORDS || from === to || clock.now() >= togetherAtMs
    const [a, b] = [await member('a'), await member('b')]
    await clock.advance(3000)
    await ask()
    expect(counts(a, b).sort()).toEqual([0, 1])
  })

  it('serve on after a new connection, whoever of them it is', async () => {
    const { clock, ask, member, counts } = setUp()
    const [a, b] = [await member('a'), await member('b')]
    await clock.advance(1000)
    for (const { client } of [a, b, a, b]) {
      client.become('reconnecting')
      client.become('connected')
      const asked = ask()
      await clock.advance(1100)
      await asked
    }
    expect(counts(a, b).reduce((sum, count) => sum + count)).toBe(4)
  })
})

describe('a topic that ends with a member’s own identifier', () => {
  it('is served by that member, whoever has the lease', async () => {
    const { clock, asker, member } = setUp(['jamey/own/#', ...AGREEING])
    const own = (clientId: string) => ({ ...topics.api.requests, topic: `jamey/own/${clientId}` })
    const members = [await member('a'), await member('b')]
    const served: string[] = []
    for (const { bus } of members) {
      await bus.serve(own(bus.clientId), { group: 'api' }, () => {
        served.push(bus.clientId)
        return { output: {} }
      })
    }
    await clock.advance(1000)
    const call = { operation: 'memory.query', input: {} } as const
    for (const { bus } of members) await asker.request(own(bus.clientId), call, { timeoutMs: 1000 })
    expect(served).toEqual(['a', 'b'])
  })
})

describe('a word about who serves', () => {
  it('is heard from members alone: a permitted requester who claims it changes nothing', async () => {
    const { broker, clock, ask, member, counts } = setUp()
    broker.stamped = []
    const a = await member('a')
    await clock.advance(1000)
    // Nobody vouches for who sent it.
    broker.deliver(WORDS, word(clock, 'asker', { state: 'holds', number: Number.MAX_SAFE_INTEGER }))
    await settled()
    await ask()
    expect(counts(a)).toEqual([1])
  })
})

describe('an instance that cannot agree with others', () => {
  it('serves every request, and says so, without the permissions', async () => {
    const { clock, ask, member, counts, status } = setUp([])
    const [a, b] = [await member('a'), await member('b')]
    await ask()
    await clock.advance(1000)
    expect(counts(a, b)).toEqual([1, 1])
    expect(status('a').reason).toContain('of several instances each serves every request')
  })

  it('serves every request, and says so, where the server takes its words and brings them to nobody', async () => {
    const { broker, clock, ask, member, counts } = setUp()
    broker.brings = (topic) => topic !== WORDS
    const a = await member('a')
    const asked = ask()
    await clock.advance(6000)
    await asked
    expect(counts(a)).toEqual([1])
    expect(a.logged.join()).toContain('does not come back')
    broker.brings = () => true
    await clock.advance(2000)
    await ask()
    expect(counts(a)).toEqual([2])
  })
})
