import type { Approval, BrokerStatus, ErrorEvent, FindingList, OutboxList, Status } from '@jamey/contracts'
import { counted, formatCount } from '../format/numbers.js'
import { fileName, reasonInWords } from '../format/words.js'
import { hrefOf } from './address.js'
import type { Growth } from './history.js'

/** One thing that somebody should look at. */
export interface Concern {
  readonly key: string
  readonly tone: 'bad' | 'warn'
  /** What kind of thing it is, in a word. */
  readonly subject: string
  readonly text: string
  /** A moment that the text is about, and whether it lies ahead. */
  readonly until?: string | undefined
  readonly href: string
  readonly act: string
}

export interface Circumstances {
  /** The one that expires first on top; of very many the first alone. */
  readonly waiting: readonly Approval[]
  readonly waitingCount: number
  readonly findings: FindingList['findings']
  readonly drops: readonly Growth[]
  readonly components: ReadonlyMap<string, Status>
  readonly status: BrokerStatus | undefined
  readonly outbox: OutboxList['components']
  /** What components told of, the newest first; `at` is ISO 8601. */
  readonly failures: readonly { readonly at: string; readonly data: ErrorEvent }[]
  /** Milliseconds of the time of day. */
  readonly now: number
}

const DAY_MS = 86_400_000
/** A certificate is told about this long before its end. */
export const CERTIFICATE_DAYS = 14
/** A failure that may pass is told about for so long; one that does not pass as long as the page is open. */
export const FAILURE_MS = 5 * 60_000
/** A limit is told about from this share on. */
export const FULL_SHARE = 0.8

/** What needs somebody, the gravest first; nothing where all is well. */
export function concernsOf(found: Circumstances): Concern[] {
  const concerns = [
    ...storeConcerns(found),
    ...approvalConcerns(found),
    ...componentConcerns(found),
    ...findingConcerns(found),
    ...failureConcerns(found),
    ...dropConcerns(found),
    ...outboxConcerns(found),
    ...certificateConcerns(found),
    ...limitConcerns(found),
  ]
  const rank = ({ tone }: Concern): number => (tone === 'bad' ? 0 : 1)
  return concerns.sort((a, b) => rank(a) - rank(b))
}

function storeConcerns({ status }: Circumstances): Concern[] {
  const seconds = status?.store_failing_seconds ?? 0
  if (seconds === 0) return []
  const text = `the broker cannot write since ${counted(Math.ceil(seconds), 'second')}, and acknowledges nothing`
  return [{ key: 'store', tone: 'bad', subject: 'Store', text, href: hrefOf('findings'), act: 'Look' }]
}

function approvalConcerns({ waiting, waitingCount }: Circumstances): Concern[] {
  const [first] = waiting
  if (first === undefined) return []
  const who = new Set(waiting.map(({ requested_by }) => requested_by))
  const clients = waitingCount > waiting.length ? '' : ` of ${counted(who.size, 'client')}`
  const text =
    waitingCount === 1
      ? `${first.requested_by} waits for an answer about ${first.tool}, which expires`
      : `${counted(waitingCount, 'call')}${clients} wait for an answer; ${first.tool} expires first`
  const href = hrefOf('approvals')
  return [
    {
      key: 'approvals',
      tone: 'bad',
      subject: 'Approvals',
      text,
      until: first.expires_at,
      href,
      act: 'Answer',
    },
  ]
}

function componentConcerns({ components }: Circumstances): Concern[] {
  return [...components].flatMap(([clientId, { state, reason, faults = [], since }]) => {
    const href = hrefOf('clients', clientId)
    const one = { key: `component ${clientId}`, subject: 'Component', href, act: 'Look' } as const
    if (state === 'offline') {
      const why = reason === undefined ? '' : `: ${reason}`
      return [{ ...one, tone: 'bad' as const, text: `${clientId} is offline${why}`, until: since }]
    }
    if (faults.length === 0) return []
    const text = `${clientId} cannot do all of its work: ${faults.map(({ message }) => message).join('; ')}`
    return [{ ...one, tone: 'bad' as const, text }]
  })
}

function findingConcerns({ findings }: Circumstances): Concern[] {
  return findings
    .filter(({ severity }) => toneOfSeverity(severity) !== undefined)
    .slice(0, 5)
    .map(({ check, severity, summary }) => ({
      key: `finding ${check} ${summary}`,
      tone: toneOfSeverity(severity) ?? 'warn',
      subject: 'Finding',
      text: `${check}: ${summary}`,
      href: hrefOf('findings'),
      act: 'Mend',
    }))
}

/** One for each kind of a component, by its newest. */
function failureConcerns({ failures, now }: Circumstances): Concern[] {
  const newest = new Map<string, Concern>()
  for (const { at, data } of failures) {
    const { component, kind, message, retryable } = data
    const key = `failure ${component} ${kind}`
    if (newest.has(key) || (retryable && now - Date.parse(at) > FAILURE_MS)) continue
    const tone = retryable ? 'warn' : 'bad'
    const text = `${component}: ${message}`
    newest.set(key, { key, tone, subject: 'Failure', text, until: at, href: hrefOf('findings'), act: 'Look' })
  }
  return [...newest.values()].slice(0, 5)
}

/** The tone of a severity of the doctor's; undefined where nothing is wrong. */
export function toneOfSeverity(
  severity: FindingList['findings'][number]['severity'],
): 'bad' | 'warn' | undefined {
  if (severity === 'failed') return 'bad'
  return severity === 'warning' ? 'warn' : undefined
}

function dropConcerns({ drops }: Circumstances): Concern[] {
  if (drops.length === 0) return []
  const count = drops.reduce((sum, one) => sum + one.count, 0)
  const reasons = drops.map((one) => `${formatCount(one.count)} (${reasonInWords(one.reason)})`).join(', ')
  const text = `${counted(count, 'message')} dropped since this page was opened: ${reasons}`
  return [{ key: 'drops', tone: 'warn', subject: 'Drops', text, href: hrefOf('limits'), act: 'Look' }]
}

function outboxConcerns({ outbox }: Circumstances): Concern[] {
  return outbox
    .filter(({ dead }) => dead > 0)
    .map(({ client_id, dead }) => ({
      key: `dead ${client_id}`,
      tone: 'warn',
      subject: 'Dead letters',
      text: `the broker does not take ${counted(dead, 'message')} of ${client_id}`,
      href: hrefOf('outbox'),
      act: 'Look',
    }))
}

function certificateConcerns({ status, now }: Circumstances): Concern[] {
  return (status?.certificates ?? [])
    .filter(({ not_after }) => Date.parse(not_after) - now < CERTIFICATE_DAYS * DAY_MS)
    .map(({ name, not_after }) => {
      const isOver = Date.parse(not_after) <= now
      return {
        key: `certificate ${name}`,
        tone: isOver ? 'bad' : 'warn',
        subject: 'Certificate',
        text: `${fileName(name)} ${isOver ? 'has ended' : 'ends soon'}`,
        until: not_after,
        href: hrefOf('credentials'),
        act: 'Look',
      }
    })
}

function limitConcerns({ status }: Circumstances): Concern[] {
  return Object.entries(status?.limits ?? {}).flatMap(([name, { value, in_use }]) => {
    if (in_use === undefined || value <= 0 || in_use / value < FULL_SHARE) return []
    const share = Math.floor((in_use / value) * 100)
    const text = `${name} is ${share} % used: ${in_use} of ${value}`
    return [
      { key: `limit ${name}`, tone: 'warn', subject: 'Limit', text, href: hrefOf('limits'), act: 'Look' },
    ]
  })
}
