import { Permissions } from '@jamey/auth'
import { type Contract, topics } from '@jamey/contracts'
import { FakeClock, settled } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { MqttBus } from '../entry/mqtt-bus.js'
import type { RequestOptions } from '../model/message.js'
import { RequestError } from '../support/errors.js'
import { FakeBroker } from '../test-support/fake-broker.js'
import { decodeEnvelope } from '../wire/envelope.js'

const { query, store } = topics.memory
const SHARED = `$share/memory/${query.topic}`

/** A requester, and a member of the group that takes requests and is never heard of again. */
function setUp() {
  const broker = new FakeBroker()
  const clock = new FakeClock()
  const make = (clientId: string, permissions: string[]): MqttBus => {
    const config = { url: 'mqtt://fake', clientId, permissions, clock }
    return new MqttBus(config, new Permissions(permissions, { clientId }), broker.connect(clientId))
  }
  const asker = make('asker', ['publish:jamey/memory/#'])
  broker.add({ filter: SHARED, handler: async () => {} })
  const serve = async () => {
    const server = make('server', [
      'subscribe:$share/memory/jamey/memory/#',
      'publish:jamey/api/responses/+/memory/#',
    ])
    await server.serve(query, { group: 'memory' }, () => ({ memories: [], total: 7 }))
    return server
  }
  const ask = (options: Partial<RequestOptions> = {}) =>
    asker.request(query, {}, { timeoutMs: 30_000, ...options }).then(
      ({ total }) => total,
      (error: { code: string }) => error.code,
    )
  const sentTo = ({ topic }: Pick<Contract, 'topic'>) =>
    broker.to(topic).filter(({ from }) => from === 'asker')
  return { broker, clock, asker, serve, ask, sentTo }
}

describe('a request whose receiver died', () => {
  it('is sent again within its deadline under the same identity, and answered by another member', async () => {
    const { broker, clock, asker, serve, ask, sentTo } = setUp()
    const answer = ask()
    await settled()
    broker.forget(SHARED)
    await serve()
    await clock.advance(1999)
    expect(sentTo(query)).toHaveLength(1)
    await clock.advance(1)
    await expect(answer).resolves.toBe(7)
    const [first, second] = sentTo(query)
    expect(second?.payload).toEqual(first?.payload)
    expect(second?.options.properties).toEqual({ ...first?.options.properties, messageExpiryInterval: 28 })
    expect(asker.stats()).toMatchObject({ requests: 1, requestsRepeated: 1, requestsTimedOut: 0 })
  })

  it('is sent again, ever later, for as long as it has time', async () => {
    const { clock, ask, sentTo } = setUp()
    const answer = ask({ timeoutMs: 70_000 })
    const seen: number[] = []
    await settled()
    for (let second = 0; second <= 70; second++) {
      seen.push(sentTo(query).length)
      await clock.advance(1000)
    }
    await expect(answer).resolves.toBe('request-timed-out')
    const times = seen.flatMap((count, second) => (count > (seen[second - 1] ?? 0) ? [second] : []))
    expect(times).toEqual([0, 2, 6, 14, 30, 62])
    expect(clock.pendingTimers).toBe(0)
  })

  it('waits on where a repetition meets nobody, for the first one was taken', async () => {
    const { broker, clock, serve, ask } = setUp()
    const answer = ask()
    await settled()
    broker.forget(SHARED)
    await clock.advance(2000)
    await serve()
    await clock.advance(4000)
    await expect(answer).resolves.toBe(7)
  })

  it('has its inbox asked for again, which may be what the server has lost', async () => {
    const { broker, clock, serve, ask } = setUp()
    broker.forget(SHARED)
    await serve()
    await expect(ask()).resolves.toBe(7)
    broker.forget('jamey/api/responses/asker/#')
    const answer = ask()
    await settled()
    await clock.advance(2500)
    await expect(answer).resolves.toBe(7)
  })

  it('has its inbox asked for again where it got no answer, for the next one', async () => {
    const { broker, clock, serve, ask } = setUp()
    broker.forget(SHARED)
    await serve()
    await expect(ask()).resolves.toBe(7)
    broker.forget('jamey/api/responses/asker/#')
    const answer = ask({ isRepeatable: false, timeoutMs: 1000 })
    await settled()
    await clock.advance(1000)
    await expect(answer).resolves.toBe('request-timed-out')
    await settled()
    await expect(ask({ isRepeatable: false, timeoutMs: 1000 })).resolves.toBe(7)
  })

  it('is left alone where to carry it out twice may do harm', async () => {
    const { clock, ask, sentTo } = setUp()
    const answer = ask({ isRepeatable: false })
    await settled()
    await clock.advance(30_000)
    await expect(answer).resolves.toBe('request-timed-out')
    expect(sentTo(query)).toHaveLength(1)
  })

  it('is not hurried where answers are slow', async () => {
    const { broker, clock, asker, sentTo } = setUp()
    const slow = broker.connect('slow')
    broker.add({
      filter: store.topic,
      handler: async ({ topic, payload, properties }) => {
        const { metadata } = decodeEnvelope(topic, payload)
        clock.setTimeout(() => {
          const answer = {
            message_id: metadata.correlation_id,
            timestamp: new Date(clock.timeOfDay()).toISOString(),
            topic: properties?.responseTopic,
            payload: { action: 'store', error: { kind: 'busy', message: 'later', retryable: true } },
            metadata: { client_id: 'slow', correlation_id: metadata.correlation_id },
          }
          void slow.publish(properties?.responseTopic ?? '', Buffer.from(JSON.stringify(answer)), { qos: 1 })
        }, 1900)
      },
    })
    const ask = () => asker.request(store, { content: 'x' }, { timeoutMs: 60_000 }).catch(() => {})
    const first = ask()
    await settled()
    await clock.advance(1900)
    await first
    broker.forget(store.topic)
    broker.add({ filter: store.topic, handler: async () => {} })
    void ask()
    await settled()
    // Four times the slowest, where 2 s were enough before.
    await clock.advance(7500)
    expect(sentTo(store)).toHaveLength(2)
    await clock.advance(500)
    expect(sentTo(store)).toHaveLength(3)
    await asker.close()
  })
})

