import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { connect, createServer } from 'node:net'
import { topics } from '@jamey/contracts'
import { describe, expect, it } from 'vitest'
import { createGateway } from './gateway.js'
import { call, FakeBus, post, startGateway, VERDICT } from './gateway.support.js'

/** A conscience that answers when told to, and tells when it was asked and when the call behind it was given up. */
function heldConscience(bus: FakeBus) {
  const held = { release: () => {}, asked: Promise.resolve(), givenUp: Promise.resolve() }
  const released = new Promise<void>((resolve) => {
    held.release = resolve
  })
  let tellGivenUp = () => {}
  held.givenUp = new Promise((resolve) => {
    tellGivenUp = resolve
  })
  held.asked = new Promise((resolve) => {
    bus.answer(topics.conscience.evaluate, async () => {
      const call = bus.requests.find(({ topic }) => topic === topics.api.requests.topic)
      call?.options.signal?.addEventListener('abort', () => tellGivenUp())
      resolve()
      await released
      return VERDICT
    })
  })
  return held
}

async function refused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const outcome = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(false))
    socket.once('error', () => resolve(true))
  })
  socket.destroy()
  return outcome
}

describe('starting', () => {
  it('listens before the broker is there, says so, and serves when it comes', async () => {
    const bus = new FakeBus()
    bus.become('connecting')
    const { gateway, url } = await startGateway({}, bus)
    expect((await call(`${url}/healthz`)).status).toBe(200)
    const before = await call(`${url}/readyz`)
    expect(before).toMatchObject({ status: 503, body: { detail: expect.stringContaining('connecting') } })
    expect(bus.serves(topics.api.requests)).toBe(false)
    bus.become('connected')
    await gateway.ready
    expect(bus.serves(topics.api.requests)).toBe(true)
    expect((await call(`${url}/readyz`)).status).toBe(200)
    await gateway.stop()
  })

  it('is not ready while its bus finds that nobody hears the calls', async () => {
    const { gateway, bus, url } = await startGateway()
    expect((await call(`${url}/readyz`)).status).toBe(200)
    bus.faults.push({ kind: 'unheard', message: 'nobody hears the requests on jamey/api/requests' })
    const answer = await call(`${url}/readyz`)
    expect(answer).toMatchObject({ status: 503, body: { detail: expect.stringContaining('nobody hears') } })
    bus.faults.length = 0
    expect((await call(`${url}/readyz`)).status).toBe(200)
    await gateway.stop()
  })

  it('tries to serve again with the next connection where the first attempt failed', async () => {
    const bus = new FakeBus()
    bus.become('connecting')
    const serve = bus.serve.bind(bus)
    let attempts = 0
    bus.serve = async (...rest) => {
      attempts += 1
      if (attempts === 1) throw new Error('the connection was lost again')
      return serve(...rest)
    }
    const { gateway, url } = await startGateway({}, bus)
    bus.become('connected')
    await new Promise((resolve) => setImmediate(resolve))
    expect((await call(`${url}/readyz`)).status).toBe(503)
    bus.become('reconnecting')
    bus.become('connected')
    await gateway.ready
    expect(attempts).toBe(2)
    await gateway.stop()
  })

  it('is never ready where the broker refuses the router, or the bus gives up connecting', async () => {
    const refusing = new FakeBus()
    refusing.become('connecting')
    refusing.serve = async () => {
      throw Object.assign(new Error('not authorized'), { retryable: false })
    }
    const refusedGateway = await startGateway({}, refusing)
    refusing.become('connected')
    await expect(refusedGateway.gateway.ready).rejects.toThrow('not authorized')
    await refusedGateway.gateway.stop()

    const lost = new FakeBus()
    lost.become('connecting')
    const lostGateway = await startGateway({}, lost)
    lost.become('error')
    await expect(lostGateway.gateway.ready).rejects.toThrow('gave up')
    await lostGateway.gateway.stop()
  })

  it('fails, and closes its port, where the router may not be served', async () => {
    const bus = new FakeBus()
    bus.serve = async () => {
      throw new Error('not authorized')
    }
    const gateway = createGateway({ port: 0, bus: bus.asBus() })
    await expect(gateway.start()).rejects.toThrow('not authorized')
    expect(await refused(Number(new URL(gateway.url ?? '').port))).toBe(true)
  })

  it('says in one line that the port is taken and how to choose another [promise 37]', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const gateway = createGateway({ port, bus: new FakeBus().asBus() })
    const error: unknown = await gateway.start().catch((reason: unknown) => reason)
    other.close()
    await gateway.stop()
    expect(error).toMatchObject({ name: 'GatewayError', code: 'port-in-use' })
    expect((error as Error).message).toMatch(new RegExp(`^HTTP port ${port} .*--http-port.*$`))
  })

  it('says that an address is not of this machine', async () => {
    const gateway = createGateway({
      host: '192.0.2.1',
      port: 0,
      bus: new FakeBus().asBus(),
      tokenSecret: 'x'.repeat(32),
    })
    await expect(gateway.start()).rejects.toMatchObject({ code: 'address-unavailable' })
    await gateway.stop()
  })

  it.each([{ host: '0.0.0.0' }, { host: '::' }, { host: 'example.org' }, { requireToken: true }])(
    'is refused without a token secret where callers need tokens: %j',
    (options) => {
      const bus = new FakeBus().asBus()
      expect(() => createGateway({ ...options, bus })).toThrow(
        expect.objectContaining({
          code: 'token-secret-missing',
          message: expect.stringContaining('MQTT_JWT_SECRET'),
        }),
      )
    },
  )

  it('trusts nobody on this machine where other machines can reach it', async () => {
    const { gateway, url } = await startGateway({ host: '0.0.0.0', tokenSecret: 'x'.repeat(32) })
    const answer = await call(url.replace('0.0.0.0', '127.0.0.1').concat('/v1/memories'))
    expect(answer.status).toBe(401)
    await gateway.stop()
  })

  it('happens once', async () => {
    const { gateway } = await startGateway()
    await expect(gateway.start()).rejects.toMatchObject({ code: 'already-started' })
    await gateway.stop()
  })
})

