import { createPrivateKey } from 'node:crypto'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import {
  createAuthority,
  issueClientCertificate,
  issueServerCertificate,
  tokenAuthenticator,
} from '@jamey/auth'
import { type Broker, createBroker } from '@jamey/broker'
import {
  type Binding,
  COMPONENTS,
  type Evaluation,
  type Status,
  statusSchema,
  topics,
  type Verdict,
} from '@jamey/contracts'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connectBus } from '../entry/connect-bus.js'
import { RequestError } from '../support/errors.js'
import type { Bus } from './bus.js'
import type { BusConfig } from './config.js'

const secret = 'a secret of at least 32 bytes, for tests'
const host = '127.0.0.1'

let ca: string
let server: { certPem: string; keyPem: string }
let client: { certPem: string; keyPem: string }
beforeAll(async () => {
  const authority = await createAuthority()
  ca = authority.certPem
  server = await issueServerCertificate(authority, { hosts: ['localhost', host] })
  client = await issueClientCertificate(authority, { commonName: 'with-certificate' })
})

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function startBroker(port = 0): Promise<Broker & { port: number }> {
  const tls = { cert: server.certPem, key: server.keyPem, ca, requestClientCertificate: true }
  const broker = await createBroker({
    listeners: [{ host, port, tls }],
    authenticator: tokenAuthenticator({ secret, clockToleranceSeconds: 0 }),
  })
  await broker.listen()
  open.push(broker)
  return Object.assign(broker, { port: broker.addresses[0]?.port ?? 0 })
}

async function join(port: number, clientId: string, extra: Partial<BusConfig> = {}): Promise<Bus> {
  const bus = await connectBus({
    url: `mqtt://localhost:${port}`,
    clientId,
    tls: { ca },
    jwtSecret: secret,
    permissions: ['jamey/#', 'subscribe:$share/api/#', 'subscribe:$share/memory/#'],
    ...extra,
  })
  open.push(bus)
  return bus
}

/** Resolves with the first value that `give` is called with and that fits. */
function first<Value>(fits: (value: Value) => boolean = () => true) {
  let give: (value: Value) => void = () => {}
  const value = new Promise<Value>((resolve) => {
    give = (found) => {
      if (fits(found)) resolve(found)
    }
  })
  return { value, give: (found: Value) => give(found) }
}

function verdictOn(asked: Evaluation, binding: Binding): Verdict {
  return {
    kind: 'text',
    evaluation_id: '1',
    action: 'action' in asked ? asked.action : '',
    approved: false,
    decision: 'deny',
    reasons: ['Do no harm.'],
    outcome: 'forbidden',
    moral_score: -1,
    recognised: true,
    rules: [{ name: 'no-harm', decision: 'deny', reason: 'Do no harm.' }],
    explanation: 'It would do harm.',
    judge: { status: 'not_configured' },
    facts: [],
    rules_version: '1',
    policy_version: '1',
    ...binding,
    evaluated_at: '2024-11-14T20:00:00Z',
  }
}

