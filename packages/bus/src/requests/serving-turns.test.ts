import { Permissions } from '@jamey/auth'
import { topics } from '@jamey/contracts'
import { FakeClock, settled } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { MqttBus } from '../entry/mqtt-bus.js'
import type { ServeOptions } from '../model/message.js'
import { FakeBroker } from '../test-support/fake-broker.js'

const contract = topics.api.requests

/** A server whose handler works until it is let go on, and requesters of many names. */
async function setUp(options: Partial<ServeOptions>) {
  const broker = new FakeBroker()
  const clock = new FakeClock()
  const make = (clientId: string, permissions: string[]): MqttBus => {
    const config = { url: 'mqtt://fake', clientId, permissions, clock }
    return new MqttBus(config, new Permissions(permissions, { clientId }), broker.connect(clientId))
  }
  const server = make('server', [
    'subscribe:$share/api/jamey/api/requests/#',
    'publish:jamey/api/responses/+/api/#',
  ])
  const begun: string[] = []
  const working: (() => void)[] = []
  await server.serve(
    contract,
    { group: 'api', ...options },
    async ({ data: payload, sender: { clientId } }) => {
      begun.push(`${clientId}${String(payload.input['n'])}`)
      await new Promise<void>((resolve) => working.push(resolve))
      return { output: payload.input }
    },
  )
  const buses = new Map<string, MqttBus>()
  const ask = (name: string, n: number, timeoutMs = 60_000) => {
    const bus = buses.get(name) ?? make(name, ['publish:jamey/api/requests'])
    buses.set(name, bus)
    const answer = bus.request(contract, { operation: 'memory.query', input: { n } }, { timeoutMs })
    return answer.then(
      ({ output }) => output['n'],
      (error: { kind?: string; code: string; retryable: boolean }) =>
        `${error.kind ?? error.code} ${error.retryable}`,
    )
  }
  /** Ends the oldest work, and lets what follows come to rest. */
  const finishOne = async (): Promise<void> => {
    working.shift()?.()
    await settled()
  }
  return { clock, server, begun, working, ask, finishOne }
}

describe('a server that works on a bounded number of requests', () => {
  it('lets the senders take turns, however many requests one of them has', async () => {
    const { ask, begun, working, finishOne } = await setUp({ concurrency: 1 })
    const answers = [1, 2, 3, 4].map((n) => ask('a', n))
    await settled()
    answers.push(ask('b', 1), ask('c', 1))
    await settled()
    expect(begun).toEqual(['a1'])
    while (working.length > 0) await finishOne()
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'a4'])
    await expect(Promise.all(answers)).resolves.toEqual([1, 2, 3, 4, 1, 1])
  })

  it('begins nothing for whom nobody waits any more', async () => {
    const { clock, server, ask, begun, working, finishOne } = await setUp({ concurrency: 1 })
    const patient = ask('a', 1)
    await settled()
    const late = ask('b', 1, 1000)
    const last = ask('c', 1)
    await settled()
    await clock.advance(1000)
    expect(await late).toBe('request-timed-out true')
    while (working.length > 0) await finishOne()
    expect(begun).toEqual(['a1', 'c1'])
    await expect(Promise.all([patient, last])).resolves.toEqual([1, 1])
    expect(server.stats()).toMatchObject({ serving: 0, servedLate: 1 })
  })

  it('gives up what still waits when it is closed', async () => {
    const { clock, server, ask, begun, finishOne } = await setUp({ concurrency: 1 })
    const answers = [ask('a', 1), ask('b', 1)]
    await settled()
    const closed = server.close({ timeoutMs: 1000 })
    await clock.advance(800)
    await finishOne()
    await clock.advance(1000)
    await closed
    expect(begun).toEqual(['a1'])
    await expect(answers[1]).resolves.toBe('aborted true')
  })
})

describe('a server with a bound for each sender', () => {
  it('refuses what is beyond it with a failure that says to try again, and nobody else', async () => {
    const { server, ask, finishOne, working } = await setUp({ maximumPerSender: 2 })
    const answers = [ask('a', 1), ask('a', 2)]
    await settled()
    expect(await ask('a', 3)).toBe('overloaded true')
    answers.push(ask('b', 1))
    await settled()
    await finishOne()
    answers.push(ask('a', 4))
    await settled()
    while (working.length > 0) await finishOne()
    await expect(Promise.all(answers)).resolves.toEqual([1, 2, 1, 4])
    expect(server.stats()).toMatchObject({ overloaded: 1, served: 4 })
  })

  it('counts their bytes, too, though one request may always be there', async () => {
    const { server, ask, working, finishOne } = await setUp({ maximumBytesPerSender: 400 })
    const answers = [ask('a', 1)]
    await settled()
    expect(await ask('a', 2)).toBe('overloaded true')
    answers.push(ask('b', 1))
    await settled()
    while (working.length > 0) await finishOne()
    answers.push(ask('a', 3))
    await settled()
    await finishOne()
    await expect(Promise.all(answers)).resolves.toEqual([1, 1, 3])
    expect(server.stats()).toMatchObject({ overloaded: 1, served: 3 })
  })

  it.each([0, -1, 1.5, Number.NaN])('takes no bound of %s', async (bound) => {
    await expect(setUp({ maximumPerSender: bound })).rejects.toThrow(RangeError)
    await expect(setUp({ maximumBytesPerSender: bound })).rejects.toThrow(RangeError)
    await expect(setUp({ concurrency: bound })).rejects.toThrow(RangeError)
  })
})
