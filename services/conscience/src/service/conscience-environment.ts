import { join } from 'node:path'
import { isClientIdentifier, isLoopbackHost } from '@jamey/auth'
import { ConfigurationError, type ConfigurationFault } from '@jamey/bus'
import type { JudgeOptions } from '../verdict/judge.js'

type Environment = Readonly<Record<string, string | undefined>>

/** The settings of a conscience from the environment; give them to `createConscience` together with a bus. */
export interface ConscienceEnvironment {
  readonly policyFile: string | undefined
  readonly judge: JudgeOptions | undefined
  readonly receiptKeyFile: string | undefined
  /** Undefined where nothing is to be recorded. */
  readonly auditFolder: string | undefined
  /** Where what it keeps stands. */
  readonly dataFolder: string
  /** `sessions` and its client identifier in the data folder by default. */
  readonly sessionsFolder: string | undefined
  readonly approvals: ApprovalEnvironment
}

export interface ApprovalEnvironment {
  /** `approvals` and its client identifier in the data folder by default. */
  readonly folder: string | undefined
  readonly seconds: number | undefined
  readonly consciences: readonly string[] | undefined
}

/** Variables of earlier versions, and what stands in their place. */
const GONE = [
  ['JAMEY_RULES', 'nothing: rules are a policy now, which JAMEY_POLICY_FILE names'],
  ['JAMEY_UNRECOGNISED', 'nothing: what no rule knows is asked, and a rule of the policy says otherwise'],
] as const

const LONGEST_TIMEOUT_MS = 120_000
const DEFAULT_DATA_FOLDER = join('.jamey', 'data')
/** Less than a minute is no time for a person, and after a week nobody knows what it was about. */
const APPROVAL_SECONDS = { from: 60, to: 604_800 }

/**
 * Reads
 * - `JAMEY_POLICY_FILE`: path of the policy; that of this package by default;
 * - `JAMEY_RECEIPT_KEY_FILE`: the Ed25519 private key that signs receipts; one of its own until it ends by default;
 * - `JAMEY_AUDIT_DIR`: the folder in which verdicts are recorded, or `none`; `audit` in `JAMEY_DATA_DIR` (`.jamey/data`) by
 *   default;
 * - `JAMEY_JUDGE_URL`: base of an OpenAI-compatible API; without it the policy decides alone;
 * - `JAMEY_JUDGE_MODEL`: needed with a URL; `JAMEY_JUDGE_KEY`: its bearer token, optional;
 * - `JAMEY_JUDGE_TIMEOUT_MS`: for one opinion, 5000 by default;
 * - `JAMEY_SESSIONS_DIR`: a folder for what users said and tools answered, of this conscience alone; by default `sessions`
 *   and its client identifier in `JAMEY_DATA_DIR`;
 * - `JAMEY_APPROVALS_DIR`: a folder for what people are asked, of this conscience alone; by default `approvals` and its
 *   client identifier in `JAMEY_DATA_DIR` (`.jamey/data`);
 * - `JAMEY_APPROVAL_SECONDS`: how long people have to answer, 3600 by default;
 * - `JAMEY_CONSCIENCES`: the client identifiers of all consciences that judge for the same clients.
 *
 * Throws `ConfigurationError` with every fault at once. The key is never shown.
 */
export function conscienceOptionsFromEnvironment(env: Environment = process.env): ConscienceEnvironment {
  const faults: ConfigurationFault[] = []
  for (const [variable, expected] of GONE) {
    // A deployer who set it would otherwise be judged by other rules than he thinks.
    if (given(env, variable) !== undefined) faults.push({ variable, found: 'a value', expected })
  }
  const judge = judgeFrom(env, faults)
  const approvals = approvalsFrom(env, faults)
  if (faults.length > 0) throw new ConfigurationError(faults)
  return {
    policyFile: given(env, 'JAMEY_POLICY_FILE'),
    judge,
    receiptKeyFile: given(env, 'JAMEY_RECEIPT_KEY_FILE'),
    auditFolder: auditFolderFrom(env),
    dataFolder: given(env, 'JAMEY_DATA_DIR') ?? DEFAULT_DATA_FOLDER,
    sessionsFolder: given(env, 'JAMEY_SESSIONS_DIR'),
    approvals,
  }
}

