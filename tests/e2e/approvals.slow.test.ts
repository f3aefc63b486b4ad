import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { busJudge, type CallJudge, CallRefusedError, guardCall, httpJudge } from '@jamey/agents'
import { signToken } from '@jamey/auth'
import { type Bus, connectBus } from '@jamey/bus'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { jamey, Program, REPOSITORY, removeFolder, type System, secretsOf, startSystem } from './program.js'

const ASKING = ['publish:jamey/conscience/evaluate']
/** What no rule knows is asked. */
const call = { tool: 'launch_the_probe', arguments: { to: 'mars' } }

let system: System

beforeAll(async () => {
  system = await startSystem()
})
afterAll(async () => {
  await system.program.stop()
  removeFolder(system.folder)
})

async function agentAt({ folder, port }: Pick<System, 'folder' | 'port'>, clientId: string): Promise<Bus> {
  const { ca, secret } = secretsOf(folder)
  const url = `mqtts://127.0.0.1:${port}`
  const bus = await connectBus({ url, clientId, permissions: ASKING, jwtSecret: secret, tls: { ca } })
  onTestFinished(() => bus.close({ drain: false }))
  return bus
}

const command = (...args: string[]) => jamey(system.folder, ['approvals', ...args])

/** The line that `watch` prints for each pending approval, as JSON. */
async function watched(
  folder = system.folder,
  env: Record<string, string> = {},
): Promise<{ next: () => Promise<Record<string, unknown>> }> {
  const program = new Program(folder, ['approvals', 'watch', '--json'], env)
  onTestFinished(() => program.stop().then(() => {}))
  await program.prints(/watching/)
  return {
    next: async () => {
      await program.prints(/"status":"pending"/)
      const line = program.stdout.split('\n').find((text) => text.includes('"status":"pending"'))
      return JSON.parse(line ?? '{}')
    },
  }
}

describe('docs/approvals.md', () => {
  /** What differs from one run to the next. */
  const lasting = (text: string): string =>
    text
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'UUID')
      .replace(/sha256:[0-9a-f]{64}/g, 'DIGEST')
      .replace(/\b[0-9a-f]{8}\b(?!-)/g, 'ID')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replace(/expires in (?:\d+ minutes|1 hour)/g, 'expires in SOME TIME')
      .replace(/operator-[\w-]+/g, 'operator-USER')
      .replace(/policy [^,]+,/g, 'policy VERSION,')

  it('shows a session as it goes', async () => {
    const page = readFileSync(join(REPOSITORY, 'docs/approvals.md'), 'utf8')
    const [, session = ''] = /```console\n([\s\S]*?)```/.exec(page) ?? []
    const shown = session.split(/^\$ /m).slice(1)
    expect(shown.length).toBeGreaterThan(3)
    let id = ''
    for (const step of shown) {
      const end = step.indexOf('\n')
      const [line, output] = [step.slice(0, end), step.slice(end + 1)]
      const args = [...line.replace('jamey ', '').matchAll(/'([^']*)'|(\S+)/g)].map(
        ([, quoted, word]) => quoted ?? word ?? '',
      )
      const { stdout } = await jamey(
        system.folder,
        args.map((word) => (/^[0-9a-f]{8}$/.test(word) ? id : word)),
      )
      id = /\b[0-9a-f]{8}\b/.exec(line.includes('list') ? stdout : '')?.[0] ?? id
      expect(lasting(stdout).trim(), line).toBe(lasting(output).trim())
    }
  })
})

