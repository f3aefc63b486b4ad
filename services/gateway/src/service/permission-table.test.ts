import { signToken } from '@jamey/auth'
import { topics } from '@jamey/contracts'
import { PERMISSION_CASES } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  call,
  memoryOf,
  post,
  type RawAnswer,
  type RunningFixture,
  SECRET,
  startGateway,
  VERDICT,
} from './gateway.support.js'

/** The calls that stand for publishing to a topic. */
const CALLS: Readonly<Record<string, (url: string, headers: Record<string, string>) => Promise<RawAnswer>>> =
  {
    [topics.conscience.evaluate.topic]: (url, headers) =>
      post(`${url}/v1/conscience/evaluate`, { action: 'water the plants' }, headers),
    [topics.memory.store.topic]: (url, headers) => post(`${url}/v1/memories`, { content: 'a' }, headers),
    [topics.memory.query.topic]: (url, headers) => call(`${url}/v1/memories`, { headers }),
  }

describe('calls over HTTP with a token', () => {
  let running: RunningFixture

  beforeAll(async () => {
    running = await startGateway({ tokenSecret: SECRET, requireToken: true })
    running.bus.answer(topics.conscience.evaluate, () => VERDICT)
    running.bus.answer(topics.memory.store, () => ({ memory: memoryOf('m', 'a'), created: true }))
    running.bus.answer(topics.memory.query, () => ({ memories: [], total: 0 }))
  })

  afterAll(() => running.gateway.stop())

  const cases = PERMISSION_CASES.filter(({ action, topic }) => action === 'publish' && topic in CALLS)

  it.each(cases)('are let through as the table says: $name [promise 24]', async (each) => {
    const token = await signToken({ sub: each.clientId, permissions: each.permissions }, SECRET)
    const asked = () => running.bus.requests.filter(({ topic }) => topic === each.topic).length
    const before = asked()
    const answer = await CALLS[each.topic]?.(running.url, { authorization: `Bearer ${token}` })
    expect(answer?.status).toBe(each.isAllowed ? (each.topic === topics.memory.store.topic ? 201 : 200) : 403)
    expect(asked() - before).toBe(each.isAllowed ? 1 : 0)
    if (!each.isAllowed) expect(answer?.body['permission']).toBe(`publish:${each.topic}`)
  })

  it('are judged by enough of the table', () => {
    expect(cases.filter(({ isAllowed }) => isAllowed).length).toBeGreaterThanOrEqual(10)
    expect(cases.filter(({ isAllowed }) => !isAllowed).length).toBeGreaterThanOrEqual(10)
    expect(new Set(cases.map(({ topic }) => topic)).size).toBe(3)
  })
})
