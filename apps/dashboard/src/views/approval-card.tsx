import type { Approval, ApprovalScope } from '@jamey/contracts'
import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { approvals as endpoint } from '../api/endpoints.js'
import { useAct } from '../parts/async.js'
import { JsonView } from '../parts/json.js'
import { NeedsPermission, ProblemNote } from '../parts/notice.js'
import { Text } from '../parts/text.js'
import { Age, Countdown, Time } from '../parts/time.js'
import { now } from '../state/now.js'
import { APPROVALS_ANSWER } from '../state/permissions.js'
import { isLocal, rights, sessionState } from '../state/session.js'

/** The client identifier of the conscience that keeps an approval stands behind the UUID and a dot. */
export const keeperOf = (approvalId: string): string => approvalId.slice(37)

interface CardProps {
  readonly approval: Approval
  onAnswered(text: string): void
}

/** One call that somebody wants to make: all that decides, and the answer. */
export function ApprovalCard({ approval, onAnswered }: CardProps) {
  const head = useId()
  const { tool, expires_at, approval_id } = approval
  return (
    <article class="approval" aria-labelledby={head} tabIndex={-1} data-approval={approval_id}>
      <header>
        <h2 id={head}>
          <code>
            <Text>{tool}</Text>
          </code>
        </h2>
        {expires_at !== undefined && (
          <span class="expiry">
            {' '}
            <Countdown until={expires_at} />{' '}
          </span>
        )}
      </header>
      <p class="asker">
        <b>
          <Text>{approval.requested_by}</Text>
        </b>{' '}
        asked <Age at={approval.created_at} />
        <span class="muted">
          , at <Time at={approval.created_at} />
          {approval.session_id !== undefined && (
            <>
              , session <Text>{approval.session_id}</Text>
            </>
          )}
          {approval.sent_by !== undefined && (
            <>
              , passed on by <Text>{approval.sent_by}</Text>
            </>
          )}
        </span>
      </p>
      <Reasons approval={approval} />
      <Arguments approval={approval} />
      <p class="digest muted small">
        <code class="breaks">{approval.call_digest}</code>, policy {approval.policy_version}
      </p>
      <Quorum approval={approval} />
      <Answer approval={approval} onAnswered={onAnswered} />
    </article>
  )
}

function Reasons({ approval: { reasons, rules, intent, cwd } }: { approval: Approval }) {
  return (
    <dl class="facts">
      <dt>Asked since</dt>
      <dd>
        {reasons.map((reason) => (
          <div key={reason}>
            <Text>{reason}</Text>
          </div>
        ))}
        <span class="muted small">
          {rules.length === 1 ? 'rule' : 'rules'} <Text>{rules.join(', ')}</Text>
        </span>
      </dd>
      {cwd !== undefined && (
        <>
          <dt>In folder</dt>
          <dd>
            <Text>{cwd}</Text>
          </dd>
        </>
      )}
      {intent !== undefined && (
        <>
          <dt>It says</dt>
          <dd>
            <q>
              <Text>{intent}</Text>
            </q>
          </dd>
        </>
      )}
    </dl>
  )
}

function Arguments({ approval }: { approval: Approval }) {
  const { arguments: given, changed_arguments: changed, tool } = approval
  return (
    <div class={changed === undefined ? 'arguments' : 'arguments both'}>
      <section aria-label={`Arguments of ${tool}`}>
        <h3>{changed === undefined ? 'Arguments' : 'Arguments as asked'}</h3>
        <JsonView value={given} label="Arguments" />
      </section>
      {changed !== undefined && (
        <section aria-label={`Changed arguments of ${tool}`}>
          <h3>A rule changes them: it would be called with</h3>
          <JsonView value={changed} label="Changed arguments" />
        </section>
      )}
    </div>
  )
}

function Quorum({ approval: { approvers, answers } }: { approval: Approval }) {
  if (approvers === 1 && answers.length === 0) return null
  return (
    <p class="small">
      {approvers === 1 ? 'One person decides.' : `${approvers} different people have to approve.`}{' '}
      {answers.map((answer) => (
        <span key={answer.answered_by}>
          <Text>{answer.answered_by}</Text> said {answer.decision}
          {answer.scope !== undefined && ` (${answer.scope})`}
          {answer.note !== undefined && (
            <>
              : <Text>{answer.note}</Text>
            </>
          )}
          .{' '}
        </span>
      ))}
    </p>
  )
}

