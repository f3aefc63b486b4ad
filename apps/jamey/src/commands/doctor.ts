import { certificateServedAt, checkBrokerSettings, runsBroker } from '../doctor/broker-checks.js'
import { probe } from '../doctor/broker-probe.js'
import { checkBroker, checkTls } from '../doctor/client-checks.js'
import { checkData, placesOfDirectory, placesOfEnvironment } from '../doctor/data-checks.js'
import type { Finding } from '../doctor/finding.js'
import {
  checkCertificates,
  checkClock,
  checkDirectory,
  checkGateway,
  checkNode,
  checkPortFree,
} from '../doctor/health-checks.js'
import {
  certificatesIn,
  checkOwnCertificate,
  checkPolicy,
  checkUrl,
  checkVariables,
} from '../doctor/settings-checks.js'
import { type DataDirectory, findDataDirectory } from '../install/data-directory.js'
import { readRunFile } from '../install/run-file.js'
import { EXIT, type ExitCode } from '../support/exit-codes.js'
import { reportOf } from '../support/failure.js'
import { reachableHost } from '../support/host-address.js'
import { listeningOf } from '../support/listening.js'
import { plural } from '../support/quantities.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'

export interface DoctorOptions {
  readonly json?: boolean
  readonly dataDir?: string
  /** The client whose certificate may be shown, although a second client of its name ends the first. */
  readonly clientId?: string
  /** Try what the broker does, in place of the other checks. */
  readonly probe?: boolean
  /** Topic below which the client that tries may publish and subscribe. */
  readonly scratch?: string
}

/**
 * Looks at everything that keeps Jamey from working on this machine. Leaves with 0 where it works, with the code of
 * what failed (1 for several things), and with that of absence where it is only not running.
 */
