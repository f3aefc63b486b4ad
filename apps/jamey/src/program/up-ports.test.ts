import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { TestFolder } from '../install/test-folder.support.js'
import { runCommand } from './run-command.support.js'

const at = new TestFolder()

it('jamey up makes nothing in a new folder where a port is taken', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  for (const [taken, free] of [
    ['--port', '--http-port'],
    ['--http-port', '--port'],
  ] as const) {
    const { code, stderr } = await runCommand(at.path, ['up', taken, `${port}`, free, '0'])
    expect([code, stderr]).toEqual([1, expect.stringContaining(`jamey up ${taken} N`)])
    expect(existsSync(at.directory.path)).toBe(false)
  }
})

it('jamey up says where an address is not of this machine, and makes nothing', async () => {
  const words = ['up', '--host', '192.0.2.1', '--port', '0', '--http-port', '0']
  const { code, stderr } = await runCommand(at.path, words)
  expect([code, stderr]).toEqual([1, expect.stringContaining('192.0.2.1 is no address of this machine')])
  expect(stderr).toContain('--host ADDRESS')
  expect(existsSync(at.directory.path)).toBe(false)
})

it('jamey up tells a variable of our prefix that is none of ours', async () => {
  const words = ['up', '--host', '192.0.2.1', '--port', '0', '--http-port', '0']
  const { stderr } = await runCommand(at.path, words, { JAMEY_HTP_PORT: '1', JAMEY_HTTP_PORT: '0' })
  expect(stderr).toContain("JAMEY_HTP_PORT is not a variable of Jamey's; did you mean JAMEY_HTTP_PORT?\n")
  expect(stderr).not.toContain('JAMEY_HTTP_PORT is not a variable')
})

it.each(['broker', 'run broker'])('jamey %s tells it, too', async (command) => {
  const env = { JAMEY_BROKER_PROT: '1', JAMEY_BROKER_PORT: 'x' }
  const { code, stderr } = await runCommand(at.path, command.split(' '), env)
  expect(code).toBe(2)
  expect(stderr).toContain("JAMEY_BROKER_PROT is not a variable of Jamey's; did you mean JAMEY_BROKER_PORT?")
})
