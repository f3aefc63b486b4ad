import type { ClientOptions, CommandContext, Outcome } from '../command-context.js'
import { withBus } from '../connection.js'
import { type DataDirectory, findDataDirectory } from '../data-directory.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
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
import { listeningOf } from '../listening.js'
import { plural } from '../memory-view.js'
import { readRunFile } from '../run-file.js'

export interface DoctorOptions {
  readonly json?: boolean
  readonly dataDir?: string
}

/**
 * Looks at everything that keeps Jamey from working on this machine. Leaves with 0 where it works, with the code of
 * what failed (1 for several things), and with that of absence where it is only not running.
 */
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
      const { check, status, message, hint } = finding
      terminal.printJson({ check, status, message, hint })
      continue
    }
    terminal.print(`${marks[finding.status]}  ${finding.check}: ${finding.message}`)
    if (finding.hint !== undefined) terminal.print(`         ${colors.dim('->')} ${finding.hint}`)
  }
  if (!options.json) terminal.print(`\n${conclusionOf(findings)}`)
  return exitOf(findings)
}

/** `1 thing is wrong, 2 warnings`; that nothing is wrong is said only where all is well. */
export function conclusionOf(findings: readonly Finding[]): string {
  const [failed, warned] = (['failed', 'warning'] as const).map(
    (which) => findings.filter(({ status }) => status === which).length,
  )
  if (!failed && !warned) return 'nothing is wrong'
  return [
    ...(failed ? [plural(failed, 'thing is wrong', 'things are wrong')] : []),
    ...(warned ? [plural(warned, 'warning', 'warnings')] : []),
  ].join(', ')
}

export function exitOf(findings: readonly Finding[]): ExitCode {
  const failed = findings.filter(({ status }) => status === 'failed')
  const codes = new Set(failed.map(({ exitCode }) => exitCode ?? EXIT.other))
  if (codes.size > 1) return EXIT.other
  const [code] = codes
  return code ?? findings.find(({ exitCode }) => exitCode !== undefined)?.exitCode ?? EXIT.success
}

async function examine(context: CommandContext, options: DoctorOptions): Promise<Finding[]> {
  const findings: Finding[] = [checkNode(process.version)]
  const { cwd, env, fromFile } = context
  if (options.dataDir === undefined && env['MQTT_BROKER_URL']) {
    findings.push({
      check: 'settings',
      status: 'ok',
      message: `MQTT_BROKER_URL is ${env['MQTT_BROKER_URL']}${fromFile.has('MQTT_BROKER_URL') ? ', from .env' : ''}`,
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
      exitCode: EXIT.unavailable,
    })
    return [...findings, ...(await portsFree(env))]
  }
  findings.push(...(await checkDirectory(directory, cwd)))
  findings.push(...checkCertificates(directory, context.now(), cwd))
  // What keeps the broker from being asked was told where it was found.
  const told = new Set(findings.map(({ message }) => message))
  const system = await checkSystem(context, directory)
  return [...findings, ...system.filter(({ status, message }) => status === 'ok' || !told.has(message))]
}

async function checkSystem(context: CommandContext, directory: DataDirectory): Promise<Finding[]> {
  const run = readRunFile(directory.path)
  if (run.state !== 'running') {
    const status: Finding = {
      check: 'jamey up',
      status: 'warning',
      message: run.state === 'stale' ? 'not running; the last one ended without cleaning up' : 'not running',
      hint: 'start it with `npx jamey up`',
      exitCode: EXIT.unavailable,
    }
    return [status, ...(await portsFree(context.env)), checkClock(null, context.now())]
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
    const { message, exitCode, hint = 'look at its log' } = reportOf(error)
    return { check: 'broker', status: 'failed', message, hint, exitCode }
  }
}

function portsFree(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const { host, port, httpHost, httpPort } = listeningOf({}, env)
  return Promise.all([
    checkPortFree('broker', host, port, '--port'),
    checkPortFree('HTTP', httpHost, httpPort, '--http-port'),
  ])
}
