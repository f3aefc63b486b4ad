import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envelope, type Peer } from './peer.js'
import { AttackedSystem, REMEMBERING, VERSIONS } from './system.js'

const STORE = 'jamey/memory/store'
const QUERY = 'jamey/memory/query'
/** Far less than what requesters wait for by default, and than what the floods took from others before. */
const PATIENCE_MS = 5000
const ROUNDS = 10
let system: AttackedSystem

beforeAll(async () => {
  system = await AttackedSystem.start()
})
afterAll(() => system?.stop())

/** Asks without end, so many at a time, whatever the answers; the function it returns ends that. */
function flood(attacker: Peer, topic: string, action: string, data: unknown, atOnce: number) {
  const signal = new AbortController()
  const replyTo = attacker.inbox('memory')
  const round = async () => {
    const answered = attacker.received.length + atOnce
    const said = Array.from({ length: atOnce }, () => {
      const correlationId = randomUUID()
      const payload = envelope(attacker.clientId, topic, action, data, { replyTo, correlationId })
      const properties = { responseTopic: replyTo, correlationData: Buffer.from(correlationId) }
      return attacker.say(topic, payload, properties).catch(() => {})
    })
    await Promise.all(said)
    await attacker.hasReceived(answered, 2000)
  }
  const flooding = (async () => {
    while (!signal.signal.aborted) await round()
  })()
  return () => {
    signal.abort()
    return flooding
  }
}

/** Milliseconds for each of some stores and queries, every one of which has to succeed. */
async function served(victim: Peer): Promise<{ stores: number[]; queries: number[] }> {
  const times = { stores: [] as number[], queries: [] as number[] }
  for (let i = 0; i < ROUNDS; i++) {
    const begun = performance.now()
    await expect(victim.ask(STORE, 'store', { content: `milk ${randomUUID()}` })).resolves.toHaveProperty(
      'data.created',
      true,
    )
    const stored = performance.now()
    await expect(victim.ask(QUERY, 'query', { query: 'milk' })).resolves.toHaveProperty('data.memories')
    times.stores.push(stored - begun)
    times.queries.push(performance.now() - stored)
  }
  return times
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN
}

describe.each(VERSIONS)('over MQTT %i, one that floods the memory', (version) => {
  it('with broad queries has others wait for little', async () => {
    const victim = await system.peer('victim', REMEMBERING, version)
    const attacker = await system.peer('attacker', REMEMBERING, version)
    const words = 'the quick brown fox jumps over the lazy dog '.repeat(200)
    for (let i = 0; i < 200; i++) await attacker.ask(STORE, 'store', { content: `${i} ${words}` })
    await served(victim)
    const stop = flood(attacker, QUERY, 'query', { query: 'quick brown fox lazy dog jumps', limit: 100 }, 64)
    const { stores, queries } = await served(victim)
    await stop()
    expect(Math.max(median(stores), median(queries))).toBeLessThan(PATIENCE_MS)
  })

  it('with metadata of eight megabytes, or the longest texts, has others wait for little', async () => {
    const victim = await system.peer('victim', REMEMBERING, version)
    const attacker = await system.peer('attacker', REMEMBERING, version)
    await served(victim)
    for (const data of [
      { content: 'large', metadata: { blob: 'x'.repeat(8_000_000) } },
      { content: 'word '.repeat(19_990) },
    ]) {
      const stop = flood(attacker, STORE, 'store', data, 8)
      const { stores, queries } = await served(victim)
      await stop()
      expect(Math.max(median(stores), median(queries))).toBeLessThan(PATIENCE_MS)
    }
  })

  it('with more than one client may have waiting is told so, and may try again', async () => {
    const attacker = await system.peer('attacker', REMEMBERING, version)
    const replyTo = attacker.inbox('memory')
    for (let i = 0; i < 1500; i++) {
      const claims = { replyTo, correlationId: randomUUID() }
      void attacker.say(QUERY, envelope(attacker.clientId, QUERY, 'query', { query: 'fox' }, claims))
    }
    await attacker.hasReceived(1500, 60_000)
    const answers = attacker.received.map(
      ({ payload }) => JSON.parse(Buffer.from(payload).toString()).payload,
    )
    const refused = answers.filter(({ error }) => error !== undefined)
    expect(answers.length - refused.length).toBeGreaterThan(100)
    for (const { error } of refused) expect(error).toMatchObject({ kind: 'overloaded', retryable: true })
    await expect(attacker.ask(QUERY, 'query', { query: 'fox' })).resolves.toHaveProperty('data.total')
  })
})
