import { Permissions, signToken } from '@jamey/auth'
import { addressed, topics } from '@jamey/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ENDPOINTS } from '../api/endpoints.js'
import { call, post, type RunningFixture, SECRET, startGateway, VERDICT } from '../service/gateway.support.js'

const EVALUATE = `publish:${topics.conscience.evaluate.topic}`

describe('what a manifest does not allow', () => {
  let running: RunningFixture
  let allowed: string[]

  beforeEach(async () => {
    allowed = []
    const boundsOf = (clientId: string) => new Permissions(clientId === 'eva' ? allowed : [], { clientId })
    const metrics = { contentType: 'text/plain', text: async () => '' }
    running = await startGateway({ tokenSecret: SECRET, requireToken: true, boundsOf, metrics })
    running.bus.answer(topics.conscience.evaluate, () => VERDICT)
  })
  afterEach(() => running.gateway.stop())

  const bearer = async (sub: string, permissions: string[]) => ({
    authorization: `Bearer ${await signToken({ sub, permissions }, SECRET)}`,
  })

  it.each([
    ...ENDPOINTS.map(({ method, path, contract, pathField }) => {
      const { topic } = addressed(contract, { [pathField]: 'x' })
      return { method, path: path.replace(/:id|\*/, 'x'), topic }
    }),
    { method: 'GET', path: '/metrics', topic: 'jamey/metrics' },
    { method: 'POST', path: '/v1/memories/import', topic: topics.memory.store.topic },
    { method: 'POST', path: '/v1/messages/home/lamp', topic: 'home/lamp' },
    { method: 'POST', path: '/v1/requests/jamey/memory/query', topic: 'jamey/memory/query' },
  ])('is not had by $method $path, whatever a token permits', async ({ method, path, topic }) => {
    const answer = await call(`${running.url}${path}`, { method, headers: await bearer('eva', ['#']) })
    expect(answer).toMatchObject({ status: 403, body: { permission: `publish:${topic}` } })
    expect(answer.body['detail']).toContain('in the manifest of this gateway')
    expect(running.bus.requests).toEqual([])
  })

  it('is not passed on to who decides by what a caller may, and holds as the manifest is now', async () => {
    const evaluate = async (sub: string, permissions: string[]) => {
      const headers = await bearer(sub, permissions)
      return (await post(`${running.url}/v1/conscience/evaluate`, { action: 'a' }, headers)).status
    }
    allowed = [EVALUATE, 'publish:jamey/memory/query']
    expect(await evaluate('eva', ['jamey/#'])).toBe(200)
    expect(running.bus.requests.at(-1)?.options.onBehalfOf).toEqual({ clientId: 'eva', permissions: allowed })
    expect(await evaluate('bob', ['jamey/#'])).toBe(403)
    expect(await evaluate('eva', ['publish:jamey/memory/#'])).toBe(403)
    allowed = ['publish:jamey/memory/query']
    expect(await evaluate('eva', ['jamey/#'])).toBe(403)
  })

  it('is not among what a session is told that it may', async () => {
    allowed = [EVALUATE]
    const answer = await call(`${running.url}/v1/session`, { headers: await bearer('eva', ['jamey/#']) })
    expect(answer.body).toMatchObject({ name: 'eva', permissions: [EVALUATE] })
  })
})
