import { topics } from '@jamey/contracts'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jamey } from './program.js'
import { startLoad } from './request-load.js'
import { SeparateParts } from './separate-parts.js'

const REQUESTS_PER_SECOND = 50
const DEADLINE_MS = 5000

let parts: SeparateParts

beforeAll(async () => {
  parts = await SeparateParts.prepare()
})

afterAll(() => parts?.stop())

describe('while the broker is stopped and started under 50 requests a second', () => {
  it('every client comes back by itself and every request is answered or fails retryably in time [promises 14, 27]', async () => {
    let broker = await parts.ready('broker')
    const httpPort = String(await freePort())
    for (const name of ['conscience', 'memory', 'gateway']) {
      await parts.ready(name, { JAMEY_HTTP_PORT: httpPort })
    }
    const bus = await parts.connect('load', ['publish:jamey/conscience/evaluate'])
    const { tally, stop } = startLoad(REQUESTS_PER_SECOND, (number) =>
      bus.request(
        topics.conscience.evaluate,
        { action: `summarise note ${number}` },
        { timeoutMs: DEADLINE_MS },
      ),
    )
    await expect.poll(() => tally.answered, { timeout: 20_000 }).toBeGreaterThan(100)
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await broker.stop(signal)
      const sentAtStop = tally.sent
      await expect.poll(() => tally.sent, { timeout: 20_000 }).toBeGreaterThan(sentAtStop + 50)
      broker = await parts.ready('broker')
      const { answered } = tally
      await expect.poll(() => tally.answered, { timeout: 30_000 }).toBeGreaterThan(answered + 100)
    }
    const { sent, answered, failedRetryable, faults, slowestMs } = await stop()
    console.info(
      `${sent} requests over two outages: ${answered} answered, ${failedRetryable} failed retryably, slowest ${Math.round(slowestMs)} ms`,
    )
    expect(faults).toEqual([])
    expect(answered + failedRetryable).toBe(sent)
    // A timer may run late on a busy machine; a request that nobody settles would wait for ever.
    expect(slowestMs).toBeLessThan(DEADLINE_MS + 2000)
    const env = await jamey(parts.folder, ['recall', 'anything', '--data-dir', '.jamey'])
    expect(env.stderr).not.toMatch(/\n\s+at /)
  }, 120_000)
})
