import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FaultProxy, type Faults } from './fault-proxy.js'
import { until } from './until.js'

/** A client of an echoing server, with the proxy between them. */
async function echoing(
  faults: Faults,
): Promise<{ proxy: FaultProxy; client: Socket; received: () => string }> {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy = await FaultProxy.listen((server.address() as AddressInfo).port)
  proxy.faults = faults
  const client = connect(proxy.port, '127.0.0.1')
  const chunks: Buffer[] = []
  client.on('data', (chunk) => chunks.push(chunk)).on('error', () => {})
  onTestFinished(async () => {
    client.destroy()
    await proxy.close()
    await new Promise((resolve) => server.close(resolve))
  })
  return { proxy, client, received: () => Buffer.concat(chunks).toString() }
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

  it('delays and throttles', async () => {
    const { client, received } = await echoing({ delayMs: 20, bytesPerSecond: 1000 })
    const startedAt = performance.now()
    client.write('x'.repeat(50))
    await until(() => received().length === 50)
    // 20 ms late and 50 ms long, both ways.
    expect(performance.now() - startedAt).toBeGreaterThan(130)
  })
})
