import { signToken } from '@jamey/auth'
import { RequestError } from '@jamey/bus'
import { afterEach, describe, expect, it } from 'vitest'
import { call, type RunningFixture, SECRET, startGateway } from '../service/gateway.support.js'
import type { LocalAnswers } from './local-answers.js'

const ASKING = 'publish:jamey/broker/query'

describe('a gateway beside the broker', () => {
  let running: RunningFixture
  afterEach(() => running.gateway.stop())

  const asked: unknown[][] = []
  const local: LocalAnswers = (operation, input, clientId) => {
    if (!operation.startsWith('broker.')) return undefined
    asked.push([operation, input, clientId])
    if (operation === 'broker.client') return Promise.resolve({ client: null })
    if (operation === 'broker.retained')
      return Promise.reject(new RequestError('invalid-request', 'filter: must be a filter'))
    return Promise.resolve({ store_failing_seconds: 7 })
  }
  const ask = async (path: string, permission: string) =>
    call(`${running.url}${path}`, {
      headers: {
        authorization: `Bearer ${await signToken({ sub: 'ada', permissions: [permission] }, SECRET)}`,
      },
    })

  it('is told how that is while the bus can send nothing, by whoever may ask', async () => {
    running = await startGateway({ tokenSecret: SECRET, local })
    running.bus.state = 'disconnected'
    const { status, body } = await ask('/v1/broker', ASKING)
    expect([status, body]).toEqual([200, { store_failing_seconds: 7 }])
    expect(asked.at(-1)).toEqual(['broker.status', {}, 'ada'])
    expect(running.bus.requests).toEqual([])
    expect((await ask('/v1/broker', 'publish:jamey/memory/query')).status).toBe(403)
    expect((await ask('/v1/memories', 'publish:jamey/memory/query')).status).toBe(503)
  })

  it('tells failures as they would come over the bus', async () => {
    running = await startGateway({ tokenSecret: SECRET, local })
    expect((await ask('/v1/broker/clients/nobody', ASKING)).status).toBe(404)
    expect((await ask('/v1/broker/retained?filter=a', ASKING)).body).toMatchObject({
      status: 400,
      detail: 'filter: must be a filter',
    })
  })
})
