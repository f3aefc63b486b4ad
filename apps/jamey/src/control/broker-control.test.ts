import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signToken, tokenAuthenticator } from '@jamey/auth'
import { type Broker, type BrokerOptions, createBroker } from '@jamey/broker'
import { type Bus, connectBus } from '@jamey/bus'
import { COMPONENTS, topics } from '@jamey/contracts'
import { RawClient } from '@jamey/testing'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { BrokerControl, type BrokerControlOptions } from './broker-control.js'

const log = pino({ level: 'silent' })
const SECRET = 'a-secret-for-tests-that-is-long-enough'
const asked = topics.broker
const ASKING = ['publish:jamey/broker/query']

interface System {
  readonly broker: Broker
  readonly control: BrokerControl
  connect(clientId: string, permissions: readonly string[]): Promise<Bus>
}

async function start(
  given: Partial<BrokerControlOptions> = {},
  options: Partial<BrokerOptions> = {},
): Promise<System> {
  const { stampSenders = ['jamey/#'] } = given
  const broker = await createBroker({
    listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
    authenticator: tokenAuthenticator({ secret: SECRET }),
    stampSenders,
    ...options,
  })
  await broker.listen()
  const control = await BrokerControl.start({
    broker,
    storePath: undefined,
    certificates: [],
    buses: () => [],
    named: async () => [],
    examine: async () => [],
    log,
    ...given,
    stampSenders,
  })
  onTestFinished(async () => {
    await control.stop()
    await broker.close({ graceMs: 0 })
  })
  const connect = async (clientId: string, permissions: readonly string[]): Promise<Bus> => {
    const url = `mqtt://127.0.0.1:${broker.addresses[0]?.port}`
    const bus = await connectBus({ url, insecure: true, clientId, permissions, jwtSecret: SECRET, log })
    onTestFinished(() => bus.close({ drain: false }))
    return bus
  }
  return { broker, control, connect }
}

