import { randomUUID } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { Permissions } from '@jamey/auth'
import { type Call, type DataInput, topics } from '@jamey/contracts'
import { PublishError } from '@jamey/mqtt'
import { FakeClock, settled } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MqttBus } from '../entry/mqtt-bus.js'
import type { RequestContext } from '../model/message.js'
import { AbortedError, RequestError } from '../support/errors.js'
import { FakeBroker, type Sent } from '../test-support/fake-broker.js'
import { decodeEnvelope } from '../wire/envelope.js'

const contract = topics.api.requests
const call: DataInput<typeof contract> = { operation: 'memory.query', input: { text: 'Lisbon' } }
/** A second action on the topic of another. */
const forget = { ...topics.memory.forget, topic: topics.memory.store.topic }
const ID = '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11'
const CHAIN = '6f9c1b7e-5b0a-4d0e-8a43-0c4f6f4f6f4f'
/** The timer by which a server that hears nothing asks itself. */
const OF_THE_SERVER = 1

/** A requester and a server over one fake broker. */
function setUp(options: { answers?: number } = {}) {
  const broker = new FakeBroker()
  const clock = new FakeClock()
  const make = (clientId: string, permissions: string[]): MqttBus => {
    const answerCache = { maximumAnswers: options.answers ?? 100 }
    const config = { url: 'mqtt://fake', clientId, permissions, clock, answerCache }
    return new MqttBus(config, new Permissions(permissions, { clientId }), broker.connect(clientId))
  }
  const asker = make('asker', ['publish:jamey/api/requests'])
  const server = make('server', [
    'subscribe:$share/api/jamey/api/requests/#',
    'publish:jamey/api/responses/+/api/#',
  ])
  return { broker, clock, asker, server, make }
}

function echo({ data }: { data: Call }) {
  return { output: data.input }
}

/** A promise that a test settles by hand. */
function gate<Value = void>() {
  let open: (value: Value) => void = () => {}
  const opening = new Promise<Value>((resolve) => {
    open = resolve
  })
  return { opening, open }
}

function only(sent: Sent[]): Sent {
  const [first] = sent
  if (first === undefined || sent.length !== 1) throw new Error(`${sent.length} messages instead of one`)
  return first
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => new Error('the promise did not reject'),
    (reason: unknown) => reason,
  )
  return error as Error
}

it('serve takes its options before the handler or not at all, and ends with its scope', async () => {
  const { broker, server } = setUp()
  {
    await using served = await server.serve(contract, echo)
    expect([served.stop, broker.filters]).toEqual([expect.any(Function), ['$share/api/jamey/api/requests/#']])
  }
  expect(broker.filters).toEqual([])
  // As a program in JavaScript can have it.
  const handlerless = server.serve(contract, {}, undefined as unknown as typeof echo)
  await expect(handlerless).rejects.toThrow('A handler is needed behind the options; it is undefined.')
})

