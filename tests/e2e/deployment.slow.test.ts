import { X509Certificate } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { connect } from 'node:tls'
import { issueServerCertificate } from '@jamey/auth'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyFolder, jamey, Program, removeFolder } from './program.js'

/** docs/deployment.md as it is written: two folders stand for its two machines. */

const page = readFileSync(resolve(import.meta.dirname, '../../docs/deployment.md'), 'utf8')
const names = readFileSync(resolve(import.meta.dirname, '../../docs/logs.md'), 'utf8')
const PARTS = ['hub/broker', 'hub/memory', 'hub/conscience', 'edge/conscience', 'edge/gateway'] as const

let folder: string
let ports: { broker: number; http: number }
const parts = new Map<string, Program>()
/** Until a process has looked at its files. */
const WITHIN = { timeout: 10_000 }
/** Four processes end, and four start. */
const PATIENCE_MS = 180_000

/** The `.env` of the page for a part; the gateway's is told as a change of the one before it. */
function environmentOf(part: string): string {
  const [machine = '', name = ''] = part.split('/')
  if (part === 'edge/gateway')
    return environmentOf('edge/conscience').replaceAll('jamey-conscience', 'jamey-gateway')
  const section = page.slice(page.indexOf(`On \`${machine}\`, \`/srv/jamey/`))
  const block = section.slice(section.indexOf(`/srv/jamey/${name}/.env`)).match(/```\w*\n([\s\S]*?)```/)
  return block?.[1] ?? ''
}

async function start(part: string): Promise<void> {
  const name = part.split('/')[1] ?? ''
  const program = new Program(join(folder, part), ['run', name])
  parts.set(part, program)
  await program.prints(name === 'broker' ? /broker listens/ : /is ready/)
}

/** The commands of `jamey` in the first code block behind some words of the page. */
function commandsBehind(words: string): string[][] {
  const section = page.slice(page.indexOf(words))
  const block = /```\w*\n([\s\S]*?)```/.exec(section)?.[1] ?? ''
  return block
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('jamey '))
    .map((line) => line.replace(/^jamey /, '').split(' '))
}

const issueCommands = (): string[][] => commandsBehind('## Certificates and secret')

/** What the page has copied to `edge`. */
function copyToEdge(): void {
  const named = [...page.matchAll(/^\| `\.jamey\/([^`]+)`(?:, `(\.key)`)? \|/gm)]
  const files = named.flatMap(([, file = '', key]) => [
    file,
    ...(key === undefined ? [] : [file.replace('.crt', key)]),
  ])
  expect(files).toHaveLength(6)
  for (const file of files)
    cpSync(join(folder, 'hub/.jamey', file), join(folder, 'edge/.jamey', file), { recursive: true })
}

async function restart(part: string): Promise<void> {
  await parts.get(part)?.stop()
  await start(part)
}

/** The fingerprint of the certificate that the broker shows now. */
function servedFingerprint(): Promise<string> {
  return new Promise((resolvePrint, reject) => {
    const socket = connect({ host: '127.0.0.1', port: ports.broker, rejectUnauthorized: false }, () => {
      resolvePrint(socket.getPeerX509Certificate()?.fingerprint256 ?? '')
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

const fingerprintOf = (path: string): string => new X509Certificate(readFileSync(path)).fingerprint256

beforeAll(async () => {
  folder = emptyFolder()
  ports = { broker: await freePort(), http: await freePort() }
  for (const part of PARTS) {
    mkdirSync(join(folder, part), { recursive: true })
    const env = environmentOf(part).replaceAll('hub.example.org', '127.0.0.1').replace('0.0.0.0', '127.0.0.1')
    const own = { broker: `JAMEY_BROKER_PORT=${ports.broker}`, gateway: `JAMEY_HTTP_PORT=${ports.http}` }
    const [, name = ''] = part.split('/')
    const port = name === 'broker' ? own.broker : `MQTT_PORT=${ports.broker}\n${own.gateway}`
    writeFileSync(join(folder, part, '.env'), `${env}${port}\n`)
  }
  for (const command of issueCommands()) expect((await jamey(join(folder, 'hub'), command)).code).toBe(0)
  copyToEdge()
  // The broker comes last: the order does not matter.
  await Promise.all([...PARTS].reverse().map(start))
})

afterAll(async () => {
  await Promise.all([...parts.values()].map((program) => program.stop()))
  if (folder !== undefined) removeFolder(folder)
})

async function evaluate(): Promise<Response> {
  return fetch(`http://127.0.0.1:${ports.http}/v1/conscience/evaluate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'summarise the notes' }),
  })
}

