import { FakeClock, FaultProxy, MqttPeer, settled, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Client, MAY_BECOME, type StateName } from './index.js'
import { actionFor, errorFor } from './reason-table.js'
import { makeHarness } from './test-support/harness.js'

const { makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

const STATES: readonly StateName[] = ['disconnected', 'connecting', 'connected', 'reconnecting', 'error']

describe('states', () => {
  it('may follow each other as the table says: all 25 pairs [promise 13]', () => {
    const rows = STATES.map((from) =>
      STATES.map((to) => (MAY_BECOME[from].includes(to) ? 'x' : '.')).join(''),
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
        expect(MAY_BECOME[moves[i] as StateName], moves.join(' ')).toContain(to)
      }
      expect(clock.pendingTimers).toBe(0)
    },
  )
})

describe('reason codes', () => {
  it('decide what happens next [promise 15]', () => {
    const decided = (packet: 'connack' | 'disconnect', codes: number[]) =>
      codes.map((code) => actionFor(packet, code))
    expect(decided('connack', [0x80, 0x88, 0x89, 0x9f])).toEqual(['retry', 'retry', 'retry', 'retry'])
    expect(decided('connack', [0x86, 0x87, 0x8c, 0x9c, 0x9d])).toEqual([
      'refresh',
      'refresh',
      'fallback',
      'move',
      'move',
    ])
    expect(decided('connack', [0x81, 0x82, 0x84, 0x85, 0x8a, 0x95])).toEqual(Array(6).fill('stop'))
    expect(decided('disconnect', [0x00, 0x81, 0x8b, 0x8d, 0x98, 0xa0])).toEqual(Array(6).fill('retry'))
    expect(decided('disconnect', [0x87, 0x8e, 0x9c])).toEqual(['refresh', 'stop', 'move'])
  })

  it('become the error a caller can act on', () => {
    expect(errorFor('connack', 0x86, undefined, 'mqtt://h:1')).toMatchObject({
      name: 'AuthenticationError',
      code: 'bad-credentials',
      retryable: false,
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
