import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { settled } from './fake-clock.js'
import { FaultProxy, type Faults } from './fault-proxy.js'
import { until } from './until.js'

/** A client of an echoing server, with the proxy between them. */
async function echoing(
  faults: Faults,
): Promise<{ proxy: FaultProxy; client: Socket; received: () => string; receivedBytes: () => number }> {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy = await FaultProxy.listen((server.address() as AddressInfo).port)
  proxy.faults = faults
  const client = connect(proxy.port, '127.0.0.1')
  const chunks: Buffer[] = []
  let bytes = 0
  client
    .on('data', (chunk) => {
      chunks.push(chunk)
      bytes += chunk.length
    })
    .on('error', () => {})
  onTestFinished(async () => {
    client.destroy()
    await proxy.close()
    await new Promise((resolve) => server.close(resolve))
  })
  return { proxy, client, received: () => Buffer.concat(chunks).toString(), receivedBytes: () => bytes }
}

describe('the fault proxy', () => {
  it('passes everything when told nothing', async () => {
    const { client, received } = await echoing({})
    client.write('abc')
    await until(() => received() === 'abc')
  })

  it('cuts both sides at a byte of either direction', async () => {
    for (const faults of [{ cutAfterClientBytes: 4 }, { cutAfterServerBytes: 4 }]) {
      const { client, received, proxy } = await echoing(faults)
      const closed = new Promise((resolve) => client.once('close', resolve))
      client.write('abcdef')
      await closed
      expect('abcd'.startsWith(received())).toBe(true)
      if (faults.cutAfterServerBytes !== undefined) expect(received()).toBe('abcd')
      expect(proxy.connections).toBe(0)
    }
  })

  it('swallows bytes while half open, and keeps the connection', async () => {
    const { client, received, proxy } = await echoing({})
    client.write('a')
    await until(() => received() === 'a')
    proxy.faults = { isHalfOpen: true }
    client.write('b')
    await until(() => proxy.swallowedBytes === 1)
    proxy.faults = {}
    client.write('c')
    await until(() => received() === 'ac')
    expect(client.destroyed).toBe(false)
  })

  it('drops what one side sends, and carries the other direction', async () => {
    const { client, received, proxy } = await echoing({ drops: 'client' })
    client.write('lost')
    await until(() => proxy.swallowedBytes === 4)
    proxy.faults = { drops: 'server' }
    client.write('heard')
    // The server echoes it, and the echo is what is dropped.
    await until(() => proxy.swallowedBytes === 9)
    proxy.faults = {}
    client.write('c')
    await until(() => received() === 'c')
  })

  it('breaks every connection there is when it is told to, and takes new ones', async () => {
    const { client, proxy } = await echoing({})
    await until(() => proxy.connections === 1)
    const closed = new Promise((resolve) => client.once('close', resolve))
    proxy.cutAll()
    await closed
    expect(proxy.connections).toBe(0)
    const other = connect(proxy.port, '127.0.0.1').on('error', () => {})
    onTestFinished(() => void other.destroy())
    await until(() => proxy.connections === 1)
  })

  it('stalls: sockets fill up, and everything arrives once it goes on', async () => {
    const { client, receivedBytes, proxy } = await echoing({ isStalled: true })
    client.write('x'.repeat(16_777_216))
    await until(() => proxy.connections === 1)
    await settled(50)
    expect(client.writableLength).toBeGreaterThan(0)
    expect(receivedBytes()).toBe(0)
    proxy.faults = {}
    await until(() => receivedBytes() === 16_777_216)
  })

  it('passes on the end of one side, after what came before it', async () => {
    const { client, received, proxy } = await echoing({ delayMs: 5 })
    const closed = new Promise((resolve) => client.once('close', resolve))
    client.end('last words')
    await closed
    expect(received()).toBe('last words')
    await until(() => proxy.connections === 0)
  })

  it('keeps the order when a delay ends while bytes are on their way', async () => {
    const { client, received, proxy } = await echoing({ delayMs: 50 })
    client.write('a')
    await until(() => client.bytesWritten === 1)
    await settled(10)
    proxy.faults = {}
    client.write('b')
    await until(() => received().length === 2)
    expect(received()).toBe('ab')
  })

  it('lets a sender feel that the receiver reads no more', async () => {
    const { client } = await echoing({})
    client.pause()
    client.write('x'.repeat(67_108_864))
    await settled(200)
    expect(client.writableLength).toBeGreaterThan(0)
  })

  it('makes a sender that is faster than the throttle wait, instead of keeping its bytes', async () => {
    const { client } = await echoing({ bytesPerSecond: 1_000_000 })
    client.write('x'.repeat(16_777_216))
    await settled(200)
    expect(client.writableLength).toBeGreaterThan(0)
  })

  it('delays and throttles', async () => {
    const { client, received } = await echoing({ delayMs: 20, bytesPerSecond: 1000 })
    const startedAt = performance.now()
    client.write('x'.repeat(50))
    await until(() => received().length === 50)
    // 20 ms late and 50 ms long, both ways.
    expect(performance.now() - startedAt).toBeGreaterThan(130)
  })
})
