import { connect, type Socket } from 'node:net'
import { freePort } from '@jamey/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { Child } from './child.js'
import { PlainClient } from './plain-client.js'

const FEW = 'ulimit -n 256'
const children: Child[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(children.splice(0).map((child) => child.remove()))
})

function start(args: readonly string[]): Child {
  const child = new Child(args, { before: FEW })
  children.push(child)
  return child
}

/** Connects, says nothing and stays. */
function idle(port: number): void {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  sockets.push(socket)
}

function linesWith(child: Child, text: string): number {
  return child.stderr.split('\n').filter((line) => line.includes(text)).length
}

describe('a broker that may open 256 files', () => {
  it('serves those who are there while 400 others connect, and new ones when these are gone', async () => {
    const port = await freePort()
    const limits = ['--limit', 'sysIntervalSeconds=1', '--limit', 'pendingPerAddress=1000']
    const child = start(['broker', '--insecure', '--port', String(port), '--log-level', 'warn', ...limits])
    await expect.poll(() => PlainClient.isThere(port)).toBe(true)
    expect(linesWith(child, 'they are lowered')).toBe(1)
    const present: PlainClient[] = []
    for (let n = 0; n < 20; n++) present.push((await PlainClient.connect(port)) as PlainClient)
    const more = await Promise.all(
      Array.from({ length: 400 }, () => PlainClient.connect(port).catch(() => undefined)),
    )
    const welcome = more.filter((client) => client !== undefined)
    for (const { socket } of welcome) sockets.push(socket)
    expect(welcome.length).toBeGreaterThan(50)
    expect(welcome.length).toBeLessThan(240)
    for (let n = 0; n < 400; n++) idle(port)
    // $SYS is published meanwhile, which reads how much memory is in use.
    for (let round = 0; round < 30; round++) {
      for (const client of present) expect(await client.isServed()).toBe(true)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(child.process.exitCode).toBeNull()
    expect(child.stderr.split('\n').filter((line) => line.includes('"level":50')).length).toBeLessThan(4)
    for (const socket of sockets.splice(0)) socket.destroy()
    await expect.poll(() => PlainClient.isThere(port)).toBe(true)
    expect(await child.stop()).toBe(0)
  })
})

describe('the whole system in a process that may open 256 files', () => {
  it('goes on while 250 HTTP connections say nothing, and serves when they are gone', async () => {
    const [port, httpPort] = [await freePort(), await freePort()]
    const child = start(['up', '--port', String(port), '--http-port', String(httpPort)])
    const isReady = async (): Promise<boolean> => {
      const answer = await fetch(`http://127.0.0.1:${httpPort}/readyz`, {
        headers: { connection: 'close' },
      }).catch(() => undefined)
      return answer?.status === 200
    }
    await expect.poll(isReady, { timeout: 50_000 }).toBe(true)
    for (let n = 0; n < 250; n++) idle(httpPort)
    for (let n = 0; n < 250; n++) idle(port)
    // Every component has published its heartbeat, with the memory in use, by then.
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    expect(child.process.exitCode, child.stderr).toBeNull()
    expect(linesWith(child, 'HTTP connections are refused')).toBe(1)
    for (const socket of sockets.splice(0)) socket.destroy()
    await expect.poll(isReady).toBe(true)
    expect(await child.stop()).toBe(0)
  }, 90_000)
})