describe('a request', () => {
  it('is answered with checked data', async () => {
    const { asker, server } = setUp()
    await server.serve(contract, { group: 'api' }, echo)
    await expect(asker.request(contract, call, { timeoutMs: 1000 })).resolves.toEqual({ output: call.input })
  })

  it('carries inbox, correlation and deadline as properties and in its metadata [promise 27]', async () => {
    const { broker, asker, server } = setUp()
    await server.serve(contract, { group: 'api' }, echo)
    await asker.request(contract, call, { timeoutMs: 2001 })
    const { options, topic, payload } = only(broker.to('jamey/api/requests'))
    const { metadata } = decodeEnvelope(topic, payload)
    expect(options.qos).toBe(1)
    expect(options.properties).toEqual({
      contentType: 'application/json',
      payloadFormatIndicator: 1,
      responseTopic: 'jamey/api/responses/asker/api/answers',
      correlationData: Buffer.from(metadata.correlation_id),
      messageExpiryInterval: 3,
    })
    expect(metadata).toMatchObject({ client_id: 'asker', reply_to: 'jamey/api/responses/asker/api/answers' })
  })

  it('has 30 s where it is told nothing else', async () => {
    const { asker, server } = setUp()
    const left: number[] = []
    await server.serve(contract, (request, { remainingMs }) => {
      left.push(remainingMs)
      return echo(request)
    })
    await asker.request(contract, call)
    await asker.request(contract, call, { timeoutMs: undefined })
    expect(left).toEqual([30_000, 30_000])
  })

  it('subscribes to one inbox for any number of requests', async () => {
    const { broker, asker, server } = setUp()
    await server.serve(contract, { group: 'api' }, echo)
    await Promise.all([1, 2, 3].map(() => asker.request(contract, call, { timeoutMs: 1000 })))
    expect(broker.filters).toEqual(['$share/api/jamey/api/requests/#', 'jamey/api/responses/asker/#'])
  })

  it('fails at once where nobody serves [promise 28]', async () => {
    const { asker, clock } = setUp()
    await expect(asker.request(contract, call, { timeoutMs: 1000 })).rejects.toMatchObject({
      name: 'NoResponderError',
      code: 'no-responder',
      retryable: true,
    })
    expect(asker.stats().requestsWaiting).toBe(0)
    expect(clock.pendingTimers).toBe(0)
  })

  it('asks again for two seconds where its server may only have been restarted', async () => {
    const { broker, clock } = setUp()
    const client = broker.connect('restarted')
    const permissions = ['publish:jamey/api/requests']
    const config = { url: 'mqtt://fake', clientId: 'restarted', permissions, clock }
    const bus = new MqttBus(config, new Permissions(permissions, { clientId: 'restarted' }), client)
    client.become('reconnecting')
    client.become('connected')
    const missed = bus.request(contract, call, { timeoutMs: 10_000 }).catch((error: Error) => error.name)
    const late = rejection(bus.request(contract, call, { timeoutMs: 500 }))
    await settled()
    for (let i = 0; i < 9; i++) await clock.advance(200)
    expect(await late).toMatchObject({ name: 'RequestTimeoutError', mayBeDelivered: false })
    expect(bus.stats().requestsWaiting).toBe(1)
    await clock.advance(200)
    expect(await missed).toBe('NoResponderError')
    client.become('reconnecting')
    client.become('connected')
    const answered = rejection(bus.request(contract, call, { timeoutMs: 10_000, isRepeatable: false }))
    await settled()
    let taken = 0
    broker.add({ filter: 'jamey/api/requests', handler: async () => void taken++ })
    await clock.advance(2000)
    expect(taken).toBe(1)
    await bus.close()
    expect(await answered).toMatchObject({ code: 'bus-closed', mayBeDelivered: true })
    expect(clock.pendingTimers).toBe(0)
  })

  it('asks again for as long as its server was away, for whoever serves may have waited as long', async () => {
    const { broker, clock } = setUp()
    const client = broker.connect('restarted')
    const permissions = ['publish:jamey/api/requests']
    const config = { url: 'mqtt://fake', clientId: 'restarted', permissions, clock }
    const bus = new MqttBus(config, new Permissions(permissions, { clientId: 'restarted' }), client)
    const missedAfter = async (awayMs: number): Promise<number> => {
      client.become('reconnecting')
      await clock.advance(awayMs / 2)
      client.become('connecting')
      await clock.advance(awayMs / 2)
      client.become('connected')
      const startedAtMs = clock.now()
      let endedAtMs = 0
      const missed = bus.request(contract, call, { timeoutMs: 60_000 }).catch((error: Error) => {
        endedAtMs = clock.now()
        return error.name
      })
      await settled()
      for (let i = 0; endedAtMs === 0 && i < 200; i++) await clock.advance(200)
      expect(await missed).toBe('NoResponderError')
      return endedAtMs - startedAtMs
    }
    expect(await missedAfter(0)).toBe(2000)
    expect(await missedAfter(12_000)).toBe(12_000)
    expect(await missedAfter(600_000)).toBe(30_000)
    expect(await missedAfter(1000)).toBe(2000)
    await bus.close()
  })

  it('asks again for two seconds where its server refuses it, whose rules may not be loaded yet', async () => {
    const { broker, clock } = setUp()
    const client = broker.connect('restarted')
    const permissions = ['publish:jamey/api/requests']
    const config = { url: 'mqtt://fake', clientId: 'restarted', permissions, clock }
    const bus = new MqttBus(config, new Permissions(permissions, { clientId: 'restarted' }), client)
    let tries = 0
    broker.beforePublish = (topic) => {
      if (topic !== contract.topic) return
      tries++
      throw new PublishError('refused', 'not here', { reasonCode: 0x87 })
    }
    const ask = () => rejection(bus.request(contract, call, { timeoutMs: 10_000, isRepeatable: false }))
    client.become('reconnecting')
    client.become('connected')
    const refused = ask()
    await settled()
    for (let i = 0; i < 10; i++) await clock.advance(200)
    expect(await refused).toMatchObject({ name: 'PublishError', reasonCode: 0x87 })
    expect(tries).toBe(11)
    expect(await ask()).toMatchObject({ name: 'PublishError' })
    expect(tries).toBe(12)
    client.become('reconnecting')
    client.become('connected')
    let taken = 0
    broker.add({ filter: contract.topic, handler: async () => void taken++ })
    const late = ask()
    await settled()
    broker.beforePublish = () => {}
    await clock.advance(200)
    expect(taken).toBe(1)
    await bus.close()
    expect(await late).toMatchObject({ code: 'bus-closed' })
    expect(clock.pendingTimers).toBe(0)
  })

  it('times out by the millisecond, and drops the answer that comes later [promises 27, 30]', async () => {
    const { asker, server, clock } = setUp()
    const { opening, open } = gate()
    await server.serve(contract, { group: 'api' }, async (request) => {
      await opening
      return echo(request)
    })
    const failure = asker.request(contract, call, { timeoutMs: 1500 }).catch((error: unknown) => error)
    await clock.advance(1499)
    expect(asker.stats().requestsWaiting).toBe(1)
    await clock.advance(1)
    expect(await failure).toMatchObject({ name: 'RequestTimeoutError', timeoutMs: 1500, retryable: true })
    open()
    await settled()
    expect(asker.stats()).toMatchObject({ answersDropped: 1, requestsTimedOut: 1, requestsWaiting: 0 })
  })

  it('leaves nothing behind when it is cancelled [promise 30]', async () => {
    const { asker, server, clock, broker } = setUp()
    await server.serve(contract, { group: 'api' }, () => new Promise(() => {}))
    const controller = new AbortController()
    const failure = asker
      .request(contract, call, { timeoutMs: 60_000, signal: controller.signal })
      .catch((error: unknown) => error)
    await settled()
    controller.abort(new Error('the user went away'))
    expect(await failure).toMatchObject({ code: 'request-aborted', cause: new Error('the user went away') })
    expect(asker.stats().requestsWaiting).toBe(0)
    expect(clock.pendingTimers).toBe(OF_THE_SERVER)
    await expect(
      asker.request(contract, call, { timeoutMs: 1000, signal: controller.signal }),
    ).rejects.toMatchObject({ code: 'request-aborted' })
    expect(broker.to('jamey/api/requests')).toHaveLength(1)
  })

  it('shares its signal with any number of others: one listener, no warning, and all end with it [promise 30]', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): number => warnings.push(warning)
    process.on('warning', onWarning)
    onTestFinished(() => void process.off('warning', onWarning))
    const { asker, server, clock } = setUp()
    await server.serve(contract, { group: 'api' }, () => new Promise(() => {}))
    const controller = new AbortController()
    const { signal } = controller
    const failures = Array.from({ length: 50 }, () =>
      asker.request(contract, call, { timeoutMs: 60_000, signal }).catch((error: unknown) => error),
    )
    await settled()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    controller.abort()
    for (const failure of await Promise.all(failures)) {
      expect(failure).toBeInstanceOf(AbortedError)
      expect(failure).toMatchObject({ code: 'request-aborted' })
    }
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    expect(asker.stats().requestsWaiting).toBe(0)
    expect(clock.pendingTimers).toBe(OF_THE_SERVER)
    expect(warnings).toEqual([])
  })

  it('leaves no listener at its signal once it was answered [promise 30]', async () => {
    const { asker, server } = setUp()
    await server.serve(contract, { group: 'api' }, echo)
    const { signal } = new AbortController()
    await Promise.all([1, 2].map(() => asker.request(contract, call, { timeoutMs: 1000, signal })))
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('is not sent after all when it was given up before it could be sent', async () => {
    const { asker, broker, clock, server } = setUp()
    await server.serve(contract, { group: 'api' }, echo)
    const { opening, open } = gate()
    const client = broker.connect('asker')
    const subscribe = client.subscribe.bind(client)
    client.subscribe = async (...args) => {
      await opening
      return subscribe(...args)
    }
    const config = { url: 'mqtt://fake', clientId: 'asker', permissions: asker.permissions.list, clock }
    const slow = new MqttBus(config, asker.permissions, client)
    const failure = slow.request(contract, call, { timeoutMs: 100 }).catch((error: unknown) => error)
    await clock.advance(100)
    expect(await failure).toMatchObject({ code: 'request-timed-out' })
    open()
    await settled()
    expect(broker.to('jamey/api/requests')).toHaveLength(0)
  })

  it('that was never sent is not said to have been carried out, perhaps', async () => {
    const { asker, broker, clock } = setUp()
    // A client without a connection keeps it until the deadline, which is its own as well.
    broker.beforePublish = () =>
      new Promise((_, reject) => {
        clock.setTimeout(
          () => reject(new PublishError('timeout', 'never left', { mayBeDelivered: false })),
          100,
        )
      })
    const unsent = rejection(asker.request(contract, call, { timeoutMs: 100 }))
    await settled()
    await clock.advance(100)
    expect(await unsent).toMatchObject({ code: 'request-timed-out', mayBeDelivered: false })
    expect((await unsent).message).toContain('it was not sent, so nobody carries it out')

    const controller = new AbortController()
    broker.beforePublish = () =>
      new Promise((_, reject) => {
        controller.signal.addEventListener('abort', () =>
          reject(new PublishError('aborted', 'never left', { mayBeDelivered: false })),
        )
      })
    const { signal } = controller
    const aborted = rejection(asker.request(contract, call, { timeoutMs: 100, signal }))
    await settled()
    controller.abort()
    expect(await aborted).toMatchObject({ code: 'request-aborted', mayBeDelivered: false })
    expect((await aborted).message).toContain('it was not sent')
    expect(clock.pendingTimers).toBe(0)
  })

  it('that has left, or of which nobody says whether it has, may have been carried out', async () => {
    const { asker, broker, clock, server } = setUp()
    await server.serve(contract, { group: 'api' }, () => new Promise(() => {}))
    const taken = rejection(asker.request(contract, call, { timeoutMs: 100 }))
    await settled()
    await clock.advance(100)
    expect(await taken).toMatchObject({ code: 'request-timed-out', mayBeDelivered: true })
    broker.beforePublish = () => new Promise(() => {})
    const silent = rejection(asker.request(contract, call, { timeoutMs: 100 }))
    await clock.advance(120)
    expect(await silent).toMatchObject({ code: 'request-timed-out', mayBeDelivered: true })
    expect((await silent).message).toContain('it may have been carried out')
  })

  it('passes on the error of the client, unless its time is up', async () => {
    const { asker, broker } = setUp()
    broker.beforePublish = () => {
      throw new PublishError('queue-full', 'too much is queued', { retryable: true })
    }
    await expect(asker.request(contract, call, { timeoutMs: 1000 })).rejects.toMatchObject({
      name: 'PublishError',
      code: 'queue-full',
      retryable: true,
    })
    expect(asker.stats().requestsWaiting).toBe(0)
  })

  it('names what is wrong before anything is sent: data, permission, deadline [promises 24, 37]', async () => {
    const { asker, broker } = setUp()
    const wrong = { operation: 'fly', input: {} } as unknown as typeof call
    await expect(asker.request(contract, wrong, { timeoutMs: 1000 })).rejects.toMatchObject({
      name: 'MessageError',
      field: 'payload.data.operation',
    })
    const query = asker.request(topics.memory.query, {}, { timeoutMs: 1000 })
    await expect(query).rejects.toMatchObject({
      name: 'PermissionError',
      permission: 'publish:jamey/memory/query',
    })
    await expect(asker.request(contract, call, { timeoutMs: 0 })).rejects.toThrow(RangeError)
    expect(broker.sent).toEqual([])
  })

  it('fails where the answer has not the shape it must have', async () => {
    const { asker, broker } = setUp()
    const failure = asker.request(contract, call, { timeoutMs: 1000 }).catch((error: unknown) => error)
    broker.add({
      filter: 'jamey/api/requests',
      handler: async ({ properties, payload, topic }) => {
        const { metadata } = decodeEnvelope(topic, payload)
        const responseTopic = properties?.responseTopic ?? ''
        const answer = {
          message_id: ID,
          timestamp: '2024-11-14T20:00:00Z',
          topic: responseTopic,
          payload: { action: 'call', data: { result: 1 } },
          metadata: { client_id: 'other', correlation_id: metadata.correlation_id },
        }
        broker.deliver(responseTopic, JSON.stringify(answer), {
          correlationData: properties?.correlationData,
        })
      },
    })
    expect(await failure).toMatchObject({ name: 'MessageError', field: 'payload.data.output' })
    expect(asker.stats().invalid).toBe(1)
  })

  it('drops answers that belong to nobody [promise 30]', async () => {
    const { asker, server, broker } = setUp()
    await server.serve(contract, { group: 'api' }, echo)
    await asker.request(contract, call, { timeoutMs: 1000 })
    const answer = only(broker.to('jamey/api/responses/#'))
    await Promise.all(broker.deliver(answer.topic, answer.payload, answer.options.properties))
    await Promise.all(broker.deliver(answer.topic, answer.payload))
    await Promise.all(broker.deliver(answer.topic, 'nonsense'))
    expect(asker.stats()).toMatchObject({ answersDropped: 2, invalid: 1 })
  })

  it('of a chain has a response topic of its own, so that two with one correlation id do not mix', async () => {
    const { asker, server } = setUp()
    await server.serve(contract, { group: 'api' }, echo)
    const options = { timeoutMs: 1000, correlationId: CHAIN }
    const other = { operation: 'memory.store' as const, input: { content: 'b' } }
    const answers = await Promise.all([
      asker.request(contract, call, options),
      asker.request(contract, other, options),
    ])
    expect(answers).toEqual([{ output: call.input }, { output: other.input }])
  })

  it('of a bus that is closed fails at once', async () => {
    const { asker, server, clock } = setUp()
    await server.serve(contract, { group: 'api' }, () => new Promise(() => {}))
    const waiting = asker.request(contract, call, { timeoutMs: 1000 }).catch((error: unknown) => error)
    await settled()
    await asker.close()
    expect(await waiting).toMatchObject({ code: 'bus-closed' })
    await expect(asker.request(contract, call, { timeoutMs: 1000 })).rejects.toMatchObject({
      code: 'bus-closed',
    })
    expect(clock.pendingTimers).toBe(OF_THE_SERVER)
  })
})

