import { signToken } from '@jamey/auth'
import { RequestError } from '@jamey/bus'
import { atKeeper, topics } from '@jamey/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, post, type RunningFixture, SECRET, startGateway } from '../service/gateway.support.js'

const { approvals } = topics.conscience
const KEEPER = 'jamey-conscience'
const ID = `7c1d2e3f-4a5b-4c6d-8e7f-9a0b1c2d3e4f.${KEEPER}`
const APPROVAL = { approval_id: ID, status: 'pending' }
const ANSWERING = 'publish:jamey/conscience/approvals-answer/+'

describe('approvals over HTTP', () => {
  let running: RunningFixture
  const url = (path = ''): string => `${running.url}/v1/approvals${path}`
  const last = () => running.bus.requests.at(-1)
  const bearer = async (...permissions: string[]) => ({
    authorization: `Bearer ${await signToken({ sub: 'ada', permissions }, SECRET)}`,
  })

  beforeAll(async () => {
    running = await startGateway({ tokenSecret: SECRET })
    running.bus.answer(approvals.list, () => ({ approvals: [APPROVAL], total: 1 }))
    for (const contract of [approvals.get, approvals.withdraw]) {
      running.bus.answer(contract, () => ({ approval: APPROVAL }))
    }
    for (const contract of [approvals.answer, approvals.revoke]) {
      running.bus.answer(atKeeper(contract, KEEPER), () => ({ approval: APPROVAL }))
    }
  })
  afterAll(() => running.gateway.stop())

  it('are listed by what narrows them', async () => {
    const answer = await call(url('?status=pending&status=approved&limit=5'))
    expect([answer.status, answer.body]).toEqual([200, { approvals: [APPROVAL], total: 1 }])
    expect(last()).toMatchObject({
      topic: 'jamey/conscience/approvals-list',
      data: { status: ['pending', 'approved'], limit: 5, offset: 0 },
    })
    expect((await call(url('?state=pending'))).status).toBe(400)
    expect((await call(url('?status=pendin'))).body).toMatchObject({ field: 'status' })
    expect((await call(url(), { headers: await bearer('publish:jamey/conscience/evaluate') })).status).toBe(
      403,
    )
  })

  it('are waited for by whoever may ask', async () => {
    const headers = await bearer('publish:jamey/conscience/evaluate')
    const answer = await call(url(`/${ID}?wait_ms=50`), { headers })
    expect([answer.status, answer.body]).toEqual([200, { approval: APPROVAL }])
    expect(last()).toMatchObject({
      data: { approval_id: ID, wait_ms: 50 },
      options: { onBehalfOf: { clientId: 'ada' } },
    })
    expect((await call(url('/nothing'), { headers })).body).toMatchObject({ status: 400, field: 'id' })
  })

  it('are withdrawn for their caller, who needs no more than the right to ask', async () => {
    const headers = await bearer('publish:jamey/conscience/evaluate')
    const answer = await post(url(`/${ID}/withdraw`), { because: 'the run is over' }, headers)
    expect([answer.status, answer.body]).toEqual([200, { approval: APPROVAL }])
    expect(last()).toMatchObject({
      topic: 'jamey/conscience/evaluate',
      action: 'withdraw_approval',
      data: { approval_id: ID, because: 'the run is over' },
      options: { onBehalfOf: { clientId: 'ada' } },
    })
    await post(url(`/${ID}/withdraw`), { approval_id: ID.replace('7', '8') }, headers)
    expect(last()).toMatchObject({ data: { approval_id: ID } })
    const asked = running.bus.requests.length
    expect((await post(url(`/${ID}/withdraw`), {}, await bearer(ANSWERING))).status).toBe(403)
    expect(running.bus.requests).toHaveLength(asked)
  })

  it('are answered and revoked with a token that may, at the conscience that keeps them', async () => {
    const headers = await bearer(ANSWERING)
    const answer = await post(
      url(`/${ID}/answer`),
      { decision: 'approve', scope: 'session', note: 'go' },
      headers,
    )
    expect([answer.status, answer.body]).toEqual([200, { approval: APPROVAL }])
    expect(last()).toMatchObject({
      topic: `jamey/conscience/approvals-answer/${KEEPER}`,
      data: { approval_id: ID, decision: 'approve', scope: 'session', note: 'go' },
      options: { onBehalfOf: { clientId: 'ada' } },
    })
    expect((await call(url(`/${ID}`), { method: 'DELETE', headers })).status).toBe(200)
    expect(last()).toMatchObject({ action: 'revoke_approval', data: { approval_id: ID } })
  })

  it('are answered by nobody without a token or without the right, and never for another than the path says', async () => {
    const asked = running.bus.requests.length
    const body = { decision: 'approve' }
    expect((await post(url(`/${ID}/answer`), body)).status).toBe(401)
    expect((await call(url(`/${ID}`), { method: 'DELETE' })).status).toBe(401)
    for (const permissions of [['jamey/conscience/evaluate'], ['publish:jamey/conscience/approvals-list']]) {
      const refused = await post(url(`/${ID}/answer`), body, await bearer(...permissions))
      expect(refused.body).toMatchObject({
        status: 403,
        permission: `publish:jamey/conscience/approvals-answer/${KEEPER}`,
      })
    }
    expect(running.bus.requests).toHaveLength(asked)
    const other = { decision: 'deny', approval_id: ID.replace('7', '8') }
    await post(url(`/${ID}/answer`), other, await bearer(ANSWERING))
    expect(last()).toMatchObject({ data: { approval_id: ID, decision: 'deny' } })
    expect(
      (await post(url(`/${ID}/answer`), { decision: 'maybe' }, await bearer(ANSWERING))).body,
    ).toMatchObject({
      status: 400,
      field: 'decision',
    })
  })

  it.each([
    ['approval-unknown', false, 404],
    ['approval-settled', false, 409],
    ['not-permitted', false, 403],
    ['approvals-full', true, 429],
  ])('that fail with %s are told by a status', async (kind, retryable, status) => {
    running.bus.answer(approvals.get, () => {
      throw new RequestError(kind, 'no', { retryable })
    })
    expect((await call(url(`/${ID}`))).status).toBe(status)
  })

  it('that are more than people are asked about at once are told by the code and the words of the conscience', async () => {
    const message = 'People are asked about 100 calls of agent-7 at once.'
    running.bus.answer(topics.conscience.evaluate, () => {
      throw new RequestError('approvals-full', message, { retryable: true })
    })
    const answer = await post(`${running.url}/v1/conscience/evaluate`, { tool: 'send', arguments: {} })
    expect(answer).toMatchObject({
      status: 429,
      body: { type: 'urn:jamey:problem:rate-limited', code: 'approvals-full', detail: message },
    })
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  })

  it('are documented, without the id in the body', async () => {
    const { body } = await call(`${running.url}/v1/openapi.json`)
    const paths = body['paths'] as Record<string, Record<string, unknown>>
    expect(Object.keys(paths['/v1/approvals/{id}'] ?? {})).toEqual(['get', 'delete'])
    const { post: answer } = paths['/v1/approvals/{id}/answer'] as {
      post: {
        description: string
        requestBody: { content: Record<string, { schema: { properties: object; required: string[] } }> }
      }
    }
    expect(answer.description).toContain(
      'publish:jamey/conscience/approvals-answer/+. There is no way without one.',
    )
    const { properties, required } = answer.requestBody.content['application/json']?.schema ?? {}
    expect([Object.keys(properties ?? {}), required]).toEqual([['decision', 'scope', 'note'], ['decision']])
  })
})
