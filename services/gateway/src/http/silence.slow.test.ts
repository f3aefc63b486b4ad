import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { call, startGateway } from '../service/gateway.support.js'

/** What a client sends that then falls silent, and after how long it is let go at most. */
it.concurrent.each([
  ['nothing at all', '', 15_000],
  ['half of its headers', 'GET /healthz HTTP/1.1\r\nhost: x\r\n', 15_000],
  [
    'half of its body',
    'POST /v1/conscience/evaluate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    36_000,
  ],
  ['what is no request', 'hello\r\n\r\n', 5_000],
  [
    'a body that it announces and that is refused',
    'POST /v1/none HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999\r\n\r\n',
    36_000,
  ],
])('a client that sends %s, and never hangs up, is let go', async (_what, bytes, withinMs) => {
  const { gateway, url, port } = await startGateway()
  const startedAt = performance.now()
  // It keeps its half open, whatever the server does.
  const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true })
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  socket.on('error', () => {})
  socket.resume()
  await once(socket, 'connect')
  socket.write(bytes)
  // That the server has let go of both halves is shown by the reset that a byte to it brings.
  const probe = setInterval(() => socket.readableEnded && socket.write('x'), 250)
  try {
    await closed
    expect(performance.now() - startedAt).toBeLessThan(withinMs)
    // Who speaks is served.
    expect((await call(`${url}/healthz`)).status).toBe(200)
  } finally {
    clearInterval(probe)
    await gateway.stop()
  }
})

it.concurrent('an import whose lines come slowly is taken, beyond the time that any other body has', async () => {
  const { gateway, url } = await startGateway()
  const request = httpRequest(`${url}/v1/memories/import`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    agent: false,
  })
  const answered = once(request, 'response')
  const startedAt = performance.now()
  const lines = setInterval(() => {
    request.write('no memory\n')
    if (performance.now() - startedAt < 33_000) return
    clearInterval(lines)
    request.end()
  }, 250)
  try {
    const [response] = await answered
    clearInterval(lines)
    expect(response.statusCode).toBe(200)
    const [summary] = (await response.toArray()) as Buffer[]
    expect(JSON.parse(String(summary))).toMatchObject({ imported: 0, refused: expect.any(Number) })
    expect(performance.now() - startedAt).toBeGreaterThan(33_000)
  } finally {
    clearInterval(lines)
    await gateway.stop()
  }
})
