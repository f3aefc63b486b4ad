import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { boundAddresses } from './address-bounds.js'

it('one address has only so many connections, another one still gets in, and who leaves makes room', async () => {
  const taken: Socket[] = []
  let refused = 0
  const server = createServer((socket) => taken.push(socket.on('error', () => {})))
  const isShared = (address: string) => address === '127.0.0.9'
  boundAddresses(server, { maximum: 2, isShared, onRefused: () => refused++ })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const open: Socket[] = []
  onTestFinished(() => {
    for (const socket of [...open, ...taken]) socket.destroy()
    server.close()
  })
  const from = async (localAddress: string): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {})
    open.push(socket)
    await once(socket, 'connect')
    return socket
  }
  const [first] = [await from('127.0.0.2'), await from('127.0.0.2')]
  await once(await from('127.0.0.2'), 'close')
  expect(refused).toBe(1)
  await from('127.0.0.3')
  for (let i = 0; i < 5; i++) await from('127.0.0.9')
  await expect.poll(() => taken.length).toBe(8)
  const left = taken.find(({ remotePort }) => remotePort === first?.localPort)
  first?.destroy()
  if (left !== undefined && !left.destroyed) await once(left.resume(), 'close')
  await from('127.0.0.2')
  await expect.poll(() => taken.length).toBe(9)
  expect(refused).toBe(1)
})
