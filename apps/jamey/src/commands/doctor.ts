import type { ClientOptions, CommandContext, Outcome } from '../command-context.js'
import { withBus } from '../connection.js'
import { DEFAULT_BROKER_PORT } from '../connection-target.js'
import { type DataDirectory, findDataDirectory } from '../data-directory.js'
import { EXIT } from '../exit-codes.js'
import { reportOf } from '../failure.js'
import {
  checkCertificates,
  checkClock,
  checkDirectory,
  checkGateway,
  checkNode,
  checkPortFree,
  type Finding,
} from '../health-checks.js'
import { plural } from '../memory-view.js'
import { readRunFile } from '../run-file.js'

export interface DoctorOptions {
  readonly json?: boolean
  readonly dataDir?: string
}

const DEFAULT_HTTP_PORT = 8080

/** Looks at everything that keeps Jamey from working on this machine; leaves with 1 where something does. */
export async function doctor(context: CommandContext, options: DoctorOptions): Outcome {
  const { terminal } = context
  const findings = await examine(context, options)
  const { colors } = terminal
  const marks = {
    ok: colors.green('ok     '),
    warning: colors.yellow('warning'),
    failed: colors.red('failed '),
  }
  for (const finding of findings) {
    if (options.json) {
      terminal.printJson(finding)
      continue
    }
    terminal.print(`${marks[finding.status]}  ${finding.check}: ${finding.message}`)
    if (finding.hint !== undefined) terminal.print(`         ${colors.dim('->')} ${finding.hint}`)
  }
  const failures = findings.filter(({ status }) => status === 'failed').length
  if (!options.json) {
    terminal.print(
      `\n${failures === 0 ? 'nothing is wrong' : plural(failures, 'thing is wrong', 'things are wrong')}`,
    )
  }
  return failures === 0 ? EXIT.success : EXIT.other
}

async function examine(context: CommandContext, options: DoctorOptions): Promise<Finding[]> {
  const findings: Finding[] = [checkNode(process.version)]
  const { cwd, env } = context
  if (options.dataDir === undefined && env['MQTT_BROKER_URL']) {
    findings.push({
      check: 'settings',
      status: 'ok',
      message: `MQTT_BROKER_URL is ${env['MQTT_BROKER_URL']}`,
    })
    findings.push(await checkBroker(context, {}), checkClock(null, context.now()))
    return findings
  }
  const directory = findDataDirectory(cwd, options.dataDir)
  if (directory === undefined) {
    findings.push({
      check: 'folder',
      status: 'warning',
      message: `no ${options.dataDir ?? '.jamey here or in a folder above'}`,
      hint: '`npx jamey up` creates it',
    })
    return [...findings, ...(await portsFree())]
  }
  findings.push(...(await checkDirectory(directory, cwd)))
  findings.push(...checkCertificates(directory, context.now(), cwd))
  findings.push(...(await checkSystem(context, directory)))
  return findings
}

async function checkSystem(context: CommandContext, directory: DataDirectory): Promise<Finding[]> {
  const run = readRunFile(directory.path)
  if (run.state !== 'running') {
    const status: Finding = {
      check: 'jamey up',
      status: 'warning',
      message: run.state === 'stale' ? 'not running; the last one ended without cleaning up' : 'not running',
      hint: 'start it with `npx jamey up`',
    }
    return [status, ...(await portsFree()), checkClock(null, context.now())]
  }
  const { record } = run
  const findings: Finding[] = [
    { check: 'jamey up', status: 'ok', message: `process ${record.pid}, since ${record.started_at}` },
    await checkBroker(context, { dataDir: directory.path }),
  ]
  if (record.gateway !== null) findings.push(...(await checkGateway(record.gateway.url, context.now)))
  return findings
}

async function checkBroker(context: CommandContext, options: ClientOptions): Promise<Finding> {
  const startedAt = performance.now()
  try {
    const connected = await withBus(context, options, async ({ clientId }) => {
      return `connected as ${clientId} in ${Math.round(performance.now() - startedAt)} ms`
    })
    return { check: 'broker', status: 'ok', message: connected }
  } catch (error) {
    const { message, hint = 'look at its log' } = reportOf(error)
    return { check: 'broker', status: 'failed', message, hint }
  }
}

function portsFree(): Promise<Finding[]> {
  return Promise.all([
    checkPortFree('broker', '127.0.0.1', DEFAULT_BROKER_PORT, '--port'),
    checkPortFree('HTTP', '127.0.0.1', DEFAULT_HTTP_PORT, '--http-port'),
  ])
}
