import { freePort } from '@jamey/testing'
import { afterEach, expect, it } from 'vitest'
import { Child } from './child.js'
import { PlainClient } from './plain-client.js'

const children: Child[] = []

afterEach(() => Promise.all(children.splice(0).map((child) => child.remove())))

it('a broker that was stopped for 40 seconds ends none of those who spoke meanwhile', async () => {
  const port = await freePort()
  const child = new Child(['broker', '--insecure', '--port', String(port), '--log-level', 'info'])
  children.push(child)
  await expect.poll(() => PlainClient.isThere(port)).toBe(true)
  const clients: PlainClient[] = []
  for (let n = 0; n < 10; n++) clients.push((await PlainClient.connect(port, 10)) as PlainClient)
  child.process.kill('SIGSTOP')
  // Their PINGREQ lies in the socket for longer than one and a half keep alive intervals.
  const answers = clients.map((client) => client.isServed())
  await new Promise((resolve) => setTimeout(resolve, 40_000))
  child.process.kill('SIGCONT')
  expect(new Set(await Promise.all(answers))).toEqual(new Set([true]))
  for (const client of clients) expect(await client.isServed()).toBe(true)
  expect(child.stderr).not.toContain('keep alive')
}, 90_000)
