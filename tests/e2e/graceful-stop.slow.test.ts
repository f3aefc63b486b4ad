import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectBus } from '@jamey/bus'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { emptyFolder, jamey, Program, REPOSITORY, removeFolder, secretsOf } from './program.js'

/** Each part as a process of its own: what `/readyz` tells while it starts, serves, is cut off, and stops. */

/** `TimeoutStopSec` of the unit and `terminationGracePeriodSeconds` are more. */
const STOPS_WITHIN_MS = 12_000
const HEALTHCHECK = join(REPOSITORY, 'deploy/healthcheck.js')

interface Part {
  readonly program: Program
  readonly metricsPort: number
}

let folder = ''
let port = 0
const programs: Program[] = []

beforeAll(async () => {
  folder = emptyFolder()
  const issued = await jamey(folder, ['certs', 'issue', '--server', '--host', 'h', '--data-dir', '.jamey'])
  expect(issued.code, issued.stderr).toBe(0)
  port = await freePort()
})
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')))
  removeFolder(folder)
})

async function start(part: string, env: Record<string, string> = {}): Promise<Part> {
  const metricsPort = await freePort()
  const url = {
    MQTT_BROKER_URL: 'mqtts://127.0.0.1',
    MQTT_PORT: String(port),
    MQTT_BREAKER_FAILURES: 'never',
  }
  const program = new Program(folder, ['run', part, '--data-dir', '.jamey'], {
    ...url,
    JAMEY_METRICS_PORT: String(metricsPort),
    ...env,
  })
  programs.push(program)
  return { program, metricsPort }
}

/** Status and words of `/readyz`; undefined where nobody listens. */
async function readyz({ metricsPort }: Part, path = '/readyz'): Promise<string | undefined> {
  const response = await fetch(`http://127.0.0.1:${metricsPort}${path}`).catch(() => undefined)
  return response && `${response.status} ${(await response.text()).trim()}`
}

const healthcheck = ({ metricsPort }: Part, path: string): number | null =>
  spawnSync(process.execPath, [HEALTHCHECK, path], { env: { JAMEY_METRICS_PORT: String(metricsPort) } })
    .status

/** Ends it, and gives what `/readyz` told meanwhile, each once. */
async function stop(part: Part): Promise<string[]> {
  const fromMs = performance.now()
  const stopping = part.program.stop('SIGTERM')
  const told: string[] = []
  for (let now = await readyz(part); now !== undefined; now = await readyz(part)) {
    if (told.at(-1) !== now) told.push(now)
  }
  const { code, stderr } = await stopping
  expect(code, stderr).toBe(0)
  expect(performance.now() - fromMs).toBeLessThan(STOPS_WITHIN_MS)
  // Once it is not ready, it never is again.
  expect(told.slice(1).filter((text) => text.startsWith('200'))).toEqual([])
  return told
}

it('every part tells truly whether it is ready, and ends in order within its time', async () => {
  const memory = await start('memory')
  await expect.poll(() => readyz(memory)).toBe('503 it is starting')
  expect(await readyz(memory, '/healthz')).toBe('200 alive')
  expect([healthcheck(memory, '/healthz'), healthcheck(memory, '/readyz')]).toEqual([0, 1])

  const broker = await start('broker', { JAMEY_BROKER_PORT: String(port) })
  const conscience = await start('conscience')
  const gateway = await start('gateway', { JAMEY_HTTP_PORT: String(await freePort()) })
  const parts = [memory, conscience, gateway]
  for (const part of [broker, ...parts]) await expect.poll(() => readyz(part)).toBe('200 ready')
  expect(healthcheck(memory, '/readyz')).toBe(0)

  // A client that does not acknowledge has the broker wait for a while.
  const { ca, secret } = secretsOf(folder)
  const url = `mqtts://127.0.0.1:${port}`
  const bus = await connectBus({
    url,
    clientId: 'slow',
    tls: { ca },
    jwtSecret: secret,
    permissions: ['lab/#'],
  })
  let isHolding = false
  await bus.mqtt.subscribe('lab/#', { qos: 1 }, () => {
    isHolding = true
    return new Promise<void>(() => {})
  })
  void bus.mqtt.publish('lab/x', 'x', { qos: 1 }).catch(() => {})
  await expect.poll(() => isHolding).toBe(true)
  expect(await stop(broker)).toContain('503 it is stopping')
  await bus.close({ drain: false, timeoutMs: 100 })

  for (const part of parts)
    await expect.poll(() => readyz(part)).toBe('503 it is not connected to the broker')
  expect(await readyz(memory, '/healthz')).toBe('200 alive')
  await Promise.all(parts.map(stop))
})

it('the authorization service likewise', async () => {
  writeFileSync(
    join(folder, 'permissions.yaml'),
    "version: 1\nclients:\n  robot-7:\n    permissions: ['lab/#']\n",
    {
      mode: 0o600,
    },
  )
  const authzPort = await freePort()
  const { program } = await start('authz', {
    JAMEY_AUTHZ_MANIFEST: 'permissions.yaml',
    JAMEY_AUTHZ_PORT: String(authzPort),
  })
  const status = async (path: string) =>
    (await fetch(`http://127.0.0.1:${authzPort}${path}`).catch(() => undefined))?.status
  await expect.poll(() => status('/readyz')).toBe(200)
  expect(await status('/healthz')).toBe(200)
  const fromMs = performance.now()
  const { code, stderr } = await program.stop('SIGTERM')
  expect(code, stderr).toBe(0)
  expect(performance.now() - fromMs).toBeLessThan(STOPS_WITHIN_MS)
})
