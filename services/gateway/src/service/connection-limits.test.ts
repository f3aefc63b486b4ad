import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { MAXIMUM_CONNECTIONS } from '../http/limits.js'
import { call, startGateway } from './gateway.support.js'

async function opened(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

it('holds no more connections than its share of the process, and takes others once some are gone', async () => {
  const { gateway, url } = await startGateway()
  const port = Number(new URL(url).port)
  const sockets: Socket[] = []
  try {
    for (let i = 0; i < MAXIMUM_CONNECTIONS; i++) sockets.push(await opened(port))
    const tooMany = connect(port, '127.0.0.1')
    sockets.push(tooMany)
    tooMany.on('error', () => {})
    await once(tooMany, 'close')
    for (const socket of sockets) socket.destroy()
    await expect
      .poll(async () => (await call(`${url}/healthz`).catch(() => undefined))?.status, { timeout: 5_000 })
      .toBe(200)
  } finally {
    for (const socket of sockets) socket.destroy()
    await gateway.stop()
  }
})
