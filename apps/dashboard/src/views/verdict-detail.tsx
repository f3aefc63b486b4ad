import type { Verdict } from '@jamey/contracts'
import { JsonView } from '../parts/json.js'
import { Text } from '../parts/text.js'
import { hrefOf } from '../state/address.js'
import { shortDigest, type Told, VerdictLine } from './verdict-list.js'

/** Verdicts, each of which opens to its rules, facts and digests. */
export function VerdictFeed({ verdicts }: { verdicts: readonly (Told & { readonly id: string })[] }) {
  return (
    <ul class="feed">
      {verdicts.map((one) => (
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
  )
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
