import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { freePort } from '@jamey/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { PlainClient } from './plain-client.js'
import { emptyFolder, removeFolder } from './program.js'

const JAMEY = resolve(import.meta.dirname, '../../apps/jamey/bin/jamey.js')
const folder = emptyFolder()
const children: ChildProcess[] = []

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  removeFolder(folder)
})

/** `shell` says where `jamey "$@"` writes to. */
function start(shell: string, args: readonly string[]): ChildProcess {
  const script = `exec "${process.execPath}" "${JAMEY}" "$@" ${shell}`
  const child = spawn('bash', ['-c', script, 'bash', ...args], {
    cwd: emptyFolder(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  return child
}

async function broker(shell: string): Promise<{ child: ChildProcess; port: number }> {
  const port = await freePort()
  const args = ['broker', '--insecure', '--port', String(port), '--log-level', 'debug']
  const child = start(shell, args)
  const isThere = (): Promise<boolean> =>
    PlainClient.connect(port).then(
      (client) => client !== undefined,
      () => false,
    )
  await expect.poll(isThere).toBe(true)
  return { child, port }
}

async function assertServes({ child, port }: { child: ChildProcess; port: number }): Promise<void> {
  const clients: PlainClient[] = []
  for (let n = 0; n < 20; n++) {
    const client = await PlainClient.connect(port)
    expect(client).toBeDefined()
    clients.push(client as PlainClient)
  }
  for (const client of clients) expect(await client.isServed()).toBe(true)
  expect(child.exitCode).toBeNull()
}

async function stopped(child: ChildProcess): Promise<number | null> {
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  return code as number | null
}

describe('a broker whose log can not be written', () => {
  it('goes on where the disk of standard error and output is full', async () => {
    const running = await broker('>/dev/full 2>/dev/full')
    await assertServes(running)
    expect(await stopped(running.child)).toBe(0)
  })

  it('goes on when whoever read its standard error and output has gone', async () => {
    const running = await broker('')
    running.child.stderr?.destroy()
    running.child.stdout?.destroy()
    await assertServes(running)
    expect(await stopped(running.child)).toBe(0)
  })

  it('goes on while whoever reads its standard error stands still', async () => {
    const running = await broker('')
    running.child.stderr?.pause()
    // More lines than a pipe holds.
    for (let n = 0; n < 30; n++) await assertServes(running)
    expect(await stopped(running.child)).toBe(0)
  })
})

describe('the whole system', () => {
  it('goes on without its standard output and error', async () => {
    const [port, httpPort] = [await freePort(), await freePort()]
    const args = ['up', '--port', String(port), '--http-port', String(httpPort), '--log-level', 'debug']
    const child = start('', args)
    child.stdout?.destroy()
    child.stderr?.destroy()
    const isReady = async (): Promise<boolean> => {
      const answer = await fetch(`http://127.0.0.1:${httpPort}/readyz`).catch(() => undefined)
      return answer?.status === 200
    }
    await expect.poll(isReady, { timeout: 50_000 }).toBe(true)
    for (let n = 0; n < 20; n++) expect(await isReady()).toBe(true)
    expect(child.exitCode).toBeNull()
    expect(await stopped(child)).toBe(0)
  })
})

describe('a command whose output is its purpose', () => {
  it('ends with success when its reader has had enough, and with a failure that says what is missing', async () => {
    const enough = start('', ['--help'])
    enough.stdout?.destroy()
    expect((await once(enough, 'exit'))[0]).toBe(0)
    const full = start('>/dev/full', ['help', 'exit-codes'])
    let stderr = ''
    full.stderr?.on('data', (chunk) => {
      stderr += chunk
    })
    expect((await once(full, 'close'))[0]).toBe(1)
    expect(stderr).toContain('standard output can not be written (ENOSPC)')
    expect(stderr).toContain('1 lines of standard output could not be written (ENOSPC)')
  })
})
