import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { JAMEY, jamey, Program } from '../e2e/program.js'

const root = resolve(import.meta.dirname, '../..')
const units = join(root, 'deploy/systemd')
const UNIT = join(units, 'jamey@.service')
const LAUNCHER = join(import.meta.dirname, 'locked_down.py')
/** The exposure that `systemd-analyze security` may tell, in tenths. */
const THRESHOLD = '20'

const hasSystemd = existsSync('/usr/bin/systemd-analyze')
if (!hasSystemd)
  process.stderr.write('skipped: systemd-analyze is not installed, so the units are not looked at\n')

describe.skipIf(!hasSystemd)('the units of deploy/systemd', () => {
  it.each(['jamey@.service', 'jamey-certs.service'])('%s is exposed little', (name) => {
    const args = ['security', '--offline=true', '--no-pager', `--threshold=${THRESHOLD}`, join(units, name)]
    const said = execFileSync('systemd-analyze', args, { encoding: 'utf8' })
    expect(Number(/Overall exposure level for \S+ ([\d.]+)/.exec(said)?.[1])).toBeLessThanOrEqual(2)
  })
})

/** Nobody, to whom files are given for a while. */
const NOBODY = 65_534
const why = reasonNotToRun()
if (why !== undefined)
  process.stderr.write(`skipped: no part is run under what its unit locks down, for ${why}\n`)

function reasonNotToRun(): string | undefined {
  if (!hasSystemd) return 'systemd-analyze is not installed'
  if (process.getuid?.() !== 0) return 'that takes root'
  if (/^\/(?:var\/)?tmp\//.test(root)) return 'the project lies where the units hide what others have'
  try {
    execFileSync('runuser', ['-u', 'nobody', '--', 'test', '-r', join(root, 'package.json')])
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' })
    execFileSync('python3', ['-c', 'import ctypes; ctypes.CDLL("libseccomp.so.2")'], { stdio: 'ignore' })
    return undefined
  } catch (error) {
    return (error as Error).message.split('\n')[0]
  }
}

/** Runs a command that is not Node's, and hands it the signals. */
const FORWARD = `
  import { spawn } from 'node:child_process'
  const [command, ...args] = process.argv.slice(1)
  const child = spawn(command, args, { stdio: 'inherit' })
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code) => process.exit(code ?? 99))`

describe.skipIf(why !== undefined)('under what its unit locks down', () => {
  const programs: Program[] = []
  let folder = ''

  function start(part: string, env: Record<string, string>): Program {
    const command = ['python3', LAUNCHER, UNIT, String(NOBODY), folder, process.execPath, JAMEY, 'run', part]
    const args = [...command, '--data-dir', '.jamey']
    const program = new Program(folder, args, env, ['--input-type=module', '--eval', FORWARD, '--'])
    programs.push(program)
    return program
  }

  beforeAll(async () => {
    folder = mkdtempSync('/srv/jamey-locked-')
    chmodSync(folder, 0o700)
    expect(
      await jamey(folder, ['certs', 'issue', '--server', '--host', 'h', '--data-dir', '.jamey']),
    ).toMatchObject({ code: 0 })
    execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, folder])
  })
  afterAll(async () => {
    await Promise.all(programs.map((program) => program.stop('SIGTERM')))
    rmSync(folder, { recursive: true, force: true })
  })

  it('every part serves, and ends in order', async () => {
    const [port, httpPort] = [await freePort(), await freePort()]
    const http = `http://127.0.0.1:${httpPort}`
    const url = { MQTT_BROKER_URL: 'mqtts://127.0.0.1', MQTT_PORT: String(port) }
    await start('broker', { JAMEY_BROKER_PORT: String(port) }).prints(/ready|listen/i)
    const parts = [
      start('memory', url),
      start('conscience', url),
      start('gateway', { ...url, JAMEY_HTTP_PORT: String(httpPort) }),
    ]
    await Promise.all(parts.map((part) => part.prints(/is ready/)))
    await expect.poll(async () => (await fetch(`${http}/readyz`)).status, { timeout: 15_000 }).toBe(200)
    // The same user needs no token, by what the gateway sees of the system's sockets.
    const post = (path: string, body: object): number => {
      const script = `const [url, body] = process.argv.slice(1)
        const headers = { 'content-type': 'application/json' }
        const { status } = await fetch(url, { method: 'POST', headers, body })
        process.stdout.write(String(status))`
      const node = [process.execPath, '--input-type=module', '--eval', script, '--']
      const args = ['-u', 'nobody', '--', ...node, `${http}${path}`, JSON.stringify(body)]
      return Number(execFileSync('runuser', args, { encoding: 'utf8' }))
    }
    expect(post('/v1/memories', { content: 'we met in Lisbon' })).toBe(201)
    expect(post('/v1/conscience/evaluate', { tool: 'read_file', arguments: { path: 'a.md' } })).toBe(200)
    expect(existsSync(join(folder, '.jamey/data/memory.db'))).toBe(true)
    for (const program of programs.toReversed()) {
      const { code, stderr } = await program.stop('SIGTERM')
      expect(code, stderr).toBe(0)
    }
  })
})