describe('a request that is refused for now', () => {
  const LATER = { retryable: true, retryAfterMs: 1000 }

  async function setUpRefusing(refusals: number) {
    const { broker, clock, asker, serve, ask, sentTo } = setUp()
    broker.forget(SHARED)
    const server = await serve()
    await server.close()
    const permissions = ['subscribe:$share/memory/jamey/memory/#', 'publish:jamey/api/responses/+/memory/#']
    const config = { url: 'mqtt://fake', clientId: 'busy', permissions, clock }
    const busy = new MqttBus(
      config,
      new Permissions(permissions, { clientId: 'busy' }),
      broker.connect('busy'),
    )
    let left = refusals
    await busy.serve(query, { group: 'memory' }, () => {
      if (left-- > 0) throw new RequestError('overloaded', 'later', LATER)
      return { memories: [], total: 7 }
    })
    return { clock, asker, ask, sentTo }
  }

  it('is sent again when it was told to, later with each refusal, and answered', async () => {
    const { clock, asker, ask, sentTo } = await setUpRefusing(2)
    const answer = ask()
    await settled()
    await clock.advance(999)
    expect(sentTo(query)).toHaveLength(1)
    await clock.advance(1)
    expect(sentTo(query)).toHaveLength(2)
    await clock.advance(2000)
    await expect(answer).resolves.toBe(7)
    expect(asker.stats()).toMatchObject({ requests: 1, requestsRepeated: 2 })
  })

  it('fails with what it was told where there is no time for that, or it is not repeatable', async () => {
    const { clock, asker, sentTo } = await setUpRefusing(9)
    const ask = (options: RequestOptions) =>
      asker.request(query, {}, options).catch((error: unknown) => error)
    const refusal = { name: 'RemoteError', kind: 'overloaded', retryable: true, retryAfterMs: 1000 }
    expect(await ask({ timeoutMs: 900 })).toMatchObject(refusal)
    expect(await ask({ timeoutMs: 30_000, isRepeatable: false })).toMatchObject(refusal)
    expect(sentTo(query)).toHaveLength(2)
    const patient = ask({ timeoutMs: 5000 })
    for (let i = 0; i < 10; i++) await clock.advance(500)
    expect(await patient).toMatchObject(refusal)
    expect(sentTo(query)).toHaveLength(5)
  })
})
