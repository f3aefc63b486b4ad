import { afterEach, describe, expect, it } from 'vitest'
import { Metrics } from '../model/metrics.js'
import { MetricsServer, MetricsServerError } from './metrics-server.js'

const servers: MetricsServer[] = []
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())))

async function serve(token?: string, unreadiness?: () => string | undefined) {
  const metrics = new Metrics({ withProcess: false })
  const server = await MetricsServer.listen({ metrics, port: 0, token, unreadiness })
  servers.push(server)
  return (path = '/metrics', init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init)
}

describe('a server of metrics', () => {
  it('shows them in the text format of Prometheus, and nothing else', async () => {
    const get = await serve()
    const response = await get()
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await response.text()).toContain('# TYPE jamey_metrics_failures_total counter\n')
    expect((await get('/')).status).toBe(404)
    expect((await get('/metrics', { method: 'POST' })).status).toBe(405)
    expect((await get('/metrics?name[]=x')).status).toBe(200)
  })

  it('asks for its token, and takes no other', async () => {
    const get = await serve('right')
    const withToken = (authorization: string) => get('/metrics', { headers: { authorization } })
    expect((await get()).status).toBe(401)
    expect((await withToken('Bearer wrong')).status).toBe(401)
    expect((await withToken('Basic right')).status).toBe(401)
    expect((await withToken('Bearer right')).status).toBe(200)
  })

  it('tells everybody whether the process lives and is ready, and why not', async () => {
    let reason: string | undefined = 'it is starting'
    const get = await serve('right', () => reason)
    expect([(await get('/healthz')).status, (await get('/readyz')).status]).toEqual([200, 503])
    expect(await (await get('/readyz')).text()).toBe('it is starting\n')
    reason = undefined
    expect((await get('/readyz')).status).toBe(200)
    expect((await get()).status).toBe(401)
  })

  it('does not begin where others could read without a token, or where the port is taken', async () => {
    const metrics = new Metrics({ withProcess: false })
    const open = MetricsServer.listen({ metrics, host: '0.0.0.0', port: 0 })
    await expect(open).rejects.toBeInstanceOf(MetricsServerError)
    await expect(open).rejects.toMatchObject({ code: 'metrics-token-missing' })
    const first = await MetricsServer.listen({ metrics, port: 0 })
    servers.push(first)
    await expect(MetricsServer.listen({ metrics, port: first.port })).rejects.toMatchObject({
      code: 'metrics-cannot-listen',
      message: expect.stringContaining(`port ${first.port}`),
    })
  })
})
