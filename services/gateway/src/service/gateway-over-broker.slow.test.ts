import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueServerCertificate, signToken, tokenAuthenticator } from '@jamey/auth'
import { type Broker, createBroker } from '@jamey/broker'
import { type Bus, connectBus } from '@jamey/bus'
import { COMPONENTS, topics } from '@jamey/contracts'
import { pino } from 'pino'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { call, memoryOf, post, SECRET, VERDICT } from './gateway.support.js'
import { type RunningGateway, runGateway } from './run.js'

const FORMER_SECRET = 'a former secret of at least thirty-two bytes'.replaceAll(' ', '-')

let tls: { cert: string; key: string }
let ca: string
let folder: string
let broker: Broker
let gateway: RunningGateway
let buses: Bus[] = []

async function startBroker(port = 0): Promise<Broker> {
  const started = await createBroker({
    listeners: [{ host: '127.0.0.1', port, tls }],
    authenticator: tokenAuthenticator({ secret: SECRET }),
  })
  await started.listen()
  return started
}

function brokerPort(): number {
  return broker.addresses[0]?.port ?? 0
}

async function connectComponent(name: 'conscience' | 'memory'): Promise<Bus> {
  const { clientId, permissions } = COMPONENTS[name]
  const bus = await connectBus({
    url: `mqtt://localhost:${brokerPort()}`,
    clientId,
    permissions,
    jwtSecret: SECRET,
    tls: { ca },
  })
  buses.push(bus)
  return bus
}

beforeAll(async () => {
  const authority = await createAuthority()
  const server = await issueServerCertificate(authority, { hosts: ['localhost', '127.0.0.1'] })
  ca = authority.certPem
  tls = { cert: server.certPem, key: server.keyPem }
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jamey-gateway-'))
  await writeFile(join(folder, 'ca.crt'), ca)
  await writeFile(join(folder, 'token-secret'), `${SECRET}\n${FORMER_SECRET}\n`, { mode: 0o600 })
  broker = await startBroker()
  gateway = await runGateway({
    env: {
      MQTT_BROKER_URL: 'mqtt://localhost',
      MQTT_PORT: String(brokerPort()),
      MQTT_TLS_CA_CERT: 'ca.crt',
      MQTT_JWT_SECRET_FILE: 'token-secret',
      JAMEY_HTTP_PORT: '0',
      JAMEY_DENIED_FILE: 'denied.json',
    },
    cwd: folder,
    log: pino({ level: 'silent' }),
  })
  await gateway.ready
})

afterEach(async () => {
  await gateway.stop({ graceMs: 1_000 })
  await Promise.all(buses.map((bus) => bus.close({ timeoutMs: 1_000 })))
  buses = []
  await broker.close({ graceMs: 100 })
  await rm(folder, { recursive: true })
})

const evaluate = (headers: Record<string, string> = {}) =>
  post(`${gateway.url}/v1/conscience/evaluate`, { action: 'water the plants' }, headers)