describe('a broker that is asked', () => {
  it('tells how it is, itself nobody of its clients', async () => {
    const { connect } = await start()
    const ada = await connect('ada', ASKING)
    const status = await ada.request(asked.status, {})
    expect(status).toMatchObject({
      connections: 1,
      sessions: 1,
      messages: { received: { qos0: 0, qos1: 1, qos2: 0 } },
      dropped: { slow: 0, overflow: 0 },
      limits: { connections: { in_use: 1 }, queued_messages: { value: 100_000 } },
      listeners: [{ tls: false, web_socket: false, connections: 1 }],
    })
    expect(status.memory_bytes).toBeGreaterThan(1_000_000)
    expect(status).not.toHaveProperty('store_bytes')
  })

  it('tells the same time of its start whenever it is asked', async () => {
    const { connect } = await start()
    const ada = await connect('ada', ASKING)
    const first = await ada.request(asked.status, {})
    const now = performance.now.bind(performance)
    const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 10_400)
    onTestFinished(() => later.mockRestore())
    const second = await ada.request(asked.status, {})
    expect(second.uptime_seconds).toBeGreaterThan(first.uptime_seconds)
    expect(second.started_at).toBe(first.started_at)
  })

  it.each([
    ['stamps senders', ['jamey/#']],
    ['stamps nobody', []],
  ])('answers whoever may publish there, of a broker that %s, and nobody else', async (_, stampSenders) => {
    const { connect } = await start({ stampSenders })
    const ada = await connect('ada', [...ASKING, 'publish:jamey/broker/disconnect'])
    const { clients } = await ada.request(asked.clients, {})
    expect(clients.map(({ client_id }) => client_id)).toEqual(['ada'])
    const eve = await connect('eve', ['publish:jamey/memory/store'])
    await expect(eve.request(asked.status, {})).rejects.toMatchObject({ name: 'PermissionError' })
    const bob = await connect('bob', ASKING)
    await expect(bob.request(asked.disconnect, { client_id: 'ada' })).rejects.toMatchObject({
      name: 'PermissionError',
    })
    expect(await ada.request(asked.disconnect, { client_id: 'nobody' })).toEqual({ was_connected: false })
    expect(await ada.request(asked.disconnect, { client_id: 'eve' })).toEqual({ was_connected: true })
  })

  it('goes by the permissions of whom a gateway asks for, and by its right to', async () => {
    const { connect } = await start()
    const gateway = await connect('jamey-gateway', COMPONENTS.gateway.permissions)
    const onBehalfOf = { clientId: 'ada', permissions: ASKING }
    expect(await gateway.request(asked.status, {}, { onBehalfOf })).toMatchObject({ connections: 1 })
    const without = { clientId: 'eve', permissions: ['publish:jamey/memory/#'] }
    await expect(gateway.request(asked.status, {}, { onBehalfOf: without })).rejects.toMatchObject({
      kind: 'not-permitted',
    })
    const mallory = await connect('mallory', [...ASKING, 'act-for:bob'])
    await expect(mallory.request(asked.status, {}, { onBehalfOf })).rejects.toMatchObject({
      permission: 'act-for:ada',
    })
  })

  it('answers its own process past the broker, and knows who asked', async () => {
    const { control, connect } = await start()
    const eve = await connect('eve', ['publish:jamey/memory/store'])
    expect(await control.answer('broker.status', {}, 'ada')).toMatchObject({
      connections: 1,
      messages: { received: { qos1: 0 } },
    })
    expect(await control.answer('broker.clients', { limit: 5, sort: 'client_id' }, 'ada')).toMatchObject({
      clients: [{ client_id: 'eve' }],
    })
    await expect(
      control.answer('broker.retained', { filter: 'a/#/b', limit: 1 }, 'ada'),
    ).rejects.toMatchObject({
      kind: 'invalid-request',
    })
    const gone = new Promise((resolve) => eve.onState(resolve))
    expect(await control.answer('broker.disconnect', { client_id: 'eve' }, 'ada')).toEqual({
      was_connected: true,
    })
    await gone
    expect(control.answer('memory.query', {}, 'ada')).toBeUndefined()
  })

  it('lists clients in pages, and takes no cursor that it did not give', async () => {
    const { connect } = await start()
    const ada = await connect('ada', ASKING)
    await connect('bob', ['subscribe:lab/#'])
    const first = await ada.request(asked.clients, { limit: 1 })
    expect(first.clients).toMatchObject([{ client_id: 'ada', protocol: '5.0', address: '127.0.0.1' }])
    const second = await ada.request(asked.clients, { limit: 1, cursor: first.next_cursor })
    expect([second.clients.map(({ client_id }) => client_id), second.next_cursor]).toEqual([
      ['bob'],
      undefined,
    ])
    for (const cursor of ['x', 'WzFd', 'bnVsbA']) {
      await expect(ada.request(asked.clients, { cursor })).rejects.toMatchObject({
        kind: 'invalid-request',
        message: expect.stringContaining('cursor'),
      })
    }
  })

  it('tells of one client what it may, what it has subscribed to and what it missed', async () => {
    const { broker, connect } = await start({}, { limits: { queuedMessages: 1 } })
    const ada = await connect('ada', ASKING)
    const permissions = ['subscribe:$share/robots/lab/#', 'subscribe:lab/#']
    const bob = await RawClient.connect(broker.addresses[0]?.port ?? 0, {
      clientId: 'bob',
      username: 'bob',
      password: Buffer.from(await signToken({ sub: 'bob', permissions }, SECRET)),
      cleanStart: false,
      properties: { sessionExpiryInterval: 100 },
    })
    await bob.subscribe('lab/+', 1)
    await bob.subscribe('$share/robots/lab/1', 1)
    const { client } = await ada.request(asked.client, { client_id: 'bob' })
    expect(client).toMatchObject({
      is_connected: true,
      permissions,
      subscriptions: [
        { filter: 'lab/+', qos: 1 },
        { filter: 'lab/1', qos: 1, share_group: 'robots' },
      ],
      drops: {},
      is_complete: true,
    })
    await bob.leave()
    await expect.poll(() => broker.session('bob')?.isConnected).toBe(false)
    for (const n of [1, 2, 3]) await broker.publish('lab/2', `${n}`, { qos: 1 })
    const away = (await ada.request(asked.client, { client_id: 'bob' })).client
    expect(away).toMatchObject({ is_connected: false, queued: 1, dropped: 2, drops: { overflow: 2 } })
    expect(Date.parse(away?.waiting_since ?? '')).toBeLessThanOrEqual(Date.now())
    expect(away).not.toHaveProperty('address')
    expect(await ada.request(asked.client, { client_id: 'nobody' })).toEqual({ client: null })
  })

  it('explains a topic: who may by which permission, named clients among them, and who does', async () => {
    const named = async () => [
      { clientId: 'ada', permissions: ['#'] },
      { clientId: 'cleo', permissions: ['publish:lab/%c'] },
      { clientId: 'dora', permissions: ['subscribe:$share/lab/lab/#'] },
      { clientId: 'broken', permissions: ['publish:a/#/b'] },
    ]
    const { broker, connect } = await start({ named })
    const ada = await connect('ada', [...ASKING, 'lab/#'])
    await ada.mqtt.subscribe('lab/#', { qos: 1 }, () => {})
    await broker.publish('lab/cleo', '\u00e9'.repeat(600), { retain: true })
    const explained = await ada.request(asked.topic, { topic: 'lab/cleo' })
    const permitted = { client_id: 'ada', is_connected: true, known_by: 'session', permission: 'lab/#' }
    expect(explained).toEqual({
      topic: 'lab/cleo',
      may_publish: [
        permitted,
        { client_id: 'cleo', is_connected: false, known_by: 'manifest', permission: 'publish:lab/%c' },
      ],
      may_subscribe: [
        permitted,
        {
          client_id: 'dora',
          is_connected: false,
          known_by: 'manifest',
          permission: 'subscribe:$share/lab/lab/#',
        },
      ],
      subscribers: [
        {
          client_id: 'ada',
          filter: 'lab/#',
          qos: 1,
          is_connected: true,
          may_receive: true,
          queued: 0,
          drops: {},
        },
      ],
      retained: { topic: 'lab/cleo', bytes: 1200, qos: 0, payload_text: '\u00e9'.repeat(500), is_cut: true },
      dropped: {},
      is_complete: true,
    })
    const ours = await ada.request(asked.topic, { topic: 'jamey/memory/store/ada' })
    expect(ours.contract).toMatchObject({ topic: 'jamey/memory/store', service: 'memory' })
    const own = await ada.request(asked.topic, { topic: asked.status.topic })
    expect(own.subscribers).toMatchObject([{ client_id: 'jamey-broker', filter: 'jamey/broker/query/#' }])
    await expect(ada.request(asked.topic, { topic: 'lab/#' })).rejects.toMatchObject({
      kind: 'invalid-request',
    })
  })

  it('lists what is retained, with the text of payloads that are text', async () => {
    const { broker, connect } = await start()
    const ada = await connect('ada', ASKING)
    await broker.publish('lab/text', 'on', { retain: true })
    await broker.publish('lab/bytes', Uint8Array.of(0xff, 0xfe), { retain: true, qos: 1 })
    expect(await ada.request(asked.retained, { filter: 'lab/#' })).toEqual({
      messages: [
        { topic: 'lab/bytes', bytes: 2, qos: 1 },
        { topic: 'lab/text', bytes: 2, qos: 0, payload_text: 'on' },
      ],
    })
    await expect(ada.request(asked.retained, { filter: 'a/#/b' })).rejects.toMatchObject({
      kind: 'invalid-request',
    })
  })

  it('has findings made when they are asked for, not again within a minute, and told where they fail', async () => {
    let made = 0
    const finding = { check: 'disk', status: 'warning', message: 'nearly full', hint: 'make room' } as const
    const examine = async () => {
      made++
      return [finding]
    }
    const { connect } = await start({ examine })
    const ada = await connect('ada', ASKING)
    const expected = { severity: 'warning', check: 'disk', summary: 'nearly full', remedy: 'make room' }
    for (let i = 0; i < 3; i++) {
      expect((await ada.request(asked.findings, {})).findings).toEqual([expected])
    }
    expect(made).toBe(1)
    const failing = await start({ examine: () => Promise.reject(new Error('no disk')) })
    const bob = await failing.connect('bob', ASKING)
    expect((await bob.request(asked.findings, {})).findings).toMatchObject([
      { severity: 'failed', summary: 'the checks could not be made: no disk' },
    ])
  })

  it('tells what components have not sent, which certificates they hold, and how large the store is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'jamey-control-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'data'), 'x'.repeat(100))
    const components: Bus[] = []
    const certificates = [join(folder, 'none.crt'), join(folder, 'data')]
    const { connect } = await start({ buses: () => components, storePath: folder, certificates })
    const ada = await connect('ada', ASKING)
    components.push(
      await connect('part', ['subscribe:$share/s/jamey/#', 'publish:jamey/api/responses/+/s/#']),
    )
    expect(await ada.request(asked.outbox, {})).toEqual({
      components: [{ client_id: 'part', waiting: 0, dead: 0, dead_letters: [] }],
    })
    const status = await ada.request(asked.status, {})
    expect(status).toMatchObject({ store_bytes: 100, certificates: [] })
  })
})