describe('stopping', () => {
  it('finishes what was taken and takes nothing new [promise 38]', async () => {
    const { bus, gateway, url, port } = await startGateway()
    const conscience = heldConscience(bus)
    const pending = post(`${url}/v1/conscience/evaluate`, { action: 'a' })
    await conscience.asked
    const stopped = gateway.stop()
    expect(await refused(port)).toBe(true)
    conscience.release()
    const answer = await pending
    expect(answer.status).toBe(200)
    expect(answer.headers['connection']).toBe('close')
    await stopped
    expect(bus.serves(topics.api.requests)).toBe(false)
  })

  it('answers 503 to what is complete only now, from readyz too', async () => {
    const { bus, gateway, url, port } = await startGateway()
    const conscience = heldConscience(bus)
    const pending = post(`${url}/v1/conscience/evaluate`, { action: 'a' })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /readyz HTTP/1.1\r\nhost: localhost\r\n')
    await conscience.asked
    const stopped = gateway.stop()
    expect(await refused(port)).toBe(true)
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString()
    })
    socket.write('\r\n')
    await once(socket, 'close')
    conscience.release()
    expect((await pending).status).toBe(200)
    await stopped
    expect(received).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: 5[\s\S]*urn:jamey:problem:draining/)
  })

  it('gives up what is not finished within the grace, and says so', async () => {
    const { bus, gateway, url } = await startGateway()
    const conscience = heldConscience(bus)
    const pending = post(`${url}/v1/conscience/evaluate`, { action: 'a' })
    await conscience.asked
    await gateway.stop({ graceMs: 50 })
    expect(await pending).toMatchObject({ status: 503, body: { type: 'urn:jamey:problem:draining' } })
    await conscience.givenUp
  })

  it('closes connections that never finish their request', async () => {
    const { gateway, port } = await startGateway()
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write('POST /v1/memories HTTP/1.1\r\nhost: localhost\r\n')
    const closed = once(socket, 'close')
    await gateway.stop({ graceMs: 50 })
    await closed
  })

  it('does not wait for idle connections that are kept alive', async () => {
    const { gateway, url } = await startGateway()
    const agent = new Agent({ keepAlive: true })
    const [response] = await once(httpRequest(`${url}/healthz`, { agent }).end(), 'response')
    response.resume()
    await once(response, 'end')
    const startedAt = performance.now()
    await gateway.stop({ graceMs: 20_000 })
    agent.destroy()
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  })

  it('may be asked for twice, and before starting', async () => {
    const { gateway } = await startGateway()
    await Promise.all([gateway.stop(), gateway.stop()])
    const unstarted = createGateway({ bus: new FakeBus().asBus() })
    await unstarted.stop()
    await expect(unstarted.ready).rejects.toThrow('stopped')
  })
})

describe('callers that go away', () => {
  it('abort their request [promise 30]', async () => {
    const { bus, gateway, port } = await startGateway()
    const conscience = heldConscience(bus)
    const body = '{"action":"a"}'
    const socket = connect(port, '127.0.0.1')
    socket.write(
      'POST /v1/conscience/evaluate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n' +
        `content-length: ${body.length}\r\n\r\n${body}`,
    )
    await conscience.asked
    socket.destroy()
    await conscience.givenUp
    await gateway.stop()
  })

  it('abort the one that waits, though another was answered over the same connection', async () => {
    const { bus, gateway, port } = await startGateway()
    bus.answer(topics.conscience.evaluate, () => VERDICT)
    const socket = connect(port, '127.0.0.1')
    const body = '{"action":"a"}'
    const evaluate =
      'POST /v1/conscience/evaluate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n' +
      `content-length: ${body.length}\r\n\r\n${body}`
    socket.write(evaluate)
    await once(socket, 'data')
    bus.requests.length = 0
    const conscience = heldConscience(bus)
    socket.write(evaluate)
    await conscience.asked
    socket.destroy()
    await conscience.givenUp
    await gateway.stop()
  })
})

describe('bytes that are no request', () => {
  it.each([
    ['garbage', 'hello\r\n\r\n', 400],
    ['33 KiB of headers', `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(33 * 1024)}\r\n\r\n`, 431],
  ])('are answered with a problem: %s', async (_what, bytes, status) => {
    const { gateway, port } = await startGateway()
    const socket = connect(port, '127.0.0.1')
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString()
    })
    socket.write(bytes)
    await once(socket, 'close')
    await gateway.stop()
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(received).toContain('application/problem+json')
    expect(JSON.parse(received.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status })
  })
})
