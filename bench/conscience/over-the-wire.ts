import { Agent, request } from 'node:http'
import type { Bus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { significant } from '../kit/numbers.js'
import { RunningSystem } from './running-system.js'

const CALL = { tool: 'Bash', arguments: { command: 'git status --short' } }
/** Calls of one batch, for the lines that say so: what is there once is shared by all of them. */
const BATCH = 64
/** So many that what runs is compiled, as it is in a system that has run for a while. */
const WARM_UP_CALLS = 8_000
const WARM_UP_MS = 1_000
const WINDOW_MS = 3_000

/** What a verdict takes whoever asks a whole system, as `jamey up` runs it: over MQTT with TLS and over HTTP. */
export async function wireLines(): Promise<string> {
  const lines = ['verdicts of a running system (`jamey up`, one process for broker, conscience and gateway)']
  for (const [name, env] of [
    ['with the audit', {}],
    ['without', { JAMEY_AUDIT_DIR: 'none' }],
  ] as const) {
    const system = await RunningSystem.start(env)
    try {
      const bus = await system.connect()
      const overBus = (): Promise<unknown> => ask(bus)
      await warmUp(overBus)
      for (const inFlight of [1, 64, 512]) {
        lines.push(lineOf(`MQTT, ${inFlight} at once, ${name}`, await measure(system, overBus, inFlight)))
      }
      const allOver = (): Promise<unknown> => askAll(bus)
      await during(WARM_UP_MS, allOver, 8)
      for (const inFlight of [1, 8]) {
        const { perSecond, tookMs, cpuMicros } = await measure(system, allOver, inFlight)
        const title = `MQTT, batches of ${BATCH}, ${inFlight} at once, ${name}`
        lines.push(
          `${lineOf(title, {
            perSecond: perSecond * BATCH,
            tookMs,
            cpuMicros: cpuMicros / BATCH,
          })} of a whole batch`,
        )
      }
      const agent = new Agent({ keepAlive: true })
      const overHttp = (): Promise<void> => post(system.httpPort, agent)
      await warmUp(overHttp)
      lines.push(lineOf(`HTTP, kept alive, 1 at once, ${name}`, await measure(system, overHttp, 1)))
      agent.destroy()
      await bus.close()
    } finally {
      await system.stop()
    }
  }
  return lines.join('\n')
}

export function ask(bus: Bus): Promise<unknown> {
  return bus.request(topics.conscience.evaluate, CALL)
}

/** One request with several calls, of which each has a verdict of its own. */
async function askAll(bus: Bus): Promise<void> {
  const { results } = await bus.request(topics.conscience.evaluateBatch, { calls: Array(BATCH).fill(CALL) })
  if (!results.every((one) => 'verdict' in one)) throw new Error('a call of a batch was not judged')
}

export async function warmUp(asked: () => Promise<unknown>): Promise<void> {
  let left = WARM_UP_CALLS
  const loop = async (): Promise<void> => {
    while (left-- > 0) await asked()
  }
  await Promise.all(Array.from({ length: 64 }, loop))
}

interface Window {
  readonly perSecond: number
  readonly tookMs: readonly number[]
}

/** `cpuMicros`: processor time of the whole system for each answer. */
type Measured = Window & { readonly cpuMicros: number }

async function measure(
  system: RunningSystem,
  asked: () => Promise<unknown>,
  inFlight: number,
): Promise<Measured> {
  await during(WARM_UP_MS, asked, inFlight)
  const before = system.cpuMicros()
  const window = await during(WINDOW_MS, asked, inFlight)
  return { ...window, cpuMicros: (system.cpuMicros() - before) / window.tookMs.length }
}

async function during(windowMs: number, asked: () => Promise<unknown>, inFlight: number): Promise<Window> {
  const tookMs: number[] = []
  const from = performance.now()
  const loop = async (): Promise<void> => {
    while (performance.now() < from + windowMs) {
      const askedAt = performance.now()
      await asked()
      tookMs.push(performance.now() - askedAt)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, loop))
  tookMs.sort((a, b) => a - b)
  return { perSecond: tookMs.length / ((performance.now() - from) / 1000), tookMs }
}

function lineOf(name: string, { perSecond, tookMs, cpuMicros }: Measured): string {
  const at = (share: number): string => significant(tookMs[Math.floor(tookMs.length * share)] ?? Number.NaN)
  const rate = `${perSecond.toFixed(0).padStart(6)}/s, ${cpuMicros.toFixed(0).padStart(4)} us of processor each`
  return `  ${name.padEnd(44)} ${rate}  p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`
}

function post(port: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const path = '/v1/conscience/evaluate'
    const sent = request({ port, host: '127.0.0.1', method: 'POST', path, headers, agent }, (answer) => {
      if (answer.statusCode !== 200) return reject(new Error(`HTTP ${answer.statusCode}`))
      answer.resume().once('end', resolve)
    })
    sent.once('error', reject).end(JSON.stringify(CALL))
  })
}
