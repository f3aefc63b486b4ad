import { randomUUID } from 'node:crypto'
import type { Bus, RequestOptions } from '@jamey/bus'
import { type DataInput, type RequestContract, topics } from '@jamey/contracts'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { quantile, type RequestLoad, startLoad, type Tally } from './request-load.js'
import { SeparateParts } from './separate-parts.js'

/** Two of each service as processes of `jamey run`, one of which is killed while requests come. */

/** Two hops over the broker for each call of the gateway make it dearer. */
const RATE = { requests: 200, calls: 80 }
const DEADLINE_MS = 5000
/** A timer may run late on a busy machine; a request that nobody settles would wait for ever. */
const LATE_MS = 1000

let parts: SeparateParts
let bus: Bus

beforeAll(async () => {
  parts = await SeparateParts.prepare()
  await parts.ready('broker')
  bus = await parts.connect('load')
})

afterAll(() => parts?.stop())

function asked<C extends RequestContract>(
  contract: C,
  data: DataInput<C>,
  options: Partial<RequestOptions> = {},
) {
  return bus.request(contract, data, { timeoutMs: DEADLINE_MS, ...options })
}

async function more(load: RequestLoad, count: number): Promise<void> {
  const { answered } = load.tally
  await expect.poll(() => load.tally.answered, { timeout: 60_000 }).toBeGreaterThan(answered + count)
}

/** `tookLoadMs`: how long it took each that followed another until it served. */
function judge(what: string, tally: Tally, tookLoadMs: readonly number[], mostMs = 1000 + LATE_MS): void {
  const { sent, answered, failedRetryable, faults, tookMs, slowestMs, ranMs } = tally
  console.info(
    `${what}: ${sent} requests in ${Math.round(ranMs / 1000)} s, ${answered} answered, ${failedRetryable} failed retryably; ` +
      `p50 ${quantile(tookMs, 0.5)}, p99 ${quantile(tookMs, 0.99)}, slowest ${Math.round(slowestMs)} ms; ` +
      `the next served after ${tookLoadMs.map((ms) => Math.round(ms)).join(', ')} ms`,
  )
  expect(faults).toEqual([])
  expect(answered + failedRetryable).toBe(sent)
  expect(Math.max(...tookLoadMs)).toBeLessThan(mostMs)
  expect(slowestMs).toBeLessThan(DEADLINE_MS + LATE_MS)
}

describe('two consciences, of which one is killed with what it holds', () => {
  const first = { MQTT_CLIENT_ID: 'jamey-conscience' }
  const second = { MQTT_CLIENT_ID: 'jamey-conscience-2' }
  const evaluate = (number: number) =>
    asked(topics.conscience.evaluate, { action: `summarise note ${number}` })

  it('lose no request, and another one takes its part within a second', { timeout: 180_000 }, async () => {
    const judging = new Map<string, number>()
    await bus.subscribe(topics.conscience.results, ({ sender }) => {
      if (!judging.has(sender.clientId)) judging.set(sender.clientId, performance.now())
    })
    let dying = await parts.ready('conscience', first)
    await parts.ready('conscience', second)
    const load = startLoad(RATE.requests, evaluate)
    await more(load, 2 * RATE.requests)
    const tookLoadMs: number[] = []
    for (let life = 0; life < 3; life++) {
      // So that it dies with requests that it was given and did not answer.
      dying.signal('SIGSTOP')
      const { sent } = load.tally
      await expect.poll(() => load.tally.sent).toBeGreaterThan(sent + RATE.requests / 10)
      await dying.stop('SIGKILL')
      await more(load, RATE.requests)
      judging.delete(first.MQTT_CLIENT_ID)
      dying = await parts.ready('conscience', first)
      const readyMs = performance.now()
      await expect.poll(() => judging.get(first.MQTT_CLIENT_ID)).toBeDefined()
      tookLoadMs.push((judging.get(first.MQTT_CLIENT_ID) ?? Number.NaN) - readyMs)
      await more(load, RATE.requests)
    }
    const { requestsRepeated } = bus.stats()
    judge(
      `three kills of one of two consciences (${requestsRepeated} sent again)`,
      await load.stop(),
      tookLoadMs,
    )
  })
})