describe('two machines', () => {
  it('answer together, and both consciences judge', async () => {
    const watcher = new Program(join(folder, 'edge/gateway'), [
      'sub',
      'jamey/conscience/results',
      '--count',
      '8',
    ])
    await watcher.prints(/subscribed/)
    for (let i = 0; i < 8; i++) expect((await evaluate()).status).toBe(200)
    const { stdout } = await watcher.ended()
    expect(stdout).toContain('from jamey-conscience-2')
    expect(stdout).toMatch(/from jamey-conscience$/m)
  })

  it('let commands in the folder of a part look at the system without ending the part', async () => {
    const doctor = await jamey(join(folder, 'edge/gateway'), ['doctor'])
    expect(doctor).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing is wrong') })
    expect((await jamey(join(folder, 'hub/memory'), ['recall', 'x'])).code).toBe(0)
    expect((await evaluate()).status).toBe(200)
  })

  it('stay up on SIGHUP', async () => {
    const [broker, conscience] = [parts.get('hub/broker'), parts.get('edge/conscience')]
    for (const part of [broker, conscience]) part?.signal('SIGHUP')
    await broker?.prints(/reloaded: certificates, limits and permissions/)
    await conscience?.prints(/reloaded/)
    expect((await evaluate()).status).toBe(200)
  })

  it(
    'renew certificates as the page says: the broker serves the new one, and ends no connection',
    async () => {
      const certificates = join(folder, 'hub/.jamey/certs')
      const read = (name: string): string => readFileSync(join(certificates, name), 'utf8')
      // One that was issued 340 days ago has 25 days left.
      const issued = await issueServerCertificate(
        { certPem: read('ca.crt'), keyPem: read('ca.key') },
        {
          hosts: ['127.0.0.1', '::1', 'localhost'],
          keyPem: read('server.key'),
          now: () => Date.now() - 340 * 86_400_000,
        },
      )
      writeFileSync(join(certificates, 'server.crt'), issued.certPem)
      await expect.poll(servedFingerprint, WITHIN).toBe(fingerprintOf(join(certificates, 'server.crt')))
      const before = await servedFingerprint()
      expect((await jamey(join(folder, 'hub/broker'), ['doctor'])).stdout).toMatch(
        /warning.*: 2[45] days left/,
      )
      for (const command of commandsBehind('## Renewing certificates'))
        expect((await jamey(join(folder, 'hub'), command)).code).toBe(0)
      const after = fingerprintOf(join(certificates, 'server.crt'))
      expect(after).not.toBe(before)
      await expect.poll(servedFingerprint, WITHIN).toBe(after)
      expect((await evaluate()).status).toBe(200)
      expect((await jamey(join(folder, 'edge/gateway'), ['doctor'])).code).toBe(0)
    },
    PATIENCE_MS,
  )

  it(
    'rotate the authority in the three steps of the page, and no call fails in between',
    async () => {
      const hub = join(folder, 'hub')
      const statuses: number[] = []
      let isOver = false
      const calling = (async () => {
        while (!isOver) statuses.push((await evaluate()).status)
      })()
      const authority = join(hub, '.jamey/certs/ca.crt')
      const former = fingerprintOf(authority)
      const steps = [...page.matchAll(/^ +(jamey certs rotate-ca.*)$/gm)].map(([, line = '']) => line)
      expect(steps).toHaveLength(3)
      for (const step of steps) {
        expect((await jamey(hub, step.split(' ').slice(1))).code).toBe(0)
        copyToEdge()
        await expect.poll(servedFingerprint, WITHIN).toBe(fingerprintOf(join(hub, '.jamey/certs/server.crt')))
        // What connects anew is let in by what the step left, on both machines.
        for (const part of ['hub/conscience', 'edge/conscience']) await restart(part)
      }
      expect(fingerprintOf(authority)).not.toBe(former)
      isOver = true
      await calling
      await restart('edge/gateway')
      expect(statuses.length).toBeGreaterThan(10)
      expect(statuses.filter((status) => status !== 200)).toEqual([])
      expect((await evaluate()).status).toBe(200)
    },
    PATIENCE_MS,
  )

  it(
    'revoke a certificate as the page says: the part is let in no more until it has the next one',
    async () => {
      const hub = join(folder, 'hub')
      const [revoke = [], issue = []] = commandsBehind('### A certificate that leaked')
      expect((await jamey(hub, revoke)).code).toBe(0)
      await parts.get('hub/broker')?.prints(/who is denied or revoked was read again/)
      expect((await jamey(hub, issue)).code).toBe(0)
      await restart('hub/conscience')
      expect((await evaluate()).status).toBe(200)
    },
    PATIENCE_MS,
  )

  it(
    'take a new authority as the page says, each part with its new files',
    async () => {
      const hub = join(folder, 'hub')
      const former = fingerprintOf(join(hub, '.jamey/certs/ca.crt'))
      renameSync(join(hub, '.jamey/certs'), join(hub, '.jamey/certs-before'))
      for (const command of commandsBehind('An authority whose key leaked'))
        expect((await jamey(hub, command)).code).toBe(0)
      expect(readdirSync(join(hub, '.jamey/certs'))).toContain('jamey-conscience-2.crt')
      expect(fingerprintOf(join(hub, '.jamey/certs/ca.crt'))).not.toBe(former)
      copyToEdge()
      await restart('hub/broker')
      await Promise.all(PARTS.slice(1).map(restart))
      expect((await evaluate()).status).toBe(200)
    },
    PATIENCE_MS,
  )

  it(
    'take a new secret as the page says: who has the old one is refused until it is restarted',
    async () => {
      const hub = join(folder, 'hub')
      rmSync(join(hub, '.jamey/token-secret'))
      const [command = []] = issueCommands()
      expect((await jamey(hub, command)).stdout).toContain('made anew in .jamey: token-secret')
      cpSync(join(hub, '.jamey/token-secret'), join(folder, 'edge/.jamey/token-secret'))
      await restart('hub/broker')
      const others = PARTS.slice(1)
      await Promise.all(others.map((part) => parts.get(part)?.prints(/signature|notAuthorized|badUserName/)))
      await Promise.all(others.map(restart))
      expect((await evaluate()).status).toBe(200)
    },
    PATIENCE_MS,
  )

  it('print their log and nothing else: JSON, a line an entry, also of what ended them', async () => {
    const outcomes = await Promise.all([...parts.values()].map((program) => program.stop()))
    for (const { stdout, stderr } of outcomes) {
      expect(stdout).toBe('')
      const entries = stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { time: string; event?: string; msg?: string })
      expect(entries.every(({ time }) => !Number.isNaN(Date.parse(time)))).toBe(true)
      expect(entries.filter(({ event }) => !names.includes(`| \`${event}\` |`))).toEqual([])
      expect(entries.some(({ msg }) => /is ready|broker listens/.test(msg ?? ''))).toBe(true)
    }
    writeFileSync(join(folder, 'hub/memory/.env'), 'MQTT_BROKER_URL=http://x\nMQTT_CLIENT_ID=jamey-memory\n')
    const failed = await jamey(join(folder, 'hub/memory'), ['run', 'memory'])
    const entry = JSON.parse(failed.stderr) as object
    expect(failed).toMatchObject({ code: 2, stdout: '' })
    expect(entry).toMatchObject({
      level: 60,
      event: 'process.failed',
      code: 'configuration-invalid',
      exit_code: 2,
      component: 'memory',
    })
  })
})
