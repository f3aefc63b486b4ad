import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bus, connectBus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { freePort } from '@jamey/testing'
import { significant } from '../kit/numbers.js'
import { temporaryFolder } from '../kit/temporary.js'

const JAMEY = fileURLToPath(new URL('../../../apps/jamey/bin/jamey.js', import.meta.url))
const CALL = { tool: 'Bash', arguments: { command: 'git status --short' } }
const WARM_UP_MS = 1_500
const WINDOW_MS = 3_000

/** What a verdict takes whoever asks a whole system, as `jamey up` runs it: over MQTT with TLS and over HTTP. */
export async function wireLines(): Promise<string> {
  const lines = ['verdicts of a running system (`jamey up`, one process for broker, conscience and gateway)']
  for (const [name, env] of [
    ['with the audit', {}],
    ['without', { JAMEY_AUDIT_DIR: 'none' }],
  ] as const) {
    const system = await System.start(env)
    try {
      const bus = await system.connect()
      const overBus = (): Promise<unknown> => bus.request(topics.conscience.evaluate, CALL)
      for (const inFlight of [1, 64, 512]) {
        lines.push(lineOf(`MQTT, ${inFlight} at once, ${name}`, await measure(overBus, inFlight)))
      }
      const agent = new Agent({ keepAlive: true })
      const overHttp = (): Promise<void> => post(system.httpPort, agent)
      lines.push(lineOf(`HTTP, kept alive, 1 at once, ${name}`, await measure(overHttp, 1)))
      agent.destroy()
      await bus.close()
    } finally {
      await system.stop()
    }
  }
  return lines.join('\n')
}

class System {
  readonly httpPort: number
  readonly #port: number
  readonly #folder: string
  readonly #process: ReturnType<typeof spawn>

  private constructor(ports: readonly [number, number], folder: string, process: ReturnType<typeof spawn>) {
    ;[this.#port, this.httpPort] = ports
    this.#folder = folder
    this.#process = process
  }

  static async start(env: Readonly<Record<string, string>>): Promise<System> {
    const folder = temporaryFolder()
    const ports = [await freePort(), await freePort()] as const
    const args = [JAMEY, 'up', '--port', `${ports[0]}`, '--http-port', `${ports[1]}`]
    const started = spawn(process.execPath, args, {
      cwd: folder.path,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    process.once('exit', () => started.kill())
    await once(started.stdout as NodeJS.ReadableStream, 'data')
    return new System(ports, folder.path, started)
  }

  connect(): Promise<Bus> {
    const file = (name: string): string => readFileSync(join(this.#folder, '.jamey', name), 'utf8')
    return connectBus({
      url: `mqtts://localhost:${this.#port}`,
      clientId: 'bench',
      jwtSecret: file('token-secret').trim(),
      permissions: [`publish:${topics.conscience.evaluate.topic}`, 'subscribe:jamey/api/responses/bench/#'],
      tls: { ca: file('certs/ca.crt') },
    })
  }

  async stop(): Promise<void> {
    this.#process.kill()
    await once(this.#process, 'exit')
  }
}

interface Measured {
  readonly perSecond: number
  readonly tookMs: readonly number[]
}

async function measure(ask: () => Promise<unknown>, inFlight: number): Promise<Measured> {
  await during(WARM_UP_MS, ask, inFlight)
  return during(WINDOW_MS, ask, inFlight)
}

async function during(windowMs: number, ask: () => Promise<unknown>, inFlight: number): Promise<Measured> {
  const tookMs: number[] = []
  const from = performance.now()
  const loop = async (): Promise<void> => {
    while (performance.now() < from + windowMs) {
      const askedAt = performance.now()
      await ask()
      tookMs.push(performance.now() - askedAt)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, loop))
  tookMs.sort((a, b) => a - b)
  return { perSecond: tookMs.length / ((performance.now() - from) / 1000), tookMs }
}

function lineOf(name: string, { perSecond, tookMs }: Measured): string {
  const at = (share: number): string => significant(tookMs[Math.floor(tookMs.length * share)] ?? Number.NaN)
  return `  ${name.padEnd(44)} ${perSecond.toFixed(0).padStart(6)}/s  p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`
}

function post(port: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const path = '/v1/conscience/evaluate'
    const asked = request({ port, host: '127.0.0.1', method: 'POST', path, headers, agent }, (answer) => {
      if (answer.statusCode !== 200) return reject(new Error(`HTTP ${answer.statusCode}`))
      answer.resume().once('end', resolve)
    })
    asked.once('error', reject).end(JSON.stringify(CALL))
  })
}