export async function doctor(context: CommandContext, options: DoctorOptions): Outcome {
  const { terminal } = context
  const findings = options.probe ? await probe(context, options) : await examine(context, options)
  const { colors } = terminal
  const marks = {
    ok: colors.green('ok     '),
    warning: colors.yellow('warning'),
    failed: colors.red('failed '),
  }
  for (const finding of findings) {
    const hint = finding.hint === undefined ? undefined : terminal.asStarted(finding.hint)
    if (options.json) {
      const { check, status, message } = finding
      terminal.printJson({ check, status, message, hint })
      continue
    }
    terminal.print(`${marks[finding.status]}  ${finding.check}: ${finding.message}`)
    if (hint !== undefined) terminal.print(`         ${colors.dim('->')} ${hint}`)
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
  const { env } = context
  const first = [checkNode(process.version), ...checkVariables(context), ...(await checkPolicy(context))]
  const isEnvironment = options.dataDir === undefined
  const parts = [
    ...(isEnvironment && runsBroker(env) ? [examineBroker] : []),
    ...(isEnvironment && env['MQTT_BROKER_URL'] ? [examineClient] : []),
  ]
  const findings = first
  for (const part of parts.length === 0 ? [examineDirectory] : parts)
    findings.push(...(await part(context, options)))
  return findings
}

/** The broker that `jamey run broker` starts in this environment. */
async function examineBroker(context: CommandContext): Promise<Finding[]> {
  const { env, cwd } = context
  const { findings, brokerProcess } = await checkData(placesOfEnvironment(env, cwd, true), cwd)
  return [...(await checkBrokerSettings(context, brokerProcess)), ...findings]
}

/** A part that connects to the broker of the environment. */
async function examineClient(context: CommandContext, options: DoctorOptions): Promise<Finding[]> {
  const { env, cwd, now } = context
  const findings = [checkUrl(context), ...checkOwnCertificate(context, now())]
  const { findings: tls, wantsCertificate } = await checkTls(context)
  findings.push(...tls)
  const clientId = options.clientId
  if (wantsCertificate && clientId === undefined) {
    const name = env['MQTT_CLIENT_ID'] || 'NAME'
    const message =
      'signing in was not tried: the broker wants the certificate, and that is of a client which may be connected'
    const hint = `\`jamey doctor --client-id ${name}\` tries it, and ends a connection that this client has`
    findings.push({ check: 'broker', status: 'ok', message, hint })
  } else {
    findings.push(...(await checkBroker(context, clientId === undefined ? {} : { clientId }, 'some')))
  }
  const { findings: data } = await checkData(placesOfEnvironment(env, cwd, false), cwd)
  return [...findings, ...data, checkClock(null, now())]
}

/** The folder of a `jamey up`. */
async function examineDirectory(context: CommandContext, options: DoctorOptions): Promise<Finding[]> {
  const { cwd, env } = context
  let directory: DataDirectory | undefined
  try {
    directory = findDataDirectory(cwd, options.dataDir)
  } catch (error) {
    // Nothing in there is looked at: it would be somebody else's that is told.
    const { message, hint } = reportOf(error)
    return [{ check: 'folder', status: 'failed', message, ...(hint === undefined ? {} : { hint }) }]
  }
  if (directory === undefined) {
    const absent: Finding = {
      check: 'folder',
      status: 'warning',
      message: `no ${options.dataDir ?? '.jamey here or in a folder above'}`,
      hint: '`jamey up` creates it',
      exitCode: EXIT.unavailable,
    }
    return [absent, ...(await portsFree(env))]
  }
  const findings = [
    ...(await checkDirectory(directory, cwd)),
    ...checkCertificates(directory, context.now(), cwd),
    ...(await checkData(placesOfDirectory(directory, env, cwd), cwd)).findings,
  ]
  // The reason why the broker cannot be asked was told where it was found.
  const told = new Set(findings.map(({ message }) => message))
  const system = await checkSystem(context, directory)
  return [...findings, ...system.filter(({ status, message }) => status === 'ok' || !told.has(message))]
}

async function checkSystem(context: CommandContext, directory: DataDirectory): Promise<Finding[]> {
  const run = readRunFile(directory.path)
  if (run.state !== 'running') {
    const apart = await findBrokerApart(context, directory)
    if (apart !== undefined) return [apart, checkClock(null, context.now())]
    const status: Finding = {
      check: 'jamey up',
      status: 'warning',
      message: run.state === 'stale' ? 'not running; the last one ended without cleaning up' : 'not running',
      hint: 'start it with `jamey up`',
      exitCode: EXIT.unavailable,
    }
    return [status, ...(await portsFree(context.env)), checkClock(null, context.now())]
  }
  const { record } = run
  const findings: Finding[] = [
    { check: 'jamey up', status: 'ok', message: `process ${record.pid}, since ${record.started_at}` },
    // A broker that runs alone has its services elsewhere.
    ...(await checkBroker(context, { dataDir: directory.path }, record.gateway === null ? 'some' : 'all')),
  ]
  if (record.gateway !== null) findings.push(...(await checkGateway(record.gateway.url, context.now)))
  return findings
}

/** A broker that `jamey run broker` has started with the certificate of this folder, and not from it. */
async function findBrokerApart(
  { env }: CommandContext,
  directory: DataDirectory,
): Promise<Finding | undefined> {
  const { host, port } = listeningOf({}, env)
  const own = certificatesIn(directory.serverCertificate)[0]?.fingerprint256
  const served = await certificateServedAt(reachableHost(host), port)
  if (own === undefined || served?.fingerprint256 !== own) return undefined
  const message = `nothing runs from this folder, and a broker with its certificate runs at port ${port}: of other settings, or of a folder that this one is a copy of`
  const hint =
    'commands here do not talk to it; `jamey doctor` in the folder of its `.env` or `jamey up`, or with its variables, looks at it'
  return { check: 'jamey up', status: 'warning', message, hint }
}

function portsFree(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const { host, port, httpHost, httpPort } = listeningOf({}, env)
  return Promise.all([
    checkPortFree('broker', host, port, '--port'),
    checkPortFree('HTTP', httpHost, httpPort, '--http-port'),
  ])
}
