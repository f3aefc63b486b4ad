import { signToken } from '@jamey/auth'
import { topics } from '@jamey/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { post, type RunningFixture, SECRET, startGateway } from '../service/gateway.support.js'

const ERROR = { kind: 'invalid-request', message: 'calls.0.tool: it is empty.', retryable: false }
const BOUND = { request_digest: 'sha256:0', requested_by: 'ada', correlation_id: 'c' }

describe('several calls over HTTP', () => {
  let running: RunningFixture
  const url = (): string => `${running.url}/v1/conscience/evaluate/batch`
  const bearer = async (...permissions: string[]) => ({
    authorization: `Bearer ${await signToken({ sub: 'ada', permissions }, SECRET)}`,
  })

  beforeAll(async () => {
    running = await startGateway({ tokenSecret: SECRET })
    running.bus.answer(topics.conscience.evaluateBatch, () => ({ results: [{ error: ERROR }], ...BOUND }))
  })
  afterAll(() => running.gateway.stop())

  it('are asked about for their caller, with what came of each in one answer', async () => {
    const calls = [{ tool: '' }]
    const answer = await post(url(), { calls }, await bearer('publish:jamey/conscience/evaluate'))
    expect([answer.status, answer.body]).toEqual([200, { results: [{ error: ERROR }], ...BOUND }])
    expect(running.bus.requests.at(-1)).toMatchObject({
      topic: 'jamey/conscience/evaluate',
      data: { calls },
      options: { onBehalfOf: { clientId: 'ada' } },
    })
  })

  it('need the right to ask about one, and are 64 at most', async () => {
    expect((await post(url(), { calls: [{}] }, await bearer('publish:jamey/memory/#'))).status).toBe(403)
    const headers = await bearer('publish:jamey/conscience/evaluate')
    const answer = await post(url(), { calls: Array(65).fill({ tool: 'a' }) }, headers)
    expect([answer.status, answer.body]).toMatchObject([400, { field: 'calls' }])
  })
})
