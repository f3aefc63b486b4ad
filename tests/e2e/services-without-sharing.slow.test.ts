import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Program } from './program.js'
import { quantile, startLoad } from './request-load.js'
import { SeparateParts } from './separate-parts.js'

/** Two of a service as processes of `jamey run`, at a broker that has no shared subscriptions. */

const PER_SECOND = 200
const DEADLINE_MS = 10_000
/** A timer may run late on a busy machine; a request that nobody settles would wait for ever. */
const LATE_MS = 1000
const MEMBERS = ['jamey-conscience', 'jamey-conscience-2'] as const

let parts: SeparateParts
let bus: Bus

const conscience = (clientId: string) => parts.ready('conscience', { MQTT_CLIENT_ID: clientId })

beforeAll(async () => {
  parts = await SeparateParts.prepare()
  writeFileSync(
    join(parts.folder, 'broker.yaml'),
    `listeners:
  - host: 127.0.0.1
    port: ${parts.port}
    tls: { cert: .jamey/certs/server.crt, key: .jamey/certs/server.key, ca: .jamey/certs/ca.crt }
store: .jamey/data/broker
authentication: { method: token, tokenSecretFile: .jamey/token-secret }
sharedSubscriptions: unavailable
`,
  )
  await parts.ready('broker', { JAMEY_BROKER_CONFIG: 'broker.yaml' })
  bus = await parts.connect('load')
})

afterAll(() => parts?.stop())

it('two consciences serve every request once, and when the one that serves is killed the other goes on and none is lost', {
  timeout: 180_000,
}, async () => {
  expect(bus.mqtt.serverInformation?.sharedSubscriptionAvailable).toBe(false)
  const judged = new Map<string, number>()
  let lastJudge = ''
  await bus.subscribe(topics.conscience.results, ({ data, sender }) => {
    if (data.kind !== 'text') return
    judged.set(data.action, (judged.get(data.action) ?? 0) + 1)
    lastJudge = sender.clientId
  })
  const running = new Map<string, Program>()
  for (const clientId of MEMBERS) running.set(clientId, await conscience(clientId))
  const load = startLoad(PER_SECOND, (number) =>
    bus.request(
      topics.conscience.evaluate,
      { action: `summarise note ${number}` },
      { timeoutMs: DEADLINE_MS },
    ),
  )
  const more = async (count: number): Promise<void> => {
    const { answered } = load.tally
    await expect.poll(() => load.tally.answered, { timeout: 60_000 }).toBeGreaterThan(answered + count)
  }
  await more(3 * PER_SECOND)
  const twiceInPeace = [...judged.values()].filter((times) => times > 1).length
  const tookOverMs: number[] = []
  for (let life = 0; life < 4; life++) {
    const victim = lastJudge
    const other = MEMBERS.find((member) => member !== victim) as string
    await running.get(victim)?.stop('SIGKILL')
    const killedMs = performance.now()
    await expect.poll(() => lastJudge, { timeout: 30_000 }).toBe(other)
    tookOverMs.push(performance.now() - killedMs)
    await more(PER_SECOND)
    running.set(victim, await conscience(victim))
    await more(PER_SECOND)
    expect(lastJudge, 'one that comes back leaves the work to who does it').toBe(other)
  }
  const { sent, answered, failedRetryable, faults, tookMs, slowestMs, ranMs } = await load.stop()
  const twice = [...judged.values()].filter((times) => times > 1).length
  console.info(
    `four kills of the conscience that serves: ${sent} requests in ${Math.round(ranMs / 1000)} s, ${answered} answered, ` +
      `${failedRetryable} failed retryably, ${twice} judged twice; p50 ${quantile(tookMs, 0.5)}, p99 ${quantile(tookMs, 0.99)}, ` +
      `slowest ${Math.round(slowestMs)} ms; the other judged after ${tookOverMs.map((ms) => Math.round(ms)).join(', ')} ms`,
  )
  expect(faults).toEqual([])
  expect(answered + failedRetryable).toBe(sent)
  expect(twiceInPeace).toBe(0)
  expect(Math.max(...tookOverMs)).toBeLessThan(3000)
  expect(slowestMs).toBeLessThan(DEADLINE_MS + LATE_MS)
})