describe('a guarded call that a person is asked about', () => {
  it('runs once somebody approves it from the command line', async () => {
    const bus = await agentAt(system, 'e2e-agent')
    const watcher = await watched()
    const run = (args: unknown) => ({ launched: args })
    const guarded = guardCall(busJudge(bus), call, run, { approvalTimeoutMs: 60_000 })
    const { approval_id: id } = await watcher.next()
    const listed = await command('list')
    expect(listed.stdout).toContain('launch_the_probe')
    expect(listed.stdout).toContain('e2e-agent')
    const approved = await command('approve', String(id).slice(0, 8), '--note', 'godspeed', '--json')
    expect(approved).toMatchObject({ code: 0 })
    expect(JSON.parse(approved.stdout)).toMatchObject({ approval_id: id, status: 'approved', scope: 'once' })
    expect(await guarded).toEqual({ launched: call.arguments })
    const shown = await command('show', String(id))
    expect(shown.stdout).toMatch(/used {2}launch_the_probe/)
    expect(shown.stdout).toMatch(/answer +operator-\w+ approved \(once\)[^:]*: godspeed/)
    expect((await command('approve', String(id))).code).toBe(3)
  })

  it('does not run where somebody denies it, and is not asked about again', async () => {
    const { secret } = secretsOf(system.folder)
    const token = () => signToken({ sub: 'e2e-http-agent', permissions: ASKING }, secret)
    const judge = httpJudge({ url: system.http, token })
    const denied = { ...call, arguments: { to: 'the sun' } }
    const watcher = await watched()
    const guarded = guardCall(judge, denied, () => 'launched', { approvalTimeoutMs: 60_000 })
    const refused = expect(guarded).rejects.toBeInstanceOf(CallRefusedError)
    const { approval_id: id } = await watcher.next()
    expect((await command('deny', String(id), '--note', 'too hot')).code).toBe(0)
    await refused
    const again = await guardCall(judge, denied, () => 'launched').catch((error: unknown) => error)
    expect(again).toMatchObject({ code: 'approval-denied', message: expect.stringContaining('too hot') })
  })

  it('approved for always runs without a question, until that is revoked', async () => {
    const bus = await agentAt(system, 'e2e-always')
    const guard = (approvalTimeoutMs: number) =>
      guardCall(busJudge(bus), call, () => 'launched', { approvalTimeoutMs })
    const { approvalId = '' } = (await guard(0).catch((error: unknown) => error)) as CallRefusedError
    expect((await command('approve', approvalId, '--scope', 'always')).code).toBe(0)
    for (let i = 0; i < 3; i++) expect(await guard(0)).toBe('launched')
    expect((await command('list')).stdout).toContain('approved (always)')
    expect((await command('revoke', approvalId)).code).toBe(0)
    await expect(guard(0)).rejects.toMatchObject({ code: 'approval-pending' })
  })

  it('of an id that is none, or begins several, tells so', async () => {
    expect(await command('approve', 'ffffffff')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no approval'),
    })
    expect(await command('show', '')).toMatchObject({ code: 2 })
  })
})

describe('with a conscience of its own that is killed', () => {
  it('a guarded call waits through it, and the approval that was asked for is answered afterwards', async () => {
    // `jamey up` makes certificates and secret; then broker and conscience run as processes of their own.
    const { folder, program } = await startSystem()
    onTestFinished(() => removeFolder(folder))
    await program.stop()
    const port = await freePort()
    const env = {
      JAMEY_BROKER_PORT: String(port),
      MQTT_BROKER_URL: `mqtts://127.0.0.1:${port}`,
      MQTT_TLS_CA_CERT: '.jamey/certs/ca.crt',
      MQTT_JWT_SECRET_FILE: '.jamey/token-secret',
    }
    const start = async (name: string, ready: RegExp): Promise<Program> => {
      const running = new Program(folder, ['run', name, '--data-dir', '.jamey'], env)
      onTestFinished(() => running.stop().then(() => {}))
      await running.prints(ready)
      return running
    }
    const conscience = () => start('conscience', /conscience is ready/)
    await start('broker', /broker is ready|listen/)
    const first = await conscience()
    const bus = await agentAt({ folder, port }, 'e2e-patient')
    const watcher = await watched(folder, env)
    const judge = busJudge(bus)
    let isWaiting = (): void => {}
    const waiting = new Promise<void>((resolve) => {
      isWaiting = resolve
    })
    const told: CallJudge = {
      ...judge,
      waitForApproval: (...asked) => {
        isWaiting()
        return judge.waitForApproval(...asked)
      },
    }
    const guarded = guardCall(told, call, () => 'launched', { approvalTimeoutMs: 120_000 })
    const { approval_id: id } = await watcher.next()
    await waiting
    await first.stop('SIGKILL')
    await conscience()
    expect(await jamey(folder, ['approvals', 'approve', String(id)], undefined, env)).toMatchObject({
      code: 0,
    })
    expect(await guarded).toBe('launched')
  })
})