function Answer({ approval, onAnswered }: CardProps) {
  const [choice, setChoice] = useState<'approve' | 'deny' | undefined>(undefined)
  const buttons = useRef<HTMLDivElement>(null)
  const permission = `${APPROVALS_ANSWER}/${keeperOf(approval.approval_id)}`
  const state = sessionState.value
  if (state.kind !== 'signed-in') return null
  if (!rights.value.mayPublish(permission)) {
    return <NeedsPermission permission={`publish:${permission}`} what="Answering" />
  }
  if (isLocal.value) return null
  if (approval.expires_at !== undefined && Date.parse(approval.expires_at) <= now.value) {
    return <p class="notice">It has expired, and can no longer be answered.</p>
  }
  if (approval.requested_by === state.session.name) {
    return <p class="notice">You asked for this yourself, so somebody else has to answer.</p>
  }
  if (approval.answers.some(({ answered_by }) => answered_by === state.session.name)) {
    return <p class="notice">You have answered; another person has to answer, too.</p>
  }
  if (choice === undefined) {
    return (
      <div class="acts" ref={buttons}>
        <button type="button" class="primary" data-act="approve" onClick={() => setChoice('approve')}>
          Approve…
        </button>
        <button type="button" data-act="deny" onClick={() => setChoice('deny')}>
          Deny…
        </button>
      </div>
    )
  }
  const back = (): void => {
    const card = document.activeElement?.closest<HTMLElement>('article')
    setChoice(undefined)
    card?.focus()
  }
  return choice === 'approve' ? (
    <ApproveForm approval={approval} onAnswered={onAnswered} onCancel={back} />
  ) : (
    <DenyForm approval={approval} onAnswered={onAnswered} onCancel={back} />
  )
}

const SCOPES: Readonly<Record<ApprovalScope, (approval: Approval) => string>> = {
  once: () => 'this call, one time',
  session: ({ session_id }) =>
    session_id === undefined
      ? 'not to be had: the call names no session'
      : 'as often as it asks in this session',
  always: ({ requested_by }) => `in every session of ${requested_by}, until it is taken back`,
}

interface FormProps extends CardProps {
  onCancel(): void
}

function ApproveForm({ approval, onAnswered, onCancel }: FormProps) {
  const [scope, setScope] = useState<ApprovalScope>('once')
  const { tool, approval_id } = approval
  const verb = { once: 'Approve once', session: 'Approve for the session', always: 'Approve always' }[scope]
  const group = useId()
  return (
    <AnswerForm
      label={`Approve ${tool}`}
      verb={verb}
      isGrave={scope === 'always'}
      onCancel={onCancel}
      answer={async (note) => {
        await endpoint.answer(approval_id, { decision: 'approve', scope, ...note })
        onAnswered(`Approved (${scope}): ${tool}.`)
      }}
    >
      <fieldset class="scopes">
        <legend class="unseen">For how long</legend>
        {(Object.keys(SCOPES) as ApprovalScope[]).map((name) => (
          <label key={name}>
            <input
              type="radio"
              name={group}
              checked={scope === name}
              disabled={name === 'session' && approval.session_id === undefined}
              onChange={() => setScope(name)}
            />
            <b>{name}</b> <span class="muted">{SCOPES[name](approval)}</span>
          </label>
        ))}
      </fieldset>
    </AnswerForm>
  )
}

function DenyForm({ approval, onAnswered, onCancel }: FormProps) {
  const { tool, approval_id } = approval
  return (
    <AnswerForm
      label={`Deny ${tool}`}
      verb="Deny"
      isGrave={true}
      onCancel={onCancel}
      answer={async (note) => {
        await endpoint.answer(approval_id, { decision: 'deny', ...note })
        onAnswered(`Denied: ${tool}.`)
      }}
    >
      <p>The same call is denied until this approval would have expired.</p>
    </AnswerForm>
  )
}

interface AnswerFormProps {
  readonly label: string
  readonly verb: string
  readonly isGrave: boolean
  readonly children: ComponentChildren
  answer(note: { note?: string }): Promise<void>
  onCancel(): void
}

const MAXIMUM_NOTE = 1_000

/** The second step of an answer, in its place: nothing is sent before it, and Escape leads back. */
function AnswerForm({ label, verb, isGrave, children, answer, onCancel }: AnswerFormProps) {
  const [note, setNote] = useState('')
  const { isBusy, error, run } = useAct()
  const form = useRef<HTMLFormElement>(null)
  useLayoutEffect(() => {
    form.current?.querySelector<HTMLElement>('input:checked, input[type=text]')?.focus()
  }, [])
  return (
    <form
      ref={form}
      class="answer"
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault()
        run(() => answer(note === '' ? {} : { note }))
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onCancel()
      }}
    >
      {children}
      <label class="field">
        <span>
          Note <span class="muted">(whoever asked reads it)</span>
        </span>
        <input
          type="text"
          maxLength={MAXIMUM_NOTE}
          value={note}
          onInput={(event) => setNote(event.currentTarget.value)}
        />
      </label>
      <div class="acts">
        <button type="submit" class={isGrave ? 'danger' : 'primary'} disabled={isBusy}>
          {isBusy ? 'Sending…' : verb}
        </button>
        <button type="button" class="quiet" onClick={onCancel}>
          Cancel
        </button>
      </div>
      {error !== undefined && <ProblemNote error={error} />}
    </form>
  )
}
