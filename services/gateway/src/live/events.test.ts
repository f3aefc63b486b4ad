import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { call } from '../service/gateway.support.js'
import { bearer, type LiveFixture, type OpenStream, openStream, startLive } from './live.support.js'
import { MAXIMUM_OPENINGS, MAXIMUM_SUBSCRIPTIONS } from './viewers.js'

let live: LiveFixture
const streams: OpenStream[] = []

async function stream(filters: string[], headers: Record<string, string> = {}): Promise<OpenStream> {
  const opened = await openStream(live.url, filters, headers)
  streams.push(opened)
  return opened
}

afterEach(async () => {
  for (const one of streams.splice(0)) one.close()
  await live.stop()
})

describe('events', () => {
  beforeEach(async () => {
    live = await startLive()
  })

  it('come as they are published, with sender, quality of service and what the payload is', async () => {
    const client = await live.client('lamp-1', ['home/#', 'jamey/#'])
    const watcher = await stream(['home/#', 'jamey/#'], await bearer('eva', ['home/#', 'jamey/#']))
    expect(watcher.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    await client.publish('home/lamp', '{"on":\n true}', {
      qos: 1,
      properties: { contentType: 'application/json', userProperties: [['room', 'hall']] },
    })
    await client.publish('home/text', 'on\nand off', { qos: 0 })
    await client.publish('home/bytes', Uint8Array.of(0xff, 0), { qos: 0 })
    await client.publish('jamey/own', '{}', { qos: 0 })
    await expect.poll(() => watcher.of('message').length).toBe(4)
    const [json, text, bytes, stamped] = watcher.of('message')
    expect(json).toMatchObject({
      topic: 'home/lamp',
      payload: { on: true },
      qos: 0,
      retain: false,
      is_verified: false,
      content_type: 'application/json',
      user_properties: [['room', 'hall']],
    })
    expect(text).toMatchObject({ payload_text: 'on\nand off' })
    expect(bytes).toMatchObject({ payload_base64: '/wA=' })
    expect(stamped).toMatchObject({ topic: 'jamey/own', sender: 'lamp-1', is_verified: true })
    expect(stamped).not.toHaveProperty('user_properties')
  })

  it('begin with what is retained, for the first viewer, and for one that comes to a subscription that is there', async () => {
    const client = await live.client('lamp-1')
    for (const room of ['hall', 'attic']) await client.publish(`home/${room}`, room, { qos: 1, retain: true })
    const first = await stream(['home/+'], await bearer('eva', ['home/#']))
    await expect.poll(() => first.topics).toHaveLength(2)
    const second = await stream(['home/+'], await bearer('bob', ['home/#']))
    await expect.poll(() => second.topics).toHaveLength(2)
    expect(second.of('message').every(({ retain }) => retain)).toBe(true)
    await client.publish('home/hall', 'dark', { qos: 1, retain: true })
    await expect.poll(() => first.topics.length + second.topics.length).toBe(6)
    expect(first.of('message').at(-1)).toMatchObject({ payload_text: 'dark', retain: false })
  })

  it('come once where filters overlap', async () => {
    const client = await live.client('lamp-1')
    const watcher = await stream(['home/#', 'home/+', 'home/lamp'], await bearer('eva', ['home/#']))
    await client.publish('home/lamp', 'on', { qos: 1 })
    await client.publish('home/lamp', 'off', { qos: 1 })
    await expect.poll(() => watcher.of('message').length).toBe(2)
  })

  it('that are retained come once where one filter covers the others, by that one alone', async () => {
    const client = await live.client('lamp-1')
    await client.publish('home/lamp', 'on', { qos: 1, retain: true })
    const received = () => live.bus.mqtt.stats().messagesReceived
    const before = received()
    const watcher = await stream(['home/lamp', 'home/+', 'home/#', '+/#', '#'], await bearer('eva', ['#']))
    await client.publish('home/lamp', 'off', { qos: 1 })
    await expect.poll(() => watcher.of('message').length).toBe(2)
    expect(watcher.of('message').map(({ payload_text, retain }) => [payload_text, retain])).toEqual([
      ['on', true],
      ['off', false],
    ])
    expect(received() - before).toBe(2)
  })

  it('of one filter take one subscription of the gateway, however many look', async () => {
    const client = await live.client('lamp-1')
    const callers = await Promise.all(Array.from({ length: 10 }, (_, i) => bearer(`viewer-${i}`, ['home/#'])))
    const watchers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => stream(['home/#'], callers[i % 10])),
    )
    const received = () => live.bus.mqtt.stats().messagesReceived
    const before = received()
    await client.publish('home/lamp', 'on', { qos: 1 })
    await expect.poll(() => watchers.every(({ topics }) => topics.length === 1)).toBe(true)
    expect(received() - before).toBe(1)
    for (const watcher of watchers) watcher.close()
    // Nobody is subscribed any more, which the server tells who publishes.
    await expect
      .poll(async () => (await client.publish('home/lamp', 'off', { qos: 1 })).reasonCode)
      .toBe(0x10)
  })
})

