import type { Bus, StateChange } from '@jamey/bus'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure, reportOf } from '../support/failure.js'
import type { CommandContext } from '../terminal/command-context.js'
import type { ClientOptions } from './connection-target.js'
import { type ConnectionTarget, connectionTarget, isPassingName } from './connection-target.js'
import { refusalOf } from './permission-refusal.js'

/** Time that a broker may take to answer before a command gives up on it. */
const CONNECT_TIMEOUT_MS = 10_000

/** Runs `work` with a connected bus and closes it whatever happens. */
export async function withBus<T>(
  context: CommandContext,
  options: ClientOptions,
  work: (bus: Bus) => Promise<T>,
): Promise<T> {
  const target = await connectionTarget(context, options)
  const bus = await openBus(context, target)
  try {
    return await work(bus)
  } catch (error) {
    throw refusalOf(error, { bus, source: target.permissionSource })
  } finally {
    await bus.close({ drain: !context.interrupted.aborted, timeoutMs: 2_000 })
  }
}

/**
 * Connects as the options say. Unlike a service, a command does not wait for a broker that is not there: once every
 * address was tried, in every way that a broker may understand, the failure is the answer.
 */
async function openBus({ terminal, interrupted }: CommandContext, target: ConnectionTarget): Promise<Bus> {
  if (target.config.insecure === true) {
    terminal.warn(`the connection to ${target.address} is not encrypted`)
  }
  if (target.doubt !== undefined) terminal.warn(target.doubt)
  const { connectBus } = await import('../support/from-bus.js')
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), CONNECT_TIMEOUT_MS)
  try {
    const signal = AbortSignal.any([interrupted, deadline.signal])
    // A name that is never used again must leave no session with a server that does not forget any.
    return await connectBus({ ...target.config, cleanSession: true, signal })
  } catch (error) {
    interrupted.throwIfAborted()
    if (!deadline.signal.aborted) throw connectionFailure({ cause: error as Error }, target)
    throw unreachable(target, `no answer within ${CONNECT_TIMEOUT_MS / 1000} s`, error)
  } finally {
    clearTimeout(timer)
  }
}

/** Nobody there, somebody we cannot trust, or somebody who does not want us: three different ways out. */
export function connectionFailure(
  change: Pick<StateChange, 'cause'>,
  target: ConnectionTarget,
): CommandFailure {
  const { cause } = change
  const systemCode = codesOf(cause).find((code) => code in SYSTEM_FAULTS || isCertificateFault(code))
  const report = reportOf(cause)
  if (systemCode === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new CommandFailure(`the certificate of ${target.address} is for other hosts: ${rootOf(cause)}`, {
      code: 'certificate-host',
      exitCode: EXIT.unavailable,
      hint: 'connect to a host that it names, or have it issued for this one, too (`jamey certs issue --server --host NAME` where its authority is), and reload the broker',
      cause,
    })
  }
  if (report.code === 'tls-verification' || (systemCode !== undefined && isCertificateFault(systemCode))) {
    return new CommandFailure(`the certificate of ${target.address} is not trusted: ${rootOf(cause)}`, {
      code: 'certificate-not-trusted',
      exitCode: EXIT.unavailable,
      hint: 'use the authority of the system that runs there: --data-dir, or MQTT_TLS_CA_CERT',
      cause,
    })
  }
  if (systemCode !== undefined) return unreachable(target, SYSTEM_FAULTS[systemCode] ?? systemCode, cause)
  if (report.exitCode === EXIT.refused) {
    return new CommandFailure(report.message, {
      code: report.code,
      exitCode: EXIT.refused,
      hint: refusalHint(report, target),
      cause,
    })
  }
  return unreachable(target, report.message, cause)
}

const WANTS_CERTIFICATE =
  'the broker wants a client certificate: with --client-id NAME a command shows that of NAME, which is MQTT_TLS_CLIENT_CERT where MQTT_BROKER_URL is set, else one of the folder (`jamey certs issue NAME` makes one)'
const WANTS_OTHER =
  'the token secret or the certificate belongs to another system, or the clock is wrong: `jamey doctor`'

const WANTS_NAMED =
  'a command has a new name each time; --client-id takes one that is in the manifest, such as jamey-operator'

/** A client that shows no certificate learns first that one is wanted. */
function refusalHint(
  { code, message }: { code: string; message: string },
  { config }: ConnectionTarget,
): string {
  // A broker of ours says so as the reason.
  if (message.includes('manifest does not name this client') && isPassingName(config.clientId))
    return WANTS_NAMED
  return code === 'client-certificate' && config.tls?.cert === undefined ? WANTS_CERTIFICATE : WANTS_OTHER
}

const SYSTEM_FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: '',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name of the host cannot be looked up',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'the connection was reset; is it a TLS port?',
}

function unreachable(target: ConnectionTarget, why: string, cause: unknown): CommandFailure {
  return new CommandFailure(`no broker at ${target.address}${why === '' ? '' : `: ${why}`}`, {
    code: 'no-broker',
    exitCode: EXIT.unavailable,
    hint: target.wayOut,
    cause,
  })
}

function isCertificateFault(code: string): boolean {
  return (
    code.startsWith('ERR_TLS_CERT') ||
    code.startsWith('CERT_') ||
    code.includes('SELF_SIGNED') ||
    code.startsWith('UNABLE_TO_')
  )
}

/** The innermost cause of an error: those around it only repeat it with more words. */
function rootOf(error: unknown): string {
  let current: unknown = error
  for (let depth = 0; depth < 8; depth++) {
    const { cause } = current as { cause?: unknown }
    if (!(cause instanceof Error)) break
    current = cause
  }
  return reportOf(current).message
}

/** The codes of an error and of what caused it, the outermost first. */
function codesOf(error: unknown): string[] {
  const codes: string[] = []
  let current: unknown = error
  for (let depth = 0; current instanceof Error && depth < 8; depth++) {
    const { code } = current as NodeJS.ErrnoException
    if (typeof code === 'string') codes.push(code)
    const inner: unknown = current instanceof AggregateError ? current.errors[0] : undefined
    current = inner ?? current.cause
  }
  return codes
}