describe('serving', () => {
  it('acknowledges a request only after its answer was published [promise 29]', async () => {
    const { asker, server, broker } = setUp()
    await server.serve(contract, { group: 'api' }, echo)
    const { opening, open } = gate()
    broker.beforePublish = (_, from) => (from === 'server' ? opening : undefined)
    const answer = asker.request(contract, call, { timeoutMs: 1000 })
    await settled()
    let isAcknowledged = false
    const [handled] = only(broker.to('jamey/api/requests')).handled
    void handled?.then(() => {
      isAcknowledged = true
    })
    await settled()
    expect(isAcknowledged).toBe(false)
    open()
    await answer
    await settled()
    expect(isAcknowledged).toBe(true)
  })

  it('acknowledges a request once all it brought about has settled, which its answer does not wait for [promise 29]', async () => {
    const { asker, server, broker } = setUp()
    const told = gate()
    const failed = gate()
    await server.serve(contract, { group: 'api' }, (request, context) => {
      context.acknowledgeAfter(told.opening)
      context.acknowledgeAfter(failed.opening.then(() => Promise.reject(new Error('nobody hears it'))))
      return echo(request)
    })
    await expect(asker.request(contract, call, { timeoutMs: 1000 })).resolves.toEqual({ output: call.input })
    let isAcknowledged = false
    const [handled] = only(broker.to('jamey/api/requests')).handled
    const acknowledged = handled?.then(() => {
      isAcknowledged = true
    })
    for (const { open } of [failed, told]) {
      await settled()
      expect(isAcknowledged).toBe(false)
      open()
    }
    await acknowledged
    expect(isAcknowledged).toBe(true)
  })

  it('acknowledges at once where answers are long in coming, a repetition as well, and answers all the same', async () => {
    const { asker, server, broker } = setUp()
    const { opening, open } = gate()
    const options = { group: 'api', acknowledged: 'taken' } as const
    await server.serve(contract, options, async (request) => {
      await opening
      return echo(request)
    })
    const answer = asker.request(contract, call, { timeoutMs: 1000 })
    await settled()
    const request = only(broker.to('jamey/api/requests'))
    await Promise.all(request.handled)
    await Promise.all(broker.deliver(request.topic, request.payload, request.options.properties))
    open()
    await expect(answer).resolves.toEqual({ output: call.input })
  })

  it('leaves a request unacknowledged where its answer could not be published, and repeats the answer', async () => {
    const { asker, server, broker } = setUp()
    let calls = 0
    await server.serve(contract, { group: 'api' }, (request) => {
      calls++
      return echo(request)
    })
    broker.beforePublish = (_, from) => {
      if (from === 'server') throw new PublishError('lost', 'the connection broke', { retryable: true })
    }
    const answer = asker.request(contract, call, { timeoutMs: 1000 })
    await settled()
    const request = only(broker.to('jamey/api/requests'))
    await expect(request.handled[0]).rejects.toThrow('the connection broke')
    broker.beforePublish = () => {}
    await Promise.all(broker.deliver(request.topic, request.payload, request.options.properties))
    await expect(answer).resolves.toEqual({ output: call.input })
    expect(calls).toBe(1)
  })

  it('answers a repeated request from memory and lets one in progress be joined [promise 29]', async () => {
    const { asker, server, broker } = setUp()
    const { opening, open } = gate()
    let calls = 0
    await server.serve(contract, { group: 'api' }, async (request) => {
      calls++
      await opening
      return echo(request)
    })
    const answer = asker.request(contract, call, { timeoutMs: 1000 })
    await settled()
    const { topic, payload, options } = only(broker.to('jamey/api/requests'))
    const joined = Promise.all(broker.deliver(topic, payload, options.properties))
    open()
    await Promise.all([answer, joined])
    expect(broker.to('jamey/api/responses/#')).toHaveLength(1)
    await Promise.all(broker.deliver(topic, payload, options.properties))
    const answers = broker.to('jamey/api/responses/#')
    expect(answers).toHaveLength(2)
    expect(answers[1]?.payload).toEqual(answers[0]?.payload)
    expect(calls).toBe(1)
    expect(server.stats()).toMatchObject({ served: 1, servedAgain: 2, serving: 0 })
  })

  it('gives a client that asks again with the same ids the same answer', async () => {
    const { asker, server } = setUp()
    let calls = 0
    await server.serve(contract, { group: 'api' }, () => ({ output: { calls: ++calls } }))
    const options = { timeoutMs: 1000, messageId: ID, correlationId: CHAIN }
    const first = await asker.request(contract, call, options)
    expect(await asker.request(contract, call, options)).toEqual(first)
    expect(calls).toBe(1)
    expect(await asker.request(contract, call, { timeoutMs: 1000 })).not.toEqual(first)
  })

  it('remembers only so many answers, the newest', async () => {
    const { asker, server } = setUp({ answers: 2 })
    let calls = 0
    await server.serve(contract, { group: 'api' }, () => ({ output: { calls: ++calls } }))
    const ask = (n: number) =>
      asker.request(contract, call, {
        timeoutMs: 1000,
        messageId: `${ID.slice(0, -1)}${n}`,
        correlationId: CHAIN,
      })
    await ask(1)
    await ask(2)
    await ask(3)
    await ask(3)
    expect(calls).toBe(3)
    await ask(1)
    expect(calls).toBe(4)
  })

  it('tells the requester kind, message and whether to try again [promise 30]', async () => {
    const { asker, server } = setUp()
    await server.serve(contract, { group: 'api' }, () => {
      throw new RequestError('memory-full', 'no room for more', { retryable: true })
    })
    await expect(asker.request(contract, call, { timeoutMs: 1000 })).rejects.toMatchObject({
      name: 'RemoteError',
      kind: 'memory-full',
      message: 'no room for more',
      retryable: true,
    })
  })

  it('carries a request out again that failed for a passing reason', async () => {
    const { asker, server } = setUp()
    let calls = 0
    await server.serve(contract, { group: 'api' }, (request) => {
      if (++calls === 1) throw new RequestError('busy', 'not now', { retryable: true })
      return echo(request)
    })
    const options = { timeoutMs: 1000, messageId: ID, correlationId: CHAIN }
    await expect(asker.request(contract, call, options)).rejects.toThrow('not now')
    await expect(asker.request(contract, call, options)).resolves.toEqual({ output: call.input })
  })

  it('tells nothing of an unexpected failure but that it happened', async () => {
    const { asker, server } = setUp()
    await server.serve(contract, { group: 'api' }, () => {
      throw new Error('password "hunter2" was not accepted')
    })
    const error = await asker.request(contract, call, { timeoutMs: 1000 }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'RemoteError', kind: 'internal', retryable: false })
    expect(String(error)).not.toContain('hunter2')
    expect(server.stats().handlerFailures).toBe(1)
  })

  it('answers an answer that breaks its own contract as an internal failure', async () => {
    const { asker, server } = setUp()
    await server.serve(contract, { group: 'api' }, () => ({}) as { output: Record<string, unknown> })
    await expect(asker.request(contract, call, { timeoutMs: 1000 })).rejects.toMatchObject({
      kind: 'internal',
    })
    await server.close()
    const { asker: other, server: second } = setUp()
    await second.serve(contract, { group: 'api' }, () => ({ output: { huge: 1n } }))
    await expect(other.request(contract, call, { timeoutMs: 1000 })).rejects.toMatchObject({
      kind: 'internal',
    })
  })

  it('aborts the handler at the deadline and answers nothing once nobody waits [promise 27]', async () => {
    const { asker, server, broker, clock } = setUp()
    let context: RequestContext | undefined
    await server.serve(contract, { group: 'api' }, (_, given) => {
      context = given
      return new Promise((_resolve, reject) =>
        given.signal.addEventListener('abort', () => reject(given.signal.reason)),
      )
    })
    const startMs = clock.now()
    const failure = asker.request(contract, call, { timeoutMs: 2000 }).catch((error: unknown) => error)
    await settled()
    expect(context).toMatchObject({ deadlineAtMs: startMs + 2000, remainingMs: 2000 })
    // Whatever the time of day is set to.
    clock.correct(-3_600_000)
    expect(context).toMatchObject({ deadlineAtMs: startMs + 2000 - 3_600_000, remainingMs: 2000 })
    await clock.advance(1999)
    expect(context?.signal.aborted).toBe(false)
    await clock.advance(1)
    expect(context?.signal.aborted).toBe(true)
    expect(await failure).toMatchObject({ code: 'request-timed-out' })
    await only(broker.to('jamey/api/requests')).handled[0]
    expect(broker.to('jamey/api/responses/#')).toEqual([])
    expect(server.stats()).toMatchObject({ servedLate: 1, served: 0, handlerFailures: 0 })
    expect(clock.pendingTimers).toBe(OF_THE_SERVER)
  })

  it('does not begin what is already too late', async () => {
    const { asker, server, broker } = setUp()
    let calls = 0
    await server.serve(contract, { group: 'api' }, (request) => {
      calls++
      return echo(request)
    })
    await asker.request(contract, call, { timeoutMs: 1000 })
    const { topic, payload } = only(broker.to('jamey/api/requests'))
    const late = { messageExpiryInterval: 0, responseTopic: 'jamey/api/responses/asker/api/late' }
    await Promise.all(broker.deliver(topic, payload, late))
    expect(calls).toBe(1)
    expect(server.stats().servedLate).toBe(1)
  })

  it('gives a request without properties 30 s from its timestamp, as MQTT 3.1.1 has none', async () => {
    const { server, broker, clock } = setUp()
    const deadlines: number[] = []
    await server.serve(contract, { group: 'api' }, (request, { deadlineAtMs }) => {
      deadlines.push(deadlineAtMs - clock.timeOfDay())
      return echo(request)
    })
    const send = (secondsAgo: number, id: number) =>
      Promise.all(
        broker.deliver(
          contract.topic,
          JSON.stringify({
            message_id: ID,
            timestamp: new Date(clock.timeOfDay() - secondsAgo * 1000).toISOString(),
            topic: contract.topic,
            payload: { action: 'call', data: call },
            metadata: {
              client_id: 'old',
              correlation_id: `${CHAIN.slice(0, -1)}${id}`,
              reply_to: 'jamey/api/responses/old/api/x',
            },
          }),
        ),
      )
    await send(10, 1)
    await send(-10, 2)
    await send(31, 3)
    expect(deadlines).toEqual([20_000, 30_000])
    const [answer] = broker.to('jamey/api/responses/old/api/x')
    expect(decodeEnvelope('jamey/api/responses/old/api/x', answer?.payload ?? Buffer.alloc(0))).toMatchObject(
      {
        payload: { action: 'call', data: { output: call.input } },
        metadata: { client_id: 'server', correlation_id: `${CHAIN.slice(0, -1)}1` },
      },
    )
    expect(server.stats().servedLate).toBe(1)
  })

  it('carries out a request that wants no answer, once per message', async () => {
    const { asker, server, broker } = setUp()
    let calls = 0
    await server.serve(contract, { group: 'api' }, (request) => {
      calls++
      return echo(request)
    })
    await asker.publish(contract, call, { messageId: ID })
    const { topic, payload, handled } = only(broker.to('jamey/api/requests'))
    await handled[0]
    await Promise.all(broker.deliver(topic, payload))
    expect(calls).toBe(1)
    expect(broker.to('jamey/api/responses/#')).toEqual([])
  })

  it('answers only at its own level in the inbox of the sender, for nobody may speak through a service', async () => {
    const { make, broker } = setUp()
    const server = make('wide', ['jamey/#', 'subscribe:$share/api/#'])
    let calls = 0
    await server.serve(contract, { group: 'api' }, (request) => {
      calls++
      return echo(request)
    })
    const asker = make('attacker', ['publish:jamey/api/requests'])
    await asker.publish(contract, call)
    const { payload } = only(broker.to('jamey/api/requests'))
    calls = 0
    for (const responseTopic of [
      'jamey/conscience/results',
      'jamey/api/responses/+/api/x',
      'jamey/api/responses/',
      'jamey/api/responses/victim/api/answers',
      'jamey/api/responses/attacker/memory/answers',
      'jamey/api/responses/attacker/api/',
      'jamey/api/responses/attacker/api',
    ]) {
      await Promise.all(broker.deliver(contract.topic, payload, { responseTopic }))
    }
    expect(calls).toBe(0)
    expect(broker.sent).toHaveLength(1)
    expect(server.stats().invalid).toBe(7)
  })

  it('refuses data that breaks the contract with the name of the field, and unknown actions', async () => {
    const { make, broker } = setUp()
    const server = make('memory', [
      'subscribe:$share/memory/jamey/memory/store/#',
      'publish:jamey/api/responses/+/memory/#',
    ])
    await server.serve(forget, { group: 'memory' }, () => ({ forgotten: 0 }))
    const ask = async (payload: object) => {
      const replyTo = 'jamey/api/responses/other/memory/x'
      const metadata = { client_id: 'other', correlation_id: randomUUID(), reply_to: replyTo }
      const envelope = {
        message_id: randomUUID(),
        timestamp: '2024-11-14T20:00:00Z',
        topic: 'jamey/memory/store',
        payload,
        metadata,
      }
      await Promise.all(broker.deliver('jamey/memory/store', JSON.stringify(envelope)))
      const answer = broker.to(replyTo).at(-1)
      return decodeEnvelope(replyTo, answer?.payload ?? Buffer.alloc(0)).payload
    }
    expect(await ask({ action: 'store', data: { content: 'x' } })).toMatchObject({
      action: 'store',
      error: { kind: 'unknown-action', retryable: true },
    })
    const { error } = await ask({ action: 'forget', data: { tags: [] } })
    expect(error).toMatchObject({ kind: 'invalid-request', retryable: false })
    expect(JSON.stringify(error)).toContain('payload.data.tags')
    const halves = await ask({ action: 'forget', data: { tags: ['a', 'b \ud800'] } })
    expect(halves.error).toMatchObject({
      kind: 'invalid-request',
      message: expect.stringContaining('payload.data.tags[1] is not valid: expected text that is Unicode'),
    })
    const named = await ask({ action: 'forget', data: JSON.parse('{"where":{"__proto__":1}}') })
    expect(named.error).toMatchObject({
      kind: 'invalid-request',
      message: expect.stringContaining('payload.data.where.__proto__'),
    })
  })

  it('refuses at once to ask with text that is not Unicode, or a member called __proto__', async () => {
    const { make, broker } = setUp()
    const client = make('client', ['publish:jamey/memory/store'])
    const sent = broker.sent.length
    const ask = (data: object) => client.request(topics.memory.store, data as { content: string })
    await expect(ask({ content: 'a \ud800' })).rejects.toMatchObject({
      code: 'invalid',
      field: 'payload.data.content',
    })
    const metadata: unknown = JSON.parse('{"a":{"__proto__":{}}}')
    await expect(ask({ content: 'a', metadata })).rejects.toMatchObject({
      code: 'invalid',
      field: 'payload.data.metadata.a.__proto__',
    })
    expect(broker.sent).toHaveLength(sent)
  })

  it.each([
    ['the correlation id', CHAIN],
    ['that and the message id', `${CHAIN} ${ID}`],
  ])(
    'tells the sender of something that is no envelope, where the properties have %s',
    async (_what, data) => {
      const { server, broker } = setUp()
      await server.serve(contract, { group: 'api' }, echo)
      const responseTopic = 'jamey/api/responses/other/api/x'
      const correlationData = Buffer.from(data)
      await Promise.all(broker.deliver(contract.topic, '{}', { responseTopic, correlationData }, 'other'))
      const answer = only(broker.to(responseTopic))
      expect(answer.options.properties?.correlationData).toEqual(correlationData)
      expect(decodeEnvelope(responseTopic, answer.payload)).toMatchObject({
        payload: { error: { kind: 'invalid-message', retryable: false } },
        metadata: { correlation_id: CHAIN },
      })
      await Promise.all(broker.deliver(contract.topic, 'nonsense'))
      expect(server.stats().invalid).toBe(2)
    },
  )

  it('reads nothing of a request that is far too large, and says so where the properties say how', async () => {
    const { make, broker } = setUp()
    const server = make('memory', [
      'subscribe:$share/memory/jamey/memory/store/#',
      'publish:jamey/api/responses/+/memory/#',
    ])
    await server.serve(topics.memory.store, {}, () => {
      throw new RequestError('unused', 'unused')
    })
    const responseTopic = 'jamey/api/responses/other/memory/x'
    const properties = { responseTopic, correlationData: Buffer.from(CHAIN) }
    // No JSON: that is not even looked at.
    const large = Buffer.alloc(1_048_577, '{')
    await Promise.all(broker.deliver(topics.memory.store.topic, large, properties, 'other'))
    const { error } = decodeEnvelope(responseTopic, only(broker.to(responseTopic)).payload).payload
    const message = expect.stringContaining('has 1048577 bytes; at most 1048576 are taken')
    expect(error).toMatchObject({ kind: 'invalid-message', retryable: false, message })
  })

  it('shares one subscription among the actions of a topic, and ends it with the last', async () => {
    const { make, broker } = setUp()
    const server = make('memory', [
      'subscribe:$share/memory/jamey/memory/store/#',
      'publish:jamey/api/responses/+/memory/#',
    ])
    const store = await server.serve(topics.memory.store, { group: 'memory' }, () => {
      throw new RequestError('unused', 'unused')
    })
    const forgetting = await server.serve(forget, { group: 'memory' }, () => ({ forgotten: 1 }))
    expect(broker.filters).toEqual(['$share/memory/jamey/memory/store/#'])
    await expect(server.serve(forget, { group: 'memory' }, () => ({ forgotten: 2 }))).rejects.toMatchObject({
      code: 'already-served',
    })
    await store.stop()
    expect(broker.filters).toHaveLength(1)
    await forgetting.stop()
    expect(broker.filters).toEqual([])
  })

  it('carries out what comes while all actions of a topic are being stopped', async () => {
    const { make, broker } = setUp()
    const server = make('memory', [
      'subscribe:$share/memory/jamey/memory/store/#',
      'publish:jamey/api/responses/+/memory/#',
    ])
    const asker = make('asker', ['publish:jamey/memory/store'])
    const stored: string[] = []
    const store = await server.serve(topics.memory.store, { group: 'memory' }, ({ data }) => {
      stored.push(data.content)
      throw new RequestError('unused', 'unused')
    })
    const forgetting = await server.serve(forget, { group: 'memory' }, () => ({ forgotten: 1 }))
    const request = asker.request(topics.memory.store, { content: 'early' })
    await expect(request).rejects.toMatchObject({ kind: 'unused' })
    const { topic, payload } = only(broker.to(topics.memory.store.topic))
    const { message_id, metadata } = decodeEnvelope(topic, payload)
    const late = Buffer.from(payload)
      .toString()
      .replaceAll(message_id, ID)
      .replaceAll(metadata.correlation_id, CHAIN)
      .replace('early', 'late')
    const stops = [store.stop(), forgetting.stop()]
    await Promise.all(broker.deliver(topic, Buffer.from(late), undefined, 'asker'))
    await Promise.all(stops)
    expect(stored).toEqual(['early', 'late'])
    expect(broker.filters).not.toContain('$share/memory/jamey/memory/store/#')
  })

  it('subscribes alone where the server cannot share', async () => {
    const { server, broker, make } = setUp()
    broker.sharedSubscriptionAvailable = false
    const alone = ['subscribe:jamey/api/requests/#', 'subscribe:$share/api/jamey/api/requests/#']
    await make('alone', [...alone, 'publish:jamey/api/responses/#']).serve(contract, { group: 'api' }, echo)
    expect(broker.filters).toEqual(['jamey/api/requests/#'])
    // The right to be in a group is not the right to the topic itself.
    await expect(server.serve(contract, { group: 'api' }, echo)).rejects.toMatchObject({
      permission: 'subscribe:jamey/api/requests/#',
    })
  })

  it('is refused at once where its server may answer nobody', async () => {
    const { broker, make } = setUp()
    const mute = make('mute', ['subscribe:$share/api/jamey/api/requests/#', 'publish:jamey/events/errors'])
    await expect(mute.serve(contract, { group: 'api' }, echo)).rejects.toMatchObject({
      name: 'PermissionError',
      permission: 'publish:jamey/api/responses/+/api/#',
    })
    expect(broker.filters).toEqual([])
    // One requester that can be answered is enough.
    const narrow = make('narrow', [
      'subscribe:$share/api/jamey/api/requests/#',
      'publish:jamey/api/responses/asker/api/+',
    ])
    await narrow.serve(contract, { group: 'api' }, echo)
    expect(broker.filters).toEqual(['$share/api/jamey/api/requests/#'])
  })

  it('takes an answer at the level of the service that was asked, and at no other', async () => {
    const { asker, server, broker } = setUp()
    await server.serve(contract, {}, (request) => {
      const { correlation_id, reply_to = '' } = request.envelope.metadata
      const topic = reply_to.replace('/api/answers', '/memory/answers')
      const payload = { action: 'call', data: { output: { forged: true } } }
      const metadata = { client_id: 'memory', correlation_id }
      const forged = { message_id: ID, timestamp: '2024-11-14T20:00:00Z', topic, payload, metadata }
      const correlationData = Buffer.from(correlation_id)
      expect(broker.deliver(topic, JSON.stringify(forged), { correlationData })).toHaveLength(1)
      broker.deliver(topic, JSON.stringify(forged))
      return echo(request)
    })
    expect(await asker.request(contract, call, { timeoutMs: 1000 })).toEqual({ output: call.input })
    expect(asker.stats().answersDropped).toBe(2)
  })

  it('serves one service on a topic', async () => {
    const { make } = setUp()
    const server = make('both', ['jamey/#', 'subscribe:$share/all/jamey/#'])
    await server.serve(contract, { group: 'all' }, echo)
    const other = { ...contract, action: 'other', service: 'other' }
    await expect(server.serve(other, { group: 'all' }, echo)).rejects.toThrow('is of one service, "api"')
  })

  it('needs the permission to subscribe, and a group that is one level', async () => {
    const { asker } = setUp()
    await expect(asker.serve(contract, { group: 'api' }, echo)).rejects.toMatchObject({
      permission: 'subscribe:$share/api/jamey/api/requests/#',
    })
    await expect(asker.serve(contract, { group: 'a/b' }, echo)).rejects.toThrow(TypeError)
    await expect(asker.serve({ ...contract, service: '+' }, {}, echo)).rejects.toThrow('service')
    await expect(asker.request({ ...contract, service: '+' }, call, { timeoutMs: 9 })).rejects.toThrow(
      'service',
    )
  })

  it('finishes what it took before it stops', async () => {
    const { asker, server, broker, clock } = setUp()
    const { opening, open } = gate()
    await server.serve(contract, { group: 'api' }, async (request) => {
      await opening
      return echo(request)
    })
    const answer = asker.request(contract, call, { timeoutMs: 60_000 })
    await settled()
    const closed = server.close()
    await settled()
    expect(broker.filters).toEqual(['jamey/api/responses/asker/#'])
    open()
    await expect(answer).resolves.toEqual({ output: call.input })
    await closed
    expect(clock.pendingTimers).toBe(0)
  })

  it('closes in time though a handler does not end, which is told to [promise 18]', async () => {
    const { asker, server, clock } = setUp()
    let signal: AbortSignal | undefined
    await server.serve(contract, { group: 'api' }, (_, context) => {
      signal = context.signal
      return new Promise(() => {})
    })
    const failure = asker.request(contract, call, { timeoutMs: 60_000 }).catch((error: unknown) => error)
    await settled()
    const closed = server.close({ timeoutMs: 1000 })
    await clock.advance(1000)
    await closed
    expect(signal?.aborted).toBe(true)
    await clock.advance(60_000)
    expect(await failure).toMatchObject({ code: 'request-timed-out' })
    expect(clock.pendingTimers).toBe(0)
  })

  it('passes trace context to the answer', async () => {
    const { asker, server, broker } = setUp()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    let seen: string | undefined
    await server.serve(contract, { group: 'api' }, (request) => {
      seen = request.envelope.metadata.traceparent
      return echo(request)
    })
    await asker.request(contract, call, { timeoutMs: 1000, traceparent })
    const { topic, payload } = only(broker.to('jamey/api/responses/#'))
    expect([seen, decodeEnvelope(topic, payload).metadata.traceparent]).toEqual([traceparent, traceparent])
  })
})
