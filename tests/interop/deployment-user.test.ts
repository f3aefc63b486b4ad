import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** The commands of docs/deployment.md that make a user and its folders, and the systemd unit, as they stand there. */

const root = resolve(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/deployment.md'), 'utf8')
/** Another user can be made, and may look into this repository and run this Node. */
const isPossible = process.getuid?.() === 0 && mayNobodyRead(process.execPath, join(root, 'package.json'))
const user = `jamey-${process.pid}`
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-user-'))
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'bin'))
})

afterAll(() => {
  if (isPossible && execFileSync('getent', ['passwd']).includes(`${user}:`)) execFileSync('userdel', [user])
  rmSync(folder, { recursive: true, force: true })
})

function mayNobodyRead(...paths: readonly string[]): boolean {
  try {
    for (const path of paths) execFileSync('runuser', ['-u', 'nobody', '--', 'test', '-r', path])
    return true
  } catch {
    return false
  }
}

/** With a user and folders that go away with the test. */
function scratch(text: string): string {
  return text
    .replaceAll('/opt/jamey', root)
    .replaceAll('/usr/local/bin', join(folder, 'bin'))
    .replaceAll('/srv/jamey', join(folder, 'srv'))
    .replace(/(--shell \S+|-o|-g) jamey\b/g, `$1 ${user}`)
    .replaceAll('User=jamey', `User=${user}`)
}

describe.skipIf(!isPossible)('a user of its own', () => {
  const own = (args: readonly string[]): readonly string[] => [
    '-u',
    user,
    '--',
    process.execPath,
    join(root, 'apps/jamey/bin/jamey.js'),
    ...args,
  ]

  it('is made with folders that are its alone, and runs the broker in them', async () => {
    const section = page.slice(page.indexOf('On both, as root:'))
    const commands = /```\w*\n([\s\S]*?)```/.exec(section)?.[1] ?? ''
    execFileSync('bash', ['-euc', scratch(commands)])
    const srv = join(folder, 'srv')
    const { uid } = statSync(srv)
    expect(uid).toBe(Number(execFileSync('id', ['-u', user]).toString()))
    for (const path of [srv, join(srv, 'broker'), join(srv, 'gateway')]) {
      expect([statSync(path).mode & 0o777, statSync(path).uid]).toEqual([0o700, uid])
    }
    const issue = ['certs', 'issue', '--server', '--host', '127.0.0.1', '--data-dir', '.jamey']
    execFileSync('runuser', own(issue), { cwd: srv })
    expect(statSync(join(srv, '.jamey/token-secret'))).toMatchObject({ uid })
    const [, env = ''] = /`\/srv\/jamey\/broker\/\.env`:\n\n```\w*\n([\s\S]*?)```/.exec(page) ?? []
    const file = join(srv, 'broker/.env')
    writeFileSync(file, `${env.replace('0.0.0.0', '127.0.0.1')}JAMEY_BROKER_PORT=${await freePort()}\n`)
    execFileSync('bash', ['-euc', `cd ${srv} && chown ${user}: */.env && chmod 600 */.env`])
    const broker = spawn('runuser', own(['run', 'broker']), { cwd: join(srv, 'broker') })
    let said = ''
    broker.stderr.on('data', (chunk) => {
      said += chunk
    })
    await expect.poll(() => said, { timeout: 30_000 }).toContain('broker listens at')
    expect(statSync(join(srv, '.jamey/data/broker/data.mdb'))).toMatchObject({ uid })
    const doctor = execFileSync('runuser', own(['doctor', '--json']), { cwd: join(srv, 'broker') }).toString()
    expect(doctor).toContain('the broker runs as process')
    broker.kill('SIGTERM')
    await once(broker, 'close')
  })
})

describe('the files of deploy/systemd', () => {
  it('are those of the page', () => {
    const units = [...page.matchAll(/```\w*\n(\[Unit\][\s\S]*?)```/g)].map(([, text]) => text)
    const names = ['jamey@.service', 'jamey-certs.service', 'jamey-certs.timer']
    expect(names.map((name) => readFileSync(join(root, 'deploy/systemd', name), 'utf8'))).toEqual(units)
  })
})

describe.skipIf(!existsSync('/usr/bin/systemd-analyze'))('the systemd unit', () => {
  it.each(['jamey-certs.service', 'jamey-certs.timer'])('%s is one that systemd understands', (name) => {
    if (!existsSync(join(folder, 'bin/jamey')))
      symlinkSync(join(root, 'apps/jamey/bin/jamey.js'), join(folder, 'bin/jamey'))
    for (const one of ['jamey-certs.service', 'jamey-certs.timer']) {
      writeFileSync(join(folder, one), scratch(readFileSync(join(root, 'deploy/systemd', one), 'utf8')))
    }
    const path = join(folder, name)
    const said = execFileSync('bash', ['-c', `systemd-analyze verify ${path} 2>&1 || echo failed`]).toString()
    expect(said.split('\n').filter((line) => /jamey|^failed/.test(line))).toEqual([])
  })

  it('has nothing that systemd does not understand', () => {
    const [, unit = ''] = /```\w*\n(\[Unit\][\s\S]*?)```/.exec(page) ?? []
    if (!existsSync(join(folder, 'bin/jamey')))
      symlinkSync(join(root, 'apps/jamey/bin/jamey.js'), join(folder, 'bin/jamey'))
    const path = join(folder, 'jamey@broker.service')
    writeFileSync(path, scratch(unit))
    const said = execFileSync('bash', ['-c', `systemd-analyze verify ${path} 2>&1 || echo failed`]).toString()
    // Faults of units of the machine itself are none of ours.
    expect(said.split('\n').filter((line) => /jamey|^failed/.test(line))).toEqual([])
    expect(unit).toContain('ExecStart=/usr/local/bin/jamey run %i')
  })
})
