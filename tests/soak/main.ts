import { once } from 'node:events'
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueServerCertificate } from '@jamey/auth'
import { FaultProxy } from '@jamey/testing'
import { type Arguments, readArguments, USAGE } from './arguments.js'
import { FaultSchedule } from './fault-schedule.js'
import { judge, type Outcome } from './judgement.js'
import type { BrokerOptions, BrokerReport, ClientReport, Sample } from './reports.js'
import { Subordinate } from './subordinate.js'
import { summarize } from './summary.js'
import { pause } from './world.js'

/**
 * A long run of a broker and many clients, each in a process of their own; this one stands between them, harms some of
 * the links, looks at both every few seconds and judges in the end. It lies among the tests, not the benchmarks,
 * because it fails: exit code 1 where something was lost, doubled or out of order, or an error came.
 */
async function soak(options: Arguments, folder: string): Promise<number> {
  const out = options.out ?? `soak-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.jsonl`
  const security = options.isPlain ? undefined : await makeSecurity()
  const [broker, client] = [new Subordinate('broker'), new Subordinate('client')]
  try {
    const port = await broker.ask<number>({ ask: 'listen', broker: { folder, security } })
    await using cut = await FaultProxy.listen(port)
    await using stall = await FaultProxy.listen(port)
    say('starting the clients')
    const rate = await client.ask<number>({
      ask: 'start',
      world: {
        ports: { direct: port, cut: cut.port, stall: stall.port },
        ca: security?.ca,
        secret: security?.secret,
        folder,
      },
      rate: options.rate,
    })
    say(`${rate} steady messages a second for ${options.minutes} minutes; samples go to ${out}`)
    const schedule = new FaultSchedule(cut, stall, rate)
    schedule.start()
    const samples = await watch(options, out, { broker, client }, schedule)
    await schedule.stop()
    say('waiting for what is on its way')
    const outcome: Outcome = {
      samples,
      client: await client.ask<ClientReport>({ ask: 'finish' }),
      broker: await broker.ask<BrokerReport>({ ask: 'finish' }),
    }
    await Promise.all([client.gone(), broker.gone()])
    const minutes = Math.round((samples.at(-1)?.atSeconds ?? 0) / 6) / 10
    return conclude({ minutes, rate, isPlain: options.isPlain }, outcome, out)
  } finally {
    broker.kill()
    client.kill()
  }
}

async function makeSecurity(): Promise<NonNullable<BrokerOptions['security']>> {
  const authority = await createAuthority()
  const { certPem, keyPem } = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
  const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex')
  return { cert: certPem, key: keyPem, ca: authority.certPem, secret }
}

async function watch(
  { minutes, sampleSeconds }: Arguments,
  out: string,
  { broker, client }: { broker: Subordinate; client: Subordinate },
  schedule: FaultSchedule,
): Promise<Sample[]> {
  const file = createWriteStream(out)
  const samples: Sample[] = []
  const startedAtMs = performance.now()
  const { roles } = await client.ask<ClientReport>({ ask: 'sample' })
  // Those of the calibration.
  const already = roles['steady']?.['received'] ?? 0
  let before = { atSeconds: 0, messages: 0 }
  const interrupted = once(process, 'SIGINT').then(() => say('interrupted; coming to an end'))
  let isOver = false
  void interrupted.then(() => {
    isOver = true
  })
  while (!isOver && performance.now() - startedAtMs < minutes * 60_000) {
    const leftMs = minutes * 60_000 - (performance.now() - startedAtMs)
    await Promise.race([pause(Math.min(sampleSeconds * 1000, leftMs)), interrupted])
    const [one, other] = await Promise.all([
      broker.ask<BrokerReport>({ ask: 'sample' }),
      client.ask<ClientReport>({ ask: 'sample' }),
    ])
    const atSeconds = (performance.now() - startedAtMs) / 1000
    const messages = (other.roles['steady']?.['received'] ?? 0) - already
    const messagesPerSecond = Math.round((messages - before.messages) / (atSeconds - before.atSeconds))
    const faults = schedule.take()
    const sample: Sample = { atSeconds, messagesPerSecond, messages, broker: one, client: other, faults }
    before = sample
    samples.push(sample)
    file.write(`${JSON.stringify(sample)}\n`)
    say(lineOf(sample))
  }
  await new Promise<void>((resolve) => file.end(resolve))
  return samples
}

function lineOf({ atSeconds, messagesPerSecond, broker, client, faults }: Sample): string {
  const mib = (bytes: number): string => (bytes / 1_048_576).toFixed(1)
  const { latency } = client
  const errors = Object.keys(client.errors).length + Object.keys(broker.errors).length
  return (
    `${Math.round(atSeconds)} s: ${messagesPerSecond}/s, p50 ${latency.p50Ms.toFixed(1)} p99 ${latency.p99Ms.toFixed(1)} ` +
    `max ${latency.maxMs.toFixed(0)} ms, heap ${mib(broker.vitals.heapBytes)} + ${mib(client.vitals.heapBytes)} MiB, ` +
    `RSS ${mib(broker.vitals.rssBytes)} + ${mib(client.vitals.rssBytes)} MiB, kinds of errors ${errors}` +
    `${Object.keys(faults).length > 0 ? `, links: ${Object.keys(faults).join(', ')}` : ''}`
  )
}

function conclude(setting: Parameters<typeof summarize>[0], outcome: Outcome, out: string): number {
  const judgement = judge(outcome)
  const summary = summarize(setting, outcome, judgement)
  writeFileSync(`${out}.md`, summary)
  process.stdout.write(`\n${summary}`)
  return judgement.faults.length === 0 ? 0 : 1
}

function say(text: string): void {
  process.stdout.write(`soak: ${text}\n`)
}

async function main(): Promise<number> {
  let options: Arguments
  try {
    options = readArguments(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`)
    return 2
  }
  const folder = mkdtempSync(join(tmpdir(), 'jamey-soak-'))
  try {
    return await soak(options, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

process.exitCode = await main()
