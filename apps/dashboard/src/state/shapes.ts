import type { ErrorEvent, Status, Verdict } from '@jamey/contracts'

/**
 * What a message has to be to be shown: whoever may publish it writes what it likes, and one that is not as its contract
 * says must keep no view from all the others.
 */

type Members = Readonly<Record<string, unknown>>
type Check = (value: unknown) => boolean

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText: Check = (value) => typeof value === 'string'
const isTextIfAny: Check = (value) => value === undefined || isText(value)
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const has =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isMembers(value) && Object.entries(checks).every(([name, check]) => check(value[name]))

const isFaults = isListOf(has({ message: isText }))
const isStatusShape = has({
  state: isText,
  since: isTextIfAny,
  reason: isTextIfAny,
  faults: (value) => value === undefined || isFaults(value),
})

const isErrorShape = has({ component: isText, kind: isText, message: isText, topic: isTextIfAny })

const isApproval = has({ id: isText })
const verdictFields = has({
  decision: isText,
  reasons: isListOf(isText),
  rules: isListOf(has({ name: isText, decision: isText, reason: isText })),
  facts: isListOf(has({ name: isText, status: isText, given_by: isText })),
  judge: has({ status: isText, opinion: isTextIfAny }),
  approval: (value) => value === undefined || isApproval(value),
  policy_version: isText,
  request_digest: isText,
  requested_by: isText,
  evaluation_id: isText,
})
const isCall = has({ tool: isText, call_digest: isText, session_id: isTextIfAny })

export function isStatus(value: unknown): value is Status {
  return isStatusShape(value)
}

export function isErrorEvent(value: unknown): value is ErrorEvent {
  return isErrorShape(value)
}

export function isVerdict(value: unknown): value is Verdict {
  if (!verdictFields(value)) return false
  return (value as Members)['kind'] === 'call' ? isCall(value) : isText((value as Members)['action'])
}
