import { type Bus, connectBus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyFolder, jamey, Program, removeFolder, secretsOf, startSystem } from './program.js'

const REQUESTS_PER_SECOND = 50
const DEADLINE_MS = 5000

let folder: string
let port: number
let httpPort: number
const programs: Program[] = []

beforeAll(async () => {
  folder = emptyFolder()
  // The first `jamey up` makes certificates and secret; then every part runs as a process of its own.
  const first = await startSystem(folder)
  await first.program.stop()
  port = await freePort()
  httpPort = await freePort()
})

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()))
  removeFolder(folder)
})

function startBroker(): Program {
  const program = new Program(folder, ['run', 'broker', '--data-dir', '.jamey'], {
    JAMEY_BROKER_PORT: String(port),
  })
  programs.push(program)
  return program
}

function startService(name: string): Program {
  const env = {
    MQTT_BROKER_URL: 'mqtts://127.0.0.1',
    MQTT_PORT: String(port),
    JAMEY_HTTP_PORT: String(httpPort),
  }
  const program = new Program(folder, ['run', name, '--data-dir', '.jamey'], env)
  programs.push(program)
  return program
}

interface Tally {
  sent: number
  answered: number
  failedRetryable: number
  faults: unknown[]
  /** Longest time until a request settled, milliseconds. */
  slowestMs: number
  answeredSinceRestart: number
}

/** Sends requests at a steady rate until `stop`, whatever happens to them. */
function load(bus: Bus): { tally: Tally; stop: () => Promise<Tally> } {
  const tally: Tally = {
    sent: 0,
    answered: 0,
    failedRetryable: 0,
    faults: [],
    slowestMs: 0,
    answeredSinceRestart: 0,
  }
  const waiting = new Set<Promise<void>>()
  const request = async (): Promise<void> => {
    const from = performance.now()
    try {
      const data = { action: `summarise note ${tally.sent}` }
      await bus.request(topics.conscience.evaluate, data, { timeoutMs: DEADLINE_MS })
      tally.answered++
      tally.answeredSinceRestart++
    } catch (error) {
      if ((error as { retryable?: boolean }).retryable === true) tally.failedRetryable++
      else tally.faults.push(error)
    }
    tally.slowestMs = Math.max(tally.slowestMs, performance.now() - from)
  }
  const started = performance.now()
  const pace = setInterval(() => {
    const due = ((performance.now() - started) / 1000) * REQUESTS_PER_SECOND
    while (tally.sent < due) {
      tally.sent++
      const one: Promise<void> = request().finally(() => waiting.delete(one))
      waiting.add(one)
    }
  }, 5)
  const stop = async (): Promise<Tally> => {
    clearInterval(pace)
    await Promise.all(waiting)
    return tally
  }
  return { tally, stop }
}

describe('while the broker is stopped and started under 50 requests a second', () => {
  it('every client comes back by itself and every request is answered or fails retryably in time [promises 14, 27]', async () => {
    let broker = startBroker()
    await broker.prints(/listen|ready|runs/i)
    for (const name of ['conscience', 'memory', 'gateway'])
      await startService(name).prints(/connected|ready|serv/i)
    const { ca, secret } = secretsOf(folder)
    const bus = await connectBus({
      url: `mqtts://127.0.0.1:${port}`,
      clientId: 'load',
      tls: { ca },
      jwtSecret: secret,
      permissions: ['publish:jamey/conscience/evaluate'],
    })
    const { tally, stop } = load(bus)
    await expect.poll(() => tally.answered, { timeout: 20_000 }).toBeGreaterThan(100)
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await broker.stop(signal)
      const sentAtStop = tally.sent
      await expect.poll(() => tally.sent, { timeout: 20_000 }).toBeGreaterThan(sentAtStop + 50)
      broker = startBroker()
      await broker.prints(/listen|ready|runs/i)
      tally.answeredSinceRestart = 0
      await expect.poll(() => tally.answeredSinceRestart, { timeout: 30_000 }).toBeGreaterThan(100)
    }
    const { sent, answered, failedRetryable, faults, slowestMs } = await stop()
    console.info(
      `${sent} requests over two outages: ${answered} answered, ${failedRetryable} failed retryably, slowest ${Math.round(slowestMs)} ms`,
    )
    expect(faults).toEqual([])
    expect(answered + failedRetryable).toBe(sent)
    // A timer may run late on a busy machine; a request that nobody settles would wait for ever.
    expect(slowestMs).toBeLessThan(DEADLINE_MS + 2000)
    await bus.close()
    const env = await jamey(folder, ['recall', 'anything', '--data-dir', '.jamey'])
    expect(env.stderr).not.toMatch(/\n\s+at /)
  }, 120_000)
})
