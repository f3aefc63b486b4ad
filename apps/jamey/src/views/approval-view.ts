import type { Approval, ApprovalStatus } from '@jamey/contracts'
import { formatAge } from '../support/quantities.js'
import { type Colors, printable, wrap } from '../terminal/terminal.js'
import type { View } from '../terminal/view.js'

const SHOWN_ARGUMENTS = 160

/** The beginning of an id that a list has of it: enough to name it by. */
export function shortId({ approval_id }: Approval): string {
  return approval_id.slice(0, 8)
}

/** One block for each: what it is, who wants it, and why a person is asked. */
export function formatApprovals(approvals: readonly Approval[], view: View): string {
  if (approvals.length === 0) return 'nothing waits for an answer'
  return approvals.map((approval) => shortBlock(approval, view)).join('\n\n')
}

/** All that one says; nothing of the call is left out, for it is what is answered. */
export function formatApproval(approval: Approval, view: View): string {
  const { columns, colors } = view
  const rows: [string, string][] = [
    ['wanted by', requesterOf(approval)],
    ...(approval.intent === undefined ? [] : [['it says', approval.intent] as [string, string]]),
    ...(approval.cwd === undefined ? [] : [['in folder', approval.cwd] as [string, string]]),
    ...approval.reasons.map((reason): [string, string] => ['asked since', reason]),
    ...(approval.approvers === 2 ? [['people', 'two have to approve'] as [string, string]] : []),
    ...approval.answers.map((answer): [string, string] => ['answer', answerOf(answer, view.now)]),
    ...(approval.revoked_by === undefined ? [] : [['revoked by', revokerOf(approval)] as [string, string]]),
    ['until', untilOf(approval, view.now)],
  ]
  return [
    headline(approval, approval.approval_id, colors),
    ...argumentLines(approval, columns),
    ...rows.map(([name, text]) =>
      wrap(text, columns, ' '.repeat(14)).replace(/^ {14}/, `  ${name.padEnd(12)}`),
    ),
  ].join('\n')
}

function revokerOf({ revoked_by = '', revoked_because: because }: Approval): string {
  return because === undefined ? revoked_by : `${revoked_by}: ${because}`
}

function shortBlock(approval: Approval, { colors, columns, now }: View): string {
  const text = JSON.stringify(approval.arguments)
  const shown = text.length > SHOWN_ARGUMENTS ? `${text.slice(0, SHOWN_ARGUMENTS)}...` : text
  const facts = `${requesterOf(approval)}, ${stateOf(approval, now)}`
  return [
    headline(approval, shortId(approval), colors),
    wrap(shown, columns, '  '),
    ...approval.reasons.map((reason) => wrap(reason, columns, '  ')),
    colors.dim(wrap(facts, columns, '  ')),
  ].join('\n')
}

function headline({ status, tool, scope }: Approval, id: string, colors: Colors): string {
  const what = status === 'approved' ? `approved (${scope})` : status
  return `${colors.bold(printable(id))}  ${colored(status, colors, what)}  ${printable(tool)}`
}

function colored(status: ApprovalStatus, colors: Colors, text: string): string {
  if (status === 'approved' || status === 'used') return colors.green(text)
  return status === 'pending' ? colors.yellow(text) : colors.red(text)
}

function argumentLines({ arguments: args, changed_arguments: changed }: Approval, columns: number): string[] {
  const lines = (value: object): string => wrap(JSON.stringify(value, null, 2), columns, '  ')
  return changed === undefined ? [lines(args)] : [lines(args), '  would be made with', lines(changed)]
}

function requesterOf({ requested_by, sent_by, session_id }: Approval): string {
  const through = sent_by === undefined ? '' : ` through ${sent_by}`
  return `${requested_by}${through}${session_id === undefined ? '' : `, session ${session_id}`}`
}

/** When one that waits ends, and who answered the others. */
function stateOf(approval: Approval, now: Date): string {
  const { status, expires_at: expiry, answers } = approval
  const ends =
    expiry === undefined
      ? []
      : [`${Date.parse(expiry) < now.getTime() ? 'expired' : 'expires'} ${formatAge(expiry, now)}`]
  const told = answers.map((answer) => answerOf(answer, now))
  if (status === 'revoked') return [...told, `revoked by ${revokerOf(approval)}`].join(', ')
  return [...told, ...(status === 'pending' || status === 'approved' || told.length === 0 ? ends : [])].join(
    ', ',
  )
}

function answerOf(
  { answered_by, answered_at, decision, scope, note }: Approval['answers'][number],
  now: Date,
): string {
  const what = decision === 'deny' ? 'denied' : `approved (${scope})`
  return `${answered_by} ${what} ${formatAge(answered_at, now)}${note === undefined ? '' : `: ${note}`}`
}

function untilOf({ expires_at }: Approval, now: Date): string {
  return expires_at === undefined
    ? 'it is revoked'
    : `${expires_at.slice(0, 19)}Z (${formatAge(expires_at, now)})`
}
