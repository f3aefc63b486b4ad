import type { Verdict } from '@jamey/contracts'
import { useRef, useState } from 'preact/hooks'
import { formatCount } from '../format/numbers.js'
import { Choice, Form } from '../parts/form.js'
import { JsonView } from '../parts/json.js'
import { Empty, NeedsPermission } from '../parts/notice.js'
import { useShortcuts } from '../parts/shortcut-keys.js'
import { Text } from '../parts/text.js'
import { hrefOf } from '../state/address.js'
import { MAXIMUM_VERDICTS, missed, type Received, verdicts } from '../state/live.js'
import { VERDICTS } from '../state/permissions.js'
import { rights } from '../state/session.js'
import { EarlierVerdicts, shortDigest, subjectOf, VerdictLine } from './verdict-list.js'

const DECISIONS = ['all', 'deny', 'ask', 'allow'] as const
/** More rows than these nobody reads, and each costs a little. */
const SHOWN = 100

/** Verdicts as they are given, each with its rules, facts and digests. */
export function Verdicts() {
  const [decision, setDecision] = useState<(typeof DECISIONS)[number]>('all')
  const [search, setSearch] = useState('')
  const [held, setHeld] = useState<readonly Received<Verdict>[] | undefined>(undefined)
  const input = useRef<HTMLInputElement>(null)
  const toggle = (): void => setHeld(held === undefined ? verdicts.value : undefined)
  useShortcuts([
    { key: '/', does: 'search in what is shown', run: () => input.current?.focus() },
    { key: 'p', does: 'hold the list still, or let it go on', run: toggle },
  ])
  if (!rights.value.maySubscribe(VERDICTS)) {
    return (
      <>
        <h1>Verdicts</h1>
        <NeedsPermission permission={`subscribe:${VERDICTS}`} what="Following verdicts" />
      </>
    )
  }
  const all = held ?? verdicts.value
  const fitting = all.filter(
    ({ data }) => (decision === 'all' || data.decision === decision) && fits(data, search),
  )
  return (
    <>
      <h1>Verdicts</h1>
      <Form class="bar">
        <Choice label="Decision" options={DECISIONS} value={decision} onChoose={setDecision} />
        <input
          ref={input}
          type="search"
          aria-label="Search in tool, client, rule, reason or digest"
          placeholder="tool, client, rule, reason or digest"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <button type="button" aria-pressed={held !== undefined} onClick={toggle}>
          {held === undefined ? 'Hold' : 'Go on'}
        </button>
      </Form>
      <p class="muted small" role="status">
        {formatCount(fitting.length)} of {formatCount(all.length)} since this page was opened
        {all.length === MAXIMUM_VERDICTS && `, which keeps ${MAXIMUM_VERDICTS}`}
        {held !== undefined && verdicts.value.length > 0 && `; ${newer(held)} newer`}; <EarlierVerdicts />
        {missed.value > 0 && `; ${formatCount(missed.value)} events were left out, for the page was too slow`}
        .
      </p>
      {fitting.length === 0 && <Empty>None yet. They appear here as they are given.</Empty>}
      <ul class="feed">
        {fitting.slice(0, SHOWN).map((one) => (
          <li key={one.id}>
            <details>
              <summary>
                <VerdictLine verdict={one} />
              </summary>
              <VerdictDetail verdict={one.data} />
            </details>
          </li>
        ))}
      </ul>
      {fitting.length > SHOWN && <p class="muted small">The newest {SHOWN} are shown.</p>}
    </>
  )
}

function newer(held: readonly Received<Verdict>[]): number {
  const last = Number(held[0]?.id ?? 0)
  return verdicts.value.filter(({ id }) => Number(id) > last).length
}

function fits(verdict: Verdict, search: string): boolean {
  if (search === '') return true
  const { requested_by, rules, reasons, request_digest } = verdict
  const texts = [
    subjectOf(verdict),
    requested_by,
    request_digest,
    ...reasons,
    ...rules.map(({ name }) => name),
  ]
  if (verdict.kind === 'call') texts.push(verdict.call_digest)
  return texts.some((text) => text.toLowerCase().includes(search.toLowerCase()))
}

function VerdictDetail({ verdict }: { verdict: Verdict }) {
  return (
    <div class="detail">
      <dl class="facts">
        <dt>Rules</dt>
        <dd>
          {verdict.rules.length === 0 && <span class="muted">none applied</span>}
          <ul class="plain">
            {verdict.rules.map((rule) => (
              <li key={rule.name}>
                <b class={`decision ${rule.decision}`}>{rule.decision}</b> <code>{rule.name}</code>{' '}
                <Text>{rule.reason}</Text>
              </li>
            ))}
          </ul>
        </dd>
        {verdict.kind === 'call' && verdict.arguments !== undefined && (
          <>
            <dt>Only with</dt>
            <dd>
              <JsonView value={verdict.arguments} label="Arguments" />
            </dd>
          </>
        )}
        {verdict.facts.length > 0 && (
          <>
            <dt>Facts</dt>
            <dd>
              {verdict.facts.map((fact) => (
                <div key={fact.name}>
                  <code>
                    <Text>{`${fact.name} = ${JSON.stringify(fact.value)}`}</Text>
                  </code>
                  , {fact.status} by <Text>{fact.given_by}</Text>
                </div>
              ))}
            </dd>
          </>
        )}
        {verdict.judge.status !== 'not_configured' && (
          <>
            <dt>Judge</dt>
            <dd>
              {verdict.judge.status.replace('_', ' ')}
              {verdict.judge.opinion !== undefined && (
                <>
                  : <Text>{verdict.judge.opinion}</Text>
                </>
              )}
            </dd>
          </>
        )}
        {verdict.approval !== undefined && (
          <>
            <dt>Approval</dt>
            <dd>
              <a href={hrefOf('approvals', verdict.approval.id)}>{verdict.approval.id}</a>
            </dd>
          </>
        )}
        <dt>Request</dt>
        <dd>
          <code class="breaks" title={shortDigest(verdict.request_digest)}>
            {verdict.request_digest}
          </code>
        </dd>
        {verdict.kind === 'call' && (
          <>
            <dt>Call</dt>
            <dd>
              <code class="breaks">{verdict.call_digest}</code>
              {verdict.session_id !== undefined && (
                <span class="muted">
                  , session <Text>{verdict.session_id}</Text>
                </span>
              )}
            </dd>
          </>
        )}
        <dt>Evaluation</dt>
        <dd>
          <code class="breaks">{verdict.evaluation_id}</code>{' '}
          <span class="muted">policy {verdict.policy_version}</span>
        </dd>
      </dl>
    </div>
  )
}