describe('two gateways, of which one is killed', () => {
  /** As a load balancer does: what got no answer from one goes to the other. */
  class Balancer {
    readonly #ports: readonly number[]
    sentAgain = 0
    /** When each first answered, by the monotonic clock; forgotten to be measured anew. */
    readonly answeredAtMs = new Map<number, number>()

    constructor(ports: readonly number[]) {
      this.#ports = ports
    }

    async evaluate(number: number): Promise<void> {
      const body = JSON.stringify({ action: `summarise note ${number}` })
      const headers = { 'content-type': 'application/json', 'x-timeout-ms': String(DEADLINE_MS) }
      const init = { method: 'POST', headers, body }
      const post = async (turn: number): Promise<Response> => {
        const port = this.#ports[turn % 2] as number
        const signal = AbortSignal.timeout(DEADLINE_MS + LATE_MS)
        const answer = await fetch(`http://127.0.0.1:${port}/v1/conscience/evaluate`, { ...init, signal })
        if (!this.answeredAtMs.has(port)) this.answeredAtMs.set(port, performance.now())
        return answer
      }
      const response = await post(number).catch(() => {
        this.sentAgain++
        return post(number + 1)
      })
      const text = await response.text()
      if (response.ok) return
      throw Object.assign(new Error(text), { retryable: [429, 503, 504].includes(response.status) })
    }
  }

  it('lose no request of those who ask the other, and one more serves at once', {
    timeout: 180_000,
  }, async () => {
    await parts.ready('conscience', { MQTT_CLIENT_ID: 'jamey-conscience-3' })
    const ports = [await freePort(), await freePort()]
    const gateway = (i: number) =>
      parts.ready('gateway', { MQTT_CLIENT_ID: `jamey-gateway-${i + 1}`, JAMEY_HTTP_PORT: String(ports[i]) })
    let dying = await gateway(0)
    await gateway(1)
    const balancer = new Balancer(ports)
    const load = startLoad(RATE.calls, (number) => balancer.evaluate(number))
    await more(load, 2 * RATE.calls)
    const tookLoadMs: number[] = []
    for (let life = 0; life < 3; life++) {
      await dying.stop('SIGKILL')
      await more(load, RATE.calls)
      balancer.answeredAtMs.clear()
      dying = await gateway(0)
      const readyMs = performance.now()
      await expect.poll(() => balancer.answeredAtMs.get(ports[0] as number)).toBeDefined()
      tookLoadMs.push((balancer.answeredAtMs.get(ports[0] as number) ?? Number.NaN) - readyMs)
      await more(load, RATE.calls)
    }
    judge(
      `three kills of one of two gateways (${balancer.sentAgain} sent to the other)`,
      await load.stop(),
      tookLoadMs,
    )
  })
})

describe('two memories with one file', () => {
  const standby = 'stands by: another process serves the memory file'
  const first = { MQTT_CLIENT_ID: 'jamey-memory' }
  const second = { MQTT_CLIENT_ID: 'jamey-memory-2' }

  it('serve one at a time: the other serves within 5 s of a kill, and not from one that stands still', {
    timeout: 180_000,
  }, async () => {
    const reasons = new Map<string, string | undefined>()
    await bus.subscribe(topics.events.status, ({ data, sender }) => {
      reasons.set(sender.clientId, data.reason)
    })
    let owner = { env: first, program: await parts.ready('memory', first) }
    let other = { env: second, program: parts.start('memory', second) }
    await expect.poll(() => reasons.get(second.MQTT_CLIENT_ID)).toBe(standby)
    const httpPort = await freePort()
    await parts.ready('gateway', { MQTT_CLIENT_ID: 'jamey-gateway-3', JAMEY_HTTP_PORT: String(httpPort) })
    expect((await fetch(`http://127.0.0.1:${httpPort}/readyz`)).status).toBe(200)

    const stored: string[] = []
    const load = startLoad(RATE.requests, async (number) => {
      const messageId = randomUUID()
      await asked(topics.memory.store, { content: `note ${number}` }, { messageId })
      stored.push(messageId)
    })
    await more(load, RATE.requests)
    owner.program.signal('SIGSTOP')
    // Longer than a takeover takes.
    await new Promise((resolve) => setTimeout(resolve, 2000))
    expect(reasons.get(other.env.MQTT_CLIENT_ID)).toBe(standby)
    owner.program.signal('SIGCONT')
    await more(load, RATE.requests)

    const tookOverMs: number[] = []
    for (let life = 0; life < 3; life++) {
      await owner.program.stop('SIGKILL')
      const killedMs = performance.now()
      await other.program.prints(/memory is ready/)
      tookOverMs.push(performance.now() - killedMs)
      await more(load, RATE.requests / 2)
      ;[owner, other] = [other, { env: owner.env, program: parts.start('memory', owner.env) }]
      await expect.poll(() => reasons.get(other.env.MQTT_CLIENT_ID)).toBe(standby)
    }
    judge('three kills of the memory that serves, another standing by', await load.stop(), tookOverMs, 5000)
    for (const id of stored) {
      expect(await asked(topics.memory.get, { id }), id).toMatchObject({ memory: { id } })
    }
  })
})