function approvalsFrom(env: Environment, faults: ConfigurationFault[]): ApprovalEnvironment {
  const text = given(env, 'JAMEY_APPROVAL_SECONDS')
  const seconds = text === undefined ? undefined : /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  const { from, to } = APPROVAL_SECONDS
  if (seconds !== undefined && !(seconds >= from && seconds <= to)) {
    const expected = `a whole number of seconds from ${from} to ${to}`
    faults.push({ variable: 'JAMEY_APPROVAL_SECONDS', found: quote(text ?? ''), expected })
  }
  const consciences = given(env, 'JAMEY_CONSCIENCES')
    ?.split(',')
    .map((name) => name.trim())
  if (consciences?.every(isClientIdentifier) === false) {
    const expected = 'client identifiers, separated by commas'
    faults.push({ variable: 'JAMEY_CONSCIENCES', found: quote(consciences.join(',')), expected })
  }
  return { folder: given(env, 'JAMEY_APPROVALS_DIR'), seconds, consciences }
}

function auditFolderFrom(env: Environment): string | undefined {
  const folder = given(env, 'JAMEY_AUDIT_DIR')
  if (folder === 'none') return undefined
  return folder ?? join(given(env, 'JAMEY_DATA_DIR') ?? DEFAULT_DATA_FOLDER, 'audit')
}

function judgeFrom(env: Environment, faults: ConfigurationFault[]): JudgeOptions | undefined {
  const [url, model, key] = ['JAMEY_JUDGE_URL', 'JAMEY_JUDGE_MODEL', 'JAMEY_JUDGE_KEY'].map((name) =>
    given(env, name),
  )
  const timeoutMs = timeoutFrom(env, faults)
  if (url === undefined) {
    const stray = ['JAMEY_JUDGE_MODEL', 'JAMEY_JUDGE_KEY'].filter((name) => given(env, name) !== undefined)
    if (stray.length > 0) {
      const expected = `the URL of the judge, since ${stray.join(' and ')} is set`
      faults.push({ variable: 'JAMEY_JUDGE_URL', found: 'nothing', expected })
    }
    return undefined
  }
  checkUrl(url, key !== undefined, faults)
  if (model === undefined) {
    const expected = 'the name of a model, since JAMEY_JUDGE_URL is set'
    faults.push({ variable: 'JAMEY_JUDGE_MODEL', found: 'nothing', expected })
  }
  if (key !== undefined && !/^[!-~]+$/.test(key)) {
    const expected = 'printable ASCII characters without spaces'
    faults.push({ variable: 'JAMEY_JUDGE_KEY', found: `${key.length} characters (not shown)`, expected })
  }
  return { url, model: model ?? '', key, timeoutMs }
}

function timeoutFrom(env: Environment, faults: ConfigurationFault[]): number | undefined {
  const text = given(env, 'JAMEY_JUDGE_TIMEOUT_MS')
  if (text === undefined) return undefined
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= 1 && value <= LONGEST_TIMEOUT_MS) return value
  const expected = `a whole number of milliseconds from 1 to ${LONGEST_TIMEOUT_MS}`
  faults.push({ variable: 'JAMEY_JUDGE_TIMEOUT_MS', found: quote(text), expected })
  return undefined
}

function checkUrl(text: string, hasKey: boolean, faults: ConfigurationFault[]): void {
  const variable = 'JAMEY_JUDGE_URL'
  const expected = 'an http:// or https:// URL, such as https://host/v1'
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    // A text that is no URL may be a key in the wrong variable.
    faults.push({ variable, found: url === undefined ? 'no URL (not shown)' : url.protocol, expected })
  } else if (url.username !== '' || url.password !== '') {
    faults.push({
      variable,
      found: 'a URL with user name or password (not shown)',
      expected: `${expected}; the key goes into JAMEY_JUDGE_KEY`,
    })
  } else if (hasKey && url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    faults.push({
      variable,
      found: `http://${url.host}`,
      expected: 'https://, since JAMEY_JUDGE_KEY must not be sent in the clear',
    })
  }
}

/** An empty variable counts as not set, as shells and container files leave them behind. */
function given(env: Environment, variable: string): string | undefined {
  const text = env[variable]?.trim()
  return text === '' ? undefined : text
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 60))
}
