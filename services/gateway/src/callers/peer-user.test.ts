import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type Peer, PeerUsers } from './peer-user.js'

const isLinux = existsSync('/proc/net/tcp')
const own = process.geteuid?.()
const open: (Socket | Server)[] = []

afterEach(() => {
  for (const one of open.splice(0)) 'destroy' in one ? one.destroy() : one.close()
})

/** Both ends of one connection. */
async function connected(host: string, from = host): Promise<{ client: Socket; peer: Socket; port: number }> {
  const server = createServer({ allowHalfOpen: true })
  open.push(server)
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const accepted = once(server, 'connection')
  const client = connect({ port, host: from, allowHalfOpen: true })
  client.on('error', () => {})
  const [peer] = (await accepted) as [Socket]
  peer.on('error', () => {})
  open.push(client, peer)
  return { client, peer, port }
}

describe.skipIf(!isLinux)('the user of a connection', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1', '::ffff:127.0.0.1'],
    ['127.0.0.2', '127.0.0.2'],
    ['::1', '::1'],
  ])('to %s is told, as %s', async (host, from) => {
    const { peer } = await connected(host, from)
    expect(await new PeerUsers().userOf(peer)).toBe(own)
  })

  it('is nobody once the socket was closed, which the system then shows as of root', async () => {
    const { client, peer } = await connected('127.0.0.1')
    client.end('GET / HTTP/1.1\r\n\r\n')
    client.destroy()
    await once(client, 'close')
    expect(await new PeerUsers().userOf(peer)).toBeUndefined()
    // It is still there, so that it is there does not decide.
    const key = `:${peer.remotePort?.toString(16).toUpperCase().padStart(4, '0')} 0100007F:`
    expect(await readFile('/proc/net/tcp', 'latin1')).toContain(key)
  })

  it('is looked up once a connection, and those that come together share a reading', async () => {
    let readings = 0
    let finish: (text: string) => void = () => {}
    const users = new PeerUsers(() => {
      readings++
      return new Promise((resolve) => {
        finish = resolve
      })
    })
    const first = users.userOf(peerOf(1))
    const others = Array.from({ length: 50 }, (_, i) => users.userOf(peerOf(2 + i)))
    expect(users.userOf(peerOf(1))).not.toBe(first)
    const table = Array.from({ length: 52 }, (_, i) => lineOf(1 + i, 1001 + i)).join('')
    finish(table)
    expect(await first).toBe(1001)
    expect(readings).toBe(2)
    finish(table)
    expect(await Promise.all(others)).toEqual(Array.from({ length: 50 }, (_, i) => 1002 + i))
    const peer = peerOf(1)
    const again = users.userOf(peer)
    finish(table)
    await again
    expect(users.userOf(peer)).toBe(again)
    expect(readings).toBe(3)
  })

  it('cannot be told of other addresses, nor where the system has no tables', async () => {
    const readNothing = new PeerUsers(() => Promise.reject(new Error('ENOENT')))
    expect(await readNothing.userOf(peerOf(1))).toBeUndefined()
    const users = new PeerUsers(async () => lineOf(1, 7))
    expect(await users.userOf({ ...peerOf(1), remoteAddress: '10.0.0.1' })).toBeUndefined()
    expect(await users.userOf({ ...peerOf(1), remoteAddress: undefined })).toBeUndefined()
    expect(await users.userOf({ ...peerOf(1), localPort: 81 })).toBeUndefined()
    expect(await users.userOf(peerOf(1))).toBe(7)
  })
})

function peerOf(remotePort: number): Peer {
  return { remoteAddress: '127.0.0.1', remotePort, localAddress: '127.0.0.1', localPort: 80 }
}

/** As Linux writes it on a machine of little endian. */
function lineOf(port: number, user: number): string {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return `   1: ${remote} 0100007F:0050 01 00000000:00000000 00:00000000 00000000 ${String(user).padStart(5)}        0 4711 1 0 20 4 30 10 -1\n`
}