describe('a gateway over a broker', () => {
  it('refuses a token within a second of its being denied in the file', async () => {
    const conscience = await connectComponent('conscience')
    await conscience.serve(topics.conscience.evaluate, {}, ({ binding }) => ({
      ...VERDICT,
      ...binding,
      rules: [],
      reasons: [],
    }))
    const token = await signToken({ sub: 'eva', permissions: ['jamey/#'] }, SECRET)
    const status = async () => (await evaluate({ authorization: `Bearer ${token}` })).status
    expect(await status()).toBe(200)
    await writeFile(join(folder, 'denied.json'), '[{"sub":"eva"}]')
    await expect.poll(status, { timeout: 3_000 }).toBe(401)
    const other = await signToken({ sub: 'bob', permissions: ['jamey/#'] }, SECRET)
    expect((await evaluate({ authorization: `Bearer ${other}` })).status).toBe(200)
  })

  it('has an action judged by the conscience, under one correlation id', async () => {
    const conscience = await connectComponent('conscience')
    let correlationId = ''
    await conscience.serve(
      topics.conscience.evaluate,
      { group: 'conscience' },
      ({ envelope, data: payload, binding }) => {
        correlationId = envelope.metadata.correlation_id
        const action = 'action' in payload ? payload.action : ''
        return { ...VERDICT, ...binding, rules: [], reasons: [], action }
      },
    )
    const answer = await evaluate()
    expect(answer).toMatchObject({ status: 200, body: { action: 'water the plants', approved: true } })
    expect(answer.headers['x-request-id']).toBe(correlationId)
  })

  it('stores once for one Idempotency-Key, also when both calls are under way together', async () => {
    const memory = await connectComponent('memory')
    const stored = new Set<string>()
    await memory.serve(topics.memory.store, { group: 'memory' }, ({ envelope, data: payload }) => {
      const created = !stored.has(envelope.message_id)
      stored.add(envelope.message_id)
      return {
        memory: { ...memoryOf(envelope.message_id, payload.content), tags: [], metadata: {} },
        created,
      }
    })
    const key = '6b8f1c9e-4d1f-4f43-9d0b-2f6a3c1e5a77'
    const store = () => post(`${gateway.url}/v1/memories`, { content: 'once' }, { 'idempotency-key': key })
    const statuses = (await Promise.all([store(), store()])).map(({ status }) => status)
    expect(statuses.sort()).toEqual([200, 201])
    expect([...stored]).toEqual([key])
  })

  it('connects under its own name with its own permissions [promise 23]', async () => {
    expect(gateway.bus.clientId).toBe('jamey-gateway')
    await expect(
      gateway.bus.publish(topics.conscience.results, { ...VERDICT, rules: [], reasons: [] }),
    ).rejects.toMatchObject({ permission: 'publish:jamey/conscience/results' })
  })

  it('takes callers whose token is of a former secret that its file still has [promise 21]', async () => {
    const statusOf = async (secret: string): Promise<number> => {
      const token = await signToken({ sub: 'caller', permissions: [] }, secret)
      return (await evaluate({ authorization: `Bearer ${token}` })).status
    }
    // Known, and without the permission; or not known.
    const secrets = [SECRET, FORMER_SECRET, `${SECRET}!`]
    expect(await Promise.all(secrets.map(statusOf))).toEqual([403, 403, 401])
  })

  it('answers 503 in one round trip where nobody serves [promise 28]', async () => {
    const answer = await evaluate({ 'x-timeout-ms': '60000' })
    expect(answer).toMatchObject({ status: 503, body: { type: 'urn:jamey:problem:no-responder' } })
    expect(answer.headers['retry-after']).toBeDefined()
  })

  it('answers 504 when the deadline passes, and aborts the handler behind [promise 27]', async () => {
    const conscience = await connectComponent('conscience')
    let tellAborted = () => {}
    const aborted = new Promise<void>((resolve) => {
      tellAborted = resolve
    })
    await conscience.serve(topics.conscience.evaluate, { group: 'conscience' }, (_request, { signal }) => {
      signal.addEventListener('abort', () => tellAborted())
      return new Promise(() => {})
    })
    const answer = await evaluate({ 'x-timeout-ms': '500' })
    expect(answer.status).toBe(504)
    await aborted
  })

  it('accepts the tokens of the bus', async () => {
    const conscience = await connectComponent('conscience')
    await conscience.serve(topics.conscience.evaluate, { group: 'conscience' }, ({ binding }) => ({
      ...VERDICT,
      ...binding,
      rules: [],
      reasons: [],
    }))
    const token = await signToken({ sub: 'agent-1', permissions: ['publish:jamey/conscience/#'] }, SECRET)
    const headers = { authorization: `Bearer ${token}` }
    expect((await evaluate(headers)).status).toBe(200)
    expect((await call(`${gateway.url}/v1/memories`, { headers })).status).toBe(403)
  })

  it('is not ready while the broker is away, and serves again when it is back', async () => {
    const conscience = await connectComponent('conscience')
    await conscience.serve(topics.conscience.evaluate, { group: 'conscience' }, ({ binding }) => ({
      ...VERDICT,
      ...binding,
      rules: [],
      reasons: [],
    }))
    expect((await evaluate()).status).toBe(200)
    const port = brokerPort()
    await broker.close({ graceMs: 100 })
    await expect.poll(async () => (await call(`${gateway.url}/readyz`)).status).toBe(503)
    expect(await evaluate()).toMatchObject({ status: 503, body: { type: 'urn:jamey:problem:unavailable' } })
    broker = await startBroker(port)
    await expect.poll(async () => (await evaluate()).status, { timeout: 20_000 }).toBe(200)
    expect((await call(`${gateway.url}/readyz`)).status).toBe(200)
  })
})
