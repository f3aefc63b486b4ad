import { existsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { readTokenSecretFile } from '@jamey/auth'
import { certificatesOf } from './certificate-facts.js'
import { type DataDirectory, displayPath } from './data-directory.js'
import { reportOf } from './failure.js'
import { CERTIFIED_CLIENTS, octal, openFolders } from './provision.js'

/** What a check found, and the way out where something is wrong. */
export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warning' | 'failed'
  readonly message: string
  readonly hint?: string
}

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
        ? 'see above; removing the file makes `npx jamey up` create a new secret'
        : '`npx jamey up` creates it',
    })
  }
  return findings
}

function checkModes(directory: DataDirectory, cwd: string): Finding[] {
  const keys = ['ca', 'server', ...CERTIFIED_CLIENTS].map((name) => directory.clientKey(name))
  const openKeys = [...keys, directory.secret].flatMap((path) => {
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

export function checkCertificates(directory: DataDirectory, now: Date, cwd: string): Finding[] {
  try {
    return certificatesOf(directory, now).map((facts): Finding => {
      const check = `certificate ${displayPath(facts.path, cwd)}`
      const hint = 'remove it, and `npx jamey up` issues a new one'
      if (!facts.isTrusted)
        return { check, status: 'failed', message: 'not signed by the authority of this folder', hint }
      if (facts.daysLeft < 0)
        return { check, status: 'failed', message: `ended ${facts.validTo.toISOString()}`, hint }
      if (facts.validFrom > now) {
        const message = `begins only ${facts.validFrom.toISOString()}`
        return { check, status: 'failed', message, hint: 'the clock of this machine is wrong: set it' }
      }
      if (facts.daysLeft <= 30) {
        return {
          check,
          status: 'warning',
          message: `${facts.daysLeft} days left`,
          hint: 'the next `npx jamey up` renews it',
        }
      }
      return { check, status: 'ok', message: `${facts.daysLeft} days left` }
    })
  } catch (error) {
    const { message, hint = '`npx jamey up` creates what is missing' } = reportOf(error)
    return [{ check: 'certificates', status: 'failed', message, hint }]
  }
}

/** Whether a port can be listened on: it will be needed by the next `jamey up`. */
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
  const why = fault === 'EADDRINUSE' ? 'taken by another process' : `not usable (${fault})`
  return {
    check,
    status: 'warning',
    message: `${port} is ${why}`,
    hint: `use another one: \`npx jamey up ${option} N\``,
  }
}

/** Health and readiness of a gateway, and the difference of its clock to ours. */
export async function checkGateway(url: string, now: () => Date): Promise<Finding[]> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) })
    await response.arrayBuffer()
    const isReady = response.ok
    const gateway: Finding = isReady
      ? { check: 'gateway', status: 'ok', message: `${url} is ready` }
      : {
          check: 'gateway',
          status: 'failed',
          message: `${url} is not ready (status ${response.status})`,
          hint: `curl ${url}/readyz tells why`,
        }
    return [gateway, checkClock(response.headers.get('date'), now())]
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } }
    const why = cause?.code ?? (error as Error).message
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
