import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { type IncomingMessage, request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import { createServer } from 'node:net'
import { readTokenSecretFile } from '@jamey/auth'
import { type CertificateFacts, certificatesOf, keyFaultOf } from '../install/certificate-facts.js'
import { type DataDirectory, displayPath } from '../install/data-directory.js'
import { CERTIFIED_CLIENTS, octal, openFolders } from '../install/provision.js'
import { reportOf } from '../support/failure.js'
import { plural } from '../support/quantities.js'
import { shellWord } from '../support/shell-word.js'
import type { Finding } from './finding.js'

const LEAST_NODE = [20, 19] as const

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const isEnough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])
  if (isEnough) return { check: 'node', status: 'ok', message: `Node ${version}` }
  return {
    check: 'node',
    status: 'failed',
    message: `Node ${version} is too old`,
    hint: `install Node ${LEAST_NODE.join('.')} or newer`,
  }
}

/** The folder, its modes, its secret. */
export async function checkDirectory(directory: DataDirectory, cwd: string): Promise<Finding[]> {
  const findings: Finding[] = [
    { check: 'folder', status: 'ok', message: displayPath(directory.path, cwd) },
    ...checkModes(directory, cwd),
  ]
  try {
    await readTokenSecretFile(directory.secret)
    findings.push({ check: 'token secret', status: 'ok', message: displayPath(directory.secret, cwd) })
  } catch (error) {
    findings.push({
      check: 'token secret',
      status: 'failed',
      message: reportOf(error).message,
      hint: existsSync(directory.secret)
        ? 'mend it, or remove it: the next `jamey up` creates a new secret'
        : '`jamey up` creates it',
    })
  }
  return findings
}

function checkModes(directory: DataDirectory, cwd: string): Finding[] {
  const keys = ['ca', 'server', ...CERTIFIED_CLIENTS].map((name) => directory.clientKey(name))
  // The mode of the token secret is checked by whoever reads it.
  const openKeys = keys.flatMap((path) => {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode
    const isOpen = process.platform !== 'win32' && mode !== undefined && (mode & 0o077) !== 0
    return isOpen ? [{ path, mode, expected: 0o600 }] : []
  })
  const open = [...openFolders(directory).map((folder) => ({ ...folder, expected: 0o700 })), ...openKeys]
  if (open.length === 0)
    return [{ check: 'modes', status: 'ok', message: 'secrets are readable by their owner alone' }]
  return open.map(({ path, mode, expected }) => ({
    check: 'modes',
    status: 'failed',
    message: `${displayPath(path, cwd)} is open to others: mode ${octal(mode)} instead of ${octal(expected)}`,
    hint: `chmod ${octal(expected).slice(1)} ${displayPath(path, cwd)}`,
  }))
}

/**
 * Checks every certificate that a start needs, with its key; one that is damaged keeps none of the others unexamined.
 */
export function checkCertificates(directory: DataDirectory, now: Date, cwd: string): Finding[] {
  return certificatesOf(directory, now, CERTIFIED_CLIENTS).map((reading): Finding => {
    const check = `certificate ${displayPath(reading.path, cwd)}`
    const fault = 'fault' in reading ? reading.fault : neededKeyFault(reading.facts)
    if ('facts' in reading && fault === undefined) return { check, ...judge(reading.facts, now) }
    const { message, hint = '`jamey up` creates what is missing' } = reportOf(fault)
    return { check, status: 'failed', message, hint }
  })
}

/** The keys of clients elsewhere may lie with them; those that `jamey up` starts need theirs here. */
function neededKeyFault(facts: CertificateFacts): unknown {
  const isElsewhere = isFurtherClient(facts) && !existsSync(facts.path.replace(/\.crt$/, '.key'))
  return isElsewhere ? undefined : keyFaultOf(facts)
}

function isFurtherClient({ role, name }: CertificateFacts): boolean {
  return role === 'client' && !CERTIFIED_CLIENTS.includes(name)
}

