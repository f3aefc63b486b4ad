import { signToken } from '@jamey/auth'
import { RequestError } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, type RunningFixture, SECRET, startGateway } from '../service/gateway.support.js'

const { broker } = topics
const CLIENT = { client_id: 'robot/7', username: 'robot' }
const ASKING = 'publish:jamey/broker/query'

describe('the broker over HTTP', () => {
  let running: RunningFixture
  const url = (path = ''): string => `${running.url}/v1/broker${path}`
  const last = () => running.bus.requests.at(-1)
  const bearer = async (...permissions: string[]) => ({
    authorization: `Bearer ${await signToken({ sub: 'ada', permissions }, SECRET)}`,
  })

  beforeAll(async () => {
    running = await startGateway({ tokenSecret: SECRET })
    const { bus } = running
    bus.answer(broker.status, () => ({ connections: 3 }))
    bus.answer(broker.clients, () => ({ clients: [CLIENT], next_cursor: 'x' }))
    bus.answer(broker.client, ({ data }) => ({
      client: (data as { client_id: string }).client_id === 'nobody' ? null : CLIENT,
    }))
    bus.answer(broker.disconnect, ({ data }) => ({
      was_connected: (data as { client_id: string }).client_id !== 'nobody',
    }))
    bus.answer(broker.retained, () => ({ messages: [] }))
    bus.answer(broker.topic, () => ({ topic: 'a/b' }))
  })
  afterAll(() => running.gateway.stop())

  it('tells how it is to whoever may ask, on behalf of that one', async () => {
    const headers = await bearer(ASKING)
    expect((await call(url(), { headers })).body).toEqual({ connections: 3 })
    expect(last()).toMatchObject({
      topic: 'jamey/broker/query',
      action: 'status',
      options: { onBehalfOf: { clientId: 'ada', permissions: [ASKING] } },
    })
    const refused = await call(url(), { headers: await bearer('publish:jamey/memory/#') })
    expect(refused).toMatchObject({ status: 403, body: { permission: ASKING } })
  })

  it('lists clients by what narrows them, in pages', async () => {
    const answer = await call(url('/clients?search=rob&sort=queued&is_connected=true&limit=5&cursor=y'))
    expect([answer.status, answer.body]).toEqual([200, { clients: [CLIENT], next_cursor: 'x' }])
    expect(last()?.data).toEqual({ search: 'rob', sort: 'queued', is_connected: true, limit: 5, cursor: 'y' })
    await call(url('/clients'))
    expect(last()?.data).toEqual({ sort: 'client_id', limit: 50 })
    for (const [query, field] of [
      ['limit=201', 'limit'],
      ['sort=colour', 'sort'],
      ['name=x', 'name'],
    ]) {
      expect((await call(url(`/clients?${query}`))).body).toMatchObject({ status: 400, field })
    }
  })

  it('tells of one client by its whole name, and 404 of one that is not there', async () => {
    const name = 'a'.repeat(128)
    expect((await call(url('/clients/robot%2F7'))).body).toEqual({ client: CLIENT })
    expect(last()?.data).toEqual({ client_id: 'robot/7' })
    expect((await call(url(`/clients/${name}`))).status).toBe(200)
    expect((await call(url('/clients/nobody'))).body).toMatchObject({
      status: 404,
      detail: 'The broker knows no client of this name.',
    })
  })

  it('disconnects a client for a token that may, and for nobody without one', async () => {
    const end = async (name: string, headers = {}) =>
      call(url(`/clients/${name}`), { method: 'DELETE', headers })
    const headers = await bearer('publish:jamey/broker/disconnect')
    expect(await end('x', headers)).toMatchObject({ status: 200, body: { was_connected: true } })
    expect((await end('nobody', headers)).status).toBe(404)
    expect((await end('x', await bearer(ASKING))).status).toBe(403)
    expect((await end('x')).status).toBe(401)
  })

  it('explains a topic whose slashes stand in the path, encoded or not', async () => {
    for (const path of ['a/b/c', 'a%2Fb%2Fc']) {
      expect((await call(url(`/topics/${path}`))).status).toBe(200)
      expect(last()?.data).toEqual({ topic: 'a/b/c' })
    }
    expect((await call(url('/retained?filter=a/%23'))).body).toEqual({ messages: [] })
    expect(last()?.data).toEqual({ filter: 'a/#', limit: 50 })
  })

  it('says of another broker that it cannot be asked', async () => {
    const detail = expect.stringContaining("only Jamey's own can")
    expect((await call(url('/outbox'))).body).toMatchObject({ status: 503, detail })
    running.bus.answer(broker.findings, () => {
      throw new RequestError('request-timed-out', 'late')
    })
    expect((await call(url('/findings'))).body).toMatchObject({ status: 504, detail })
  })
})
