import { execFileSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { issueServerCertificate } from '@jamey/auth'
import type { Bus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Chromium } from '../browser/chromium.js'
import { jamey, REPOSITORY } from '../e2e/program.js'
import { Installation, PARTS } from './installation.js'
import { startPrometheus, type Watch } from './watch.js'

/**
 * What goes wrong is done to a running system; the alerts that ship and the dashboard have to tell of it, and what the
 * runbook says has to mend it. docs/game-day.md has the times.
 */

interface Row {
  readonly fault: string
  alerts: string[]
  toAlertMs: number
  page: string
  readonly remedy: string
  toQuietMs: number
}

const rows: Row[] = []
let installation: Installation
let watch: Watch
let chromium: Chromium
let page: Page
let bus: Bus
let disk: string

beforeAll(async () => {
  installation = await Installation.make()
  disk = join(installation.folder, '.jamey/data/broker')
  mkdirSync(disk, { recursive: true, mode: 0o700 })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1300M,mode=0700', 'tmpfs', disk])
  for (const part of PARTS) await installation.start(part)
  watch = await startPrometheus(Object.values(installation.metricsPorts))
  chromium = await Chromium.start()
  page = await chromium.newPage()
  await page.goto(installation.http)
}, 120_000)

afterAll(async () => {
  await page?.close()
  await chromium?.stop()
  await watch?.stop()
  await installation?.stopAll()
  execFileSync('umount', [disk])
  rmSync(installation.folder, { recursive: true, force: true })
  if (process.env['JAMEY_GAME_DAY_PAGE'] === '1')
    writeFileSync(join(REPOSITORY, 'docs/game-day.md'), report())
  console.info(report())
}, 60_000)

beforeEach(async () => {
  bus = await installation.connect('operator-ann')
})

afterEach(async () => {
  await bus.close({ drain: false })
})

const needs = async (): Promise<string> =>
  (await page.locator('main, [role=alert], [role=status]').allInnerTexts()).join(' ').replace(/\s+/g, ' ')

interface Told {
  readonly fault: string
  /** One of these has to fire. */
  readonly alerts: readonly string[]
  /** What the page has to say. */
  readonly page: RegExp
  readonly remedy: string
}

interface Scene extends Told {
  /** Goes on until it is called off. */
  harm(): Promise<() => void>
  mend(): Promise<void>
}

async function play({ fault, alerts, page, remedy, harm, mend }: Scene): Promise<void> {
  const beganMs = performance.now()
  const callOff = await harm()
  try {
    await see({ fault, alerts, page, remedy }, beganMs)
  } finally {
    callOff()
    await mend()
  }
  const mendedMs = performance.now()
  await expect.poll(() => watch.firing(), { timeout: 90_000, interval: 200 }).toEqual([])
  const row = rows.at(-1)
  if (row !== undefined) row.toQuietMs = performance.now() - mendedMs
}

async function see({ fault, alerts, page: words, remedy }: Told, beganMs: number): Promise<void> {
  const fired = async () => (await watch.firing()).filter((name) => alerts.includes(name))
  await expect.poll(fired, { timeout: 60_000, interval: 200 }).not.toEqual([])
  const toAlertMs = performance.now() - beganMs
  await expect.poll(needs, { message: fault, timeout: 30_000, interval: 200 }).toMatch(words)
  const [said = ''] = words.exec(await needs()) ?? []
  // Others may follow the first.
  const row: Row = { fault, alerts: await watch.firing(), toAlertMs, page: said, remedy, toQuietMs: 0 }
  rows.push(row)
}

const nothing = (): void => {}

/** Asks without a pause, so that something happens while it goes wrong; failures are what is looked for. */
function askOnAndOn(atOnce: number, ask: () => Promise<unknown>): () => void {
  let isOver = false
  const one = async (): Promise<void> => {
    while (!isOver) {
      await ask().catch(() => new Promise((resolve) => setTimeout(resolve, 20)))
    }
  }
  for (let i = 0; i < atOnce; i++) void one()
  return () => {
    isOver = true
  }
}

const evaluate = () =>
  bus.request(
    topics.conscience.evaluate,
    { tool: 'read_file', arguments: { path: 'a' } },
    { timeoutMs: 2_000 },
  )
const remember = (text: string) => bus.request(topics.memory.store, { content: text }, { timeoutMs: 5_000 })

describe('what goes wrong is found by alerts and dashboard, and mended by the runbook', () => {
  it('and nothing is told before', async () => {
    await expect.poll(needs).toContain('Nothing')
    expect(await watch.firing()).toEqual([])
  })

  it('a broker that is killed', () =>
    play({
      fault: 'the broker is killed (-9)',
      alerts: ['JameyDown'],
      page: /lost the message broker[^.;]*/i,
      remedy: 'start it again',
      harm: async () => {
        await installation.stop('broker', 'SIGKILL')
        return nothing
      },
      mend: () => installation.start('broker'),
    }))

  it('a disk that is full', () =>
    play({
      fault: "the disk of the broker's store is full",
      alerts: ['JameyStoreFailing', 'JameyDiskNearlyFull'],
      // Where nothing is acknowledged, the broker cannot be asked for long, either.
      page: /the broker cannot write since [^.;]*nothing|the connection to the message broker is not usable/i,
      remedy: 'make room',
      harm: async () => {
        execFileSync('sh', ['-c', `dd if=/dev/zero of=${disk}/ballast bs=1M 2>/dev/null || true`])
        const call = { change: 'stored' as const, memory_ids: ['x'.repeat(20_000)] }
        return askOnAndOn(4, () => bus.publish(topics.memory.updates, call, { timeoutMs: 2_000 }))
      },
      mend: async () => rmSync(join(disk, 'ballast')),
    }))

  it('a certificate that ends', () => {
    const certificates = join(installation.folder, '.jamey/certs')
    return play({
      fault: 'the certificate of the broker ends, and cannot be renewed',
      alerts: ['JameyCertificateEnded', 'JameyCertificateEnds'],
      page: /server\.crt has ended[^.;]*?\)/i,
      remedy: '`jamey certs renew`',
      harm: async () => {
        const pem = (name: string): string => readFileSync(join(certificates, name), 'utf8')
        const authority = { certPem: pem('ca.crt'), keyPem: pem('ca.key') }
        renameSync(join(certificates, 'ca.key'), join(certificates, 'ca.key.away'))
        const now = () => Date.now() - 86_400_000 + 30_000
        const issued = await issueServerCertificate(authority, {
          hosts: ['localhost', '127.0.0.1'],
          validityDays: 1,
          now,
        })
        writeFileSync(join(certificates, 'server.key'), issued.keyPem, { mode: 0o600 })
        writeFileSync(join(certificates, 'server.crt'), issued.certPem)
        return nothing
      },
      mend: async () => {
        renameSync(join(certificates, 'ca.key.away'), join(certificates, 'ca.key'))
        const { code, stderr } = await jamey(installation.folder, ['certs', 'renew', '--data-dir', '.jamey'])
        expect([code, stderr]).toEqual([0, expect.anything()])
      },
    })
  })

  it('a clock that is wrong', () =>
    play({
      fault: 'the clock of the conscience is two hours ahead',
      alerts: ['JameyDisconnected', 'JameyConnectionsRefused'],
      page: /jamey-conscience is offline[^.;]*?\)/i,
      remedy: 'set the clock',
      harm: async () => {
        await installation.stop('conscience')
        const library = execFileSync('sh', ['-c', 'ls /usr/lib/*/faketime/libfaketime.so.1 | head -n 1'])
        const ahead = {
          LD_PRELOAD: String(library).trim(),
          FAKETIME: '+2h',
          FAKETIME_DONT_FAKE_MONOTONIC: '1',
        }
        await installation.start('conscience', ahead, false)
        return nothing
      },
      mend: async () => {
        await installation.stop('conscience')
        await installation.start('conscience')
      },
    }))

  it('a memory that is damaged', () =>
    play({
      fault: 'the file of memories is damaged',
      alerts: ['JameyMemoryDamaged'],
      page: /memory: The memory file \S+ was damaged[^;]*;[^.]*/i,
      remedy: 'restore what is missing from a backup, or leave it',
      harm: async () => {
        for (let i = 0; i < 200; i++)
          await remember(`The ${i}th thing that was said. ${'It was long. '.repeat(20)}`)
        await installation.stop('memory')
        const file = join(installation.folder, '.jamey/data/memory.db')
        const handle = openSync(file, 'r+')
        writeSync(
          handle,
          Buffer.alloc(65_536, 0x5a),
          0,
          65_536,
          Math.floor(statSync(file).size / 2 / 4096) * 4096,
        )
        closeSync(handle)
        await installation.start('memory')
        return nothing
      },
      mend: async () => {
        await installation.stop('memory')
        await installation.start('memory')
      },
    }))

  it('a conscience that is overloaded', () =>
    play({
      fault: 'one client asks the conscience without end',
      alerts: ['JameyOverloaded', 'JameyRequestsUnanswered'],
      page: /conscience: publish to [^;(]*/i,
      remedy: 'stop the client (`jamey deny add --sub`), or another instance',
      harm: async () => askOnAndOn(8_000, evaluate),
      mend: async () => {},
    }))
})

function report(): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(1)
  const table = rows.map(
    ({ fault, alerts, toAlertMs, page: said, remedy, toQuietMs }) =>
      `| ${fault} | ${alerts.join(', ')} | ${seconds(toAlertMs)} | “${said.replaceAll(installation.folder, '…').trim()}” | ${remedy} | ${seconds(toQuietMs)} |`,
  )
  return `# A game day

\`npm run game-day\` does to a running system what goes wrong in the field, looks at nothing but the alerts that ship and the dashboard, and does what [the runbook](runbook.md) says. It takes Prometheus, Chromium and faketime from the system's packages, and root.

Parts run as processes of their own, and Prometheus looks every second. Alerts that ship wait for minutes and look back over five or ten; here they wait two seconds and look back over 15, so that a day fits into minutes: add what \`for:\` says in [the rules](../deploy/prometheus/jamey.rules.yaml) to the times. Load when it ended: ${loadavg()[0]?.toFixed(1)}.

| what went wrong | alerts | seconds until the first | the page says | what the runbook has one do | seconds until all is quiet |
|---|---|---|---|---|---|
${table.join('\n')}
`
}