function judge(facts: CertificateFacts, now: Date): Omit<Finding, 'check'> {
  const issue = isFurtherClient(facts) ? `jamey certs issue ${shellWord(facts.name)}` : 'jamey up'
  const hint = `remove it, and \`${issue}\` issues a new one`
  const { isTrusted, daysLeft, validFrom, validTo } = facts
  if (isTrusted === false)
    return { status: 'failed', message: 'not signed by the authority of this folder', hint }
  if (daysLeft < 0) return { status: 'failed', message: `ended ${validTo.toISOString()}`, hint }
  if (validFrom > now) {
    const message = `begins only ${validFrom.toISOString()}`
    return { status: 'failed', message, hint: 'the clock of this machine is wrong: set it' }
  }
  const left = plural(daysLeft, 'day', 'days')
  if (daysLeft > 30) return { status: 'ok', message: `${left} left` }
  return { status: 'warning', message: `${left} left`, hint: `the next \`${issue}\` renews it` }
}

/** Finds out whether a port can be listened on: the next `jamey up` will need it. */
/** Codes that say that a host, and not its port, is the fault. */
const NO_ADDRESS_HERE: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN'])

export async function checkPortFree(
  name: string,
  host: string,
  port: number,
  option: string,
): Promise<Finding> {
  const check = `${name} port`
  const fault = await new Promise<string | undefined>((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
  if (fault === undefined) return { check, status: 'ok', message: `${port} is free` }
  if (NO_ADDRESS_HERE.has(fault)) {
    const message = `${host} is no address of this machine (${fault})`
    return { check, status: 'warning', message, hint: 'name one with `jamey up --host ADDRESS`' }
  }
  const why = fault === 'EADDRINUSE' ? 'taken by another process' : `not usable (${fault})`
  return {
    check,
    status: 'warning',
    message: `${port} is ${why}`,
    hint: `use another one: \`jamey up ${option} N\``,
  }
}

/** Health and readiness of a gateway, and the difference of its clock to ours. */
export async function checkGateway(url: string, now: () => Date): Promise<Finding[]> {
  try {
    const response = await answerAt(`${url}/readyz`)
    const isReady = response.status === 200
    const gateway: Finding = isReady
      ? { check: 'gateway', status: 'ok', message: `${url} is ready` }
      : {
          check: 'gateway',
          status: 'failed',
          message: `${url} is not ready (status ${response.status})`,
          hint: `curl ${url}/readyz tells why`,
        }
    return [gateway, checkClock(response.date, now())]
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code ?? message
    return [
      {
        check: 'gateway',
        status: 'failed',
        message: `${url} does not answer (${why})`,
        hint: 'start jamey again',
      },
    ]
  }
}

/**
 * The answer at a URL. Its certificate is not checked: nothing secret is sent there, and no more than its state is
 * read.
 */
async function answerAt(url: string): Promise<{ status: number; date: string | null }> {
  const options = { agent: false, signal: AbortSignal.timeout(5_000) }
  const sent = url.startsWith('https:')
    ? requestSecure(url, { ...options, rejectUnauthorized: false })
    : requestPlain(url, options)
  sent.end()
  const [answer]: IncomingMessage[] = await once(sent, 'response')
  answer?.resume()
  return { status: answer?.statusCode ?? 0, date: answer?.headers.date ?? null }
}

/** Tokens bear 30 seconds of difference between the clocks of two machines. */
const CLOCK_TOLERANCE_SECONDS = 30

export function checkClock(theirs: string | null, now: Date): Finding {
  const seconds = theirs === null ? Number.NaN : Math.round((now.getTime() - Date.parse(theirs)) / 1000)
  if (Number.isNaN(seconds)) return { check: 'clock', status: 'ok', message: now.toISOString() }
  if (Math.abs(seconds) <= CLOCK_TOLERANCE_SECONDS) {
    return { check: 'clock', status: 'ok', message: `${now.toISOString()}, as the gateway's` }
  }
  return {
    check: 'clock',
    status: 'failed',
    message: `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the gateway's; tokens bear ${CLOCK_TOLERANCE_SECONDS} s`,
    hint: 'set the clocks of both machines, best by NTP',
  }
}
