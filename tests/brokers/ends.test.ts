import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bus } from '@jamey/bus'
import { freePort, until } from '@jamey/testing'
import { expect, it, onTestFinished } from 'vitest'
import { Load } from './load.js'
import { ServerProcess } from './server-process.js'

it('a server that leaves a process behind does not keep the suite from its end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jamey-brokers-ends-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [port, file] = [await freePort(), join(folder, 'pid')]
  const serve = `require('node:net').createServer().listen(${port}, '127.0.0.1')`
  const server = new ServerProcess({
    program: '/bin/sh',
    args: [
      '-c',
      `setsid sh -c 'echo $$ > ${file}; exec sleep 300' & exec "$0" -e "${serve}"`,
      process.execPath,
    ],
    env: process.env,
    port,
  })
  const pipes = () => process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length
  const before = pipes()
  await server.start()
  const pidOf = () => Number(readFileSync(file, 'utf8'))
  onTestFinished(() => void process.kill(pidOf(), 'SIGKILL'))
  await until(() => pidOf() > 0)
  await server.end('SIGKILL')
  process.kill(pidOf(), 0)
  await until(() => pipes() <= before)
})

it('a scene that fails has its load ended before it tells so', async () => {
  let sent = 0
  let watchers = 0
  const bus = {
    subscribe: async () => {
      watchers++
      return { unsubscribe: async () => void watchers-- }
    },
    request: async () => void sent++,
  } as unknown as Bus
  async function scene(): Promise<never> {
    await using _load = await Load.start([bus], bus, 1000)
    await until(() => sent > 0)
    throw new Error('a scene failed')
  }
  await expect(scene()).rejects.toThrow('a scene failed')
  expect(watchers).toBe(0)
})