it('a bus goes through its proxy', async () => {
  const broker = await startBroker()
  const targets: string[] = []
  const proxy = createHttpServer().on('connect', ({ url = '' }: IncomingMessage, socket: Socket) => {
    targets.push(url)
    const onward = connectTcp(broker.port, host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  await new Promise<void>((resolve) => void proxy.listen(0, host, resolve))
  open.push({ close: async () => void proxy.close() })
  const at = `http://${host}:${(proxy.address() as AddressInfo).port}`
  const bus = await join(broker.port, 'far', { proxy: at })
  expect(bus.state).toBe('connected')
  expect(targets).toEqual([`localhost:${broker.port}`])
})

describe('the bus over a broker with TLS and tokens', () => {
  it('carries a request to a service with least privilege and its answer back', async () => {
    const { port } = await startBroker()
    const { clientId, permissions } = COMPONENTS.conscience
    const service = await join(port, clientId, {
      permissions,
      component: { name: 'conscience', version: '1' },
    })
    await service.serve(topics.conscience.evaluate, { group: 'conscience' }, (request) =>
      verdictOn(request.data, request.binding),
    )
    const asker = await join(port, 'asker', { permissions: ['publish:jamey/conscience/evaluate'] })
    const verdict = await asker.request(topics.conscience.evaluate, { action: 'hurt' }, { timeoutMs: 5000 })
    expect(verdict).toMatchObject({ action: 'hurt', requested_by: 'asker' })
  })

  it('lets nobody into the group of a service, and the service answers everything', async () => {
    const { port } = await startBroker()
    const { clientId, permissions } = COMPONENTS.conscience
    const service = await join(port, clientId, { permissions })
    await service.serve(topics.conscience.evaluate, {}, (request) => verdictOn(request.data, request.binding))
    // All that any list can have but the group itself; and past the bus, which would refuse.
    const { topic } = topics.conscience.evaluate
    const thief = await join(port, 'thief', {
      permissions: ['#', `subscribe:${topic}`, 'subscribe:$share/thief/#'],
    })
    const stolen: string[] = []
    for (const filter of [topic, `${topic}/#`, 'jamey/#', '#']) {
      const joining = thief.mqtt.subscribe(`$share/conscience/${filter}`, { qos: 1 }, (message) => {
        stolen.push(message.topic)
      })
      await expect(joining).rejects.toMatchObject({ name: 'SubscriptionError', reasonCode: 0x87 })
    }
    const asker = await join(port, 'asker', { permissions: [`publish:${topic}`] })
    for (const action of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
      const verdict = await asker.request(topics.conscience.evaluate, { action }, { timeoutMs: 5000 })
      expect(verdict).toMatchObject({ action, requested_by: 'asker' })
    }
    expect(stolen).toEqual([])
  })

  it('answers hundreds of requests at once, each its own, over shared servers', async () => {
    const { port } = await startBroker()
    const served = [0, 0]
    for (const i of [0, 1]) {
      const service = await join(port, `server-${i}`)
      await service.serve(topics.api.requests, { group: 'api' }, ({ data: payload }) => {
        served[i] = (served[i] ?? 0) + 1
        return { output: payload.input }
      })
    }
    const asker = await join(port, 'asker')
    const numbers = Array.from({ length: 300 }, (_, n) => n)
    const answers = await Promise.all(
      numbers.map((n) =>
        asker.request(
          topics.api.requests,
          { operation: 'memory.query', input: { n } },
          { timeoutMs: 10_000 },
        ),
      ),
    )
    expect(answers.map(({ output }) => output['n'])).toEqual(numbers)
    expect(served.every((count) => count > 0)).toBe(true)
    expect((served[0] ?? 0) + (served[1] ?? 0)).toBe(300)
  })

  it('asks and answers over MQTT 3.1.1, and between both versions', async () => {
    const { port } = await startBroker()
    const old = await join(port, 'old', { protocolVersion: 4 })
    const recent = await join(port, 'recent')
    const call = { operation: 'memory.query', input: { from: 'either' } } as const
    for (const [service, asker] of [
      [old, old],
      [old, recent],
      [recent, old],
    ] as const) {
      const served = await service.serve(topics.api.requests, { group: 'api' }, ({ data: payload }) => ({
        output: payload.input,
      }))
      const answer = await asker.request(topics.api.requests, call, { timeoutMs: 5000 })
      expect(answer.output).toEqual(call.input)
      await served.stop()
    }
  })

  it('fails in one round trip where nobody serves [promise 28]', async () => {
    const { port } = await startBroker()
    const asker = await join(port, 'asker')
    await expect(asker.request(topics.memory.query, {}, { timeoutMs: 20_000 })).rejects.toMatchObject({
      name: 'NoResponderError',
    })
  })

  it('carries typed failures of the other side [promise 30]', async () => {
    const { port } = await startBroker()
    const service = await join(port, 'service')
    await service.serve(topics.memory.query, { group: 'memory' }, () => {
      throw new RequestError('index-busy', 'the index is being rebuilt', { retryable: true })
    })
    await expect(service.request(topics.memory.query, {}, { timeoutMs: 5000 })).rejects.toMatchObject({
      name: 'RemoteError',
      kind: 'index-busy',
      retryable: true,
    })
  })

  it('shows who is there: online, offline when it leaves, the will when it is lost', async () => {
    const broker = await startBroker()
    const relay = await startRelay(broker.port)
    const watcher = await join(broker.port, 'watcher')
    const seen: string[] = []
    const leaving = first<Status>(({ reason }) => reason === 'closed')
    const lost = first<Status>(({ reason }) => reason === 'connection lost')
    const online = first<Status>(({ state, component }) => state === 'online' && component === 'fragile')
    await watcher.subscribe(topics.events.status, ({ data: payload, topic }) => {
      seen.push(`${topic.split('/').at(-1)} ${payload.state}`)
      statusSchema.parse(payload)
      for (const one of [leaving, lost, online]) one.give(payload)
    })
    const polite = await join(broker.port, 'polite', { component: { name: 'polite', version: '1' } })
    await polite.close()
    expect(await leaving.value).toMatchObject({ state: 'offline', component: 'polite' })
    await join(relay.port, 'fragile', { component: { name: 'fragile', version: '1' } })
    await online.value
    relay.cut()
    expect(await lost.value).toMatchObject({ state: 'offline', component: 'fragile' })
    expect(seen).toContain('polite online')
  })

  it('refuses a certificate of somebody else and takes ones own [promise 25]', async () => {
    const { port } = await startBroker()
    const tls = { ca, cert: client.certPem, key: client.keyPem }
    const welcome = await join(port, 'with-certificate', { tls })
    expect(welcome.state).toBe('connected')
    const passphrase = 'hush'
    const key = createPrivateKey(client.keyPem).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase,
    })
    await welcome.close()
    const again = await join(port, 'with-certificate', { tls: { ...tls, key, passphrase } })
    expect(again.state).toBe('connected')
    await expect(join(port, 'other', { tls })).rejects.toMatchObject({ name: 'AuthenticationError' })
  })

  it('refuses a token signed with another secret, and a server of another authority', async () => {
    const { port } = await startBroker()
    const jwtSecret = 'another secret of at least 32 bytes.....'
    await expect(join(port, 'liar', { jwtSecret })).rejects.toMatchObject({ name: 'AuthenticationError' })
    const other = await createAuthority()
    await expect(join(port, 'careful', { tls: { ca: other.certPem } })).rejects.toMatchObject({
      code: 'tls-verification',
    })
  })

  it('lives on past the end of its first token, on one connection [promise 21]', async () => {
    const { port } = await startBroker()
    const bus = await join(port, 'long-lived', { jwtLifetimeSeconds: 2 })
    const states: string[] = []
    bus.onState(({ state }) => states.push(state))
    await bus.serve(topics.api.requests, { group: 'api' }, ({ data }) => ({ output: data.input }))
    const endsMs = performance.now() + 4500
    const call = { operation: 'memory.query', input: {} } as const
    while (performance.now() < endsMs) await bus.request(topics.api.requests, call, { timeoutMs: 2000 })
    expect(states).toEqual([])
    expect(bus.mqtt.stats().connects).toBe(1)
  })

  it('answers every request though the connections of both sides are cut [promises 3, 29]', async () => {
    const broker = await startBroker()
    const relay = await startRelay(broker.port)
    const service = await join(relay.port, 'service')
    const executed = new Map<unknown, number>()
    await service.serve(topics.api.requests, { group: 'api' }, ({ data: { input } }) => {
      executed.set(input['n'], (executed.get(input['n']) ?? 0) + 1)
      return { output: input }
    })
    const asker = await join(relay.port, 'asker')
    const answers: Promise<unknown>[] = []
    for (let n = 0; n < 60; n++) {
      const call = { operation: 'memory.query', input: { n } } as const
      answers.push(asker.request(topics.api.requests, call, { timeoutMs: 15_000 }))
      if (n % 20 === 10) {
        await answers[n - 5]
        relay.cut()
      }
    }
    const outputs = (await Promise.all(answers)) as { output: { n: number } }[]
    expect(outputs.map(({ output }) => output.n)).toEqual(Array.from({ length: 60 }, (_, n) => n))
    expect([...executed.values()].every((times) => times === 1)).toBe(true)
  })

  it('waits in the background for a broker that comes later, where it is told to', async () => {
    const { port } = await startBroker()
    await open.pop()?.close()
    const bus = await join(port, 'patient', { waitForConnection: false })
    expect(bus.state).not.toBe('connected')
    const connected = first<{ state: string }>(({ state }) => state === 'connected')
    bus.onState(connected.give)
    await startBroker(port)
    await connected.value
  })

  it('is refused by the broker, too, what its permissions leave out [promise 24]', async () => {
    const { port } = await startBroker()
    const bus = await join(port, 'narrow', { permissions: ['publish:jamey/memory/query'] })
    await expect(bus.publish(topics.memory.store, { content: 'x' })).rejects.toMatchObject({
      permission: 'publish:jamey/memory/store',
    })
    await expect(bus.mqtt.publish('jamey/memory/store', 'x', { qos: 1 })).rejects.toMatchObject({
      reasonCode: 0x87,
    })
    await expect(bus.mqtt.subscribe('jamey/api/responses/other/#', () => {})).rejects.toMatchObject({
      reasonCode: 0x87,
    })
  })
})

/** Stands between clients and the broker, and cuts all their connections when told to. */
async function startRelay(port: number): Promise<{ port: number; cut(): void }> {
  const sockets = new Set<Socket>()
  const relay: Server = createServer((socket) => {
    const onward = connectTcp(port, host)
    for (const one of [socket, onward]) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => sockets.delete(one))
    }
    socket.pipe(onward).pipe(socket)
  })
  await new Promise<void>((resolve) => relay.listen(0, host, resolve))
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  open.push({
    close: async () => {
      cut()
      await new Promise((resolve) => relay.close(resolve))
    },
  })
  const address = relay.address()
  return { port: typeof address === 'object' && address !== null ? address.port : 0, cut }
}
