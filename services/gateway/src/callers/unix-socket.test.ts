import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { topics } from '@jamey/contracts'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { SECRET, startGateway, VERDICT } from '../service/gateway.support.js'

let folder: string
let socketPath: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-socket-'))
  socketPath = join(folder, 'http')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function evaluate(headers: Record<string, string> = {}): Promise<number | undefined> {
  const call = request({
    agent: false,
    socketPath,
    path: '/v1/conscience/evaluate',
    method: 'POST',
    headers: { host: 'localhost', 'content-type': 'application/json', ...headers },
  })
  call.end('{"action":"be kind"}')
  const [response] = await once(call, 'response')
  response.resume()
  return response.statusCode
}

async function start(options: object = {}) {
  const running = await startGateway({ socketPath, ...options })
  onTestFinished(() => running.gateway.stop())
  running.bus.answer(topics.conscience.evaluate, () => VERDICT)
  return running
}

describe.skipIf(process.platform === 'win32')('the Unix socket', () => {
  it("is its owner's alone, who needs no token, and goes with the gateway", async () => {
    const { gateway } = await start()
    expect(statSync(socketPath).mode & 0o777).toBe(0o600)
    expect(await evaluate()).toBe(200)
    expect(await evaluate({ 'x-forwarded-for': '192.0.2.1' })).toBe(401)
    await gateway.stop()
    expect(existsSync(socketPath)).toBe(false)
  })

  it('serves without a token where everybody else needs one, but not where it is asked of all', async () => {
    await start({ host: '0.0.0.0', tokenSecret: SECRET })
    expect(await evaluate()).toBe(200)
    rmSync(socketPath)
    await start({ requireToken: true, tokenSecret: SECRET })
    expect(await evaluate()).toBe(401)
  })

  it('takes the place of one that nobody answers at, and of nothing else', async () => {
    const before = createServer().listen(socketPath)
    await once(before, 'listening')
    await expect(startGateway({ socketPath })).rejects.toThrow('another program listens there')
    // As a killed gateway leaves it.
    const stale = join(folder, 'stale')
    const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', script, stale])
    expect(existsSync(stale)).toBe(true)
    before.close()
    socketPath = stale
    await start()
    expect(await evaluate()).toBe(200)
    writeFileSync(join(folder, 'file'), '')
    await expect(startGateway({ socketPath: join(folder, 'file') })).rejects.toMatchObject({
      code: 'socket-unusable',
    })
  })

  it('is made in no folder that others may write to', async () => {
    chmodSync(folder, 0o1777)
    await expect(startGateway({ socketPath })).rejects.toMatchObject({ code: 'open-to-others' })
    chmodSync(folder, 0o700)
    await start()
  })
})