describe('filters', () => {
  beforeEach(async () => {
    live = await startLive()
  })

  const refusal = async (filters: string[], permissions: string[]) =>
    openStream(live.url, filters, await bearer('eva', permissions)).then(
      (opened) => {
        streams.push(opened)
        return 'opened'
      },
      ({ status, message }: Error & { status: number }) => ({ status, body: JSON.parse(message) }),
    )

  it.each([
    ['home/#', 'subscribe:home/#'],
    ['#', 'subscribe:#'],
    ['+/lamp', 'subscribe:+/lamp'],
    ['$SYS/#', 'subscribe:$SYS/#'],
    ['jamey/api/responses/bob/#', 'subscribe:jamey/api/responses/bob/#'],
  ])(
    'that are wider than the permissions of the caller are refused, and not narrowed: %s',
    async (filter, permission) => {
      expect(await refusal([filter], ['home/lamp/#', 'publish:#'])).toMatchObject({
        status: 403,
        body: { type: 'urn:jamey:problem:permission-missing', permission },
      })
    },
  )

  it.each([['$share/g/home/#'], ['home/#/x'], [''], ['a'.repeat(1_025)]])(
    'that cannot be looked at are refused: %#',
    async (filter) => {
      const answer = await refusal([filter], ['#', 'subscribe:$share/g/#'])
      expect(answer).toMatchObject({ status: 400, body: { field: 'filter' } })
    },
  )

  it('of $SYS need a permission that names it, on both sides', async () => {
    expect(await refusal(['$SYS/#'], ['#', '$SYS/#'])).toMatchObject({
      status: 403,
      body: { type: 'urn:jamey:problem:gateway-permission-missing', permission: 'subscribe:$SYS/#' },
    })
  })

  it.each(['a"b', 'h\u00e4user/#', 'a b', '\u{1f916}/x', 'a\\b'])(
    'of any characters are refused in words that a header can have: %s',
    async (filter) => {
      const answer = await refusal([filter], ['publish:#'])
      expect(answer).toMatchObject({ status: 403, body: { permission: `subscribe:${filter}` } })
    },
  )

  it('are at most sixteen, and other parameters are told', async () => {
    const many = Array.from({ length: 17 }, (_, i) => `home/${i}`)
    expect(await refusal(many, ['home/#'])).toMatchObject({ status: 400 })
    const headers = await bearer('eva', ['#'])
    const answer = await call(`${live.url}/v1/events?topic=a`, { headers })
    expect(answer).toMatchObject({ status: 400, body: { field: 'topic' } })
  })

  it('never bring the inbox of somebody else, whatever the permissions say', async () => {
    const client = await live.client('bob', ['#', 'relay:+'])
    const watcher = await stream(['#'], await bearer('eva', ['#']))
    await client.publish('jamey/api/responses/jamey-gateway/memory/x', 'secret', { qos: 1 })
    await client.publish('home/lamp', 'on', { qos: 1 })
    await expect.poll(() => watcher.topics).toContain('home/lamp')
    expect(watcher.text).not.toContain('secret')
  })
})

describe('a gateway without a permission of its own', () => {
  it('shows what its component may see, and nothing else', async () => {
    live = await startLive({ more: [] })
    const all = await bearer('eva', ['#'])
    await expect(openStream(live.url, ['home/#'], all)).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('gateway-permission-missing'),
    })
    await stream(['jamey/events/#'], all)
  })
})

describe('a caller that opens one stream after the other', () => {
  it('is bounded, and others are not', async () => {
    live = await startLive()
    const headers = await bearer('eva', ['home/#'])
    const statusOf = async (more: Record<string, string>) => {
      const opened = await openStream(live.url, ['home/lamp'], more).catch((error) => error)
      if ('close' in opened) opened.close()
      return opened.status ?? 200
    }
    for (let i = 0; i < MAXIMUM_OPENINGS; i++) expect(await statusOf(headers)).toBe(200)
    expect(await statusOf(headers)).toBe(429)
    expect(await statusOf(await bearer('bob', ['home/#']))).toBe(200)
  })
})

describe('a caller whose streams have many filters', () => {
  it('is bounded by what it has the server send, and what is refused is not counted', async () => {
    live = await startLive()
    const headers = await bearer('eva', ['home/#'])
    const open = async (count: number): Promise<number> => {
      const filters = Array.from({ length: count }, (_, i) => `home/lamp-${i}`)
      const opened = await openStream(live.url, filters, headers).catch((error) => error)
      if ('close' in opened) opened.close()
      return opened.status ?? 200
    }
    const full = MAXIMUM_SUBSCRIPTIONS / 16
    for (let i = 0; i < full - 1; i++) expect(await open(16)).toBe(200)
    expect(await open(15)).toBe(200)
    for (let i = 0; i < MAXIMUM_OPENINGS; i++) expect(await open(2)).toBe(429)
    expect(await open(1)).toBe(200)
  })
})

describe('a slow reader', () => {
  it('is told how much was left out, and costs no more than its buffer', async () => {
    live = await startLive()
    const client = await live.client('lamp-1')
    const { authorization } = await bearer('eva', ['home/#'])
    const socket = connectSocket(live.port, '127.0.0.1')
    socket.write(
      `GET /v1/events?filter=home/%23 HTTP/1.1\r\nhost: localhost\r\nauthorization: ${authorization}\r\n\r\n`,
    )
    await once(socket, 'readable')
    const payload = 'x'.repeat(50_000)
    for (let i = 0; i < 400; i++) await client.publish('home/lamp', payload, { qos: 1 })
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    await expect.poll(() => /event: dropped\r?\ndata: \{"count":\d+\}/.test(text)).toBe(true)
    const told = Number(/"count":(\d+)/.exec(text)?.[1])
    const came = text.split('event: message').length - 1
    expect(told + came).toBeLessThanOrEqual(400)
    expect(told).toBeGreaterThan(100)
    await client.publish('home/lamp', 'the last', { qos: 1 })
    await expect.poll(() => text).toContain('the last')
    socket.destroy()
  })
})
