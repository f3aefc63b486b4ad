import { once } from 'node:events'
import { freePort } from '@jamey/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { Child } from './child.js'
import { PlainClient } from './plain-client.js'

const children: Child[] = []

afterEach(() => Promise.all(children.splice(0).map((child) => child.remove())))

function start(after: string, args: readonly string[]): Child {
  const child = new Child(args, { after })
  children.push(child)
  return child
}

async function broker(after: string): Promise<{ child: Child; port: number }> {
  const port = await freePort()
  const child = start(after, ['broker', '--insecure', '--port', String(port), '--log-level', 'debug'])
  await expect.poll(() => PlainClient.isThere(port)).toBe(true)
  return { child, port }
}

async function assertServes({ child, port }: { child: Child; port: number }): Promise<void> {
  const clients: PlainClient[] = []
  for (let n = 0; n < 20; n++) {
    const client = await PlainClient.connect(port)
    expect(client).toBeDefined()
    clients.push(client as PlainClient)
  }
  for (const client of clients) expect(await client.isServed()).toBe(true)
  expect(child.process.exitCode).toBeNull()
}

describe('a broker whose log cannot be written', () => {
  it('goes on where the disk of standard error and output is full', async () => {
    const running = await broker('>/dev/full 2>/dev/full')
    await assertServes(running)
    expect(await running.child.stop()).toBe(0)
  })

  it('goes on when whoever read its standard error and output has gone', async () => {
    const running = await broker('')
    running.child.process.stderr?.destroy()
    running.child.process.stdout?.destroy()
    await assertServes(running)
    expect(await running.child.stop()).toBe(0)
  })

  it('goes on while whoever reads its standard error stands still', async () => {
    const running = await broker('')
    running.child.process.stderr?.pause()
    // More lines than a pipe holds.
    for (let n = 0; n < 30; n++) await assertServes(running)
    expect(await running.child.stop()).toBe(0)
  })
})

describe('the whole system', () => {
  it('goes on without its standard output and error', async () => {
    const [port, httpPort] = [await freePort(), await freePort()]
    const args = ['up', '--port', String(port), '--http-port', String(httpPort), '--log-level', 'debug']
    const child = start('', args)
    child.process.stdout?.destroy()
    child.process.stderr?.destroy()
    const isReady = async (): Promise<boolean> => {
      const answer = await fetch(`http://127.0.0.1:${httpPort}/readyz`).catch(() => undefined)
      return answer?.status === 200
    }
    await expect.poll(isReady, { timeout: 50_000 }).toBe(true)
    for (let n = 0; n < 20; n++) expect(await isReady()).toBe(true)
    expect(child.process.exitCode).toBeNull()
    expect(await child.stop()).toBe(0)
  })
})

describe('a command whose output is its purpose', () => {
  it('ends with success when its reader has had enough, and with a failure that says what is missing', async () => {
    const enough = start('', ['--help'])
    enough.process.stdout?.destroy()
    expect(await enough.exit).toBe(0)
    const full = start('>/dev/full', ['help', 'exit-codes'])
    await once(full.process, 'close')
    expect(full.process.exitCode).toBe(1)
    expect(full.stderr).toContain('standard output cannot be written (ENOSPC)')
    expect(full.stderr).toContain('1 lines of standard output could not be written (ENOSPC)')
  })
})
