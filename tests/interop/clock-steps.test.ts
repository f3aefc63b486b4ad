import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@jamey/testing'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { Child } from '../e2e/child.js'
import { PlainClient } from '../e2e/plain-client.js'

/** Of Debian's package `faketime`; this directory is the same for every architecture, but for its triplet. */
const LIBRARY = '$(ls /usr/lib/*/faketime/libfaketime.so.1 | head -n 1)'
const folder = mkdtempSync(join(tmpdir(), 'jamey-clock-'))
const children: Child[] = []

afterEach(() => Promise.all(children.splice(0).map((child) => child.remove())))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A broker whose time of day is corrected by what the file says, while its monotonic clock goes on. */
async function start(port: number, corrections: string): Promise<Child> {
  writeFileSync(corrections, '+0\n')
  const variables = {
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: corrections,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  const before = Object.entries(variables).map(([name, value]) => `export ${name}="${value}"`)
  const args = ['broker', '--insecure', '--port', String(port), '--log-level', 'info']
  const child = new Child(args, { before: before.join('; ') })
  children.push(child)
  await expect.poll(() => PlainClient.isThere(port)).toBe(true)
  return child
}

describe.each([
  ['forward', '+3600'],
  ['back', '-3600'],
])('a broker on a machine whose clock is set %s an hour', (_way, correction) => {
  it('ends those who are silent, when they are due, and nobody else', async () => {
    const port = await freePort()
    const corrections = join(folder, correction)
    const child = await start(port, corrections)
    const alive = (await PlainClient.connect(port, 2)) as PlainClient
    const silent = (await PlainClient.connect(port, 2)) as PlainClient
    writeFileSync(corrections, `${correction}\n`)
    const setAt = performance.now()
    const isOver = silent.closed.then(() => true)
    let isSilentGone = false
    void isOver.then(() => {
      isSilentGone = true
    })
    while (!isSilentGone && performance.now() - setAt < 20_000) {
      expect(await alive.isServed()).toBe(true)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(performance.now() - setAt).toBeGreaterThan(2_000)
    expect(isSilentGone).toBe(true)
    // The log tells the time of day, so the clock was really set.
    const hours = new Set([...child.stderr.matchAll(/"time":"[^T]+T(\d\d)/g)].map(([, hour]) => hour))
    expect(hours.size).toBeGreaterThan(1)
    expect(await child.stop()).toBe(0)
  })
})
