import {
  type Approval,
  addressOf,
  approvalSchema,
  errorEventSchema,
  statusSchema,
  topics,
  type Verdict,
  verdictSchema,
} from '@jamey/contracts'
import { type Colors, printable } from '../terminal/terminal.js'
import type { View } from '../terminal/view.js'
import { shortId } from './approval-view.js'
import { type ArrivedMessage, parseJson, textOf } from './message-view.js'

/** A message with the client that the server, or its topic, says it is from. */
export interface SentMessage extends ArrivedMessage {
  readonly sender?: string | undefined
  /** The client for whom the sender published it and may act, or else the sender. */
  readonly principal?: string | undefined
}

type Color = (text: string) => string

/** The parts of a line: what kind of event it is, whose, a word that has a colour, and what it says. */
interface Told {
  readonly kind: string
  readonly who: string
  readonly word?: { readonly text: string; readonly color: Color }
  readonly what: string
}

const KIND_WIDTH = 9
const WHO_WIDTH = 18
/** Columns for what is said, however narrow the terminal. */
const SHORTEST = 20

/** One line: when it came, what it is, whose, and what it says, as far as there is room. */
export function formatEvent(message: SentMessage, { colors, columns, now }: View): string {
  const data = dataOf(message)
  const { kind, who, word, what } =
    verdictIn(message, data, colors) ??
    approvalIn(message, data, colors) ??
    statusIn(message, data, colors) ??
    errorIn(message, data, colors) ??
    plain(message)
  const head = [
    now.toTimeString().slice(0, 8),
    colors.cyan(kind.padEnd(KIND_WIDTH)),
    oneLine(who).padEnd(WHO_WIDTH),
  ]
  const marked = word && oneLine(word.text)
  if (marked !== undefined) head.push(word?.color(marked) ?? marked)
  const taken = 8 + KIND_WIDTH + Math.max(oneLine(who).length, WHO_WIDTH) + (marked?.length ?? 0) + 8
  const before = message.retain ? '(before)  ' : ''
  const room = Math.max(columns - taken - before.length, SHORTEST)
  return `${head.join('  ')}  ${colors.dim(before)}${cut(oneLine(what), room)}`
}

function verdictIn({ topic }: SentMessage, data: unknown, colors: Colors): Told | undefined {
  if (addressOf(topics.conscience.results, topic) === undefined) return undefined
  const verdict = verdictSchema.safeParse(data).data
  if (verdict === undefined) return undefined
  const { decision, reasons, requested_by: who } = verdict
  const why = decision === 'allow' || reasons[0] === undefined ? '' : `: ${reasons[0]}`
  const color = { allow: colors.green, ask: colors.yellow, deny: colors.red }[decision]
  return { kind: 'verdict', who, word: { text: decision, color }, what: `${subjectOf(verdict)}${why}` }
}

function subjectOf(verdict: Verdict): string {
  return verdict.kind === 'call' ? verdict.tool : JSON.stringify(verdict.action)
}

function approvalIn({ topic }: SentMessage, data: unknown, colors: Colors): Told | undefined {
  if (addressOf(topics.conscience.approvals.state, topic) === undefined) return undefined
  const approval = approvalSchema.safeParse(data).data
  if (approval === undefined) return undefined
  const { tool, requested_by: who, status, answers } = approval
  const by = answers.at(-1)?.answered_by
  const text = by === undefined ? status : `${status} by ${by}`
  const what = `${tool} ${JSON.stringify(approval.arguments)} (${shortId(approval)})`
  return { kind: 'approval', who, word: { text, color: colorOf(approval, colors) }, what }
}

function colorOf({ status }: Approval, colors: Colors): Color {
  if (status === 'pending') return colors.yellow
  return status === 'approved' || status === 'used' ? colors.green : colors.red
}

function statusIn({ topic }: SentMessage, data: unknown, colors: Colors): Told | undefined {
  const who = addressOf(topics.events.status, topic)?.sender
  const status = statusSchema.safeParse(data).data
  if (who === undefined || status === undefined) return undefined
  const { state, component, version, reason, faults = [] } = status
  const why = [reason, ...faults.map(({ message }) => message)].filter((each) => each !== undefined)
  const isWell = state === 'online' && faults.length === 0
  return {
    kind: 'status',
    who,
    word: { text: state, color: isWell ? colors.green : colors.red },
    what: `${component} ${version}${why.length === 0 ? '' : `: ${why.join('; ')}`}`,
  }
}

function errorIn(message: SentMessage, data: unknown, colors: Colors): Told | undefined {
  if (addressOf(topics.events.errors, message.topic) === undefined) return undefined
  const error = errorEventSchema.safeParse(data).data
  if (error === undefined) return undefined
  const word = { text: error.kind, color: colors.red }
  return { kind: 'error', who: whoSent(message), word, what: error.message }
}

/** Any other message: its topic, and its action and data, or what else it holds. */
function plain(message: SentMessage): Told {
  const { topic, payload } = message
  const text = textOf(payload)
  const action = member(member(parseJson(text ?? ''), 'payload'), 'action')
  const shown = typeof action === 'string' ? `${action} ${JSON.stringify(dataOf(message) ?? {})}` : text
  const what = shown ?? `${payload.length} bytes that are no text`
  return { kind: 'message', who: whoSent(message), what: `${topic} ${what}` }
}

/** The sender, and for whom it speaks, where it may. */
function whoSent({ sender, principal, payload }: SentMessage): string {
  const metadata = member(parseJson(textOf(payload) ?? ''), 'metadata')
  const claimed = member(metadata, 'client_id')
  const known = sender ?? (typeof claimed === 'string' ? `${claimed}?` : '?')
  return principal === undefined || principal === sender ? known : `${principal} by ${known}`
}

function dataOf({ payload }: SentMessage): unknown {
  const content = member(parseJson(textOf(payload) ?? ''), 'payload')
  return member(content, 'data') ?? member(content, 'error')
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

/** Nothing a sender wrote begins another line, or moves the cursor. */
function oneLine(text: string): string {
  return printable(text.replaceAll(/\s+/g, ' '))
}

function cut(text: string, columns: number): string {
  return text.length > columns ? `${text.slice(0, columns - 1)}…` : text
}
