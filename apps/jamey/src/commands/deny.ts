import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  type Denial,
  type DenialKind,
  DenyListError,
  denialOf,
  isInForce,
  MAXIMUM_LIFETIME_SECONDS,
  newClientNameFault,
  readDenyListFile,
  shownClientName,
  writeDenyListFile,
} from '@jamey/auth'
import { requireDataDirectory } from '../install/data-directory.js'
import { withFileLock } from '../install/file-lock.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure, usageError } from '../support/failure.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'

const USAGE = {
  code: 'deny-ambiguous',
  hint: 'such as `jamey deny add --sub robot-7 --for 2h --reason "its key was stolen"`',
}

export interface DenyOptions {
  readonly file?: string
  readonly json?: boolean
  readonly dataDir?: string
}

/** Whom, by exactly one of these. */
export interface DeniedOptions extends DenyOptions {
  readonly sub?: string
  readonly jti?: string
  readonly serial?: string
  /** A PEM file, of which the serial number is taken. */
  readonly certificate?: string
}

export interface DenyAddOptions extends DeniedOptions {
  readonly until?: string
  readonly for?: number
  readonly reason?: string
}

const DAY_MS = 86_400_000
/** Tokens that live longer are taken nowhere; clocks may differ. */
const TOKEN_LIFE_MS = MAXIMUM_LIFETIME_SECONDS * 1000 + DAY_MS / 24

/** Denies a client, a token or a certificate; what runs takes notice by itself. */
export async function denyAdd(context: CommandContext, options: DenyAddOptions): Outcome {
  const nowMs = context.now().getTime()
  const path = pathOf(context, options)
  const denial = deniedBy(context, options, nowMs)
  if (!isInForce(denial, nowMs))
    throw usageError('--until lies in the past, so that nobody would be denied', USAGE)
  await withFileLock(path, async () => {
    const { denials } = await readDenyListFile(path)
    await writeDenyListFile(path, [...denials.filter((each) => !isSame(each, denial)), denial], nowMs)
  })
  // It may be what somebody else let in, so it is denied all the same.
  const fault = denial.kind === 'sub' ? newClientNameFault(denial.value) : undefined
  if (fault !== undefined) {
    context.terminal.warn(
      `${shownClientName(denial.value)} ${fault}: it is denied as it was written, and nobody else is`,
    )
  }
  if (options.json) context.terminal.printJson({ denied: jsonOf(denial), file: path })
  else
    context.terminal.print(`denied: ${lineOf(denial)}\nwhat runs with ${path} disconnects it within a second`)
  return EXIT.success
}

/** Takes a denial out again. */
export async function denyRemove(context: CommandContext, options: DeniedOptions): Outcome {
  const nowMs = context.now().getTime()
  const path = pathOf(context, options)
  const denial = deniedBy(context, options, nowMs)
  await withFileLock(path, async () => {
    const { denials } = await readDenyListFile(path)
    const left = denials.filter((each) => !isSame(each, denial))
    if (left.length === denials.length) {
      throw new CommandFailure(`${denial.kind} ${shownClientName(denial.value)} is not denied in ${path}`, {
        code: 'not-denied',
        hint: '`jamey deny list` shows who is',
      })
    }
    await writeDenyListFile(path, left, nowMs)
  })
  if (options.json) context.terminal.printJson({ removed: jsonOf(denial), file: path })
  else context.terminal.print(`denied no more: ${denial.kind} ${shownClientName(denial.value)}`)
  return EXIT.success
}

/** Lists those who are denied at the moment. */
export async function denyList(context: CommandContext, options: DenyOptions): Outcome {
  const { terminal } = context
  const nowMs = context.now().getTime()
  const { denials } = await readDenyListFile(pathOf(context, options))
  const inForce = denials.filter((denial) => isInForce(denial, nowMs))
  for (const denial of inForce) {
    if (options.json) terminal.printJson(jsonOf(denial))
    else terminal.print(lineOf(denial))
  }
  if (inForce.length === 0 && !options.json) terminal.print('nobody is denied')
  return EXIT.success
}

/** `--file`, else JAMEY_DENIED_FILE unless a folder is named, else that of the folder. */
function pathOf({ env, cwd }: CommandContext, { file, dataDir }: DenyOptions): string {
  if (file !== undefined) return resolve(cwd, file)
  const set = env['JAMEY_DENIED_FILE']
  if (dataDir === undefined && set) return resolve(cwd, set)
  return requireDataDirectory(cwd, dataDir, 'denied').denied
}

function deniedBy(context: CommandContext, options: DenyAddOptions, nowMs: number): Denial {
  const { sub, jti, serial, certificate, until, for: forMs, reason } = options
  const given = [sub, jti, serial, certificate].filter((value) => value !== undefined)
  if (given.length !== 1) throw usageError('give one of --sub, --jti, --serial and --certificate', USAGE)
  if (until !== undefined && forMs !== undefined) throw usageError('give one of --until and --for', USAGE)
  const shown = certificate === undefined ? undefined : certificateAt(resolve(context.cwd, certificate))
  const [kind, value]: [DenialKind, string] =
    sub !== undefined
      ? ['sub', sub]
      : jti !== undefined
        ? ['jti', jti]
        : ['certificate_serial', serial ?? shown?.serialNumber ?? '']
  // A certificate that nobody could use any more needs no denial.
  const ends = shown === undefined ? undefined : Date.parse(shown.validTo)
  const byItself = kind === 'jti' ? nowMs + TOKEN_LIFE_MS : ends
  const untilMs = until !== undefined ? Date.parse(until) : forMs !== undefined ? nowMs + forMs : byItself
  try {
    return denialOf(kind, value, { untilMs, reason })
  } catch (error) {
    if (error instanceof DenyListError) throw usageError(error.message, USAGE)
    throw error
  }
}

function certificateAt(path: string): X509Certificate {
  try {
    return new X509Certificate(readFileSync(path))
  } catch (error) {
    const { code = 'ERR_' } = error as NodeJS.ErrnoException
    const why = code.startsWith('ERR_') ? 'it holds no certificate in PEM' : code
    throw usageError(`${path} cannot be read: ${why}`, USAGE)
  }
}

function isSame(one: Denial, other: Denial): boolean {
  return one.kind === other.kind && one.value === other.value
}

function jsonOf({ kind, value, untilMs, reason }: Denial): object {
  const until = untilMs === undefined ? null : new Date(untilMs).toISOString()
  return { [kind]: value, until, ...(reason === undefined ? {} : { reason }) }
}

function lineOf({ kind, value, untilMs, reason }: Denial): string {
  const until = untilMs === undefined ? 'until it is removed' : `until ${new Date(untilMs).toISOString()}`
  return `${kind} ${shownClientName(value)}, ${until}${reason === undefined ? '' : `: ${reason}`}`
}
