import { Permissions } from '@jamey/auth'
import { topics } from '@jamey/contracts'
import { PublishError } from '@jamey/mqtt'
import { FakeClock, settled } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { MqttBus } from '../entry/mqtt-bus.js'
import type { BusConfig } from '../model/config.js'
import { FakeBroker } from '../test-support/fake-broker.js'

const contract = topics.memory.query
const AT = '2026-01-01T00:00:00.000Z'
const MEMORY = {
  id: 'm',
  content: 'x'.repeat(10_000),
  layer: 'episodic' as const,
  tags: [],
  importance: 1,
  created_at: AT,
  occurred_at: AT,
  expires_at: null,
  owner: 'asker',
  scope: 'private' as const,
  source: 'asker',
  metadata: {},
  trusted: true,
  version: 1,
  updated_at: AT,
  count: 1,
  last_stored_at: AT,
  content_hash: '0'.repeat(64),
  provenance: { stored_by: 'a' },
  score: 1,
}

/** A server of queries that a requester asks whose queue at the broker has so many bytes left, all in all. */
async function setUp(roomBytes: number, refusal: Partial<PublishError> = { reasonCode: 0x97 }) {
  const broker = new FakeBroker()
  const clock = new FakeClock()
  const warnings: object[] = []
  const log = { debug() {}, info() {}, error() {}, warn: (about: object) => void warnings.push(about) }
  const make = (clientId: string, permissions: string[]): MqttBus => {
    const config: BusConfig = { url: 'mqtt://fake', clientId, permissions, clock, log }
    return new MqttBus(config, new Permissions(permissions, { clientId }), broker.connect(clientId))
  }
  const asker = make('asker', ['publish:jamey/memory/query'])
  const server = make('server', [
    'subscribe:$share/memory/jamey/memory/query/#',
    'publish:jamey/api/responses/+/memory/#',
  ])
  await server.serve(contract, {}, () => ({ memories: [MEMORY], total: 1 }))
  const room = { bytes: roomBytes }
  const options: unknown[] = []
  const publish = broker.publish.bind(broker)
  broker.publish = async (from, topic, payload, given) => {
    if (from === 'server' && topic.startsWith('jamey/api/responses')) {
      options.push(given)
      if (payload.length > room.bytes) {
        const { code = 'refused', reasonCode } = refusal
        throw new PublishError(code, 'no', { reasonCode, retryable: reasonCode === 0x97 })
      }
      room.bytes -= payload.length
    }
    return publish(from, topic, payload, given)
  }
  return { broker, clock, asker, server, warnings, room, options }
}

describe('an answer that the server has no room for', () => {
  it('is replaced by a word that fits, so that its requester may read and ask again', async () => {
    const { broker, asker, server } = await setUp(700)
    const failure = await asker.request(contract, {}, { timeoutMs: 1000 }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ kind: 'overloaded', retryable: true })
    await expect(broker.to('jamey/memory/query')[0]?.handled[0]).resolves.toBeUndefined()
    expect(server.stats()).toMatchObject({ answersUnread: 1, served: 1, serving: 0 })
  })

  it('is let go of where there is no room for a word: acknowledged, counted, and said once a minute', async () => {
    const { broker, clock, asker, server, warnings, options } = await setUp(0)
    const ask = async (count: number) => {
      for (let i = 0; i < count; i++) asker.request(contract, {}, { timeoutMs: 1000 }).catch(() => {})
      await settled()
    }
    await ask(10)
    await clock.advance(59_000)
    await ask(10)
    expect(warnings).toHaveLength(1)
    await clock.advance(1000)
    await ask(1)
    expect(warnings).toHaveLength(2)
    for (const { handled } of broker.to('jamey/memory/query'))
      await expect(handled[0]).resolves.toBeUndefined()
    expect(server.stats()).toMatchObject({ answersUnread: 21, serving: 0, reportsLost: 0 })
    expect(options).toHaveLength(42)
    // That one does not read is no reason to send others theirs more slowly.
    for (const given of options) expect(given).toMatchObject({ isPaced: false })
  })

  it('because it is larger than any packet may be is told as that', async () => {
    const { asker } = await setUp(700, { code: 'packet-too-large' })
    const failure = await asker.request(contract, {}, { timeoutMs: 1000 }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ kind: 'answer-too-large', retryable: false })
    expect(String(failure)).toMatch(/has \d{5} bytes/)
  })
})
