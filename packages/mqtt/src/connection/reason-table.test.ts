import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REASON_CODES_OF } from '@jamey/protocol'
import { FakeClock, FaultProxy, MqttPeer, type PeerConnection, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Client, StateChange } from '../index.js'
import { makeHarness } from '../test-support/harness.js'
import { actionFor } from './reason-table.js'

const { makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

interface Row {
  readonly reasonCode: number
  readonly returnCode: number | undefined
  readonly then: string
  readonly change: string
}

const page = readFileSync(join(import.meta.dirname, '../../../../docs/errors.md'), 'utf8')
const CONNACK = rowsOf('CONNACK')
const DISCONNECT = rowsOf('DISCONNECT')

/** The table under a heading of the page. */
function rowsOf(heading: string): Row[] {
  const section = page.split(`### ${heading}\n`)[1]?.split('\n#')[0] ?? ''
  const cells = section.matchAll(/^\| 0x(\w\w) \w+ \|(?: (\d?) ?\|)?(?<= \|) (\w+) \|(?: (.*) \||)/gm)
  return [...cells].map(([, code = '', returnCode, then = '', change = '']) => ({
    reasonCode: Number.parseInt(code, 16),
    returnCode: returnCode ? Number(returnCode) : undefined,
    then,
    change: change.trim(),
  }))
}

const hex = ({ reasonCode }: Row): string => `0x${reasonCode.toString(16)}`
const titled = (rows: Row[]): [string, Row][] => rows.map((row) => [hex(row), row])

/** A client that would try for ever, and what it told. */
function patient(
  url: string,
  protocolVersion: 4 | 5,
): { client: Client; clock: FakeClock; told: StateChange[] } {
  const clock = new FakeClock()
  const told: StateChange[] = []
  const client = makeClient({
    url,
    clock,
    protocolVersion,
    waitForConnection: false,
    keepAliveSeconds: 0,
    credentials: { username: 'me', password: 'x' },
    reconnect: { jitter: 0, failuresBeforeOpen: Number.POSITIVE_INFINITY },
  })
  client.onState((change) => told.push(change))
  client.connect().catch(() => {})
  return { client, clock, told }
}

/** What a row says happens: another attempt, which succeeds here, or none and what to change. */
async function holds(
  row: Row,
  peer: MqttPeer,
  made: ReturnType<typeof patient>,
  attempts: number,
): Promise<void> {
  const { client, clock, told } = made
  await until(() => told.some(({ cause }) => cause !== undefined))
  const cause = told.find((change) => change.cause !== undefined)?.cause
  expect(cause).toMatchObject({ reasonCode: row.reasonCode, retryable: row.then !== 'stop' })
  if (row.then === 'stop') {
    expect(row.change).not.toBe('')
    expect(client.status).toMatchObject({
      state: 'error',
      cause: { message: expect.stringContaining(row.change) },
    })
    await clock.advance(600_000)
    expect(peer.connections).toHaveLength(attempts)
    return
  }
  await clock.advance(client.status.delayMs ?? 0)
  await peer.connection(attempts)
  await until(() => client.state === 'connected')
}

describe('the tables of docs/errors.md', () => {
  it('know every reason code of CONNACK and DISCONNECT, and say of each what the code does', () => {
    const codes = (rows: Row[]): number[] => rows.map(({ reasonCode }) => reasonCode)
    const sorted = (all: Iterable<number>): number[] => [...all].sort((a, b) => a - b)
    expect(codes(CONNACK)).toEqual(sorted(REASON_CODES_OF.connack).slice(1))
    expect(codes(DISCONNECT)).toEqual(sorted([...REASON_CODES_OF.disconnect, 0x8c]))
    for (const { reasonCode, then } of CONNACK) expect(actionFor('connack', reasonCode)).toBe(then)
    for (const { reasonCode, then } of DISCONNECT) expect(actionFor('disconnect', reasonCode)).toBe(then)
    expect(CONNACK.flatMap(({ returnCode }) => returnCode ?? []).sort()).toEqual([1, 2, 3, 4, 5])
  })
})

describe('a client whose CONNECT is refused once', () => {
  it.each(titled(CONNACK))('with %s does what the table says', async (_, row) => {
    const peer = await startPeer()
    let refusals = 0
    const refuse = (_packet: unknown, server: PeerConnection): void => {
      server.accept({ reasonCode: refusals++ === 0 ? row.reasonCode : 0 })
    }
    peer.follow({ connect: refuse })
    await holds(row, peer, patient(peer.url, 5), 1)
  })

  it.each(titled(CONNACK.filter(({ returnCode }) => returnCode !== undefined)))(
    'with the return code of %s in MQTT 3.1.1, too',
    async (_, row) => {
      const peer = await startPeer()
      let refusals = 0
      peer.follow({
        connect: (_packet, server) => {
          if (refusals++ > 0) server.accept()
          else server.socket.write(Buffer.from([0x20, 2, 0, row.returnCode ?? 0]))
        },
      })
      await holds(row, peer, patient(peer.url, 4), 1)
    },
  )
})

describe('a client that can ask in another way', () => {
  it.each([
    [0x84, { protocolVersion: 'auto' }],
    [0x8c, { credentials: { username: 'me', authenticationMethod: 'M' } }],
  ] as const)('does so at once after %i', async (reasonCode, options) => {
    expect(CONNACK.find((row) => row.reasonCode === reasonCode)?.then).toBe('fallback')
    const peer = await startPeer()
    let refusals = 0
    peer.follow({ connect: (_, server) => server.accept({ reasonCode: refusals++ === 0 ? reasonCode : 0 }) })
    const client = makeClient({ url: peer.url, ...options })
    await client.connect()
    expect(peer.connections).toHaveLength(2)
    expect(client.stats().connectFailures).toBe(0)
  })
})

describe('a client whose connection is ended once', () => {
  it.each(titled(DISCONNECT))('with %s does what the table says', async (_, row) => {
    const peer = await startPeer()
    const made = patient(peer.url, 5)
    const server = await peer.connection(0)
    await until(() => made.client.state === 'connected')
    server.send({ type: 'disconnect', reasonCode: row.reasonCode, properties: undefined })
    await holds(row, peer, made, 1)
  })
})

describe('a client that is refused again and again', () => {
  it('asks for fresh credentials at once, then with every attempt, ever more slowly, and the breaker opens', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    peer.follow({ connect: (_, server) => server.accept({ reasonCode: 0x87 }) })
    const asked: string[] = []
    const delays: (number | undefined)[] = []
    const client = makeClient({
      url: peer.url,
      clock,
      waitForConnection: false,
      reconnect: { jitter: 0, failuresBeforeOpen: 5 },
      credentials: ({ reason }) => {
        asked.push(reason)
        return { username: 'me' }
      },
    })
    client.onState(({ state, delayMs }) => state === 'reconnecting' && delays.push(delayMs))
    client.connect().catch(() => {})
    for (let i = 0; i < 4; i++) {
      await until(() => client.state === 'reconnecting')
      await clock.advance(client.status.delayMs ?? 0)
    }
    await until(() => client.state === 'error')
    expect(asked).toEqual(['connect', 'refresh', 'refresh', 'refresh', 'refresh'])
    expect(delays).toEqual([0, 0, 1000, 2000])
    expect(client.status.cause).toMatchObject({ code: 'breaker-open', cause: { code: 'not-authorized' } })
  })

  it('tries the next server of several', async () => {
    const [one, other] = [await startPeer(), await startPeer()]
    one.follow({ connect: (_, server) => server.accept({ reasonCode: 0x86 }) })
    const client = makeClient({ urls: [one.url, other.url] })
    await client.connect()
    expect(other.connections).toHaveLength(1)
  })
})
