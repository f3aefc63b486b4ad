import { FakeClock, FaultProxy, MqttPeer, settled, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { errorFor } from '../connection/reason-table.js'
import { type Client, type StateName, TRANSITIONS } from '../index.js'
import { makeHarness } from '../test-support/harness.js'
import { iterate } from './state-iteration.js'
import { StateStream } from './state-stream.js'

const { makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

const STATES: readonly StateName[] = ['disconnected', 'connecting', 'connected', 'reconnecting', 'error']

describe('states', () => {
  it('may follow each other as the table says: all 25 pairs [promise 13]', () => {
    const rows = STATES.map((from) =>
      STATES.map((to) => (TRANSITIONS[from].includes(to) ? 'x' : '.')).join(''),
    )
    expect(rows).toEqual(['.x...', 'x.xxx', 'x..xx', 'xx..x', 'xx...'])
  })

  /** How to get a client into each state, and what may happen to it there. */
  const reach: Record<StateName, (client: Client, peer: MqttPeer) => Promise<void>> = {
    disconnected: async () => {},
    connecting: async (client) => {
      client.connect().catch(() => {})
      await until(() => client.state === 'connecting')
    },
    connected: async (client) => {
      await client.connect()
    },
    reconnecting: async (client, peer) => {
      await client.connect()
      peer.connections[0]?.cut()
      await until(() => client.state === 'reconnecting')
    },
    error: async (client, peer) => {
      await client.connect()
      peer.connections[0]?.send({ type: 'disconnect', reasonCode: 0x8e, properties: undefined })
      await until(() => client.state === 'error')
    },
  }

  it.each(STATES)(
    '%s takes every call without an illegal move, and leaves nothing when closed',
    async (state) => {
      const clock = new FakeClock()
      const peer = await startPeer()
      const client = makeClient({ url: peer.url, clock })
      const moves: StateName[] = [client.state]
      client.onState((change) => moves.push(change.state))
      await reach[state](client, peer)
      expect(client.state).toBe(state)
      client.reset()
      client.connect().catch(() => {})
      client.reauthenticate().catch(() => {})
      await settled(3)
      await clock.advance(60_000)
      await client.close({ drain: false })
      expect(client.state).toBe('disconnected')
      for (const [i, to] of moves.slice(1).entries()) {
        expect(TRANSITIONS[moves[i] as StateName], moves.join(' ')).toContain(to)
      }
      expect(clock.pendingTimers).toBe(0)
    },
  )
})

describe('an iteration of states that nobody looks at', () => {
  it('keeps the newest thousand [promise 13]', async () => {
    const stream = new StateStream()
    const states = iterate(stream, { state: 'disconnected' })
    expect((await states.next()).value).toEqual({ state: 'disconnected' })
    for (let attempt = 1; attempt <= 1500; attempt++) stream.tell({ state: 'connecting', attempt })
    stream.end()
    const attempts: (number | undefined)[] = []
    for await (const { attempt } of states) attempts.push(attempt)
    expect([attempts.length, attempts[0], attempts.at(-1)]).toEqual([1000, 501, 1500])
  })
})

describe('reason codes', () => {
  it('become the error a caller can act on', () => {
    expect(errorFor('connack', 0x86, undefined, 'mqtt://h:1')).toMatchObject({
      name: 'AuthenticationError',
      code: 'bad-credentials',
      retryable: true,
    })
    expect(errorFor('disconnect', 0x8e, undefined, 'mqtt://h:1')).toMatchObject({
      retryable: false,
      message:
        'mqtt://h:1 ended the connection: sessionTakenOver (0x8e); give one of the two another clientId',
    })
    expect(errorFor('disconnect', 0x8b, 'bye', 'mqtt://h:1')).toMatchObject({
      name: 'ConnectionError',
      code: 'server-disconnected',
      reasonCode: 0x8b,
      retryable: true,
      message: 'mqtt://h:1 ended the connection: serverShuttingDown (0x8b): bye',
    })
  })
})
